"""Resumable uploads as objects on S3. Everything that a replica needs to go on stands there.

uploads/<id>/upload.json              what is known from the beginning, create-only
uploads/<id>/tails/<base>-<end>-<sha256>    bytes behind the last whole part
uploads/<id>/locks/…                  see `sluice.lease`
uploads/<id>/seal.json                no more bytes: complete, or given up; create-only
uploads/<id>/conclusion.json          what became of a complete one, create-only
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from gateway.adapters.s3_ledger import JSON
from gateway.domain.resumable import Arrived, Conclusion, ResumableUpload, Seal, Tail
from gateway.errors import OffsetConflict, UploadGone, UploadLocked
from sluice.errors import ObjectExists, ObjectMissing, Permanent, Transient, Undecodable
from sluice.events import drawn_at
from sluice.lease import Leases, LeaseTaken, Wanted
from sluice.ledger import RAW, UPLOADS, upload_prefix
from sluice.multipart import Part, PartWriter, Pieces
from sluice.objectstore import ObjectStore, S3Multipart

V = TypeVar("V", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class S3Uploads:
    store: ObjectStore
    leases: Leases

    @asynccontextmanager
    async def locked(self, upload_id: UUID, patience: float, wanted: Wanted) -> AsyncIterator[None]:
        try:
            async with self.leases.hold(f"{upload_prefix(upload_id)}locks/", patience, wanted):
                yield
        except LeaseTaken as error:
            raise UploadLocked(
                "Another request is at this upload and has not let go in time. Ask for the offset again in a few seconds."
            ) from error

    async def begin(self, key: str) -> str:
        return (await self.store.begin(key)).id

    async def create(self, upload: ResumableUpload) -> None:
        await self.store.create(_key(upload, "upload.json"), upload.model_dump_json().encode(), JSON)

    async def find(self, upload_id: UUID) -> ResumableUpload | None:
        return await self._read(ResumableUpload, f"{upload_prefix(upload_id)}upload.json")

    async def arrived(self, upload: ResumableUpload) -> Arrived:
        # some servers still take parts of an upload that is over, so parts do not say that there is no object
        parts, is_stored, names = await asyncio.gather(
            self._parts(upload), self._is_stored(upload), self._names(upload.upload_id)
        )
        tails = (Tail.parse(name.removeprefix("tails/")) for name in names if name.startswith("tails/"))
        return Arrived(
            parts,
            frozenset(filter(None, tails)),
            is_stored,
            await self._read(Seal, _key(upload, "seal.json")) if "seal.json" in names else None,
            await self._read(Conclusion, _key(upload, "conclusion.json")) if "conclusion.json" in names else None,
        )

    async def writer(self, upload: ResumableUpload, arrived: Arrived) -> PartWriter:
        tail = arrived.tail(upload)
        rest = Pieces(await self._tail(upload, tail)) if tail else Pieces()

        async def send(number: int, body: Pieces) -> Part:
            try:
                return await self._multipart(upload).put(number, body)
            except ObjectMissing as error:
                raise _gone() from error

        return PartWriter(send, len(arrived.parts) + 1, rest, upload.part_size)

    async def keep(self, upload: ResumableUpload, tail: Pieces, base: int) -> Tail:
        content = bytes(tail)
        kept = Tail(base, base + len(content), hashlib.sha256(content).hexdigest())
        await self.store.put(_key(upload, f"tails/{kept.name}"), content)
        return kept

    async def drop(self, upload: ResumableUpload, tails: Iterable[Tail]) -> None:
        for tail in tails:
            await self.store.delete(_key(upload, f"tails/{tail.name}"))

    async def put_whole(self, upload: ResumableUpload, content: bytes) -> None:
        try:
            await self.store.create(upload.key, content)
        except ObjectExists as error:
            raise OffsetConflict("Another request has just completed this upload.", offset=upload.length) from error

    async def join(self, upload: ResumableUpload, parts: tuple[Part, ...]) -> None:
        try:
            await self._multipart(upload).complete(parts)
        except ObjectMissing as error:
            if not await self._is_stored(upload):
                raise _gone() from error
        except Permanent as error:
            raise Transient("a part was written anew while the upload was completed") from error

    async def read(self, upload: ResumableUpload) -> AsyncIterator[bytes]:
        async for chunk in self.store.stream(upload.key):
            yield chunk

    def uri(self, upload: ResumableUpload) -> str:
        return self.store.uri(upload.key)

    async def seal(self, upload: ResumableUpload, seal: Seal) -> Seal:
        return await self._decide(upload, "seal.json", seal)

    async def conclude(self, upload: ResumableUpload, conclusion: Conclusion) -> Conclusion:
        return await self._decide(upload, "conclusion.json", conclusion)

    async def discard(self, upload: ResumableUpload) -> None:
        if upload.multipart:
            await self._multipart(upload).abort()
        await self.store.delete(upload.key)
        async for info in self.store.list(_key(upload, "tails/")):
            await self.store.delete(info.key)

    async def remove(self, upload_id: UUID) -> None:
        # upload.json is the last of the names, so that what is left of a removal that was cut off is still an upload
        async for info in self.store.list(upload_prefix(upload_id)):
            await self.store.delete(info.key)

    async def oldest(self) -> AsyncIterator[UUID]:
        async for name in self.store.folders(UPLOADS):
            if upload_id := _upload_id(name):
                yield upload_id

    async def abort_unfinished(self, before: Callable[[UUID], bool]) -> int:
        aborted = 0
        async for multipart in self.store.unfinished(RAW):
            upload_id = _upload_id(multipart.key.split("/")[-2])
            if upload_id and before(upload_id) and not await self.find(upload_id):
                await multipart.abort()
                aborted += 1
        return aborted

    async def _parts(self, upload: ResumableUpload) -> tuple[Part, ...]:
        if not upload.multipart:
            return ()
        return upload.whole([part async for part in self._multipart(upload).parts()])

    async def _is_stored(self, upload: ResumableUpload) -> bool:
        try:
            return (await self.store.head(upload.key)).size == upload.length
        except ObjectMissing:
            return False

    async def _names(self, upload_id: UUID) -> frozenset[str]:
        prefix = upload_prefix(upload_id)
        return frozenset([info.key.removeprefix(prefix) async for info in self.store.list(prefix)])

    async def _tail(self, upload: ResumableUpload, tail: Tail) -> bytes:
        try:
            return await self.store.get(_key(upload, f"tails/{tail.name}"))
        except ObjectMissing as error:
            raise Transient("another request has just written more of this upload") from error

    async def _decide(self, upload: ResumableUpload, name: str, ours: V) -> V:
        document = await self.store.create_or_get(_key(upload, name), ours.model_dump_json().encode(), JSON)
        return _decoded(type(ours), document)

    async def _read(self, kind: type[V], key: str) -> V | None:
        try:
            return _decoded(kind, await self.store.get(key))
        except ObjectMissing:
            return None

    def _multipart(self, upload: ResumableUpload) -> S3Multipart:
        return self.store.resume(upload.key, upload.multipart or "")


def _key(upload: ResumableUpload, name: str) -> str:
    return f"{upload_prefix(upload.upload_id)}{name}"


def _decoded(kind: type[V], document: bytes) -> V:
    try:
        return kind.model_validate_json(document)
    except ValidationError as error:
        raise Undecodable(f"a {kind.__name__} of a resumable upload should stand here") from error


def _gone() -> UploadGone:
    return UploadGone("The upload was given up in the meantime. Create a new one.")


def _upload_id(name: str) -> UUID | None:
    """None for what is not the id of an upload: other names may stand there."""
    try:
        upload_id = UUID(name)
        drawn_at(upload_id)
    except ValueError:
        return None
    return upload_id if str(upload_id) == name else None
