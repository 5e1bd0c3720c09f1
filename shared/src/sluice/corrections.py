"""Which task may correct which, decided from S3 alone: by the gateway for its uploads, by the validator for events from outside.

A task that did not succeed is corrected by a whole file, one that succeeded in part by the rows that are still open. One child at a
time may be under way: it holds the claim with the highest number. A claim ends when its task has ended without success, or when the
upload that made it was never accepted and is given up. Whoever judges a child confirms its claim first: so no row is loaded twice.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import TypeVar
from uuid import UUID

from pydantic import AwareDatetime, ValidationError

from sluice.clock import Clock
from sluice.errors import ObjectExists, ObjectMissing, Undecodable
from sluice.events import Accepted, FileUploaded, FileValidated, Outcome, Problem
from sluice.events.values import Value
from sluice.ledger import (
    accepted_key,
    correction_key,
    correction_of_key,
)
from sluice.objectstore import ObjectStore
from sluice.tasks import Tasks

V = TypeVar("V", bound=Value)

LAPSES_AFTER = timedelta(hours=1)
"""How long an upload may take from its claim to its acceptance record."""

OPEN_ROWS = "open-rows.parquet"
"""Beside the report of a task: rows of the first file that are still rejected. Missing where there are none."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a child is held against. `open_rows` is the key of the parent's open rows; None: the child is a whole file."""

    parent: UUID
    open_rows: str | None


class Claim(Value):
    """One child's claim on its parent. `recorded` false: there is no acceptance record to wait for (events from outside)."""

    task_id: UUID
    accepted_at: AwareDatetime
    claimed_at: AwareDatetime
    recorded: bool = True


class Parent(Value):
    """Which task a child corrects."""

    task_id: UUID


