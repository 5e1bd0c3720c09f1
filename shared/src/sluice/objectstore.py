"""Objects on S3: put, create-only put, get, list, and uploads in parts. Errors of the client are translated here, once."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError

from sluice.errors import ObjectChanged, ObjectDenied, ObjectExists, ObjectMissing, Permanent, SluiceError, Transient
from sluice.multipart import PART_SIZE, Part, Pieces, Upload
from sluice.settings import S3Settings

AFTER_SLASH = chr(ord("/") + 1)

MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchUpload", "404", "NotFound"}
DENIED = {"AccessDenied", "403", "Forbidden"}
CREDENTIALS = {
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidSecurity",
    "InvalidToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
"""What S3 says of whoever asks, whatever he asks for: an operator or a new token mends it."""
UNEXPLAINED = {"400", "403"}
"""All that is said of a refused HEAD, for it is answered without a body. A GET is told why."""
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
    """Foreign errors become ObjectMissing, ObjectExists, Transient (with ObjectDenied) or Permanent."""
    try:
        yield
    except ClientError as error:
        raise _translated(error, key) from error
    except (BotoCoreError, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Transient(f"S3 does not answer for {key}: {error!r}") from error


def _translated(error: ClientError, key: str) -> SluiceError:
    code = _code(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in MISSING:
        return ObjectMissing(f"there is no object {key}")
    if code in DENIED:
        return ObjectDenied(f"S3 does not let us at {key}")
    if code in EXISTS:
        return ObjectExists(f"object {key} exists already")
    # where S3 names a region, it is the bucket that lies elsewhere
    if code in CREDENTIALS and "Region" not in error.response["Error"]:
        return Transient(
            f"S3 does not take our credentials for {key}: {status} {code}. Look at the credentials and at this machine's clock."
        )
    if code in PASSING or (status >= 500 and code != "NotImplemented"):  # noqa: PLR2004 - server errors
        return Transient(f"S3 answers {status} {code} for {key}")
    return Permanent(f"S3 refuses {key}: {status} {code}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


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
    """One bucket. Keys are text without a leading slash; all methods raise Transient while S3 does not answer or let us in."""

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
            try:
                answer = await self.client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if _code(error) not in UNEXPLAINED:
                    raise
                answer = await self.client.get_object(Bucket=self.bucket, Key=key)
                answer["Body"].close()
        return ObjectInfo(key, answer["ContentLength"], bare_etag(answer["ETag"]), answer["LastModified"])

    async def delete(self, key: str) -> None:
        """Delete; a key that is not there is fine."""
        with suppress(ObjectMissing), translate_s3_errors(key):
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
    async def upload(self, key: str) -> AsyncIterator[Upload]:
        """An upload in parts. It becomes visible when the block ends; leaving by an exception leaves nothing behind."""
        upload = Upload(self, key)
        try:
            yield upload
            await upload.finish()
        except BaseException:
            with suppress(SluiceError):
                await upload.abort()
            raise

    async def begin(self, key: str) -> "S3Multipart":
        """An upload in parts that outlives this process; see `resume`."""
        with translate_s3_errors(key):
            answer = await self.client.create_multipart_upload(Bucket=self.bucket, Key=key)
        return self.resume(key, answer["UploadId"])

    def resume(self, key: str, multipart_id: str) -> "S3Multipart":
        return S3Multipart(self.client, self.bucket, key, multipart_id)

    async def unfinished(self, prefix: str) -> AsyncIterator["S3Multipart"]:
        """Uploads in parts under a prefix that were neither completed nor aborted."""
        with translate_s3_errors(prefix):
            pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=prefix)
            async for page in pages:
                for each in page.get("Uploads", ()):
                    yield self.resume(each["Key"], each["UploadId"])

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


@dataclass(frozen=True, slots=True)
class S3Multipart:
    """One upload in parts; see `sluice.multipart`."""

    client: Any
    bucket: str
    key: str
    id: str

    async def put(self, number: int, body: Pieces) -> Part:
        """Put a part, over whatever was there. Raises ObjectMissing where the upload is over; not every server does."""
        with translate_s3_errors(self.key):
            answer = await self.client.upload_part(**self._target, PartNumber=number, Body=body)
        return Part(number, len(body), bare_etag(answer["ETag"]))

    async def parts(self) -> AsyncIterator[Part]:
        """Those that S3 has, in order; none where the upload is over."""
        with suppress(ObjectMissing), translate_s3_errors(self.key):
            async for page in self.client.get_paginator("list_parts").paginate(**self._target):
                for each in page.get("Parts", ()):
                    yield Part(each["PartNumber"], each["Size"], bare_etag(each["ETag"]))

    async def complete(self, parts: Iterable[Part]) -> None:
        """Make the object of these very parts. Raises ObjectMissing where the upload is over, Permanent where a part is another by now."""
        said = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        with translate_s3_errors(self.key):
            await self.client.complete_multipart_upload(**self._target, MultipartUpload={"Parts": said})

    async def abort(self) -> None:
        """Throw the parts away; an upload that is over is fine."""
        with suppress(ObjectMissing), translate_s3_errors(self.key):
            await self.client.abort_multipart_upload(**self._target)

    @property
    def _target(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.key, "UploadId": self.id}
