"""May we do what Sluice does? Tried, not read: by a question that changes nothing, and a task that does nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sluice.druid.connection import DruidConnection, DruidDenied
from sluice.druid.doctor.finding import Finding, fail, ok
from sluice.druid.places import Role
from sluice.druid.versions import knows_no_table
from sluice.errors import Transient


@dataclass(frozen=True, slots=True)
class Right:
    asked: str
    needs: str
    role: Role
    path: str
    body: Any


def rights(datasource: str) -> tuple[Right, ...]:
    """What the druid-submitter asks for, each with the permission of Druid's basic security that it takes."""
    task = f"sluice_doctor_{uuid4()}"
    noop = {"type": "noop", "id": task, "dataSource": datasource, "runTime": 1}
    query = {"query": f'SELECT COUNT(*) AS n FROM "{datasource}"'}  # noqa: S608 - the name keeps DATASOURCE_PATTERN
    locks = {"datasource": datasource, "priority": 50, "context": {"useConcurrentLocks": True}}
    overlord, coordinator = "/druid/indexer/v1", "/druid/coordinator/v1"
    write, read, state = f"DATASOURCE {datasource} WRITE", f"DATASOURCE {datasource} READ", "STATE STATE READ"
    eternity = ["0001-01-01/9999-12-31"]
    segments = f"{coordinator}/metadata/datasources/{datasource}/segments"
    return (
        Right("submit a task", write, Role.OVERLORD, f"{overlord}/task", noop),
        Right("see statuses", state, Role.OVERLORD, f"{overlord}/taskStatus", [task]),
        Right("see locks", state, Role.OVERLORD, f"{overlord}/lockedIntervals/v2", [locks]),
        Right("list segments", read, Role.COORDINATOR, segments, eternity),
        Right("query by SQL", read, Role.BROKER, "/druid/v2/sql", query),
    )


async def rights_of(druid: DruidConnection, datasource: str) -> AsyncIterator[Finding]:
    for right in rights(datasource):
        yield await _try(druid, right)


async def _try(druid: DruidConnection, right: Right) -> Finding:
    asked = f"may we {right.asked}?"
    try:
        answer = await druid.ask(right.role, "POST", right.path, right.body)
        if not knows_no_table(answer):
            answer.json()
    except DruidDenied as denied:
        return fail(asked, str(denied), f"Grant our user {right.needs}.")
    except Transient as error:
        return fail(asked, str(error), "Mend that first; look into the log of that server.")
    return ok(asked, "yes")
