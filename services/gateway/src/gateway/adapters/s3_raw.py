"""Uploaded bytes as objects on S3, found by the day on which their upload began. Other names that stand among them are none of ours."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from gateway.ports import RawObject
from sluice.ledger import RAW, raw_prefix
from sluice.objectstore import ObjectInfo, ObjectStore


@dataclass(frozen=True, slots=True)
class S3Raw:
    store: ObjectStore

    async def of_day(self, day: str) -> AsyncIterator[RawObject]:
        async for datasource in self.store.folders(RAW):
            prefix = raw_prefix(datasource, day)
            async for info in self.store.list(prefix):
                if found := self._raw_object(info, info.key.removeprefix(prefix)):
                    yield found

    async def remove(self, key: str) -> None:
        await self.store.delete(key)

    def _raw_object(self, info: ObjectInfo, name: str) -> RawObject | None:
        try:
            task, upload, _ = name.split("/")
            task_id, upload_id = UUID(task), UUID(upload)
        except ValueError:
            return None
        return RawObject(info.key, self.store.uri(info.key), task_id, upload_id, info.size, info.written_at)
