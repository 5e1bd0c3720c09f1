"""Typed columns in, findings out."""
