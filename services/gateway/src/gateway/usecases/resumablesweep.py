"""Uploads that nobody has finished in time are removed, and so is what a crash left of others."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from gateway.domain.resumable import ResumableUpload, Seal, Why
from gateway.errors import UploadGone, UploadRefused
from gateway.ports import ResumableUploads
from gateway.usecases.resumablefinish import FinishUpload
from sluice.clock import Clock
from sluice.events import drawn_at

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SweepUploads:
    """`lifetime`: how long an upload may take. `grace`: how long after that it is left alone, for a request may still be at it."""

    uploads: ResumableUploads
    finish: FinishUpload
    clock: Clock
    lifetime: timedelta
    grace: timedelta

    async def __call__(self) -> bool:
        """One round, from the oldest on. Raises Transient while the storage does not answer."""
        horizon, count = self.clock() - self.lifetime - self.grace, Counter[str]()
        async for upload_id in self.uploads.oldest():
            if drawn_at(upload_id) > horizon:
                break
            count[await self._end(upload_id)] += 1
        count["aborted"] = await self.uploads.abort_unfinished(lambda upload_id: drawn_at(upload_id) <= horizon)
        del count["young"]
        if count.total():
            log.info("resumable uploads swept", **count)
        return False

    async def _end(self, upload_id: UUID) -> str:
        """What has been done with it."""
        upload = await self.uploads.find(upload_id)
        if upload and upload.expires_at + self.grace > self.clock():
            return "young"
        done = await self._close(upload) if upload else "removed"
        await self.uploads.remove(upload_id)
        return done

    async def _close(self, upload: ResumableUpload) -> str:
        seal = await self.uploads.seal(upload, Seal(why=Why.EXPIRED))
        if seal.why is not Why.COMPLETE:
            await self.uploads.discard(upload)
            return "expired" if seal.why is Why.EXPIRED else "removed"
        try:
            finished = await self.finish(upload, await self.uploads.arrived(upload))
        except (UploadRefused, UploadGone) as refusal:
            log.info("resumable upload came to nothing", upload_id=str(upload.upload_id), code=refusal.code)
            return "refused"
        return "accepted" if finished.just_now else "removed"
