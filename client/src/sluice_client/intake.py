"""A file on this machine, taken as the gateway takes an upload: by its extension, its first bytes and its size."""

from dataclasses import dataclass
from pathlib import Path

from sluice.events import FileFormat, display_name
from sluice.signatures import HEAD, mismatch
from sluice_client.errors import Refused
from sluice_client.settings import FileLimits


@dataclass(frozen=True, slots=True)
class GivenFile:
    """`name` is for display; `max_unpacked` in bytes."""

    path: Path
    name: str
    format: FileFormat
    max_unpacked: int


def take_file(path: Path, limits: FileLimits) -> GivenFile:
    """Raises Refused where the gateway would not take it, or where it cannot be read."""
    name = display_name(path.name)
    promised = FileFormat.of(name)
    if promised is None:
        known = ", ".join(f".{each}" for each in FileFormat)
        raise Refused(
            "unsupported-format",
            f"{path}: the extension of the file name tells its format, and must be one of {known}.",
        )
    head, size = _look(path)
    if not size:
        raise Refused("empty-file", f"{path}: the file is empty. Send a file with a header and rows.")
    if size > limits.max_upload_bytes:
        said = f"a file may have {limits.max_upload_bytes:,} bytes at most, and this one has {size:,}"
        raise Refused(
            "file-too-large", f"{path}: {said}. Split it, or set SLUICE_MAX_UPLOAD_BYTES as your service has."
        )
    if wrong := mismatch(promised, head):
        raise Refused("format-mismatch", f"{path}: {wrong}")
    return GivenFile(path, name, promised, limits.max_unpacked_bytes)


def _look(path: Path) -> tuple[bytes, int]:
    try:
        with path.open("rb") as file:
            return file.read(HEAD), path.stat().st_size
    except OSError as error:
        raise Refused("unreadable-file", f"{path}: {error.strerror}.") from error


def read_contract(path: Path) -> bytes:
    """Raises Refused."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused("unreadable-contract", f"{path}: {error.strerror}.") from error
