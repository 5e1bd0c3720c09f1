"""Cells in, typed columns out; what is no such value is marked."""
