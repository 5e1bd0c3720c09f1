"""All keys in one JSON file, which is written anew as a whole and never in place."""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from sluice.auth.keys import ApiKey
from sluice.errors import Permanent

Keys = tuple[ApiKey, ...]


class KeysUnreadable(Permanent):
    """The file of keys is missing or is none; the message says where and why."""

    code = "keys-unreadable"


class KeyFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    version: Literal[1] = 1
    keys: Keys = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({key.id for key in self.keys}) < len(self.keys):
            raise ValueError("two keys have the same id")
        return self


def read_keys(path: Path) -> Keys:
    """Raises KeysUnreadable."""
    try:
        return KeyFile.model_validate_json(path.read_bytes()).keys
    except OSError as error:
        raise KeysUnreadable(f"{path}: {error.strerror}. Write it with `sluice key create`.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the whole"
        raise KeysUnreadable(
            f"{path} is no file of keys ({where}: {fault['msg']}). Put back the one before, or write a new one with "
            "`sluice key create --file`."
        ) from error


def with_key(keys: Keys, new: ApiKey) -> Keys:
    """The keys and this one; unchanged if it is among them, revoked or not. Raises ValueError."""
    known = next((key for key in keys if key.id == new.id), None)
    if known and known.sha256 != new.sha256:
        raise ValueError(f"there is another key with the id {new.id}")
    return keys if known else (*keys, new)


def with_revoked(keys: Keys, key_id: str, now: datetime) -> Keys:
    """The keys, this one revoked from now on, or since it was. Raises ValueError."""
    if key_id not in {key.id for key in keys}:
        raise ValueError(f"there is no key with the id {key_id}; `list` shows those there are")
    return tuple(key.model_copy(update={"revoked": key.revoked or now}) if key.id == key_id else key for key in keys)


def change_keys(path: Path, change: Callable[[Keys], Keys]) -> None:
    """Let `change` say what the file holds from now on; a missing file is an empty one. Only its owner may read it.

    Two that change it at once take turns; whoever reads sees the file before or after. Raises KeysUnreadable.
    """
    path = path.resolve()
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = read_keys(path) if path.exists() else ()
        replace(path, KeyFile(keys=change(before)).model_dump_json(indent=2).encode())


def replace(path: Path, content: bytes) -> None:
    """Whole or not at all, and readable by its owner alone."""
    descriptor, draft = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(draft).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise
