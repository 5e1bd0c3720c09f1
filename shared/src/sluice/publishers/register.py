"""Who may publish files, from a YAML or JSON file.

publishers:
  - source: sluice/gateway                 the gateway itself: its events are signed like all others
    secrets: [file:gateway.secret]
  - source: erp/berlin                     `source` of the events, exactly
    secrets: [env:ERP_BERLIN, env:ERP_BERLIN_OLD]
    prefixes: ["s3://landing/erp/"]        where its files lie
    datasources: [sales]                   for which it may publish them; "*" for all

A secret is `env:NAME`, `file:PATH` (from the folder of this file) or the text itself, 32 bytes at least. Of two, the first signs and both
are taken: so one is exchanged without a gap.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from sluice.errors import Permanent
from sluice.events import DATASOURCE_PATTERN, GATEWAY_SOURCE
from sluice.publishers.locations import Location, Prefix, WrittenPrefix

SHORTEST = 32
"""Bytes of a secret."""
ALL = "*"


class PublishersUnreadable(Permanent):
    """The file of publishers is missing or is none; the message says where and why."""

    code = "publishers-unreadable"


@dataclass(frozen=True, slots=True)
class Publisher:
    source: str
    secrets: tuple[bytes, ...] = field(repr=False)
    prefixes: tuple[Prefix, ...]
    datasources: frozenset[str]

    def may_name(self, location: Location, own_bucket: str) -> bool:
        return location.is_within(self.prefixes, own_bucket)

    def may_fill(self, datasource: str) -> bool:
        return not self.datasources.isdisjoint({datasource, ALL})


Register = Mapping[str, Publisher]
"""Publishers by their source."""


class Entry(BaseModel):
    """One publisher as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    source: str = Field(min_length=1, max_length=200)
    secrets: tuple[SecretStr, ...] = Field(min_length=1, max_length=2)
    prefixes: tuple[WrittenPrefix, ...] = ()
    datasources: tuple[Annotated[str, StringConstraints(pattern=rf"{DATASOURCE_PATTERN}|^\*$")], ...] = ()

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.source == GATEWAY_SOURCE:
            return self
        if self.source.startswith("sluice/"):
            raise ValueError(f"of the sources that begin with sluice/, only {GATEWAY_SOURCE} publishes files")
        if not self.prefixes or not self.datasources:
            raise ValueError("say in `prefixes` where its files lie, and in `datasources` for what they are")
        return self


class Entries(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    publishers: tuple[Entry, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        sources = [entry.source for entry in self.publishers]
        if len(set(sources)) < len(sources):
            raise ValueError("two publishers have the same source")
        if GATEWAY_SOURCE not in sources:
            raise ValueError(
                f"there is none with the source {GATEWAY_SOURCE}: nobody would believe the gateway's own events"
            )
        return self


def read_register(path: Path, only: str | None = None) -> tuple[Register, Collection[Path]]:
    """The publishers and the files that were read. `only`: of this source, for whoever has not the secrets of the others.

    Raises PublishersUnreadable.
    """
    entries = [each for each in _entries(path) if only in {None, each.source}]
    files = {path}
    register = {}
    for entry in entries:
        try:
            secrets = tuple(_resolved(secret.get_secret_value(), path.parent, files) for secret in entry.secrets)
        except (OSError, ValueError) as error:
            raise PublishersUnreadable(f"{path}: a secret of {entry.source!r} cannot be had: {_said(error)}") from error
        register[entry.source] = Publisher(entry.source, secrets, entry.prefixes, frozenset(entry.datasources))
    return register, files


def _entries(path: Path) -> tuple[Entry, ...]:
    try:
        return Entries.model_validate(_document(path)).publishers
    except OSError as error:
        raise PublishersUnreadable(f"{path}: {error.strerror}. It says who may publish files.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PublishersUnreadable(f"{path} is neither YAML nor JSON: look at its indents and quotes.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the whole"
        what = fault["msg"].removeprefix("Value error, ")
        raise PublishersUnreadable(f"{path} is no file of publishers ({where}: {what}).") from error


def _document(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _resolved(reference: str, folder: Path, files: set[Path]) -> bytes:
    """The secret itself. Notes in `files` where it was read. Raises OSError, ValueError."""
    kind, _, rest = reference.partition(":")
    text = reference
    if kind == "env":
        if rest not in os.environ:
            raise ValueError(f"the environment has no {rest}")
        text = os.environ[rest]
    elif kind == "file":
        files.add(folder / rest)
        text = (folder / rest).read_text(encoding="utf-8").strip()
    if len(text.encode()) < SHORTEST:
        raise ValueError(f"it has fewer than {SHORTEST} bytes; make one with `openssl rand -hex 32`")
    return text.encode()


def _said(error: OSError | ValueError) -> str:
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
