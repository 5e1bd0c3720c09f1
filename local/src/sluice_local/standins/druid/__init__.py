"""Druid's Overlord, Coordinator and Broker on one port, with DuckDB behind them: rows are really read and counted.

Answers follow Druid 33. Not simulated: roll-up and metrics, transforms, locks between tasks, sub-tasks, case-sensitive
names, and formats other than Parquet; a task that asks for one of the first two fails and says so. What a real Druid does
not do on demand, `faults` does.
"""
