"""Alembic's environment, the same for every service: its connection and schema are handed in by `sluice.postgres.migrate`."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=None,
    version_table="schema_version",
    version_table_schema=attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
