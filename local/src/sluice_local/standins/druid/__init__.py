"""Druid's Overlord, Coordinator and Broker on one port, with DuckDB behind them: rows are really read and counted.

Answers follow Druid 33. Not simulated: metrics without roll-up, transforms, locks between tasks, slots of sub-tasks, the layout
of segments, case-sensitive names, and formats other than Parquet; a task that asks for one of the first two fails and says so.
What a real Druid does not do on demand, `faults` does.
"""
