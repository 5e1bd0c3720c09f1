"""Values that events are made of. All are frozen; unknown fields are ignored, so that an older reader survives a newer writer."""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

DATASOURCE_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
VERSION_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$"

Datasource = Annotated[str, StringConstraints(pattern=DATASOURCE_PATTERN)]
"""Name of a datasource. The pattern keeps it safe in S3 keys, Druid task ids and quoted SQL identifiers."""

Filename = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""The sender's name of the file, for display only: never part of a path or a spec."""

S3Uri = Annotated[str, StringConstraints(pattern=r"^s3://[^/]+/.+$", max_length=1300)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Count = Annotated[int, Field(ge=0)]
Instant = AwareDatetime
Name = Annotated[str, StringConstraints(max_length=500)]

COLUMNS_TOLD = 100


class Value(BaseModel):
    """Base of everything that travels."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    XLS = "xls"
    PARQUET = "parquet"

    @classmethod
    def of(cls, filename: str) -> "FileFormat | None":
        """The format that a file's extension names, or None. CSV may be packed: `.csv.gz`, `.csv.zst`."""
        name = filename.lower()
        unpacked = name.removesuffix(".gz" if name.endswith(".gz") else ".zst")
        _, dot, extension = (unpacked if unpacked.endswith(".csv") else name).rpartition(".")
        return next((each for each in cls if dot and each.value == extension), None)


class ObjectRef(Value):
    """An object on S3, exactly: which bytes, not only where."""

    uri: S3Uri
    size: Count | None = Field(default=None, description="bytes")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    etag: str | None = Field(default=None, max_length=128)


class ContractRef(Value):
    """One immutable version of a datasource's contract."""

    datasource: Datasource
    version: str = Field(pattern=VERSION_PATTERN)


class Problem(Value):
    """Why something did not succeed: a stable code for programs, a sentence for people. Carries no cell values."""

    code: Code
    message: str = Field(max_length=1000)


class Receipt(Value):
    """Rows of one task at each station; None where they could not be counted.

    A succeeded task has source = accepted + rejected and accepted = ingested = queryable.
    """

    source: Count | None = None
    accepted: Count | None = None
    rejected: Count | None = None
    ingested: Count | None = None
    queryable: Count | None = None


class TimeRange(Value):
    """First and last `__time` of the accepted rows, both inclusive."""

    first: Instant
    last: Instant


class Preview(Value):
    """What loading a file would do to its datasource, as it was when Druid was asked."""

    mode: str = Field(max_length=40, description="of the contract: append, replace or replace-all")
    interval: str = Field(
        max_length=80, description="touched, as whole segments: `start/end` in ISO 8601, the end not included"
    )
    rows: Count = Field(description="that would be loaded")
    vanishing: Count = Field(description="rows that are there now and would be gone")
    new_columns: tuple[Name, ...] = Field(
        default=(), max_length=COLUMNS_TOLD, description="that the datasource does not have yet; the first 100"
    )
    unfilled_columns: tuple[Name, ...] = Field(
        default=(), max_length=COLUMNS_TOLD, description="of the datasource that this file does not fill; the first 100"
    )
    superseded: bool = Field(description="a file that was accepted later is loaded, so that this one would not be")


class Accepted(Value):
    """The file keeps its contract: these rows, in these objects, are to be loaded."""

    kind: Literal["accepted"] = "accepted"
    source: Count
    accepted: Count = Field(ge=1)
    rejected: Count
    contract: ContractRef
    canonical: tuple[S3Uri, ...] = Field(min_length=1, max_length=100, description="Parquet parts")
    time_range: TimeRange
    report: S3Uri


class Rejected(Value):
    """The file breaks its contract: the sender can mend it, and the report says how."""

    kind: Literal["rejected"] = "rejected"
    source: Count | None
    rejected: Count | None
    errors: Count
    problem: Problem
    report: S3Uri | None = None


class Failed(Value):
    """The file could not be judged: nobody knows whether it keeps its contract."""

    kind: Literal["failed"] = "failed"
    problem: Problem


Verdict = Annotated[Accepted | Rejected | Failed, Field(discriminator="kind")]


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WaitsFor(StrEnum):
    """For what a task waits that is to be loaded, or whose rows are to be taken out."""

    EARLIER_LOAD = "earlier-load"
    """A file of its datasource that was accepted before it, and is not concluded."""
    EARLIER_REPLACE = "earlier-replace"
    """One that takes the place of rows."""
    EARLIER_RETRACTION = "earlier-retraction"
    PAUSED = "paused"
    """Its datasource is paused; it goes on when somebody resumes it."""
    SLOT = "slot"
    """All slots of Druid are busy, and enough is in its queue."""
    WORKERS = "workers"
    """Druid has no slot at all."""
    LOCK = "lock"
    """Somebody else's task in Druid holds its time range."""
    QUEUE = "queue"
    """Druid's queue is full."""
    DRUID = "druid"
    """Druid does not answer."""


def display_name(name: str) -> str:
    """A sender's file name made safe to show: NFC, no control or bidi characters, at most 255 characters."""
    kept = (
        c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    return "".join(kept).strip()[:255]


def safe_key_name(name: str) -> str:
    """The same name as the last part of an S3 key: ASCII letters, digits, `.`, `_`, `-`; at most 200 bytes, extension kept."""
    stem, dot, extension = name.rpartition(".")
    ascii_stem, ascii_extension = (
        re.sub(r"[^A-Za-z0-9_-]+", "_", part) for part in (stem if dot else extension, extension if dot else "")
    )
    extension = ascii_extension[:20]
    return f"{ascii_stem[: 199 - len(extension)] or '_'}.{extension}" if dot else ascii_stem[:200] or "_"


def day_of(instant: datetime) -> str:
    """`yyyy-mm-dd` (UTC) under which the ledger files a task."""
    return instant.strftime("%Y-%m-%d")
