"""Tasks that are to be cancelled; a row may come before that of its task."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE submitter.cancels (
            task_id      uuid PRIMARY KEY,
            cause        bytea NOT NULL,
            recorded_at  timestamptz NOT NULL DEFAULT now()
        )
        """
    )
