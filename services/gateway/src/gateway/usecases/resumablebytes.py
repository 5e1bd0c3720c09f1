"""Bytes of a resumable upload on their way from a request to S3. However the request ends, what has come is kept."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

from gateway.domain.measure import Measure, Measured
from gateway.domain.resumable import Arrived, ResumableUpload, Tail
from gateway.errors import CUT_SHORT, Refused, UploadOverrun
from gateway.ports import ResumableUploads
from sluice.multipart import Part, PartWriter

MOST_FOLLOWED = 64
"""Uploads whose bytes this process remembers to have measured; others are read once more at their end."""


@dataclass(slots=True)
class Followed:
    """An upload of which every byte so far has passed through this process, and where it put them."""

    measure: Measure
    parts: set[Part] = field(default_factory=set)
    tail: Tail | None = None


@dataclass(frozen=True, slots=True)
class TakeBytes:
    """`unpacked`: bytes that may come out of an XLSX file."""

    uploads: ResumableUploads
    unpacked: int
    _followed: OrderedDict[UUID, Followed] = field(default_factory=OrderedDict)

    async def __call__(self, upload: ResumableUpload, arrived: Arrived, body: AsyncIterator[bytes]) -> int:
        """The offset behind what is kept. Raises what cut the body short, FormatMismatch, OffsetConflict, UploadGone, Transient."""
        followed = self._take_up(upload, arrived)
        writer = await self.uploads.writer(upload, arrived)
        try:
            cut = await self._write(upload, writer, followed, body)
            offset = writer.offset
            tail = await self._keep(upload, writer, arrived)
        except BaseException:
            await writer.drop()
            raise
        await self.uploads.drop(upload, [each for each in arrived.tails if each.end <= offset and each != tail])
        if followed:
            followed.parts.update(writer.sent)
            followed.tail = tail
            self._remember(upload, followed)
        if cut:
            raise cut
        return offset

    async def measured(self, upload: ResumableUpload, arrived: Arrived) -> Measured:
        """Of the object that is made of what has arrived. It is read once more, unless all of it has passed through here.

        Raises FormatMismatch, FileTooLarge, Transient.
        """
        followed = self._followed.pop(upload.upload_id, None)
        if followed and followed.measure.size == upload.length and followed.parts == set(arrived.parts):
            return followed.measure.finish()
        measure = self._new_measure(upload)
        async for chunk in self.uploads.read(upload):
            measure.take(chunk)
        return measure.finish()

    async def _write(
        self, upload: ResumableUpload, writer: PartWriter, followed: Followed | None, body: AsyncIterator[bytes]
    ) -> Refused | None:
        """What cut the body short, if anything did."""
        try:
            async for chunk in body:
                if writer.offset + len(chunk) > upload.length:
                    raise UploadOverrun(
                        "More bytes came than Upload-Length had said. Create a new upload for another file."
                    )
                if followed:
                    followed.measure.take(chunk)
                await writer.write(chunk)
        except CUT_SHORT as error:
            return error
        return None

    async def _keep(self, upload: ResumableUpload, writer: PartWriter, arrived: Arrived) -> Tail | None:
        """What is still in memory: as a tail, or at the end as the last part, or as the whole file."""
        before, offset = arrived.offset(upload), writer.offset
        if offset == upload.length and upload.multipart is None:
            await self.uploads.put_whole(upload, bytes(writer.rest))
            return None
        if offset == upload.length and writer.rest:
            await writer.ship()
        await writer.settle()
        if offset == before or not writer.rest:
            return arrived.tail(upload) if offset == before else None
        return await self.uploads.keep(upload, writer.rest, offset - len(writer.rest))

    def _take_up(self, upload: ResumableUpload, arrived: Arrived) -> Followed | None:
        followed = self._followed.pop(upload.upload_id, None)
        stands = arrived.offset(upload), set(arrived.parts), arrived.tail(upload)
        if followed and (followed.measure.size, followed.parts, followed.tail) == stands:
            return followed
        return None if arrived.offset(upload) else Followed(self._new_measure(upload))

    def _remember(self, upload: ResumableUpload, followed: Followed) -> None:
        self._followed[upload.upload_id] = followed
        if len(self._followed) > MOST_FOLLOWED:
            self._followed.popitem(last=False)

    def _new_measure(self, upload: ResumableUpload) -> Measure:
        return Measure(upload.name.format, upload.length, self.unpacked)
