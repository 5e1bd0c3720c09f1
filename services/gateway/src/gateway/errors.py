"""Why an upload is refused. Each has a stable code; its message says what happened and what to do next.

UploadRefused
├── UnknownDatasource · InvalidFilename · UnsupportedFormat           the address
├── FileTooLarge · EmptyFile · FormatMismatch · DigestMismatch        the bytes
├── InvalidForm · UploadIncomplete · UploadStalled                    how they came
├── KeyReused                                                         the Idempotency-Key
└── GatewayBusy                                                       the moment
Undecided                                                             nobody knows whether it was accepted
"""

from sluice.errors import Permanent, Transient


class UploadRefused(Permanent):
    """Nothing was accepted and nothing is left on S3."""


class UnknownDatasource(UploadRefused):
    code = "unknown-datasource"


class InvalidFilename(UploadRefused):
    code = "invalid-filename"


class UnsupportedFormat(UploadRefused):
    code = "unsupported-format"


class FileTooLarge(UploadRefused):
    code = "file-too-large"


class EmptyFile(UploadRefused):
    code = "empty-file"


class FormatMismatch(UploadRefused):
    code = "format-mismatch"


class DigestMismatch(UploadRefused):
    code = "digest-mismatch"


class InvalidForm(UploadRefused):
    code = "invalid-form"


class UploadIncomplete(UploadRefused):
    code = "upload-incomplete"


class UploadStalled(UploadRefused):
    code = "upload-stalled"


class KeyReused(UploadRefused):
    code = "idempotency-key-reused"


class GatewayBusy(UploadRefused):
    code = "gateway-busy"


class Undecided(Transient):
    """S3 did not say whether it took the record that decides. It may have: the bytes stay, and a retry settles it."""

    code = "acceptance-undecided"
