"""From complete bytes of a resumable upload to an accepted file. Whoever finds it half done goes on: every step may be repeated.

object → seal → claim → conclusion → record. The seal decides between this and giving the upload up; the conclusion decides
which task the file becomes, or that it becomes none; only then is anything recorded or removed.
"""

from dataclasses import dataclass
from uuid import UUID

from gateway.domain.resumable import Arrived, Conclusion, ResumableUpload, Seal, Why
from gateway.errors import PASSING, Undecided, UploadGone, UploadRefused
from gateway.ports import Acceptance, AcceptanceLedger, ResumableUploads
from gateway.usecases.acceptance import Accept, Offer
from gateway.usecases.known import KnownContent
from gateway.usecases.resumablebytes import TakeBytes
from sluice.errors import Transient
from sluice.events import ObjectRef, Problem


def offer_of(upload: ResumableUpload) -> Offer:
    return Offer(
        upload.contract,
        upload.name,
        upload.idempotency_key,
        upload.corrects,
        upload.caller,
        task_id=upload.upload_id,
        dry_run=upload.dry_run,
    )


def require_open(arrived: Arrived) -> None:
    """Raises UploadGone for an upload that was given up or refused."""
    refused = arrived.conclusion.problem if arrived.conclusion else arrived.seal.problem if arrived.seal else None
    if refused:
        raise UploadGone(f"This upload was refused. {refused.message}")
    if arrived.seal and arrived.seal.why is not Why.COMPLETE:
        raise UploadGone(f"This upload is {arrived.seal.why}. Create a new one.")


@dataclass(frozen=True, slots=True)
class Finished:
    """The task that holds the file, and whether it came to be just now."""

    task_id: UUID
    just_now: bool


@dataclass(frozen=True, slots=True)
class FinishUpload:
    uploads: ResumableUploads
    take: TakeBytes
    ledger: AcceptanceLedger
    accept: Accept
    known: KnownContent

    async def __call__(self, upload: ResumableUpload, arrived: Arrived) -> Finished:
        """Of an upload whose bytes are all there. Raises UploadRefused, UploadGone, Transient.

        After a refusal that will pass, and after one of a correction, the bytes stay, and it may be tried again.
        """
        try:
            conclusion = arrived.conclusion or await self._conclude(upload, arrived)
            return await self._record(upload, conclusion)
        except Undecided as error:
            raise Transient("it is not known whether the file was accepted; whoever asks next settles it") from error

    async def _conclude(self, upload: ResumableUpload, arrived: Arrived) -> Conclusion:
        if not arrived.is_stored:
            await self.uploads.join(upload, arrived.parts)
        seal = arrived.seal or await self.uploads.seal(upload, Seal(why=Why.COMPLETE))
        if seal.why is not Why.COMPLETE:
            await self.uploads.discard(upload)
            raise UploadGone(f"This upload is {seal.why}. Create a new one.")
        try:
            acceptance = await self._choose(upload, arrived)
        except PASSING:
            raise
        except UploadRefused as refusal:
            problem = Problem(code=refusal.code, message=str(refusal))
            conclusion = await self.uploads.conclude(upload, Conclusion(problem=problem))
            if conclusion.problem:
                await self.uploads.discard(upload)
                raise
            return conclusion
        return await self.uploads.conclude(upload, Conclusion(task_id=acceptance.data.task_id))

    async def _choose(self, upload: ResumableUpload, arrived: Arrived) -> Acceptance:
        measured = await self.take.measured(upload, arrived)
        offer = offer_of(upload)
        content = ObjectRef(uri=self.uploads.uri(upload), size=measured.size, sha256=measured.sha256)
        return await self.known(offer, await self.accept.claim(offer.named_task or upload.upload_id, offer, content))

    async def _record(self, upload: ResumableUpload, conclusion: Conclusion) -> Finished:
        if conclusion.task_id is None:
            raise UploadGone("This upload was refused. Create a new one.")
        # a task without a claim is one that held these bytes before, and is recorded
        claimed = await self.ledger.claimed(conclusion.task_id)
        just_now = claimed is not None and not await self.ledger.has(claimed)
        if claimed and just_now:
            await self.accept.finish(claimed)
        if not claimed or claimed.data.object.uri != self.uploads.uri(upload):
            await self.uploads.discard(upload)
        return Finished(conclusion.task_id, just_now)
