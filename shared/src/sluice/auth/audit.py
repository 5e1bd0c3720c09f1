"""The audit log: who did what to which datasource, from where. Lines among the others, told apart by `log: audit`."""

from typing import Any
from uuid import UUID

import structlog

from sluice.auth.grants import Caller, Verb
from sluice.http import Refusal

log: Any = structlog.get_logger("audit", log="audit")


def allowed(
    what: str, caller: Caller, verb: Verb, datasource: str, task_id: UUID | None = None, *, version: str | None = None
) -> None:
    """Something that `caller` did and that took effect, such as "file accepted". `version`: of a contract."""
    about = {"task_id": task_id and str(task_id), "version": version}
    log.info(what, **_about(caller, verb, datasource), **{name: each for name, each in about.items() if each})


def denied(refusal: Refusal, caller: Caller, verb: Verb, datasource: str | None, task_id: UUID | None = None) -> None:
    """He is known, but may not. `task_id`: of the task that was asked for by its id."""
    log.warning(
        "access denied",
        code=refusal.code,
        **_about(caller, verb, datasource),
        task_id=str(task_id) if task_id else None,
    )


def turned_away(refusal: Refusal, address: str, method: str, path: str) -> None:
    """Nobody knows who it is."""
    log.warning("credential refused", code=refusal.code, address=address, method=method, path=path)


def _about(caller: Caller, verb: Verb, datasource: str | None) -> dict[str, Any]:
    return {"caller": caller.name, "address": caller.address, "verb": verb.value, "datasource": datasource}
