"""What a reader says when a file cannot be read as the table it claims to be.

FileRejected     the sender can mend it: it becomes a verdict, never a crash
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where. `row` 1 is the first data row; `line` is physical. Text is shown to the sender."""

    rule: str
    expected: str
    hint: str = ""
    column: str | None = None
    row: int | None = None
    line: int | None = None
    value: str | None = None


class FileRejected(Exception):
    """Reading ends here. `message` carries no cell value, for it travels in an event; `faults` go to the report."""

    def __init__(self, code: str, message: str, *faults: Fault) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.faults = faults or (Fault(code, message),)
