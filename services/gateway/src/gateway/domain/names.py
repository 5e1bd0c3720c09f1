"""The sender's name for a file: shown to people, and its extension names the format."""

from dataclasses import dataclass
from urllib.parse import unquote

from gateway.errors import InvalidFilename, UnsupportedFormat
from sluice.events import FileFormat, display_name

LONGEST = 255


@dataclass(frozen=True, slots=True)
class FileName:
    """A name that was checked, and the format that it promises."""

    shown: str
    format: FileFormat


def check_name(name: str) -> FileName:
    """Raises InvalidFilename for a path or a name that cannot be shown, UnsupportedFormat for an unknown extension."""
    if _is_path(name) or _is_path(unquote(name)):
        raise InvalidFilename("The file name holds a path. Send the bare name of the file, such as sales.csv.")
    shown = display_name(name)
    if not shown or len(name) > LONGEST:
        raise InvalidFilename(f"The file name must have 1 to {LONGEST} visible characters.")
    kind = FileFormat.of(shown)
    if kind is None:
        known = ", ".join(f".{each}" for each in FileFormat)
        raise UnsupportedFormat(f"The extension of the file name tells its format, and must be one of {known}.")
    return FileName(shown, kind)


def _is_path(name: str) -> bool:
    return name.startswith("..") or any(c in name for c in "/\\\0")
