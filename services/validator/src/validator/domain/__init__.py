"""Judging, as calculation: frames in, findings out. No clock, no files, no wire."""
