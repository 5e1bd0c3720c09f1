"""What may be asked of a resumable upload, by the methods of tus 1.0.0: create, look, append, terminate."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from structlog.contextvars import bound_contextvars

from gateway.domain.resumable import Arrived, ResumableUpload, Seal, Why
from gateway.errors import EmptyFile, FormatMismatch, OffsetConflict, UploadFinished, UploadGone, UploadNotFound
from gateway.ports import ResumableUploads
from gateway.usecases.acceptance import Accept, Offer
from gateway.usecases.resumablebytes import TakeBytes
from gateway.usecases.resumablefinish import Finished, FinishUpload, require_open
from sluice.clock import Clock
from sluice.events import Problem
from sluice.ledger import raw_key


@dataclass(frozen=True, slots=True)
class Standing:
    """The next byte that is wanted; at the end, what the upload became."""

    offset: int
    finished: Finished | None = None


@dataclass(frozen=True, slots=True)
class CreateResumable:
    """`lifetime`: how long it may take. `part_size` in bytes."""

    uploads: ResumableUploads
    accept: Accept
    new_id: Callable[[], UUID]
    clock: Clock
    lifetime: timedelta
    part_size: int

    async def __call__(self, offer: Offer, length: int, metadata: str) -> ResumableUpload:
        """Its id is also the task that it becomes, unless the offer has a key. Raises EmptyFile, CorrectionRefused, Transient."""
        if not length:
            raise EmptyFile("The file is empty. Send a file with a header and rows.")
        upload_id = self.new_id()
        task_id = replace(offer, task_id=upload_id).named_task or upload_id
        await self.accept.check(offer, task_id)
        key = raw_key(offer.contract.datasource, task_id, upload_id, offer.name.shown)
        upload = ResumableUpload(
            upload_id=upload_id,
            caller=offer.caller,
            contract=offer.contract,
            filename=offer.name.shown,
            format=offer.name.format,
            idempotency_key=offer.idempotency_key,
            corrects=offer.corrects,
            dry_run=offer.dry_run,
            length=length,
            part_size=self.part_size,
            metadata=metadata,
            created_at=self.clock(),
            expires_at=self.clock() + self.lifetime,
            key=key,
            multipart=await self.uploads.begin(key) if length >= self.part_size else None,
        )
        await self.uploads.create(upload)
        return upload


@dataclass(frozen=True, slots=True)
class FindResumable:
    uploads: ResumableUploads
    clock: Clock

    async def __call__(self, upload_id: UUID, caller: str) -> ResumableUpload:
        """Those of others look as if they were not there. Raises UploadNotFound, UploadGone, Transient."""
        upload = await self.uploads.find(upload_id)
        if upload is None or upload.caller != caller:
            raise UploadNotFound("There is no upload of that id. Create a new one: POST /v1/uploads.")
        if self.clock() >= upload.expires_at:
            raise UploadGone("The time of this upload is over; Upload-Expires had said when. Create a new one.")
        return upload


@dataclass(frozen=True, slots=True)
class LookAtUpload:
    """`patience`: seconds to wait for another request to let go of the upload."""

    uploads: ResumableUploads
    finish: FinishUpload
    patience: float

    async def __call__(self, upload: ResumableUpload) -> Standing:
        """The end of the file only once that is accepted. Raises UploadGone, UploadLocked, UploadRefused, Transient."""
        with bound_contextvars(upload_id=str(upload.upload_id)):
            arrived = await self.uploads.arrived(upload)
            if arrived.conclusion:
                return await self._standing(upload, arrived)
            # whoever writes at the moment is stopped, so that what has come to him counts
            async with self.uploads.locked(upload.upload_id, self.patience, _nothing):
                return await self._standing(upload, await self.uploads.arrived(upload))

    async def _standing(self, upload: ResumableUpload, arrived: Arrived) -> Standing:
        require_open(arrived)
        offset = arrived.offset(upload)
        return Standing(offset, await self.finish(upload, arrived) if offset == upload.length else None)


@dataclass(frozen=True, slots=True)
class AppendToUpload:
    uploads: ResumableUploads
    take: TakeBytes
    finish: FinishUpload
    patience: float

    async def __call__(
        self, upload: ResumableUpload, offset: int, body: AsyncIterator[bytes], stop: Callable[[], None]
    ) -> Standing:
        """`stop` ends the body: another request wants the upload.

        Raises OffsetConflict, what cut the body short, UploadGone, UploadLocked, UploadRefused, Transient.
        """
        with bound_contextvars(upload_id=str(upload.upload_id)):
            async with self.uploads.locked(upload.upload_id, self.patience, stop):
                arrived = await self.uploads.arrived(upload)
                require_open(arrived)
                if offset != arrived.offset(upload):
                    raise _conflict(offset, arrived.offset(upload))
                if offset < upload.length:
                    offset = await self._take(upload, arrived, body)
                    if offset < upload.length:
                        return Standing(offset)
                    arrived = await self.uploads.arrived(upload)
                return Standing(offset, await self.finish(upload, arrived))

    async def _take(self, upload: ResumableUpload, arrived: Arrived, body: AsyncIterator[bytes]) -> int:
        try:
            return await self.take(upload, arrived, body)
        except FormatMismatch as refusal:
            problem = Problem(code=refusal.code, message=str(refusal))
            seal = await self.uploads.seal(upload, Seal(why=Why.REFUSED, problem=problem))
            if seal.why is not Why.COMPLETE:
                await self.uploads.discard(upload)
            raise


@dataclass(frozen=True, slots=True)
class TerminateUpload:
    uploads: ResumableUploads
    patience: float

    async def __call__(self, upload: ResumableUpload) -> None:
        """Remove what has come. Raises UploadFinished where the file is accepted or about to be, UploadGone, UploadLocked, Transient."""
        async with self.uploads.locked(upload.upload_id, self.patience, _nothing):
            require_open(await self.uploads.arrived(upload))
            seal = await self.uploads.seal(upload, Seal(why=Why.TERMINATED))
            if seal.why is Why.COMPLETE:
                raise UploadFinished(
                    "All bytes of this upload have come, and its file is accepted. Cancel its task instead."
                )
            await self.uploads.discard(upload)


@dataclass(frozen=True, slots=True)
class Resumable:
    """All of it, for the edge."""

    create: CreateResumable
    find: FindResumable
    look: LookAtUpload
    append: AppendToUpload
    terminate: TerminateUpload


def _conflict(said: int, wanted: int) -> OffsetConflict:
    return OffsetConflict(
        f"The next byte of this upload is number {wanted}, counted from 0; Upload-Offset says {said}. Ask for it by HEAD.",
        offset=wanted,
    )


def _nothing() -> None:
    return
