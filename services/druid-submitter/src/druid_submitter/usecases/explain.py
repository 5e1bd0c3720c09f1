"""Find out why Druid failed a task, and keep what it says: its reports and logs vanish."""

from dataclasses import dataclass

import structlog

from druid_submitter.domain.failure import SENTENCES, why
from druid_submitter.domain.ingestion import Ingestion
from druid_submitter.ports import DruidTasks, Evidence
from sluice.events import Problem

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ExplainFailure:
    druid: DruidTasks
    evidence: Evidence

    async def __call__(self, ingestion: Ingestion) -> Problem:
        words = await self.druid.words(ingestion.datasource, ingestion.druid_task_id)
        kept = await self.evidence.keep(ingestion.datasource, ingestion.task_id, ingestion.attempt, words)
        found = why(words)
        log.warning("Druid failed the task", code=found, attempt=ingestion.attempt, kept=kept)
        return Problem(code=found, message=f"{SENTENCES[found]} What Druid said is kept at {kept}.")
