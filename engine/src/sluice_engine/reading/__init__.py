"""Bytes in, batches of cells out, each with its place."""
