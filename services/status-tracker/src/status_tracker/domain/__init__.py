"""Calculation: from events to what a task looks like. No clock, no I/O."""
