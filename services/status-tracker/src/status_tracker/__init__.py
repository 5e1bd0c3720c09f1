"""Tells: what became of every file, folded from all events. It decides nothing."""
