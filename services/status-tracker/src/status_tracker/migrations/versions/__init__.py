"""Migrations of the schema `tracker`, run by `python -m status_tracker migrate`."""
