"""Errors that cross a seam, and the one question asked of them: is it worth trying again?

    SluiceError
    ├── Transient      a dependency does not answer now; the same call may succeed later
    └── Permanent      the same call will fail again
        ├── Undecodable        bytes that are no event of ours
        ├── ObjectMissing      an S3 object that should be there is not
        ├── ObjectExists       a create-only put found the key taken
        └── ContractInvalid    a contract that cannot be honoured

Foreign errors are translated once, at the seam (`translate_…_errors`), and keep their cause.
"""

from typing import ClassVar


class SluiceError(Exception):
    """Base of all. `code` is stable and may be shown to the sender of a file."""

    code: ClassVar[str] = "internal"


def code_of(error: Exception) -> str:
    """The error's own code; `internal` for one that nobody foresaw."""
    return error.code if isinstance(error, SluiceError) else SluiceError.code


class Transient(SluiceError):
    code = "dependency-unavailable"


class Permanent(SluiceError):
    code = "internal"


class Undecodable(Permanent):
    code = "undecodable"


class ObjectMissing(Permanent):
    code = "object-missing"


class ObjectExists(Permanent):
    code = "object-exists"


class ContractInvalid(Permanent):
    code = "contract-invalid"
