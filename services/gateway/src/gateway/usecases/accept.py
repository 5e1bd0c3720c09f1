"""Accepting a file: bytes first, then the record that makes it true, then the news."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog
from structlog.contextvars import bound_contextvars

from gateway.domain.measure import Measure, Measured
from gateway.domain.names import FileName
from gateway.errors import CORRECTIONS, DigestMismatch, KeyReused, Undecided
from gateway.ports import Acceptance, AcceptanceLedger, Corrections, FileStore, Outbound, Sink
from sluice.clock import Clock
from sluice.corrections import Basis
from sluice.errors import SluiceError, Transient
from sluice.events import ContractRef, FileUploaded, ObjectRef, Problem, accepted, task_id_for_key
from sluice.ledger import raw_key

log = structlog.get_logger()

ANONYMOUS = "anonymous"
"""The caller until there is authentication."""

Body = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that somebody wants to hand over, without its bytes.

    `digest`: SHA-256 in base64, if the sender says it. `corrects`: the task whose file or rejected rows it brings back.
    """

    contract: ContractRef
    name: FileName
    idempotency_key: str | None = None
    digest: str | None = None
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class AcceptUpload:
    """Takes the bytes, and returns the task once its record is durable. Publishing is not waited for.

    Raises UploadRefused with nothing left behind, Transient with nothing accepted, Undecided when nobody knows.
    """

    files: FileStore
    ledger: AcceptanceLedger
    corrections: Corrections
    outbound: Outbound
    clock: Clock
    new_id: Callable[[], UUID]
    limit: int

    async def __call__(self, offer: Offer, body: Body) -> UUID:
        task_id = task_id_for_key(ANONYMOUS, offer.idempotency_key) if offer.idempotency_key else self.new_id()
        with bound_contextvars(task_id=str(task_id)):
            if offer.corrects:
                _allow(await self.corrections.check(offer.contract.datasource, offer.corrects, task_id))
            claimed = await self.ledger.claimed(task_id) if offer.idempotency_key else None
            if claimed:
                await self._repeat(claimed, offer, body)
            else:
                await self._accept(task_id, offer, body)
        return task_id

    async def _repeat(self, claimed: Acceptance, offer: Offer, body: Body) -> None:
        """The same upload again: compare, store nothing, and finish what a crash may have left unfinished."""
        _require_same(claimed, offer, await self._measured(offer, body))
        await self._claim_parent(claimed)
        if await self._record(claimed):
            self.outbound.hand_over(claimed)

    async def _accept(self, task_id: UUID, offer: Offer, body: Body) -> None:
        key = raw_key(offer.contract.datasource, task_id, uuid4(), offer.name.shown)
        measured = await self._store(key, offer, body)
        acceptance = self._acceptance(task_id, offer, key, measured)
        if offer.idempotency_key:
            acceptance = await self._claim(acceptance, key, offer, measured)
        try:
            await self._claim_parent(acceptance)
        except SluiceError:
            if not offer.idempotency_key:
                await self._discard(key)
            raise
        await self._record(acceptance)
        self.outbound.hand_over(acceptance)
        log.info("file accepted", datasource=offer.contract.datasource, size=measured.size)

    async def _store(self, key: str, offer: Offer, body: Body) -> Measured:
        try:
            async with self.files.upload(key) as sink:
                return await self._measured(offer, body, sink)
        except Transient:
            await self._discard(key)  # a put that timed out may have landed; no record names it yet
            raise

    async def _discard(self, key: str) -> None:
        with suppress(SluiceError):
            await self.files.delete(key)

    async def _measured(self, offer: Offer, body: Body, sink: Sink | None = None) -> Measured:
        measure = Measure(offer.name.format, self.limit)
        async for chunk in body:
            measure.take(chunk)
            if sink:
                await sink.write(chunk)
        measured = measure.finish()
        if offer.digest not in {None, measured.digest}:
            raise DigestMismatch("The bytes that came do not have the SHA-256 of Content-Digest. Send the file again.")
        return measured

    def _acceptance(self, task_id: UUID, offer: Offer, key: str, measured: Measured) -> Acceptance:
        now = self.clock()
        return accepted(
            FileUploaded(
                task_id=task_id,
                datasource=offer.contract.datasource,
                filename=offer.name.shown,
                accepted_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
                format=offer.name.format,
                object=ObjectRef(uri=self.files.uri(key), size=measured.size, sha256=measured.sha256),
                contract=offer.contract,
                caller=ANONYMOUS,
                corrects=offer.corrects,
            )
        )

    async def _claim(self, ours: Acceptance, key: str, offer: Offer, measured: Measured) -> Acceptance:
        try:
            winner = await self.ledger.claim(ours)
        except Transient as error:
            raise Undecided(str(error)) from error
        if winner.data.object.uri != ours.data.object.uri:
            await self._discard(key)
            _require_same(winner, offer, measured)
        return winner

    async def _claim_parent(self, acceptance: Acceptance) -> None:
        """Last before the record, so that a claim without one is soon known to be lost. Raises CorrectionRefused."""
        if acceptance.data.corrects:
            _allow(await self.corrections.claim(acceptance.data))

    async def _record(self, acceptance: Acceptance) -> bool:
        try:
            return await self.ledger.record(acceptance)
        except Transient as error:
            raise Undecided(str(error)) from error


def _allow(answer: Basis | Problem) -> None:
    """Raises CorrectionRefused."""
    if isinstance(answer, Problem):
        raise CORRECTIONS[answer.code](answer.message)


def _require_same(stands: Acceptance, offer: Offer, measured: Measured) -> None:
    """Raises KeyReused."""
    before = (stands.data.datasource, stands.data.filename, stands.data.object.sha256, stands.data.corrects)
    if before != (offer.contract.datasource, offer.name.shown, measured.sha256, offer.corrects):
        raise KeyReused(
            "This Idempotency-Key belongs to an upload with another datasource, file name, content or `corrects`. "
            "Send a new key with a new file; repeat a key only with the very same upload."
        )
