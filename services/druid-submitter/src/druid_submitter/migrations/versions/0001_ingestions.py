"""Ingestions and their outbox."""

from alembic import op

from sluice.outbox import CREATE_TABLE

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE submitter.ingestions (
            task_id          uuid PRIMARY KEY,
            cause            bytea NOT NULL,
            phase            text NOT NULL
                CHECK (phase IN ('submitting', 'submitted', 'ingesting', 'clearing', 'concluded')),
            attempt          integer NOT NULL DEFAULT 1,
            polls            integer NOT NULL DEFAULT 0,
            unknown_polls    integer NOT NULL DEFAULT 0,
            druid_task_id    text,
            problem_code     text,
            problem_message  text,
            outcome          bytea,
            lease            bigint NOT NULL DEFAULT 0,
            leased_until     timestamptz NOT NULL DEFAULT now(),
            due_at           timestamptz NOT NULL DEFAULT now(),
            recorded_at      timestamptz NOT NULL DEFAULT now(),
            concluded_at     timestamptz
        )
        """
    )
    op.execute("CREATE INDEX ingestions_due ON submitter.ingestions (due_at) WHERE phase <> 'concluded'")
    op.execute(CREATE_TABLE.format(schema="submitter"))
