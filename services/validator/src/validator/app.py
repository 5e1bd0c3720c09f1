"""The validator, wired. The only place that knows all of its parts."""

from contextlib import AsyncExitStack

from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from sluice import messaging
from sluice.clock import utc_now
from sluice.contracts import ContractStore
from sluice.corrections import Corrections
from sluice.http import Probes, create_api
from sluice.jobs import running
from sluice.messaging import Delivery
from sluice.objectstore import ObjectStore, open_objectstore
from sluice.proof import ProveStorage
from sluice.publishers import open_publishers
from validator.adapters.attempts import S3Attempts
from validator.adapters.child import Limits
from validator.adapters.children import ChildJudge
from validator.adapters.s3 import S3Corrections, S3Files, S3Results, S3Verdicts
from validator.adapters.selftest import require_sound
from validator.adapters.workshop import Workshop
from validator.domain.admission import Gate
from validator.handlers import SERVICE, on_file_uploaded
from validator.jobs import prove_storage
from validator.ports import EventPublisher, Folders, Reader
from validator.settings import ValidatorSettings
from validator.usecases import AbandonFile, JudgeFile, ReportProgress, SettleVerdict, ValidateFile

DESCRIPTION = "Judges uploaded files against the contract of their datasource, and writes canonical Parquet."


def create_app(settings: ValidatorSettings) -> FastAPI:
    """A judge that does not know bad from good stops the start; files are taken after it is proved."""
    publishers = open_publishers(settings.publishers_file) if settings.publishers_file else None

    async def open_parts(_api: FastAPI, stack: AsyncExitStack, probes: Probes) -> None:
        read, folders = await _open_reader(settings, stack)
        store = await stack.enter_async_context(open_objectstore(settings))
        broker = messaging.create_broker(settings.kafka_bootstrap, f"sluice.{SERVICE}")
        publisher = messaging.KafkaPublisher(broker)
        gate = Gate(settings.s3_bucket, settings.buckets, publishers.find if publishers else None)
        validate_file = _validation(settings, gate, store, publisher, read=read, folders=folders)
        abandon_file = AbandonFile(validate_file.settle)
        vet = publishers.vet if publishers else messaging.believe
        delivery = on_file_uploaded(broker, publisher, validate_file, abandon_file, vet)
        await _start(stack, probes, store, broker, delivery)

    return create_api("Sluice validator", DESCRIPTION, open_parts)


def _validation(
    settings: ValidatorSettings,
    gate: Gate,
    store: ObjectStore,
    publisher: EventPublisher,
    *,
    read: Reader,
    folders: Folders,
) -> ValidateFile:
    """The use case on its ports."""
    verdicts = S3Verdicts(store)
    return ValidateFile(
        gate=gate,
        contracts=ContractStore(store),
        folders=folders,
        files=S3Files(store, settings.max_file_bytes),
        corrections=S3Corrections(store, Corrections(store, utc_now)),
        judge=JudgeFile(S3Attempts(store, utc_now), read),
        results=S3Results(store),
        verdicts=verdicts,
        events=publisher,
        report_progress=ReportProgress(publisher, utc_now),
        settle=SettleVerdict(verdicts, publisher, utc_now),
    )


async def _start(
    stack: AsyncExitStack, probes: Probes, store: ObjectStore, broker: KafkaBroker, delivery: Delivery
) -> None:
    prove = ProveStorage(store)
    job = prove_storage(prove)

    async def storage_is_sound() -> bool:
        return prove.proven and await store.answers()

    await stack.enter_async_context(running(job))
    await stack.enter_async_context(messaging.connected(broker))
    probes.alive.update({job.name: job.alive}, consumer=lambda: messaging.consuming(broker))
    probes.ready.update(kafka=lambda: messaging.answers(broker), dead_letters=delivery.reading, s3=storage_is_sound)


async def _open_reader(settings: ValidatorSettings, stack: AsyncExitStack) -> tuple[ChildJudge, Folders]:
    workshop = Workshop(settings.work_dir)
    workshop.sweep()
    workshop.open()
    stack.callback(workshop.close)
    read = ChildJudge(
        Limits(
            memory_bytes=settings.child_memory_bytes,
            cpu_seconds=settings.child_cpu_seconds,
            disk_bytes=settings.child_disk_bytes,
        ),
        settings.child_wall_seconds,
        settings.max_unpacked_bytes,
        slots=settings.child_slots,
        scratch=workshop.mine,
    )
    stack.push_async_callback(read.close)
    await require_sound(read, workshop.folder)
    return read, workshop.folder
