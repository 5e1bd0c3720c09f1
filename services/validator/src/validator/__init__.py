"""Judges: holds each file against its contract, and writes canonical Parquet or a report."""
