"""Errors that cross a seam, and the one question asked of them: is it worth trying again?

    SluiceError
    ├── Transient      a dependency does not answer now, or lets us in no more; the same call may succeed later
    │   └── ObjectDenied       an S3 object that our credentials may not read
    └── Permanent      the same call will fail again
        ├── Undecodable        bytes that are no event of ours
        ├── Untrusted          an event that is not from whom it says it is
        ├── ObjectMissing      an S3 object that should be there is not
        ├── ObjectChanged      an S3 object that is another one than was meant
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


class ObjectDenied(Transient):
    """Waited for, until an operator opens what is ours. Who reads the object of somebody else refuses that instead."""

    code = "object-denied"


class Permanent(SluiceError):
    code = "internal"


class Undecodable(Permanent):
    code = "undecodable"


class Untrusted(Permanent):
    """Nothing that it says may have an effect; in particular it ends no task."""

    code = "untrusted"


class ObjectMissing(Permanent):
    code = "object-missing"


class ObjectChanged(Permanent):
    code = "object-changed"


class ObjectExists(Permanent):
    code = "object-exists"


class ContractInvalid(Permanent):
    code = "contract-invalid"
