"""The event log, and the tasks as it shows them.

The documents are `json`, not `jsonb`: names of files may hold U+0000, which only `json` keeps.
"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE tracker.events (
            identity uuid PRIMARY KEY,
            position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            task_id uuid NOT NULL,
            type text NOT NULL,
            time timestamptz NOT NULL,
            event json NOT NULL
        )
    """)
    op.execute("CREATE INDEX events_of_task ON tracker.events (task_id, time, position)")
    op.execute("""
        CREATE TABLE tracker.tasks (
            task_id uuid PRIMARY KEY,
            datasource text NOT NULL,
            state text NOT NULL,
            accepted_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            task json NOT NULL
        )
    """)
    op.execute("CREATE INDEX tasks_newest ON tracker.tasks (accepted_at DESC, task_id DESC)")
    op.execute("CREATE INDEX tasks_of_datasource ON tracker.tasks (datasource, accepted_at DESC, task_id DESC)")
    op.execute("CREATE INDEX tasks_in_state ON tracker.tasks (state, accepted_at DESC, task_id DESC)")
