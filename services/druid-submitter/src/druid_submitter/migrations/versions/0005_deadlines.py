"""By when Druid must be ready with the attempt that is under way. What it has by now may take its time."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE submitter.ingestions ADD COLUMN deadline timestamptz")
