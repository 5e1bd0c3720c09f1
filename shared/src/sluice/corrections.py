"""Which task may correct which, decided from S3 alone: by the gateway for its uploads, by the validator for events from outside.

A task that did not succeed is corrected by a whole file, its own in a retry; one that succeeded in part by the rows that are still
open. One child at a time may be under way: it holds the claim with the highest number. A claim ends when its task has ended without
success, or when the upload that made it was never accepted and is given up. Whoever judges a child confirms its claim first: so no
row is loaded twice.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from pydantic import ValidationError

from sluice.claims import Claims, Held, Standing
from sluice.clock import Clock
from sluice.errors import ObjectExists, ObjectMissing, Undecodable
from sluice.events import Accepted, FileUploaded, FileValidated, Outcome, Problem
from sluice.events.values import Value
from sluice.ledger import (
    correction_key,
    correction_of_key,
)
from sluice.objectstore import ObjectStore
from sluice.tasks import Tasks

OPEN_ROWS = "open-rows.parquet"
"""Beside the report of a task: rows of the first file that are still rejected. Missing where there are none."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a child is held against. `open_rows` is the key of the parent's open rows; None: the child is a whole file."""

    parent: UUID
    open_rows: str | None


class Parent(Value):
    """Which task a child corrects."""

    task_id: UUID


@dataclass(frozen=True, slots=True)
class Corrections:
    """All methods raise Transient while S3 does not answer, and Undecodable where the ledger is broken."""

    store: ObjectStore
    clock: Clock

    @property
    def _tasks(self) -> Tasks:
        return Tasks(self.store)

    def _claims(self, parent: UUID) -> Claims:
        return Claims(self.store, self.clock, partial(correction_key, parent))

    async def check(self, datasource: str, parent: UUID, child: UUID) -> Basis | Problem:
        """Could this child be claimed now? Changes nothing; a child that holds a claim already may always go on."""
        claims = self._claims(parent)
        basis = await self._basis(datasource, parent)
        if isinstance(basis, Problem) or await claims.has(child):
            return basis
        held = await claims.rival(child)
        return _taken(held) if held else basis

    async def claim(self, child: FileUploaded, *, recorded: bool = True) -> Basis | Problem:
        """Claim the parent for this child, or say why not. The same child may claim again: it finds its own claim.

        Of many children at once exactly one wins. `recorded`: an acceptance record will follow within LAPSES_AFTER.
        """
        parent = _parent_of(child)
        basis = await self._basis(child.datasource, parent)
        claims = self._claims(parent)
        if isinstance(basis, Problem) or await claims.has(child.task_id):
            return basis
        held = await claims.rival(child.task_id)
        if held is None:
            await self._name_parent(child.task_id, parent)
            held = await claims.make(child, recorded=recorded)
        return _taken(held) if held else basis

    async def confirm(self, child: FileUploaded) -> Basis | Problem:
        """For whoever judges the child: it holds the latest claim of its parent, and this is what it is held against."""
        parent = _parent_of(child)
        latest = await self._claims(parent).latest()
        if latest is None or latest.task_id != child.task_id:
            return _OVERTAKEN
        return await self._basis(child.datasource, parent)

    async def _basis(self, datasource: str, parent: UUID) -> Basis | Problem:
        verdict = await self._tasks.verdict(datasource, parent)
        about = verdict or await self._record(datasource, parent)
        if about is None:
            return _UNKNOWN
        if about.dry_run:
            return _DRY_RUN
        outcome = await self._outcome(about.accepted_at, parent)
        if outcome is None:
            return _WAIT
        if outcome is not Outcome.SUCCEEDED:
            first = await self._parent(parent)
            return _go_to(first) if first else Basis(parent, None)
        open_rows = self._open_rows(verdict) if verdict else None
        return Basis(parent, open_rows) if open_rows and await self._exists(open_rows) else _NOTHING

    def _open_rows(self, verdict: FileValidated) -> str | None:
        if not isinstance(verdict.verdict, Accepted):
            return None
        home = self.store.uri(f"reports/{verdict.datasource}/{verdict.task_id}/")
        folder = verdict.verdict.report.rpartition("/")[0]
        return f"{folder}/{OPEN_ROWS}".removeprefix(self.store.uri("")) if folder.startswith(home) else None

    async def _record(self, datasource: str, task_id: UUID) -> FileUploaded | None:
        """The acceptance of a task without a verdict."""
        record = await self._tasks.accepted(task_id)
        return record if record and record.datasource == datasource else None

    async def _outcome(self, accepted_at: datetime, task_id: UUID) -> Outcome | None:
        fact = await self._tasks.outcome(accepted_at, task_id)
        return fact.outcome if fact else None

    async def _parent(self, child: UUID) -> UUID | None:
        try:
            return Parent.model_validate_json(await self.store.get(correction_of_key(child))).task_id
        except ObjectMissing:
            return None
        except ValidationError as error:
            raise Undecodable("the parent of a correction should stand here") from error

    async def _exists(self, key: str) -> bool:
        try:
            await self.store.head(key)
        except ObjectMissing:
            return False
        return True

    async def _name_parent(self, child: UUID, parent: UUID) -> None:
        document = Parent(task_id=parent).model_dump_json().encode()
        with suppress(ObjectExists):
            await self.store.create(correction_of_key(child), document, "application/json")


def _taken(held: Held) -> Problem:
    return _corrected_by(held.claim.task_id) if held.standing is Standing.SUCCEEDED else _BUSY


def _parent_of(child: FileUploaded) -> UUID:
    if child.corrects is None:
        raise ValueError("this file corrects nothing")
    return child.corrects


_UNKNOWN = Problem(
    code="task-not-found",
    message="No task of this datasource has the id that `corrects` names. Look it up in the list of tasks, or send the file without it.",
)
_WAIT = Problem(
    code="task-not-concluded",
    message="The task that `corrects` names has no outcome yet. Wait until it has ended, then send the file again.",
)
_NOTHING = Problem(
    code="nothing-to-correct",
    message="The task that `corrects` names has succeeded, and none of its rows is open. Send new rows as a file of their own.",
)
_DRY_RUN = Problem(
    code="nothing-to-correct",
    message="The task that `corrects` names is a dry run: it loads nothing that could be corrected. Send the file without `corrects`.",
)
_BUSY = Problem(
    code="correction-under-way",
    message="This task is being corrected or tried again. Wait for the outcome: only if that does not succeed may the next one come.",
)
_OVERTAKEN = Problem(
    code="correction-overtaken",
    message="Another file has taken over the correction of this task. Look at the task that it names, and correct that one if need be.",
)


def _corrected_by(child: UUID) -> Problem:
    message = f"This task is corrected already. What is still open belongs to its correction or retry: send the file with corrects={child}."
    return Problem(code="already-corrected", message=message)


def _go_to(first: UUID) -> Problem:
    message = f"This task was a correction or retry that did not succeed. Correct the task it was for: send the file with corrects={first}."
    return Problem(code="correct-the-first", message=message)
