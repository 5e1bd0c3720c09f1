"""What the cluster has for our tasks: slots, extensions, locks; and how long rows take to be seen, and for how long they stay."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sluice.druid.connection import DruidConnection, DruidDenied
from sluice.druid.doctor.finding import Finding, fail, ok, warn
from sluice.druid.doctor.reach import PROXIES, Met, about
from sluice.druid.places import Role
from sluice.druid.settings import DruidSettings
from sluice.errors import Transient
from sluice.safetext import shown

EXTENSIONS = {"druid-s3-extensions": "S3StorageDruidModule", "druid-parquet-extensions": "ParquetExtensionsModule"}
"""Artifact and module: some builds tell the one, some the other."""
PERIODS = {
    Role.COORDINATOR: {"druid.manager.segments.pollDuration": "PT1M", "druid.coordinator.period": "PT60S"},
    Role.BROKER: {"druid.sql.planner.metadataRefreshPeriod": "PT1M"},
}
"""Between a task's SUCCESS and the query that counts its rows; with Druid's defaults."""
LONG = timedelta(minutes=5)
_DURATION = TypeAdapter(timedelta)


async def means_of(
    druid: DruidConnection, settings: DruidSettings, met: Met, datasource: str
) -> AsyncIterator[Finding]:
    yield await _slots(druid)
    for finding in _extensions(met):
        yield finding
    yield await _locks(druid, settings, met)
    yield await _delay(druid, settings)
    yield await _retention(druid, datasource)


async def _slots(druid: DruidConnection) -> Finding:
    asked = "slots for tasks"
    try:
        answer = (await druid.ask(Role.OVERLORD, "GET", "/druid/indexer/v1/totalWorkerCapacity")).json()
        total, used = int(answer["currentClusterCapacity"]), int(answer["usedClusterCapacity"])
    except Transient as error:
        return fail(asked, str(error), "Mend that first; our user needs STATE STATE READ.")
    except (KeyError, TypeError, ValueError):
        return warn(asked, "the Overlord does not say how many", "Look at its console.")
    if total < 1:
        return fail(asked, "there is none: every task would wait", "Start a MiddleManager or Indexer.")
    return ok(asked, f"{total}, of which {used} are taken now; each file takes one while it is loaded")


def _extensions(met: Met) -> list[Finding]:
    loaded = met.modules.get(Role.OVERLORD)
    if loaded is None:
        return []  # said where the Overlord did not answer
    return [_extension(name, module, loaded) for name, module in EXTENSIONS.items()]


def _extension(name: str, module: str, loaded: str) -> Finding:
    if name in loaded or module in loaded:
        return ok(f"extension {name}", "loaded")
    do = "Add it to druid.extensions.loadList of every server, those that run tasks above all, and restart them."
    return fail(f"extension {name}", "not loaded: no file could be read", do)


async def _locks(druid: DruidConnection, settings: DruidSettings, met: Met) -> Finding:
    asked = "tasks beside each other"
    if not met.can.concurrent_locks:
        return warn(asked, "this version lets one task at a time into a datasource's days", "Upgrade Druid.")
    properties = await _properties(druid, settings, Role.OVERLORD)
    if (properties or {}).get("druid.indexer.tasklock.forceTimeChunkLock") == "false":
        do = "Remove druid.indexer.tasklock.forceTimeChunkLock=false."
        return warn(asked, "locks of segments are set, with which files of one day wait for each other", do)
    return ok(asked, "appends to one datasource run together (useConcurrentLocks)")


async def _delay(druid: DruidConnection, settings: DruidSettings) -> Finding:
    asked = "from a task's end to its rows in queries"
    total, said = timedelta(), []
    for role, periods in PERIODS.items():
        properties = await _properties(druid, settings, role)
        if properties is None:
            do = "Nothing, if you know them; else grant our user CONFIG CONFIG READ, and name Brokers themselves."
            return warn(asked, f"the settings of the {role} are not shown to us", do)
        for name, default in periods.items():
            text = str(properties.get(name, default))
            said.append(f"{name}={shown(text, 40)}")
            total += _seconds(text) or _seconds(default) or timedelta()
    told = f"up to {total.total_seconds():g} s ({', '.join(said)})"
    if total > LONG:
        return warn(asked, told, "Shorten these: a file is not concluded before its rows are counted.")
    return ok(asked, told)


async def _properties(druid: DruidConnection, settings: DruidSettings, role: Role) -> dict[str, Any] | None:
    """None where they are not shown."""
    if settings.routed(role) and role not in PROXIES:
        return None
    try:
        properties = (await druid.ask(role, "GET", about(settings, role, "/status/properties"))).json()
    except Transient:
        return None
    return properties if isinstance(properties, dict) else None


def _seconds(text: str) -> timedelta | None:
    try:
        return _DURATION.validate_python(text)
    except ValidationError:
        return None


async def _retention(druid: DruidConnection, datasource: str) -> Finding:
    asked = f"retention of {datasource}"
    try:
        rules = (await druid.ask(Role.COORDINATOR, "GET", f"/druid/coordinator/v1/rules/{datasource}?full=true")).json()
        kinds = [shown(str(rule["type"]), 40) for rule in rules]
    except DruidDenied as denied:
        return warn(asked, str(denied), f"Grant our user DATASOURCE {datasource} READ, or look at the rules yourself.")
    except Transient as error:
        return fail(asked, str(error), "Mend that first.")
    except (KeyError, TypeError):
        return warn(asked, "the Coordinator does not say it as it is known", "Look at its console.")
    return _of_rules(asked, kinds)


def _of_rules(asked: str, kinds: Sequence[str]) -> Finding:
    """The first rule that fits a segment holds; what no rule fits is not loaded."""
    told = ", ".join(kinds) or "no rule"
    if kinds[:1] == ["loadForever"]:
        return ok(asked, told)
    do = (
        "A file with rows that would not be loaded ends `failed: retention-drops`: let the rules end with loadForever, "
        "or load what files may hold."
    )
    if "loadForever" in kinds and not any(kind.startswith("drop") for kind in kinds[: kinds.index("loadForever")]):
        return ok(asked, told)
    return (warn if any(kind.startswith("load") for kind in kinds) else fail)(asked, told, do)