class Standing(StrEnum):
    """Where the child of a claim is."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    ENDED = "ended"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Corrections:
    """All methods raise Transient while S3 does not answer, and Undecodable where the ledger is broken."""

    store: ObjectStore
    clock: Clock

    @property
    def _tasks(self) -> Tasks:
        return Tasks(self.store)

    async def check(self, datasource: str, parent: UUID, child: UUID) -> Basis | Problem:
        """Could this child be claimed now? Changes nothing; a child that holds a claim already may always go on."""
        if await self._number_of(parent, child) is None and (refusal := await self._taken(parent)):
            return await self._explained(datasource, parent, refusal)
        return await self._basis(datasource, parent)

    async def claim(self, child: FileUploaded, *, recorded: bool = True) -> Basis | Problem:
        """Claim the parent for this child, or say why not. The same child may claim again: it finds its own claim.

        Of many children at once exactly one wins. `recorded`: an acceptance record will follow within LAPSES_AFTER.
        """
        parent = _parent_of(child)
        basis = await self._basis(child.datasource, parent)
        if isinstance(basis, Problem) or await self._number_of(parent, child.task_id) is not None:
            return basis
        while (refusal := await self._taken(parent)) is None:
            number = len([each async for each in self._claims(parent)]) + 1
            await self._create(correction_of_key(child.task_id), Parent(task_id=parent))
            if await self._create(correction_key(parent, number), self._claim_of(child, recorded=recorded)):
                return await self._kept(parent, child, number) or basis
        return refusal

    async def confirm(self, child: FileUploaded) -> Basis | Problem:
        """For whoever judges the child: it holds the latest claim of its parent, and this is what it is held against."""
        parent = _parent_of(child)
        latest = [each async for each in self._claims(parent)][-1:]
        if [each.task_id for each in latest] != [child.task_id]:
            return _OVERTAKEN
        return await self._basis(child.datasource, parent)

    async def _basis(self, datasource: str, parent: UUID) -> Basis | Problem:
        verdict = await self._tasks.verdict(datasource, parent)
        about = verdict or await self._record(datasource, parent)
        if about is None:
            return _UNKNOWN
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

    async def _taken(self, parent: UUID) -> Problem | None:
        """Why no further child may claim; None where every claim so far has come to nothing."""
        async for claim in self._claims(parent):
            match await self._standing(claim):
                case Standing.SUCCEEDED:
                    return _corrected_by(claim.task_id)
                case Standing.OPEN:
                    return _BUSY
                case _:
                    pass
        return None

    async def _standing(self, claim: Claim) -> Standing:
        outcome = await self._outcome(claim.accepted_at, claim.task_id)
        if outcome is not None:
            return Standing.SUCCEEDED if outcome is Outcome.SUCCEEDED else Standing.ENDED
        young = self.clock() - claim.claimed_at < LAPSES_AFTER
        return Standing.OPEN if young or await self._is_accepted(claim) else Standing.LAPSED

    async def _kept(self, parent: UUID, child: FileUploaded, number: int) -> Problem | None:
        """A claim that had lapsed may have been accepted just before ours was made: then ours is given up."""
        async for claim in self._claims(parent):
            if claim.task_id == child.task_id:
                break
            if await self._standing(claim) in {Standing.OPEN, Standing.SUCCEEDED}:
                await self.store.delete(correction_key(parent, number))
                return _BUSY
        return None

    async def _explained(self, datasource: str, parent: UUID, taken: Problem) -> Problem:
        basis = await self._basis(datasource, parent)
        return basis if isinstance(basis, Problem) else taken

    async def _number_of(self, parent: UUID, child: UUID) -> int | None:
        return next(
            (n for n, claim in enumerate([c async for c in self._claims(parent)], 1) if claim.task_id == child), None
        )

    async def _claims(self, parent: UUID) -> AsyncIterator[Claim]:
        """In order, read one by one: listings may show what is not there."""
        for number in count(1):
            try:
                yield _read(Claim, await self.store.get(correction_key(parent, number)))
            except ObjectMissing:
                return

    def _claim_of(self, child: FileUploaded, *, recorded: bool) -> Claim:
        now: datetime = self.clock()
        return Claim(task_id=child.task_id, accepted_at=child.accepted_at, claimed_at=now, recorded=recorded)

    async def _is_accepted(self, claim: Claim) -> bool:
        return not claim.recorded or await self._exists(accepted_key(claim.accepted_at, claim.task_id))

    async def _outcome(self, accepted_at: datetime, task_id: UUID) -> Outcome | None:
        fact = await self._tasks.outcome(accepted_at, task_id)
        return fact.outcome if fact else None

    async def _parent(self, child: UUID) -> UUID | None:
        try:
            return _read(Parent, await self.store.get(correction_of_key(child))).task_id
        except ObjectMissing:
            return None

    async def _exists(self, key: str) -> bool:
        try:
            await self.store.head(key)
        except ObjectMissing:
            return False
        return True

    async def _create(self, key: str, content: Value) -> bool:
        try:
            await self.store.create(key, content.model_dump_json().encode(), "application/json")
        except ObjectExists:
            return False
        return True


def _read(kind: type[V], document: bytes) -> V:
    try:
        return kind.model_validate_json(document)
    except ValidationError as error:
        raise Undecodable(f"a {kind.__name__.lower()} of a correction should stand here") from error


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
_BUSY = Problem(
    code="correction-under-way",
    message="Another file corrects this task at the moment. Wait for its outcome: only if it does not succeed may the next one come.",
)
_OVERTAKEN = Problem(
    code="correction-overtaken",
    message="Another file has taken over the correction of this task. Look at the task that it names, and correct that one if need be.",
)


def _corrected_by(child: UUID) -> Problem:
    message = f"This task is corrected already. What is still open belongs to its correction: send the file with corrects={child}."
    return Problem(code="already-corrected", message=message)


def _go_to(first: UUID) -> Problem:
    message = f"This task was a correction that did not succeed. Correct the task that it was for: send the file with corrects={first}."
    return Problem(code="correct-the-first", message=message)
