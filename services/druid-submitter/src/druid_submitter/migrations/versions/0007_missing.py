"""Since when each look has found rows of a task missing that Druid has processed. NULL: the last one has not."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE submitter.ingestions ADD COLUMN missing_since timestamptz")
