"""Where things stand on S3, by name. Services meet in these keys as they meet in events.

raw/<datasource>/<yyyy-mm-dd>/<task>/<upload>/<safe name>    the bytes as they came, under the day on which their upload began
keys/<task>.json                                    claim of an Idempotency-Key: the event that won
accepted/<yyyy-mm-dd>/<task>.json                   acceptance record: the whole `file.uploaded`, create-only
reports/<datasource>/<task>/verdict.json            the verdict: the whole `file.validated`, create-only
reports/<datasource>/<task>/attempts/<n>.json       a reader that has begun and not come to an end, n = 1, 2, 3: create-only
reports/<datasource>/<task>/druid-<attempt>.json    what Druid said of an attempt that failed: create-only
reports/<datasource>/<task>/<run>/report.json       what one run of the validator found
reports/<datasource>/<task>/<run>/<name>            files for the sender beside it: rejects, workbook, open rows
canonical/<datasource>/<task>/<run>/part-00000.parquet
outcomes/<yyyy-mm-dd>/<task>.json                   the whole `task.completed`, under the day of acceptance
corrections/<task>/parent.json                      which task this one corrects, create-only
corrections/<task>/<n>.json                         claim of the n-th correction of a task, n = 1, 2, …: create-only
contents/<datasource>/<sha256>/<n>.json             which task holds these bytes, where the contract asks; n = 1, 2, …: create-only
contracts/<datasource>/<version>.odcs.yaml          a version of a contract, create-only
contracts/<datasource>/active                       the version in force: what the last activation says
activations/<datasource>/<n>.json                   the n-th time that a version was put in force, n = 00000001, …: create-only
commands/<yyyy-mm-dd>/<event id>.json               a command: the whole `task.command`, create-only
retractions/<task>/<n>.json                         the n-th attempt to take out the rows of a task, n = 1, 2, …: create-only
paused/<datasource>.json                            the datasource is paused, by whom and since when; create-only, gone when it is resumed
uploads/<upload>/upload.json                        a resumable upload: what is known of it from the beginning, create-only
uploads/<upload>/…                                  what of it has come, who is at it, how it ended: `gateway.adapters.s3_uploads`
leases/sweeps/…                                     which gateway sweeps: `sluice.lease`
"""

from datetime import datetime
from uuid import UUID

from sluice.events import day_of, drawn_at, safe_key_name

RAW = "raw/"


def raw_key(datasource: str, task_id: UUID, upload_id: UUID, filename: str) -> str:
    """`upload_id` is a UUIDv7."""
    return f"{raw_prefix(datasource, day_of(drawn_at(upload_id)))}{task_id}/{upload_id}/{safe_key_name(filename)}"


def raw_prefix(datasource: str, day: str) -> str:
    return f"{RAW}{datasource}/{day}/"


def claim_key(task_id: UUID) -> str:
    return f"keys/{task_id}.json"


def accepted_prefix(day: str) -> str:
    return f"accepted/{day}/"


def accepted_key(accepted_at: datetime, task_id: UUID) -> str:
    return f"{accepted_prefix(day_of(accepted_at))}{task_id}.json"


def verdict_key(datasource: str, task_id: UUID) -> str:
    return f"reports/{datasource}/{task_id}/verdict.json"


def report_key(datasource: str, task_id: UUID, run: UUID) -> str:
    return f"reports/{datasource}/{task_id}/{run}/report.json"


def run_file_key(datasource: str, task_id: UUID, run: UUID, name: str) -> str:
    return f"reports/{datasource}/{task_id}/{run}/{name}"


def attempt_key(datasource: str, task_id: UUID, number: int) -> str:
    return f"reports/{datasource}/{task_id}/attempts/{number}.json"


def druid_words_key(datasource: str, task_id: UUID, attempt: int) -> str:
    return f"reports/{datasource}/{task_id}/druid-{attempt}.json"


def content_key(datasource: str, sha256: str, number: int) -> str:
    return f"contents/{datasource}/{sha256}/{number}.json"


def correction_key(parent: UUID, number: int) -> str:
    return f"corrections/{parent}/{number}.json"


def correction_of_key(child: UUID) -> str:
    return f"corrections/{child}/parent.json"


def canonical_key(datasource: str, task_id: UUID, run: UUID, part: int) -> str:
    return f"canonical/{datasource}/{task_id}/{run}/part-{part:05d}.parquet"


def outcome_prefix(day: str) -> str:
    return f"outcomes/{day}/"


def outcome_key(accepted_at: datetime, task_id: UUID) -> str:
    return f"{outcome_prefix(day_of(accepted_at))}{task_id}.json"


CONTRACT = ".odcs.yaml"
ACTIVE = "active"
"""Last parts of keys: of a version of a contract, and of the one that names the datasource's active version."""


def contracts_prefix() -> str:
    return "contracts/"


def contract_prefix(datasource: str) -> str:
    return f"{contracts_prefix()}{datasource}/"


def contract_key(datasource: str, version: str) -> str:
    return f"{contract_prefix(datasource)}{version}{CONTRACT}"


def active_contract_key(datasource: str) -> str:
    return f"{contract_prefix(datasource)}{ACTIVE}"


def activation_prefix(datasource: str) -> str:
    return f"activations/{datasource}/"


def activation_key(datasource: str, number: int) -> str:
    return f"{activation_prefix(datasource)}{number:08d}.json"


def command_prefix(day: str) -> str:
    return f"commands/{day}/"


def command_key(requested_at: datetime, command_id: UUID) -> str:
    return f"{command_prefix(day_of(requested_at))}{command_id}.json"


def retraction_key(task_id: UUID, number: int) -> str:
    return f"retractions/{task_id}/{number}.json"


PAUSED = "paused/"


def paused_key(datasource: str) -> str:
    return f"{PAUSED}{datasource}.json"


UPLOADS = "uploads/"
SWEEPS = "leases/sweeps/"


def upload_prefix(upload_id: UUID) -> str:
    return f"{UPLOADS}{upload_id}/"
