"""The gateway, wired. The only place that knows all of its parts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI
from uuid_utils.compat import uuid7

from gateway.adapters.s3_commands import S3Commands
from gateway.adapters.s3_contents import S3Contents
from gateway.adapters.s3_ledger import S3Ledger
from gateway.adapters.s3_objects import S3Objects
from gateway.adapters.s3_raw import S3Raw
from gateway.adapters.s3_uploads import S3Uploads
from gateway.domain.imports import ImportRules
from gateway.domain.limits import SizeLimits
from gateway.jobs import (
    lead_sweeps,
    prove_storage,
    relay_events,
    sweep_commands,
    sweep_orphans,
    sweep_unconcluded,
    sweep_uploads,
)
from gateway.ports import EventPublisher
from gateway.routes import Edge, Linger, Pace, TusDoor, add_problems, routers
from gateway.settings import GatewaySettings
from gateway.usecases import (
    Accept,
    AcceptUpload,
    ActivateContract,
    AdmitUpload,
    Backlog,
    CancelTask,
    FindTask,
    ImportFile,
    KnownContent,
    PauseDatasource,
    PutContract,
    ReadContracts,
    Relay,
    RetractTask,
    RetryTask,
    SweepCommands,
    SweepOrphans,
    SweepUnconcluded,
)
from gateway.usecases.resumable import (
    AppendToUpload,
    CreateResumable,
    FindResumable,
    LookAtUpload,
    Resumable,
    TerminateUpload,
)
from gateway.usecases.resumablebytes import TakeBytes
from gateway.usecases.resumablefinish import FinishUpload
from gateway.usecases.resumablesweep import SweepUploads
from sluice import messaging
from sluice.auth.access import protect
from sluice.auth.authenticator import make_authenticator
from sluice.clock import Clock, utc_now
from sluice.contracts import ContractStore, ContractVersions
from sluice.corrections import Corrections
from sluice.http import Probes, create_api
from sluice.jobs import Job, running
from sluice.lease import Leader, Leases
from sluice.ledger import SWEEPS
from sluice.objectstore import ObjectStore, open_objectstore
from sluice.pauses import Pauses
from sluice.proof import ProveStorage
from sluice.publishers import open_signer
from sluice.settings import S3Settings
from sluice.tasks import Tasks

DESCRIPTION = "Takes files in. `202` means that the file is durable and will end in exactly one outcome."

OpenStore = Callable[[S3Settings], AbstractAsyncContextManager[ObjectStore]]
OpenPublisher = Callable[[GatewaySettings], AbstractAsyncContextManager[EventPublisher]]


def make_opener(settings: GatewaySettings) -> OpenPublisher:
    """Opens a publisher that connects whenever Kafka answers; until then it raises Transient. It signs where publishers are known."""
    sign = open_signer(settings.publishers_file) if settings.publishers_file else messaging.unsigned

    @asynccontextmanager
    async def open_publisher(settings: GatewaySettings) -> AsyncIterator[EventPublisher]:
        broker = messaging.create_broker(settings.kafka_bootstrap, "sluice.gateway")
        async with messaging.connected(broker):
            yield messaging.KafkaPublisher(broker, sign=sign)

    return open_publisher


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs while the gateway does."""

    edge: Edge
    jobs: tuple[Job, ...]
    ready: Callable[[], Awaitable[bool]]


def create_app(
    settings: GatewaySettings,
    *,
    open_store: OpenStore = open_objectstore,
    open_events: OpenPublisher | None = None,
    clock: Clock = utc_now,
) -> FastAPI:
    """The gateway on real parts, unless told otherwise."""
    open_events = open_events or make_opener(settings)

    async def open_parts(api: FastAPI, stack: AsyncExitStack, probes: Probes) -> None:
        store = await stack.enter_async_context(open_store(settings))
        events = await stack.enter_async_context(open_events(settings))
        parts = assemble(settings, store, events, clock)
        api.state.edge = parts.edge
        await stack.enter_async_context(running(*parts.jobs))
        probes.alive.update({job.name: job.alive for job in parts.jobs})
        probes.ready.update(s3=parts.ready)

    api = create_api("Sluice gateway", DESCRIPTION, open_parts)
    add_problems(api)
    protect(api, make_authenticator(settings, clock))
    api.add_middleware(TusDoor)
    api.add_middleware(Linger)
    for router in routers:
        api.include_router(router)
    return api


