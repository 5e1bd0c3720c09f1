"""A client of the API, as small as the stack needs one."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sluice_local.errors import SetupError

_FINAL = {"succeeded", "rejected", "failed", "cancelled", "previewed"}
_POLL_SECONDS = 0.3
_NOT_YET = {404, 502, 503}


@dataclass(frozen=True, slots=True)
class Client:
    """Uploads files through the front door and waits for what becomes of them."""

    url: str

    def upload(self, datasource: str, file: Path) -> str:
        """The id of the task; the same for the same content in the same datasource, however often it is uploaded."""
        content = file.read_bytes()
        key = hashlib.sha256(datasource.encode() + b"\0" + content).hexdigest()
        answer = httpx.put(
            f"{self.url}/v1/datasources/{datasource}/files/{file.name}",
            content=content,
            headers={"Idempotency-Key": key},
            timeout=60,
            trust_env=False,
        )
        if not answer.is_success:
            raise SetupError(f"{file.name} was not accepted ({answer.status_code}): {answer.text}")
        task_id: str = answer.json()["task_id"]
        return task_id

    def events(self, task_id: str) -> list[dict[str, Any]]:
        """What was said of the task, in the order of time."""
        answer = httpx.get(f"{self.url}/v1/tasks/{task_id}/events", timeout=10, trust_env=False)
        told: list[dict[str, Any]] = answer.raise_for_status().json()["events"]
        return told

    def outcome(self, task_id: str, seconds: float = 120) -> dict[str, Any]:
        """The task once it has ended, as the status-tracker tells it; SetupError when it does not end in time."""
        deadline = time.monotonic() + seconds
        told = "nothing yet"
        while time.monotonic() < deadline:
            answer = httpx.get(f"{self.url}/v1/tasks/{task_id}", timeout=10, trust_env=False)
            if answer.is_success:
                task: dict[str, Any] = answer.json()
                told = task["state"]
                if told in _FINAL:
                    return task
            elif answer.status_code not in _NOT_YET:
                raise SetupError(f"The status of {task_id} cannot be read ({answer.status_code}): {answer.text}")
            time.sleep(_POLL_SECONDS)
        raise SetupError(f"{task_id} has not ended after {seconds:g} s, its state is: {told}.")
