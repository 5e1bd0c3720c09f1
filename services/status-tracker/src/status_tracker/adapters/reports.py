"""Reports on S3."""

from dataclasses import dataclass

from sluice.errors import ObjectMissing
from sluice.objectstore import ObjectStore
from status_tracker.domain.report import own_report_key
from status_tracker.domain.task import Task
from status_tracker.ports import Report


@dataclass(frozen=True, slots=True)
class S3Reports:
    store: ObjectStore

    async def open(self, task: Task) -> Report | None:
        key = own_report_key(task, self.store.bucket)
        if key is None:
            return None
        try:
            info = await self.store.head(key)
        except ObjectMissing:
            return None
        return Report(info.size, self.store.stream(key))