def assemble(settings: GatewaySettings, store: ObjectStore, events: EventPublisher, clock: Clock) -> Parts:
    """Every use case on its ports."""
    ledger, commands, tasks = S3Ledger(store), S3Commands(store), Tasks(store)
    relay, backlog, prove = Relay(events, settings.relay_room), Backlog(settings.max_backlog), ProveStorage(store)
    contracts, versions = ContractStore(store), ContractVersions(store, clock)
    known = KnownContent(S3Contents(store, contracts, clock), tasks)
    accept = Accept(ledger, Corrections(store, clock), relay, backlog, clock)
    rules = ImportRules(settings.import_prefixes, settings.s3_bucket)
    after, limits = timedelta(seconds=settings.sweep_after), size_limits(settings)
    leases, read = Leases(store, clock), ReadContracts(versions, contracts)
    leader = Leader(leases, SWEEPS)
    sweep = SweepUnconcluded(
        ledger,
        relay,
        backlog,
        clock,
        after=after,
        after_start=timedelta(seconds=settings.sweep_after_start),
        days=settings.sweep_days,
        leads=lambda: leader.leads,
    )
    commanded = SweepCommands(commands, tasks, relay, clock, after, settings.sweep_days)

    uploads = S3Uploads(store, leases)
    finish = FinishUpload(uploads, TakeBytes(uploads, settings.max_unpacked_bytes), ledger, accept, known)
    resumable, sweep_resumable = assemble_resumable(settings, finish, clock)
    lifetime = timedelta(seconds=settings.upload_lifetime)
    orphans = SweepOrphans(S3Raw(store), ledger, tasks, uploads, clock, lifetime, settings.sweep_days)

    async def ready() -> bool:
        return prove.proven and await store.answers()

    edge = Edge(
        admit=AdmitUpload(contracts, prove, backlog, limits, settings.max_uploads, settings.max_uploads_of_caller),
        accept=AcceptUpload(store, accept, known, uuid7, limits),
        import_file=ImportFile(S3Objects(store), accept, uuid7, limits, rules),
        find=FindTask(tasks),
        cancel=CancelTask(tasks, commands, relay, clock),
        retract=RetractTask(tasks, commands, relay, uuid7, clock),
        retry=RetryTask(tasks, accept, known),
        put_contract=PutContract(prove, versions, contracts),
        activate_contract=ActivateContract(prove, versions, contracts),
        read_contracts=read,
        pausing=PauseDatasource(Pauses(store), read, clock),
        uploads=Pace("uploads", settings.upload_rate),
        commands=Pace("commands", settings.command_rate),
        limits=limits,
        resumable=resumable,
        public_url=settings.public_url,
        body_patience=settings.body_patience,
    )
    jobs = (
        prove_storage(prove),
        relay_events(relay),
        lead_sweeps(leader),
        sweep_unconcluded(sweep, settings.sweep_every),
        sweep_commands(commanded, leader, settings.sweep_every),
        sweep_uploads(sweep_resumable, leader, settings.sweep_uploads_every),
        sweep_orphans(orphans, leader, settings.sweep_uploads_every),
    )
    return Parts(edge, jobs, ready)


def assemble_resumable(settings: GatewaySettings, finish: FinishUpload, clock: Clock) -> tuple[Resumable, SweepUploads]:
    """Uploads in several requests, and what sweeps after them."""
    lifetime, patience = timedelta(seconds=settings.upload_lifetime), settings.upload_lock_patience
    uploads, take, accept = finish.uploads, finish.take, finish.accept
    resumable = Resumable(
        create=CreateResumable(uploads, accept, uuid7, clock, lifetime, settings.upload_part_bytes),
        find=FindResumable(uploads, clock),
        look=LookAtUpload(uploads, finish, patience),
        append=AppendToUpload(uploads, take, finish, patience),
        terminate=TerminateUpload(uploads, patience),
    )
    return resumable, SweepUploads(uploads, finish, clock, lifetime, grace=min(lifetime, timedelta(hours=1)))


def size_limits(settings: GatewaySettings) -> SizeLimits:
    return SizeLimits(
        settings.max_upload_bytes,
        settings.max_unpacked_bytes,
        settings.max_bytes_by_format,
        settings.max_bytes_by_datasource,
        settings.max_bytes_by_caller,
    )
