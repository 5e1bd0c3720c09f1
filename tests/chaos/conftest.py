"""What the tests of crashes need: a druid-submitter that is struck at named steps, in place of the usual one."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from druid_submitter.usecases.patience import POLLS_UNTIL_ALERT
from sluice_local.service import Service

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

LEASE = """
UPDATE submitter.ingestions SET leased_until = now() + $2 * interval '1 second', due_at = now() WHERE task_id = $1
"""
IS_CANCELLED = "SELECT EXISTS (SELECT 1 FROM submitter.cancels WHERE task_id = $1)"

QUICK = {"SLUICE_LEASE_SECONDS": "2", "SLUICE_ATTEMPT_PAUSE_SECONDS": "0.5"}

PHASE = "SELECT phase FROM submitter.ingestions WHERE task_id = $1"
MINUTES_LATER = """
UPDATE submitter.ingestions SET polls = $2, due_at = now()
WHERE task_id = $1 AND phase = 'proving' AND polls < $2 AND leased_until <= now()
"""


@dataclass(frozen=True)
class Ended:
    """What there is of a task at the end. `rows` are those in Druid, `effective` the Druid tasks that have changed some.

    `submitted`, `completed`: ids under which it was told so; `outcomes`: objects on S3.
    """

    state: str
    rows: int
    effective: int
    submitted: int
    completed: int
    outcomes: int


@dataclass(frozen=True)
class Submitters:
    """Members of the druid-submitter's groups, as a test wants them."""

    sluice: Any
    until: Callable[..., Any]

    @contextmanager
    def member(self, name: str, arguments: list[str], extra_env: Mapping[str, str]) -> Iterator[Service]:
        stack = self.sluice.stack
        service = Service(
            f"submitter-{name}", stack.site, arguments, lambda: {**stack.endpoints.environment(), **extra_env}
        )
        service.start()
        try:
            yield service
        finally:
            service.stop()

    def struck(
        self, name: str, by: str, steps: Sequence[str], marks: Path, extra_env: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Service]:
        """One that is struck at the steps, each once; see `struck_submitter`."""
        marks.mkdir(exist_ok=True)
        struck = {
            **QUICK,
            "PYTHONPATH": str(HERE),
            "STRUCK_STEPS": json.dumps(steps),
            "STRUCK_BY": by,
            "STRUCK_FOLDER": str(marks),
            "STRUCK_MEMBER": name,
        }
        return self.member(name, ["struck_submitter"], {**struck, **(extra_env or {})})

    @contextmanager
    def none_usual(self) -> Iterator[None]:
        """Meanwhile verdicts and commands wait on Kafka for whoever comes."""
        usual = self.sluice.stack.services["druid-submitter"]
        usual.stop()
        try:
            yield
        finally:
            usual.start()
            self.until(usual.answers, "the usual druid-submitter answers again")

    def phase(self, task_id: str) -> str | None:
        return self._one(PHASE, task_id)

    def minutes_pass(self, task_id: str) -> None:
        """For an ingestion whose rows are looked for, unless somebody holds it: it counts its looks, and those of minutes were in vain."""
        self._one(MINUTES_LATER, task_id, POLLS_UNTIL_ALERT + 1)

    def lease(self, task_id: str, seconds: float) -> None:
        """Whoever holds it does so for that long."""
        self._one(LEASE, task_id, seconds)

    def is_cancelled(self, task_id: str) -> bool:
        """It is known that it is to be."""
        return self._one(IS_CANCELLED, task_id)

    def _one(self, statement: str, *values: Any) -> Any:
        """Of the submitter's database."""

        async def ask() -> Any:
            connection = await asyncpg.connect(self.sluice.stack.endpoints.postgres_dsn)
            try:
                return await connection.fetchval(statement, *values)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def command(self, task_id: str, command: str) -> str:
        """The task that tells what became of it."""
        url = f"{self.sluice.stack.url}/v1/tasks/{task_id}/{command}"
        answer = httpx.post(url, timeout=60, trust_env=False)
        assert answer.status_code == 202, answer.text
        return answer.json()["task_id"]

    def wait_for_verdicts(self, *task_ids: str) -> None:
        heard = self.sluice.heard
        self.until(
            lambda: set(task_ids) <= {message.key.decode() for message in heard("file.validated")},
            "a verdict on each of the files",
        )

    def ended(self, overlord, tasks: dict[str, tuple[str, str]]) -> dict[str, Ended]:
        """Of each kind of task, given with its datasource, what there is of it once all have ended."""
        sluice = self.sluice
        states = {task_id: sluice.outcome(task_id, 300)["state"] for _, task_id in tasks.values()}
        submitted, completed = (sluice.event_ids(topic) for topic in ("druid.submitted", "task.completed"))
        outcomes = [key[-41:-5] for key in sluice.keys("outcomes/")]
        return {
            kind: Ended(
                states[task_id],
                sluice.counts(datasource).get(task_id, 0),
                len(overlord.in_effect(datasource, task_id)),
                len(submitted.get(task_id, ())),
                len(completed[task_id]),
                outcomes.count(task_id),
            )
            for kind, (datasource, task_id) in tasks.items()
        }


@pytest.fixture(scope="session")
def submitters(sluice, until) -> Submitters:
    return Submitters(sluice, until)
