"""Uploads beside their peers: what taking a file in costs, and how long a sender waits."""
