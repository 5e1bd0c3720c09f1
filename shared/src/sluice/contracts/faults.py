"""Everything that is wrong with a contract, each with its line, said at once."""

from dataclasses import dataclass, field

from sluice.contracts.source import Path, Source, Unreadable
from sluice.errors import ContractInvalid
from sluice.safetext import shown

MOST = 20
"""Faults that are told; how many there are is told exactly."""
LONGEST = 400
DOCUMENT = "document"
"""The place of what concerns the whole of it."""


@dataclass(frozen=True, slots=True)
class ContractFault:
    """`place` is a path such as `schema/0/properties/2/quality/0`; `message` says what is wrong and the way out."""

    line: int
    place: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.place}: {self.message}"


class ContractFaulty(ContractInvalid):
    """`faults` in the order of the text, at most MOST of `count`."""

    def __init__(self, faults: tuple[ContractFault, ...], count: int) -> None:
        more = f"\n… and {count - len(faults)} more" if count > len(faults) else ""
        super().__init__("\n".join(map(str, faults)) + more)
        self.faults = faults
        self.count = count


def faults_of(error: ContractInvalid) -> tuple[ContractFault, ...]:
    """The same as data, whatever makes the contract invalid."""
    match error:
        case ContractFaulty():
            return error.faults
        case Unreadable():
            return (ContractFault(error.line, DOCUMENT, shown(error.said, LONGEST)),)
        case _:
            return (ContractFault(1, DOCUMENT, shown(str(error), LONGEST)),)


@dataclass(slots=True)
class Faults:
    """Collects. Whoever finds a fault goes on, with something harmless in its place, and the loader raises at the end."""

    source: Source
    found: list[ContractFault] = field(default_factory=list)

    def add(self, path: Path, message: str) -> None:
        place = "/".join(map(str, path)) or DOCUMENT
        fault = ContractFault(self.source.line(path), shown(place, LONGEST), shown(message, LONGEST))
        if fault not in self.found:
            self.found.append(fault)

    def raise_any(self) -> None:
        """Raises ContractFaulty where there are some."""
        if self.found:
            raise ContractFaulty(tuple(sorted(self.found, key=lambda fault: fault.line)[:MOST]), len(self.found))
