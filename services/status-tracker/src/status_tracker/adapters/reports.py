"""Reports on S3, and the files beside them."""

from dataclasses import dataclass

from sluice.errors import ObjectMissing
from sluice.objectstore import ObjectStore
from status_tracker.domain.report import own_file_key
from status_tracker.domain.task import Task
from status_tracker.ports import Document


@dataclass(frozen=True, slots=True)
class S3Reports:
    store: ObjectStore

    async def open(self, task: Task, name: str) -> Document | None:
        key = own_file_key(task, self.store.bucket, name)
        if key is None:
            return None
        try:
            info = await self.store.head(key)
        except ObjectMissing:
            return None
        return Document(info.size, info.etag, self.store.stream(key))
