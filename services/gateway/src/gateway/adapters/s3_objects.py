"""Objects that others put on S3."""

from dataclasses import dataclass

from sluice.events import ObjectRef
from sluice.objectstore import ObjectStore, split_uri


@dataclass(frozen=True, slots=True)
class S3Objects:
    """Of every bucket of the server, by the credentials of `store`."""

    store: ObjectStore

    async def look(self, uri: str) -> ObjectRef:
        bucket, key = split_uri(uri)
        info = await self.store.at(bucket).head(key)
        return ObjectRef(uri=uri, size=info.size, etag=info.etag)

    async def read(self, content: ObjectRef, first: int, last: int) -> bytes:
        bucket, key = split_uri(content.uri)
        return await self.store.at(bucket).get_range(key, first, last, content.etag)
