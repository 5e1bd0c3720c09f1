"""The engine: a file in, a verdict, canonical Parquet and a report out. No network, no clock, no settings."""
