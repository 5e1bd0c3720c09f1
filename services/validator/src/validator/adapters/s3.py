"""The validator's part of the ledger on S3."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sluice.corrections import Corrections
from sluice.errors import ObjectChanged, ObjectDenied, ObjectMissing
from sluice.events import Envelope, FileUploaded, FileValidated, ObjectRef, Problem
from sluice.ledger import canonical_key, report_key, run_file_key, verdict_key
from sluice.messaging import decode_as, encode_structured
from sluice.objectstore import ObjectStore, split_uri
from sluice_engine import paths
from validator.errors import ChildBroken

MISSING = Problem(code="object-missing", message="The uploaded file is not where the event says. Upload it again.")
EMPTY = Problem(code="empty-file", message="The file is empty.")
OTHER = Problem(code="digest-mismatch", message="The file is not the one that was announced. Upload it again.")
CHANGED = Problem(
    code="object-changed",
    message="The object was replaced after the file was accepted. Hand it over again, and leave it as it is until its task has ended.",
)
DENIED = Problem(
    code="object-denied",
    message="There is no such object, or Sluice's credentials may not read it. Ask whoever runs this to have the bucket opened.",
)

OUR_NAME = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z]+(\.[a-z]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class S3Files:
    """Fetches uploads of at most `max_bytes`, and holds them against what the event says of them."""

    store: ObjectStore
    max_bytes: int

    async def fetch(self, source: ObjectRef, run: Path) -> Problem | None:
        bucket, key = split_uri(source.uri)
        store = self.store.at(bucket)
        try:
            if (await store.head(key)).size > self.max_bytes:
                return self._too_large()
            size, digest = await self._download(store, key, source.etag, paths.input_file(run))
        except ObjectMissing:
            return MISSING
        except ObjectChanged:
            return CHANGED
        except ObjectDenied:
            if bucket == self.store.bucket:
                raise  # that is no fault of the object
            return DENIED
        return self._compare(source, size, digest)

    def _compare(self, source: ObjectRef, size: int, digest: str) -> Problem | None:
        if size > self.max_bytes:
            return self._too_large()
        if size == 0:
            return EMPTY
        return None if source.size in {None, size} and source.sha256 in {None, digest} else OTHER

    async def _download(self, store: ObjectStore, key: str, etag: str | None, path: Path) -> tuple[int, str]:
        """Bytes received and their SHA-256; stops at the chunk that crosses the limit."""
        size, digest = 0, hashlib.sha256()
        with path.open("wb") as file:
            async for chunk in store.stream(key, etag=etag):
                size += len(chunk)
                digest.update(chunk)
                file.write(chunk)
                if size > self.max_bytes:
                    break
        return size, digest.hexdigest()

    def _too_large(self) -> Problem:
        return Problem(code="file-too-large", message=f"A file may have {self.max_bytes} bytes at most. Split it.")


@dataclass(frozen=True, slots=True)
class S3Results:
    """Each run writes under its own prefix: two validators never touch each other's parts."""

    store: ObjectStore

    async def keep_report(self, fact: FileUploaded, run: UUID, folder: Path) -> str:
        key = report_key(fact.datasource, fact.task_id, run)
        await self.store.put(key, paths.report_file(folder).read_bytes(), "application/json")
        return self.store.uri(key)

    async def keep_files(self, fact: FileUploaded, run: UUID, folder: Path, names: Collection[str]) -> None:
        """Raises ChildBroken for a name that the engine does not give: it comes out of a process that reads what anybody sent."""
        for name in names:
            if not OUR_NAME.fullmatch(name) or (folder / name).is_symlink():
                raise ChildBroken("a child names a file that is not of its run")
            await self.store.upload_file(run_file_key(fact.datasource, fact.task_id, run, name), folder / name)

    async def keep_parts(self, fact: FileUploaded, run: UUID, folder: Path, count: int) -> tuple[str, ...]:
        keys = [canonical_key(fact.datasource, fact.task_id, run, number) for number in range(count)]
        for number, key in enumerate(keys):
            await self.store.upload_file(key, paths.part_file(folder, number))
        return tuple(map(self.store.uri, keys))


@dataclass(frozen=True, slots=True)
class S3Verdicts:
    """`verdict.json`, create-only: the whole event as it was first decided."""

    store: ObjectStore

    async def find(self, fact: FileUploaded) -> Envelope[FileValidated] | None:
        try:
            return decode_as(FileValidated, await self.store.get(verdict_key(fact.datasource, fact.task_id)))
        except ObjectMissing:
            return None

    async def settle(self, verdict: Envelope[FileValidated]) -> Envelope[FileValidated]:
        key = verdict_key(verdict.data.datasource, verdict.data.task_id)
        return decode_as(FileValidated, await self.store.create_or_get(key, encode_structured(verdict)))


@dataclass(frozen=True, slots=True)
class S3Corrections:
    """The claims of corrections, and the open rows of the tasks that they correct."""

    store: ObjectStore
    claims: Corrections

    async def prepare(self, fact: FileUploaded, run: Path, *, claimed: bool) -> Problem | None:
        if not claimed:
            taken = await self.claims.claim(fact, recorded=False)
            if isinstance(taken, Problem):
                return taken
        basis = await self.claims.confirm(fact)
        if isinstance(basis, Problem):
            return basis
        if basis.open_rows:
            with paths.open_before(run).open("wb") as file:
                async for chunk in self.store.stream(basis.open_rows):
                    file.write(chunk)
        return None
