"""What the validator is made of. The only place that knows all of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from sluice.clock import utc_now
from sluice.contracts import ContractStore
from sluice.events import FileUploaded
from sluice.http import Probes, create_api
from sluice.jobs import Job, running
from sluice.messaging import Delivery, KafkaPublisher, answers, connected, consuming, create_broker, subscribe
from sluice.objectstore import ObjectStore, open_objectstore
from validator.adapters.child import Limits
from validator.adapters.children import ChildJudge
from validator.adapters.s3 import S3Files, S3Results, S3Verdicts
from validator.adapters.selftest import require_sound
from validator.adapters.workshop import Workshop
from validator.handlers import on_file_uploaded
from validator.settings import ValidatorSettings
from validator.usecases import AbandonFile, Gate, ReportProgress, SettleVerdict, ValidateFile

DESCRIPTION = "Judges uploaded files against the contract of their datasource, and writes canonical Parquet."


def create_app(settings: ValidatorSettings) -> FastAPI:
    """The validator as an application; everything is opened when it starts, and closed when it ends."""
    service = Service(settings)
    probes = Probes(
        alive={"storage": service.check.alive, "consumer": partial(consuming, service.broker)},
        ready={
            "kafka": partial(answers, service.broker),
            "s3": service.storage_is_sound,
            "dead_letters": service.reading,
        },
    )
    return create_api("Sluice validator", DESCRIPTION, service.lifespan, probes)


class Service:
    """The parts, and the order in which they start."""

    def __init__(self, settings: ValidatorSettings) -> None:
        self.settings = settings
        self.broker = create_broker(settings.kafka_bootstrap, "sluice-validator")
        self.publisher = KafkaPublisher(self.broker)
        self.check = Job("storage", self._check_storage, pause=2.0)
        self.store: ObjectStore | None = None
        self.checked = False
        self.delivery: Delivery | None = None

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """A judge that does not know bad from good stops the start; files are taken after it is proved."""
        async with AsyncExitStack() as stack:
            workshop = Workshop(self.settings.work_dir)
            workshop.sweep()
            stack.callback(workshop.close)
            judge = _child_judge(self.settings)
            stack.push_async_callback(judge.close)
            await require_sound(judge, workshop.folder)
            self.store = await stack.enter_async_context(open_objectstore(self.settings))
            self._subscribe(self.store, judge, workshop)
            await stack.enter_async_context(running(self.check))
            await stack.enter_async_context(connected(self.broker))
            yield

    def _subscribe(self, store: ObjectStore, judge: ChildJudge, workshop: Workshop) -> None:
        verdicts = S3Verdicts(store)
        settle = SettleVerdict(verdicts, self.publisher, utc_now)
        validate_file = ValidateFile(
            gate=Gate(self.settings.s3_bucket, self.settings.buckets),
            contracts=ContractStore(store),
            folders=workshop.folder,
            files=S3Files(store, self.settings.max_file_bytes),
            judge=judge,
            results=S3Results(store),
            verdicts=verdicts,
            events=self.publisher,
            report_progress=ReportProgress(self.publisher, utc_now),
            settle=settle,
        )
        self.delivery = Delivery(
            service="validator",
            handle=partial(on_file_uploaded, validate_file=validate_file),
            publisher=self.publisher,
            abandon=AbandonFile(settle),
        )
        subscribe(self.broker, self.delivery, FileUploaded.TOPIC, group="sluice.validator")

    async def reading(self) -> bool:
        """False once too many dead letters in a row have stopped the consumer."""
        return self.delivery is not None and await self.delivery.reading()

    async def storage_is_sound(self) -> bool:
        return self.checked and self.store is not None and await self.store.answers()

    async def _check_storage(self) -> bool:
        """The first verdict can only stand where a create-only put wins once."""
        if not self.checked and self.store is not None:
            await self.store.require_create_only()
            self.checked = True
        return False


def _child_judge(settings: ValidatorSettings) -> ChildJudge:
    limits = Limits(memory_bytes=settings.child_memory_bytes, cpu_seconds=settings.child_cpu_seconds)
    return ChildJudge(limits, settings.child_wall_seconds, settings.max_unpacked_bytes)
