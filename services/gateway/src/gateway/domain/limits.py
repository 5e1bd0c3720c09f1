"""How large a file may be. Sizes are decimal bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sluice.events import FileFormat


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """`any_file` holds where nothing more special is said: a format's own limit stands in its place, a datasource's in that of both.
    A caller's limit only lowers what the others allow. `unpacked`: what may come out of an XLSX file."""

    any_file: int
    unpacked: int
    formats: Mapping[FileFormat, int] = field(default_factory=dict)
    datasources: Mapping[str, int] = field(default_factory=dict)
    callers: Mapping[str, int] = field(default_factory=dict)

    @property
    def largest(self) -> int:
        """Larger is no file of any kind."""
        return max(self.any_file, *self.formats.values(), *self.datasources.values(), 0)

    def of(self, datasource: str, caller: str, promised: FileFormat | None) -> int:
        """Largest file of this kind; `promised` None: the format is not known yet, and the largest of all counts."""
        by_format = (
            self.formats.get(promised, self.any_file) if promised else max(self.any_file, *self.formats.values(), 0)
        )
        most = self.datasources.get(datasource, by_format)
        return min(most, self.callers.get(caller, most))
