"""Sluice beside its peers: `make bench`."""
