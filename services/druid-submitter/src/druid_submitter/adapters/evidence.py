"""What Druid said of a failed task, on S3 beside the task's report. The first that was kept stands: later, Druid knows less."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from uuid import UUID

from druid_submitter.domain.failure import Words
from sluice.errors import ObjectExists
from sluice.ledger import druid_words_key
from sluice.objectstore import ObjectStore


@dataclass(frozen=True, slots=True)
class S3Evidence:
    store: ObjectStore

    async def keep(self, datasource: str, task_id: UUID, attempt: int, words: Words) -> str:
        key = druid_words_key(datasource, task_id, attempt)
        with suppress(ObjectExists):
            await self.store.create(key, json.dumps(asdict(words), indent=1).encode(), "application/json")
        return self.store.uri(key)
