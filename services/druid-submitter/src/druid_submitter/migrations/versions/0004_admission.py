"""Admission: places in Druid, for what a task waits, and what all replicas know of the Overlord."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE submitter.ingestions
            ADD COLUMN wished    integer NOT NULL DEFAULT 1,
            ADD COLUMN slots     integer NOT NULL DEFAULT 0,
            ADD COLUMN resume_at timestamptz,
            ADD COLUMN waits_for text,
            DROP CONSTRAINT ingestions_phase_check,
            ADD CONSTRAINT ingestions_phase_check
                CHECK (phase IN ('submitting', 'submitted', 'ingesting', 'proving', 'clearing', 'concluded'))
        """
    )
    op.execute("UPDATE submitter.ingestions SET slots = 1 WHERE admitted AND phase <> 'concluded'")
    op.execute(
        """
        CREATE INDEX ingestions_placed ON submitter.ingestions (datasource)
            WHERE slots > 0 AND phase IN ('submitting', 'submitted', 'ingesting')
        """
    )
    op.execute(
        "CREATE INDEX ingestions_waiting ON submitter.ingestions (datasource) WHERE phase = 'submitting' AND slots = 0"
    )
    op.execute(
        """
        CREATE TABLE submitter.overlord (
            one          boolean PRIMARY KEY DEFAULT true CHECK (one),
            slots        integer,
            most         integer NOT NULL DEFAULT 0,
            others       integer NOT NULL DEFAULT 0,
            capacity_due timestamptz NOT NULL DEFAULT '-infinity',
            status_due   timestamptz NOT NULL DEFAULT '-infinity',
            silences     integer NOT NULL DEFAULT 0
        )
        """
    )
    op.execute("INSERT INTO submitter.overlord DEFAULT VALUES")
