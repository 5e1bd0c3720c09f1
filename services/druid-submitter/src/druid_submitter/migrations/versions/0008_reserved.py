"""Who takes out rows that it left behind has the datasource to itself meanwhile."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE submitter.ingestions ADD COLUMN reserved boolean NOT NULL DEFAULT false")
