"""An event may stand in the journals of two tasks: of one that is retracted, and of its retraction."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE tracker.events DROP CONSTRAINT events_pkey, ADD PRIMARY KEY (task_id, identity)")
