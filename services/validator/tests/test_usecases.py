"""Fetch, judge, tell: over fakes at the ports."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from sluice.contracts import Contract
from sluice.errors import ContractInvalid, ObjectMissing, Transient
from sluice.events import (
    GATEWAY_SOURCE,
    Accepted,
    ContractRef,
    Envelope,
    Failed,
    FileUploaded,
    FileValidated,
    ObjectRef,
    Problem,
    Rejected,
    TaskProgress,
    TimeRange,
)
from sluice_engine.judged import Judged
from validator.domain.admission import Gate
from validator.domain.verdicts import Crashed, Unjudged
from validator.errors import ChildBroken
from validator.usecases import AbandonFile, JudgeFile, ReportProgress, SettleVerdict, ValidateFile

NOW = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
REF = ContractRef(datasource="sales", version="1.0.0")
GOOD = Judged(
    source=3, errors=0, problem=None, time_range=TimeRange(first=NOW, last=NOW), parts=2, accepted=3, rejected=0
)
SPENT = Problem(code="parser-crashed", message="…")


@dataclass
class RecordingPublisher:
    published: list[Envelope[Any]] = field(default_factory=list)
    progress_hangs: bool = False
    fails: bool = False

    async def publish(self, envelope: Envelope[Any]) -> None:
        if self.progress_hangs and isinstance(envelope.data, TaskProgress):
            raise Transient("no Kafka")
        if self.fails and isinstance(envelope.data, FileValidated):
            raise Transient("no Kafka")
        self.published.append(envelope)

    @property
    def verdicts(self) -> list[Envelope[FileValidated]]:
        return [each for each in self.published if isinstance(each.data, FileValidated)]


@dataclass
class InMemoryVerdicts:
    stands: dict[UUID, Envelope[FileValidated]] = field(default_factory=dict)

    async def find(self, fact: FileUploaded) -> Envelope[FileValidated] | None:
        return self.stands.get(fact.task_id)

    async def settle(self, verdict: Envelope[FileValidated]) -> Envelope[FileValidated]:
        return self.stands.setdefault(verdict.data.task_id, verdict)


@dataclass
class InMemoryContracts:
    contract: Contract
    invalid: bool = False

    async def active(self, datasource: str) -> ContractRef | None:
        return REF if datasource == "sales" else None

    async def get(self, reference: ContractRef) -> Contract:
        if reference.version != REF.version:
            raise ObjectMissing("none")
        if self.invalid:
            raise ContractInvalid("schema/0: wrong")
        return self.contract


@dataclass
class ManualFiles:
    problem: Problem | None = None

    async def fetch(self, _source: ObjectRef, _run: Path) -> Problem | None:
        return self.problem


@dataclass
class ManualCorrections:
    problem: Problem | None = None
    asked: list[bool] = field(default_factory=list)
    """Of each call, whether the task was claimed before."""

    async def prepare(self, _fact: FileUploaded, _run: Path, *, claimed: bool) -> Problem | None:
        self.asked.append(claimed)
        return self.problem


@dataclass
class ManualJudge:
    answer: Judged | Unjudged = GOOD
    runs: int = 0
    crashes: int = 0
    """How many of the first runs crash."""

    async def __call__(self, _run: Path, _fact: FileUploaded, _contract: Contract) -> Judged | Unjudged | Crashed:
        self.runs += 1
        await asyncio.sleep(0)
        return Crashed("signal 6") if self.runs <= self.crashes else self.answer


@dataclass
class InMemoryAttempts:
    """Two deaths of a reader are too many."""

    dead: int = 0
    begun: int = 0

    async def begin(self, _fact: FileUploaded) -> AbstractAsyncContextManager["InMemoryAttempts"] | Problem:
        return SPENT if self.dead >= 2 else self._at_work()

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator["InMemoryAttempts"]:
        self.begun += 1
        yield self

    async def crashed(self, _reason: str) -> None:
        self.dead += 1


@dataclass
class RecordingResults:
    kept: list[str] = field(default_factory=list)

    async def keep_files(self, _fact: FileUploaded, _run: UUID, _folder: Path, names: Collection[str]) -> None:
        self.kept.extend(names)

    async def keep_report(self, _fact: FileUploaded, run: UUID, _folder: Path) -> str:
        return f"s3://sluice/reports/{run}/report.json"

    async def keep_parts(self, _fact: FileUploaded, run: UUID, _folder: Path, count: int) -> tuple[str, ...]:
        return tuple(f"s3://sluice/canonical/{run}/{number}" for number in range(count))


@dataclass
class World:
    publisher: RecordingPublisher
    verdicts: InMemoryVerdicts
    contracts: InMemoryContracts
    files: ManualFiles
    corrections: ManualCorrections
    judge: ManualJudge
    attempts: InMemoryAttempts
    results: RecordingResults
    validate_file: ValidateFile
    folders: list[Path]

    async def deliver(self, fact: FileUploaded, source: str = GATEWAY_SOURCE) -> FileValidated:
        cause = Envelope(id=str(fact.task_id), source=source, time=NOW, data=fact)
        await self.validate_file(cause)
        return self.publisher.verdicts[-1].data


@pytest.fixture
def world(sales: Contract, tmp_path: Path) -> World:
    folders: list[Path] = []

    @contextmanager
    def folder() -> Iterator[Path]:
        folders.append(tmp_path)
        yield tmp_path
        folders.remove(tmp_path)

    # every reading is another instant: an identical event can only be the one that stands
    ticks = iter(range(10_000))

    def clock() -> dt.datetime:
        return NOW + dt.timedelta(seconds=next(ticks))

    publisher, verdicts, contracts = RecordingPublisher(), InMemoryVerdicts(), InMemoryContracts(sales)
    corrections = ManualCorrections()
    files, judge, attempts, results = ManualFiles(), ManualJudge(), InMemoryAttempts(), RecordingResults()
    validate_file = ValidateFile(
        gate=Gate("sluice", {"sluice", "partner"}),
        contracts=contracts,
        folders=folder,
        files=files,
        corrections=corrections,
        judge=JudgeFile(attempts, judge),
        results=results,
        verdicts=verdicts,
        events=publisher,
        report_progress=ReportProgress(publisher, clock),
        settle=SettleVerdict(verdicts, publisher, clock),
    )
    return World(publisher, verdicts, contracts, files, corrections, judge, attempts, results, validate_file, folders)


async def test_accepted_names_what_stands_on_s3(world, make_fact):
    said = await world.deliver(make_fact("csv"))
    assert isinstance(said.verdict, Accepted)
    assert (said.verdict.source, said.verdict.accepted, said.verdict.rejected) == (3, 3, 0)
    assert len(said.verdict.canonical) == 2
    assert said.verdict.contract == REF
    assert [type(each.data) for each in world.publisher.published] == [TaskProgress, FileValidated]


async def test_second_delivery_publishes_the_identical_event_and_judges_nothing(world, make_fact):
    await world.deliver(make_fact("csv"))
    await world.deliver(make_fact("csv"))
    first, second = world.publisher.verdicts
    assert first == second
    assert world.judge.runs == 1


async def test_two_runs_at_once_give_one_verdict(world, make_fact):
    await asyncio.gather(world.deliver(make_fact("csv")), world.deliver(make_fact("csv")))
    first, second = world.publisher.verdicts
    assert world.judge.runs == 2
    assert first == second


async def test_verdict_that_kafka_did_not_take_is_published_at_the_next_delivery(world, make_fact):
    world.publisher.fails = True
    with pytest.raises(Transient):
        await world.deliver(make_fact("csv"))
    world.publisher.fails = False
    await world.deliver(make_fact("csv"))
    assert world.judge.runs == 1
    assert len(world.publisher.verdicts) == 1


async def test_progress_that_cannot_be_told_harms_nothing(world, make_fact):
    world.publisher.progress_hangs = True
    assert isinstance((await world.deliver(make_fact("csv"))).verdict, Accepted)


@pytest.mark.parametrize(
    ("uri", "source", "allowed"),
    [
        ("s3://sluice/raw/x", GATEWAY_SOURCE, True),
        ("s3://partner/reports/x", "shop", True),
        ("s3://sluice/drop/x", "shop", True),
        ("s3://elsewhere/x", GATEWAY_SOURCE, False),
        ("s3://sluice/accepted/x", "shop", False),
        ("s3://sluice/canonical/x", "shop", False),
        ("s3://sluice/raw/../reports/x", "shop", False),
        ("s3://sluice//reports/x", "shop", False),
    ],
)
async def test_only_open_buckets_and_prefixes_are_read(uri, source, allowed, world, make_fact):
    said = await world.deliver(make_fact("csv", object=ObjectRef(uri=uri)), source)
    assert isinstance(said.verdict, Accepted) == allowed
    assert allowed or said.verdict.problem.code == "bucket-not-allowed"
    assert world.judge.runs == int(allowed)


async def test_what_may_not_be_read_stands_in_the_audit_log(world, make_fact):
    with capture_logs() as lines:
        await world.deliver(make_fact("csv", object=ObjectRef(uri="s3://sluice/raw/x")), "shop")
    audit = [(line["source"], line["code"]) for line in lines if line.get("log") == "audit"]
    assert audit == [("shop", "bucket-not-allowed")]


@pytest.mark.parametrize(
    "change",
    [
        {"datasource": "unheard"},
        {"contract": ContractRef(datasource="sales", version="9")},
        {"contract": ContractRef(datasource="other", version="1.0.0")},
    ],
)
async def test_no_contract_is_a_stated_failure(change, world, make_fact):
    said = await world.deliver(make_fact("csv").model_copy(update=change))
    assert isinstance(said.verdict, Failed)
    assert said.verdict.problem.code == "unknown-datasource"


async def test_contract_that_cannot_be_honoured_is_a_stated_failure(world, make_fact):
    world.contracts.invalid = True
    said = await world.deliver(make_fact("csv"))
    assert said.verdict.problem.code == "contract-invalid"


@pytest.mark.parametrize(
    ("code", "kind"), [("empty-file", Rejected), ("file-too-large", Rejected), ("object-missing", Failed)]
)
async def test_what_cannot_be_fetched_is_said(code, kind, world, make_fact):
    world.files.problem = Problem(code=code, message="…")
    said = await world.deliver(make_fact("csv"))
    assert isinstance(said.verdict, kind)
    assert said.verdict.problem.code == code
    assert world.folders == []


async def test_good_rows_are_accepted_beside_rejected_ones_and_all_files_for_the_sender_kept(world, make_fact):
    files = ("rejects.csv", "open-rows.parquet")
    world.judge.answer = replace(GOOD, errors=2, accepted=2, rejected=1, files=files)
    verdict = (await world.deliver(make_fact("csv"))).verdict
    assert isinstance(verdict, Accepted)
    assert (verdict.source, verdict.accepted, verdict.rejected) == (3, 2, 1)
    assert tuple(world.results.kept) == files


async def test_counts_that_do_not_add_up_are_no_verdict(world, make_fact):
    world.judge.answer = replace(GOOD, accepted=2)
    with pytest.raises(ChildBroken):
        await world.deliver(make_fact("csv"))
    assert world.verdicts.stands == {}


@pytest.mark.parametrize(("crashes", "runs", "kind"), [(1, 2, Accepted), (2, 2, Failed)])
async def test_crashed_reader_is_replaced_until_the_attempts_are_spent(crashes, runs, kind, world, make_fact):
    world.judge.crashes = crashes
    said = await world.deliver(make_fact("csv"))
    assert isinstance(said.verdict, kind)
    assert (world.judge.runs, world.attempts.begun) == (runs, runs)
    await world.deliver(make_fact("csv"))
    assert world.judge.runs == runs


@pytest.mark.parametrize(("source", "claimed"), [(GATEWAY_SOURCE, True), ("shop", False)])
async def test_correction_of_an_outsider_is_claimed_here_and_the_gateways_is_not(source, claimed, world, make_fact):
    fact = make_fact("csv", corrects=uuid4(), object=ObjectRef(uri="s3://sluice/drop/x"))
    assert isinstance((await world.deliver(fact, source)).verdict, Accepted)
    assert world.corrections.asked == [claimed]


async def test_correction_that_may_not_be_is_rejected_unread(world, make_fact):
    world.corrections.problem = Problem(code="already-corrected", message="Send it with corrects=….")
    verdict = (await world.deliver(make_fact("csv", corrects=uuid4()))).verdict
    assert isinstance(verdict, Rejected)
    assert verdict.problem == world.corrections.problem
    assert world.judge.runs == 0


async def test_a_dry_run_is_judged_and_its_verdict_says_so(world, make_fact):
    fact = make_fact("csv", dry_run=True)
    first, second = await world.deliver(fact), await world.deliver(fact)
    assert first == second
    assert (first.verdict.kind, first.dry_run) == ("accepted", True)


async def test_a_dry_run_that_corrects_is_rejected_and_holds_nothing(world, make_fact):
    told = await world.deliver(make_fact("csv", corrects=uuid4(), dry_run=True))
    assert (told.verdict.kind, told.verdict.problem.code) == ("rejected", "dry-run-corrects")
    assert (world.corrections.asked, told.dry_run) == ([], True)


async def test_file_that_corrects_nothing_asks_nobody(world, make_fact):
    await world.deliver(make_fact("csv"))
    assert world.corrections.asked == []


async def test_nothing_is_marked_before_the_file_is_there(world, make_fact):
    world.files.problem = Problem(code="object-missing", message="…")
    await world.deliver(make_fact("csv"))
    assert world.attempts.begun == 0


@pytest.mark.parametrize("kind", ["rejected", "failed"])
async def test_breach_and_crash_are_said(kind, world, make_fact):
    world.judge.answer = Unjudged(kind, Problem(code="resource-limit", message="Split it."))
    said = await world.deliver(make_fact("csv"))
    assert said.verdict.kind == kind
    assert said.verdict.problem.message == "Split it."


async def test_broken_rules_reject_the_whole_file(world, make_fact):
    world.judge.answer = replace(
        GOOD, errors=7, problem=Problem(code="rules-broken", message="…"), parts=0, accepted=0, rejected=3
    )
    said = await world.deliver(make_fact("csv"))
    assert isinstance(said.verdict, Rejected)
    assert (said.verdict.source, said.verdict.rejected, said.verdict.errors) == (3, 3, 7)
    assert said.verdict.report


async def test_abandoned_file_ends_failed_but_never_against_a_verdict_that_stands(world, make_fact):
    fact = make_fact("csv")
    cause = Envelope(id=str(fact.task_id), source=GATEWAY_SOURCE, time=NOW, data=fact)
    abandon = AbandonFile(world.validate_file.settle)
    await abandon(cause, ValueError("a cell's value"))
    (ended,) = world.publisher.verdicts
    assert ended.data.verdict.problem.code == "internal"
    assert "cell" not in ended.data.verdict.problem.message
    world.verdicts.stands.clear()
    said = await world.deliver(fact)
    await abandon(cause, ValueError())
    assert world.publisher.verdicts[-1].data == said
