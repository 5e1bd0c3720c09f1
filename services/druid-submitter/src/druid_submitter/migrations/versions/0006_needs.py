"""How many slots of Druid a task needs at least: range partitions, a supervisor's and one for a sub-task."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE submitter.ingestions ADD COLUMN needs integer NOT NULL DEFAULT 1")
