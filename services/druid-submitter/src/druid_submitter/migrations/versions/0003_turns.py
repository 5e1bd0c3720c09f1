"""Whose turn it is in a datasource: the order of acceptance, what each task wishes, and which were loaded."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE submitter.ingestions
            ADD COLUMN datasource  text,
            ADD COLUMN accepted_at timestamptz,
            ADD COLUMN alone       boolean,
            ADD COLUMN replaces    boolean,
            ADD COLUMN span        tstzrange,
            ADD COLUMN admitted    boolean NOT NULL DEFAULT false,
            ADD COLUMN loaded      boolean NOT NULL DEFAULT false
        """
    )
    op.execute(
        """
        UPDATE submitter.ingestions SET datasource = told.fact ->> 'datasource',
            accepted_at = coalesce(told.fact ->> 'requested_at', told.fact ->> 'accepted_at')::timestamptz,
            admitted = phase IN ('submitted', 'ingesting')
        FROM (
            SELECT task_id, convert_from(cause, 'UTF8')::json -> 'data' AS fact FROM submitter.ingestions
        ) AS told WHERE told.task_id = ingestions.task_id
        """
    )
    op.execute(
        """
        ALTER TABLE submitter.ingestions
            ALTER COLUMN datasource SET NOT NULL,
            ALTER COLUMN accepted_at SET NOT NULL
        """
    )
    op.execute("CREATE INDEX ingestions_open ON submitter.ingestions (datasource) WHERE phase <> 'concluded'")
    op.execute("CREATE INDEX ingestions_loaded ON submitter.ingestions (datasource, accepted_at) WHERE loaded")
