"""Accepting a file that comes as the body of one request."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from structlog.contextvars import bound_contextvars

from gateway.domain.limits import SizeLimits
from gateway.domain.measure import Measure, Measured
from gateway.errors import DigestMismatch, Undecided, UploadRefused
from gateway.ports import Acceptance, FileStore, Sink
from gateway.usecases.acceptance import Accept, Offer, require_same
from gateway.usecases.known import KnownContent
from sluice.errors import SluiceError, Transient
from sluice.events import ObjectRef
from sluice.ledger import raw_key

Body = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class AcceptUpload:
    """Takes the bytes, and returns the acceptance once its record is durable. Publishing is not waited for.

    Raises UploadRefused with nothing left behind, Transient with nothing accepted, Undecided when nobody knows.
    """

    files: FileStore
    accept: Accept
    known: KnownContent
    new_id: Callable[[], UUID]
    limits: SizeLimits

    async def __call__(self, offer: Offer, body: Body, digest: str | None = None) -> Acceptance:
        """`digest`: SHA-256 of the body in base64, if the sender says it."""
        task_id = offer.named_task or self.new_id()
        with bound_contextvars(task_id=str(task_id)):
            claimed = await self.accept.check(offer, task_id)
            if claimed:
                return await self._repeat(claimed, offer, body, digest)
            return await self._accept(task_id, offer, body, digest)

    async def _repeat(self, claimed: Acceptance, offer: Offer, body: Body, digest: str | None) -> Acceptance:
        """The same upload again: compare, store nothing, and finish what a crash may have left unfinished."""
        measured = await self._measured(offer, body, digest)
        require_same(claimed, offer, _content(claimed.data.object.uri, measured))
        await self.accept.finish(claimed)
        return claimed

    async def _accept(self, task_id: UUID, offer: Offer, body: Body, digest: str | None) -> Acceptance:
        key = raw_key(offer.contract.datasource, task_id, self.new_id(), offer.name.shown)
        content = _content(self.files.uri(key), await self._store(key, offer, body, digest))
        try:
            acceptance = await self.known(offer, await self.accept.claim(task_id, offer, content))
        except UploadRefused:
            await self._discard(key)
            raise
        if acceptance.data.object.uri != content.uri:
            await self._discard(key)
        try:
            await self.accept.finish(acceptance)
        except Undecided:
            raise
        except SluiceError:
            if not offer.named_task:
                await self._discard(key)
            raise
        return acceptance

    async def _store(self, key: str, offer: Offer, body: Body, digest: str | None) -> Measured:
        try:
            async with self.files.upload(key) as sink:
                return await self._measured(offer, body, digest, sink)
        except Transient:
            await self._discard(key)  # a put that timed out may have landed; no record names it yet
            raise

    async def _discard(self, key: str) -> None:
        with suppress(SluiceError):
            await self.files.delete(key)

    async def _measured(self, offer: Offer, body: Body, digest: str | None, sink: Sink | None = None) -> Measured:
        limit = self.limits.of(offer.contract.datasource, offer.caller, offer.name.format)
        measure = Measure(offer.name.format, limit, self.limits.unpacked)
        async for chunk in body:
            measure.take(chunk)
            if sink:
                await sink.write(chunk)
        measured = measure.finish()
        if digest not in {None, measured.digest}:
            raise DigestMismatch("The bytes that came do not have the SHA-256 of Content-Digest. Send the file again.")
        return measured


def _content(uri: str, measured: Measured) -> ObjectRef:
    return ObjectRef(uri=uri, size=measured.size, sha256=measured.sha256)
