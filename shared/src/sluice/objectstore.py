"""Objects on S3: put, create-only put, get, list, and uploads in parts. Errors of the client are translated here, once."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError

from sluice.errors import ObjectChanged, ObjectDenied, ObjectExists, ObjectMissing, Permanent, SluiceError, Transient
from sluice.settings import S3Settings

PART_SIZE = 8_388_608
"""Bytes per part of an upload; S3 asks for at least 5 MiB. At most two parts are held in memory."""

AFTER_SLASH = chr(ord("/") + 1)

MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchUpload", "404", "NotFound"}
DENIED = {"AccessDenied", "403", "Forbidden"}
EXISTS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
PASSING = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted"}


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing or a head says of an object. `size` in bytes; `written_at` to the second.

    `etag` may be empty in a listing that came while the object was being written.
    """

    key: str
    size: int
    etag: str
    written_at: datetime


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`. Raises ValueError."""
    match = re.fullmatch(r"s3://([^/]+)/(.+)", uri, re.DOTALL)
    if not match:
        raise ValueError("not an s3:// URI")
    return match[1], match[2]


@contextmanager
def translate_s3_errors(key: str) -> Iterator[None]:
    """Foreign errors become ObjectMissing, ObjectDenied, ObjectExists, Transient or Permanent."""
    try:
        yield
    except ClientError as error:
        raise _translated(error, key) from error
    except (BotoCoreError, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Transient(f"S3 does not answer for {key}: {error!r}") from error


def _translated(error: ClientError, key: str) -> SluiceError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in MISSING:
        return ObjectMissing(f"there is no object {key}")
    if code in DENIED:
        return ObjectDenied(f"S3 does not let us at {key}")
    if code in EXISTS:
        return ObjectExists(f"object {key} exists already")
    if code in PASSING or (status >= 500 and code != "NotImplemented"):  # noqa: PLR2004 - server errors
        return Transient(f"S3 answers {status} {code} for {key}")
    return Permanent(f"S3 refuses {key}: {status} {code}")


@asynccontextmanager
async def open_objectstore(settings: S3Settings) -> AsyncIterator["ObjectStore"]:
    """A store on the configured bucket; its connections are closed at the end."""
    session = aioboto3.Session(
        aws_access_key_id=settings.s3_access_key.get_secret_value() if settings.s3_access_key else None,
        aws_secret_access_key=settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else None,
        region_name=settings.s3_region,
    )
    config = AioConfig(
        connect_timeout=3,
        read_timeout=30,
        max_pool_connections=64,
        retries={"mode": "standard", "max_attempts": 3},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # unsigned payloads stream; a signed one is hashed first, and some servers hold it in memory
        s3={"addressing_style": "path", "payload_signing_enabled": False},
    )
    async with session.client("s3", endpoint_url=settings.s3_endpoint, config=config) as client:
        yield ObjectStore(client, settings.s3_bucket)


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """One bucket. Keys are text without a leading slash; all methods raise Transient while S3 does not answer."""

    client: Any
    bucket: str

    def at(self, bucket: str) -> "ObjectStore":
        """The same server, another bucket."""
        return ObjectStore(self.client, bucket)

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    async def get(self, key: str) -> bytes:
        """The whole object: for small ones. Raises ObjectMissing."""
        with translate_s3_errors(key):
            answer = await self.client.get_object(Bucket=self.bucket, Key=key)
            async with answer["Body"]:
                content: bytes = await answer["Body"].read()
                return content

    async def get_range(self, key: str, first: int, last: int, etag: str | None = None) -> bytes:
        """Bytes `first` to `last`, counted from 0, of an object that is not empty. Raises ObjectMissing, ObjectChanged."""
        with translate_s3_errors(key):
            answer = await self.client.get_object(Bucket=self.bucket, Key=key, Range=f"bytes={first}-{last}")
            async with answer["Body"]:
                _require_etag(answer, etag, key)
                content: bytes = await answer["Body"].read()
                return content

    async def stream(self, key: str, chunk: int = 1_048_576, etag: str | None = None) -> AsyncIterator[bytes]:
        """The object in chunks of at most `chunk` bytes. Raises ObjectMissing; ObjectChanged where it has not this ETag."""
        with translate_s3_errors(key):
            answer = await self.client.get_object(Bucket=self.bucket, Key=key)
            async with answer["Body"]:  # enters as the bare response, whose `read` takes no size
                _require_etag(answer, etag, key)
                while piece := await answer["Body"].read(chunk):
                    yield piece

    async def put(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Put, over whatever was there."""
        with translate_s3_errors(key):
            await self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    async def create(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Put, unless the key is taken. Of many at once exactly one wins; the others raise ObjectExists."""
        with translate_s3_errors(key):
            await self.client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*"
            )

    async def create_or_get(self, key: str, body: bytes, content_type: str = "application/json") -> bytes:
        """Create the object, or return what stands there already: the first writer decides, everybody learns what."""
        try:
            await self.create(key, body, content_type)
        except ObjectExists:
            return await self.get(key)
        return body

    async def head(self, key: str) -> ObjectInfo:
        """Raises ObjectMissing."""
        with translate_s3_errors(key):
            answer = await self.client.head_object(Bucket=self.bucket, Key=key)
        return ObjectInfo(key, answer["ContentLength"], bare_etag(answer["ETag"]), answer["LastModified"])

    async def delete(self, key: str) -> None:
        """Delete; a key that is not there is fine."""
        with translate_s3_errors(key), suppress(ObjectMissing):
            await self.client.delete_object(Bucket=self.bucket, Key=key)

    async def list(self, prefix: str, after: str = "") -> AsyncIterator[ObjectInfo]:
        """Objects under a prefix, behind the key `after`, in the order of their keys.

        May show unfinished puts: trust exact names only.
        """
        async for page in self._pages(prefix, StartAfter=after):
            for item in page.get("Contents", ()):
                yield ObjectInfo(item["Key"], item["Size"], bare_etag(item.get("ETag", "")), item["LastModified"])

    async def folders(self, prefix: str, after: str = "") -> AsyncIterator[str]:
        """Names between a prefix that ends with `/` and the next `/`, behind the name `after`, as if each ended with `/`."""
        behind = f"{prefix}{after}{AFTER_SLASH}" if after else ""
        async for page in self._pages(prefix, StartAfter=behind, Delimiter="/"):
            for item in page.get("CommonPrefixes", ()):
                yield item["Prefix"].removeprefix(prefix).rstrip("/")

    async def _pages(self, prefix: str, **options: str) -> AsyncIterator[dict[str, Any]]:
        given = {name: value for name, value in options.items() if value}
        with translate_s3_errors(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, **given)
            async for page in pages:
                yield page

    async def upload_file(self, key: str, path: Path) -> None:
        """Put a local file, in parts, with bounded memory."""
        async with self.upload(key) as upload:
            with path.open("rb") as source:
                while piece := source.read(PART_SIZE):
                    await upload.write(piece)

    @asynccontextmanager
    async def upload(self, key: str) -> AsyncIterator["Upload"]:
        """An upload in parts. It becomes visible when the block ends; leaving by an exception leaves nothing behind."""
        upload = Upload(self, key)
        try:
            yield upload
            await upload.finish()
        except BaseException:
            await upload.abort()
            raise

    async def answers(self) -> bool:
        """Does the bucket answer within two seconds?"""
        try:
            with translate_s3_errors(self.bucket):
                async with asyncio.timeout(2):
                    await self.client.head_bucket(Bucket=self.bucket)
        except SluiceError:
            return False
        return True

    async def require_create_only(self) -> None:
        """Refuse a server on which a create-only put can win twice. Raises Permanent."""
        key = f"probes/{uuid4()}"
        await self.create(key, b"1")
        try:
            await self.create(key, b"2")
        except ObjectExists:
            return
        finally:
            await self.delete(key)
        raise Permanent("this S3 server ignores If-None-Match on put; two uploads could claim one task. Use another.")


def _require_etag(answer: dict[str, Any], etag: str | None, key: str) -> None:
    """Of the answer itself that carries the bytes: a look beforehand says nothing of them."""
    if etag is not None and bare_etag(answer["ETag"]) != bare_etag(etag):
        raise ObjectChanged(f"the object {key} is another one by now")


def bare_etag(etag: str) -> str:
    """Without the quotes that HTTP writes around it."""
    return etag.strip('"')


@dataclass(slots=True)
class Upload:
    """Bytes on their way into one object: small ones in a single put, larger ones in parts of PART_SIZE."""

    store: ObjectStore
    key: str
    size: int = 0
    _buffer: bytearray = field(default_factory=bytearray)
    _upload_id: str | None = None
    _parts: list[dict[str, Any]] = field(default_factory=list)

    async def write(self, chunk: bytes) -> None:
        self._buffer += chunk
        self.size += len(chunk)
        while len(self._buffer) >= PART_SIZE:
            await self._send(bytes(self._buffer[:PART_SIZE]))
            del self._buffer[:PART_SIZE]

    async def _send(self, part: bytes) -> None:
        target = {"Bucket": self.store.bucket, "Key": self.key}
        with translate_s3_errors(self.key):
            if self._upload_id is None:
                self._upload_id = (await self.store.client.create_multipart_upload(**target))["UploadId"]
            number = len(self._parts) + 1
            answer = await self.store.client.upload_part(
                **target, UploadId=self._upload_id, PartNumber=number, Body=part
            )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    async def finish(self) -> None:
        if self._upload_id is None:
            await self.store.put(self.key, bytes(self._buffer))
            return
        if self._buffer:
            await self._send(bytes(self._buffer))
        with translate_s3_errors(self.key):
            await self.store.client.complete_multipart_upload(
                Bucket=self.store.bucket,
                Key=self.key,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": self._parts},
            )

    async def abort(self) -> None:
        """Best effort: what cannot be aborted now is swept by age later."""
        if self._upload_id is None:
            return
        with suppress(SluiceError), translate_s3_errors(self.key):
            await self.store.client.abort_multipart_upload(
                Bucket=self.store.bucket, Key=self.key, UploadId=self._upload_id
            )
