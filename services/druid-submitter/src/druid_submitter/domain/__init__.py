"""Calculation only: ids, specs, intervals, and what to make of Druid's answers."""
