"""Validating a file: fetch, judge, tell."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never
from uuid import uuid4

import structlog

from sluice.clock import Clock
from sluice.contracts import Contract
from sluice.errors import ContractInvalid, ObjectMissing, Transient, code_of
from sluice.events import (
    Accepted,
    ContractRef,
    Envelope,
    Failed,
    FileUploaded,
    FileValidated,
    Problem,
    Rejected,
    TaskProgress,
    Verdict,
    follow,
)
from sluice.publishers import refused
from sluice_engine.judged import Judged
from validator.domain.admission import Gate
from validator.domain.verdicts import Crashed, Unjudged
from validator.errors import ChildBroken
from validator.ports import (
    Attempts,
    Contracts,
    Corrections,
    EventPublisher,
    Files,
    Folders,
    Reader,
    Results,
    Verdicts,
)

log = structlog.get_logger()

SOURCE = "sluice/validator"
PROGRESS_TIMEOUT = 2.0
SENDER_CAN_MEND = {"empty-file", "file-too-large"}
DRY_CORRECTION = Problem(
    code="dry-run-corrects",
    message="A correction cannot be a dry run. Publish it without `dry_run`, or without `corrects`.",
)
UNKNOWN = Problem(code="unknown-datasource", message="There is no contract for this datasource. Publish one first.")


@dataclass(frozen=True, slots=True)
class ReportProgress:
    """Advisory: lost without harm, and never waited for long."""

    events: EventPublisher
    clock: Clock

    async def __call__(self, cause: Envelope[FileUploaded]) -> None:
        now = self.clock()
        news = follow(
            cause, TaskProgress(task_id=cause.data.task_id, stage="validating", at=now), source=SOURCE, time=now
        )
        try:
            async with asyncio.timeout(PROGRESS_TIMEOUT):
                await self.events.publish(news)
        except (Transient, TimeoutError) as error:
            log.debug("progress not told", error=repr(error))


@dataclass(frozen=True, slots=True)
class SettleVerdict:
    """The first verdict of a task stands; everybody publishes that one."""

    verdicts: Verdicts
    events: EventPublisher
    clock: Clock

    async def __call__(self, cause: Envelope[FileUploaded], verdict: Verdict) -> None:
        fact = FileValidated(
            task_id=cause.data.task_id,
            datasource=cause.data.datasource,
            filename=cause.data.filename,
            accepted_at=cause.data.accepted_at,
            dry_run=cause.data.dry_run,
            verdict=verdict,
        )
        stands = await self.verdicts.settle(follow(cause, fact, source=SOURCE, time=self.clock()))
        log.info("verdict", verdict=stands.data.verdict.kind)
        await self.events.publish(stands)


@dataclass(frozen=True, slots=True)
class JudgeFile:
    """Reads a file again when its reader crashed, until its attempts are spent."""

    attempts: Attempts
    read: Reader

    async def __call__(self, run: Path, fact: FileUploaded, contract: Contract) -> Judged | Unjudged:
        while True:
            attempt = await self.attempts.begin(fact)
            if isinstance(attempt, Problem):
                return Unjudged("failed", attempt)
            async with attempt as mark:
                read = await self.read(run, fact, contract)
                if not isinstance(read, Crashed):
                    return read
                log.warning("reader crashed", reason=read.reason)
                await mark.crashed(read.reason)


@dataclass(frozen=True, slots=True)
class ValidateFile:
    """One verdict for every file, whatever it holds. Raises Transient while a part that is needed does not answer."""

    gate: Gate
    contracts: Contracts
    folders: Folders
    files: Files
    corrections: Corrections
    judge: JudgeFile
    results: Results
    verdicts: Verdicts
    events: EventPublisher
    report_progress: ReportProgress
    settle: SettleVerdict

    async def __call__(self, cause: Envelope[FileUploaded]) -> None:
        if stands := await self.verdicts.find(cause.data):
            await self.events.publish(stands)
            return
        await self.report_progress(cause)
        await self.settle(cause, await self._verdict(cause))

    async def _verdict(self, cause: Envelope[FileUploaded]) -> Verdict:
        if refusal := self.gate.refuse(cause):
            refused(refusal.code, cause.source)
            return Failed(problem=refusal)
        found = await self._contract(cause.data)
        if isinstance(found, Problem):
            return Failed(problem=found)
        return await self._judge(cause, *found)

    async def _contract(self, fact: FileUploaded) -> tuple[ContractRef, Contract] | Problem:
        reference = fact.contract or await self.contracts.active(fact.datasource)
        if reference is None or reference.datasource != fact.datasource:
            return UNKNOWN
        try:
            return reference, await self.contracts.get(reference)
        except ObjectMissing:
            return UNKNOWN
        except ContractInvalid as error:
            return Problem(code=error.code, message=f"The contract cannot be honoured: {error}"[:1000])

    async def _judge(self, cause: Envelope[FileUploaded], reference: ContractRef, contract: Contract) -> Verdict:
        fact = cause.data
        with self.folders() as folder:
            if fact.dry_run and fact.corrects:
                return _rejected(DRY_CORRECTION)
            # the gateway has claimed for its own uploads before it accepted them
            claimed = self.gate.trusts(cause)
            if fact.corrects and (problem := await self.corrections.prepare(fact, folder, claimed=claimed)):
                return _rejected(problem)
            if problem := await self.files.fetch(fact.object, folder):
                return _rejected(problem) if problem.code in SENDER_CAN_MEND else Failed(problem=problem)
            judged = await self.judge(folder, fact, contract)
            match judged:
                case Unjudged(kind="rejected", problem=problem):
                    return _rejected(problem)
                case Unjudged(problem=problem):
                    return Failed(problem=problem)
                case Judged():
                    return await self._keep(judged, fact, reference, folder)
                case _:
                    assert_never(judged)

    async def _keep(self, judged: Judged, fact: FileUploaded, reference: ContractRef, folder: Path) -> Verdict:
        run = uuid4()
        report = await self.results.keep_report(fact, run, folder)
        await self.results.keep_files(fact, run, folder, judged.files)
        canonical = await self.results.keep_parts(fact, run, folder, judged.parts)
        return _verdict(judged, reference, report, canonical)


@dataclass(frozen=True, slots=True)
class AbandonFile:
    """Ends the task of an event that was put aside."""

    settle: SettleVerdict

    async def __call__(self, cause: Envelope[FileUploaded], error: Exception) -> None:
        message = "The file could not be judged because of a fault on our side. Its bytes are kept."
        await self.settle(cause, Failed(problem=Problem(code=code_of(error), message=message)))


def _rejected(problem: Problem) -> Rejected:
    """What the sender can mend, before any row was read."""
    return Rejected(source=None, rejected=None, errors=1, problem=problem)


def _verdict(judged: Judged, contract: ContractRef, report: str, canonical: tuple[str, ...]) -> Verdict:
    if judged.problem or judged.time_range is None or judged.source is None:
        problem = judged.problem or Problem(code="internal", message="The file was read, but nothing was found in it.")
        return Rejected(
            source=judged.source, rejected=judged.rejected, errors=judged.errors, problem=problem, report=report
        )
    rejected = judged.rejected or 0
    if judged.accepted + rejected != judged.source:
        raise ChildBroken(f"{judged.accepted} accepted and {rejected} rejected rows are not all {judged.source}")
    return Accepted(
        source=judged.source,
        accepted=judged.accepted,
        rejected=rejected,
        contract=contract,
        canonical=canonical,
        time_range=judged.time_range,
        report=report,
    )
