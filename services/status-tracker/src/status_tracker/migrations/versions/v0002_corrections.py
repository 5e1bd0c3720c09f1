"""Which task corrects which, so that a task can name its corrections."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE tracker.tasks ADD COLUMN corrects uuid")
    op.execute(
        "CREATE INDEX tasks_correcting ON tracker.tasks (corrects, accepted_at, task_id) WHERE corrects IS NOT NULL"
    )
