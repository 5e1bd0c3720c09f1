"""What a cluster can do for Sluice, asked before the first file does."""

from collections.abc import AsyncIterator

from sluice.druid.connection import open_druid
from sluice.druid.doctor.deep import ingest_a_probe
from sluice.druid.doctor.finding import Finding, Verdict, fail
from sluice.druid.doctor.means import means_of
from sluice.druid.doctor.reach import meet
from sluice.druid.doctor.rights import rights_of
from sluice.druid.settings import DruidSettings
from sluice.settings import S3Settings

__all__ = ["Finding", "Verdict", "examine"]


async def examine(settings: DruidSettings, datasource: str, bucket: S3Settings | None) -> AsyncIterator[Finding]:
    """One finding after the other. `bucket`: three rows are written there and loaded into a datasource of their own."""
    async with open_druid(settings) as druid:
        met = await meet(druid, settings)
        for finding in met.findings:
            yield finding
        if not met.everybody:
            yield fail("all else", "not asked", "Mend that first.")
            return
        async for finding in rights_of(druid, datasource):
            yield finding
        async for finding in means_of(druid, settings, met, datasource):
            yield finding
        if bucket:
            async for finding in ingest_a_probe(druid, met.can, bucket):
                yield finding
