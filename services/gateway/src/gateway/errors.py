"""Why a request is refused. Each has a stable code; its message says what happened and what to do next.

Refused
├── CommandRefused                                                    what is asked of a task
│   └── TaskUnknown · TaskNotConcluded · NothingToCancel · NothingToRetract · NothingToRetry
├── ContractRefused                                                   a contract that is put, put in force or read
│   ├── InvalidContract · MisplacedContract · ContractTooLarge · VersionTaken
│   └── NoSuchDatasource · UnknownVersion · OtherVersionActive
├── ResumableRefused                                                  a request of a resumable upload
│   ├── InvalidTusRequest · WrongMediaType · ChunkTooLarge · ChecksumMismatch
│   ├── UploadNotFound · UploadGone · UploadFinished
│   └── OffsetConflict · UploadOverrun · UploadLocked
└── UploadRefused
    ├── UnknownDatasource · InvalidFilename · UnsupportedFormat           the address
    ├── SourceNotAllowed · SourceMissing · SourceChanged                  where an imported file lies
    ├── FileTooLarge · EmptyFile · FormatMismatch · DigestMismatch        the bytes
    ├── InvalidForm · UploadIncomplete · UploadStalled                    how they came
    ├── KeyReused                                                         the Idempotency-Key
    ├── ContentKnown · ContentUnderWay                                    the same bytes once more
    ├── CorrectionRefused                                                 the task that is to be corrected
    │   ├── ParentUnknown · ParentNotConcluded · NothingToCorrect
    │   └── CorrectionUnderWay · AlreadyCorrected · CorrectTheFirst · DryCorrection
    └── GatewayBusy · BacklogFull                                         the moment
Undecided                                                             nobody knows whether it was accepted
"""

from typing import Any

from sluice.errors import Permanent, Transient


class Refused(Permanent):
    """Nothing has happened. `more`: members of the answer beside the message."""

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.more = more


class CommandRefused(Refused):
    """No command is recorded."""


class TaskUnknown(CommandRefused):
    code = "task-not-found"


class TaskNotConcluded(CommandRefused):
    code = "task-not-concluded"


class NothingToCancel(CommandRefused):
    code = "nothing-to-cancel"


class NothingToRetract(CommandRefused):
    code = "nothing-to-retract"


class NothingToRetry(CommandRefused):
    code = "nothing-to-retry"


class ContractRefused(Refused):
    """Nothing is put, or put in force."""


class InvalidContract(ContractRefused):
    code = "contract-invalid"


class MisplacedContract(ContractRefused):
    code = "contract-misplaced"


class ContractTooLarge(ContractRefused):
    code = "contract-too-large"


class VersionTaken(ContractRefused):
    code = "contract-version-exists"


class NoSuchDatasource(ContractRefused):
    code = "unknown-datasource"


class UnknownVersion(ContractRefused):
    code = "contract-version-unknown"


class OtherVersionActive(ContractRefused):
    code = "active-contract-changed"


class ResumableRefused(Refused):
    """Of the upload, what had arrived before stays."""


class InvalidTusRequest(ResumableRefused):
    code = "tus-request-invalid"


class WrongMediaType(ResumableRefused):
    code = "tus-media-type"


class ChunkTooLarge(ResumableRefused):
    code = "tus-chunk-too-large"


class ChecksumMismatch(ResumableRefused):
    code = "tus-checksum-mismatch"


class UploadNotFound(ResumableRefused):
    code = "upload-not-found"


class UploadGone(ResumableRefused):
    code = "upload-gone"


class UploadFinished(ResumableRefused):
    code = "upload-finished"


class OffsetConflict(ResumableRefused):
    code = "upload-offset-conflict"


class UploadOverrun(ResumableRefused):
    """More bytes came than the upload is long."""

    code = "upload-overrun"


class UploadLocked(ResumableRefused):
    """Another request is at this upload, or has taken it over."""

    code = "upload-locked"


class UploadRefused(Refused):
    """Nothing was accepted and nothing is left on S3."""


class UnknownDatasource(UploadRefused):
    code = "unknown-datasource"


class InvalidFilename(UploadRefused):
    code = "invalid-filename"


class UnsupportedFormat(UploadRefused):
    code = "unsupported-format"


class SourceNotAllowed(UploadRefused):
    code = "source-not-allowed"


class SourceMissing(UploadRefused):
    code = "object-missing"


class SourceChanged(UploadRefused):
    code = "object-changed"


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


class ContentKnown(UploadRefused):
    code = "content-known"


class ContentUnderWay(UploadRefused):
    code = "content-under-way"


class CorrectionRefused(UploadRefused):
    """What `sluice.corrections` says against it. With an Idempotency-Key its bytes may stay: they belong to the key."""


class ParentUnknown(CorrectionRefused):
    code = "task-not-found"


class ParentNotConcluded(CorrectionRefused):
    code = "task-not-concluded"


class NothingToCorrect(CorrectionRefused):
    code = "nothing-to-correct"


class CorrectionUnderWay(CorrectionRefused):
    code = "correction-under-way"


class AlreadyCorrected(CorrectionRefused):
    code = "already-corrected"


class CorrectTheFirst(CorrectionRefused):
    code = "correct-the-first"


class DryCorrection(CorrectionRefused):
    code = "dry-run-corrects"


CORRECTIONS: dict[str, type[CorrectionRefused]] = {
    each.code: each
    for each in (
        ParentUnknown,
        ParentNotConcluded,
        NothingToCorrect,
        CorrectionUnderWay,
        AlreadyCorrected,
        CorrectTheFirst,
    )
}
"""Each refusal of `sluice.corrections`, by its code."""


CUT_SHORT = (UploadIncomplete, UploadStalled, UploadOverrun, UploadLocked)
"""Why a body may end before its time; a resumable upload keeps what had come."""


class GatewayBusy(UploadRefused):
    code = "gateway-busy"


class BacklogFull(UploadRefused):
    code = "backlog-full"


PASSING = (
    BacklogFull,
    ContentUnderWay,
    GatewayBusy,
    ParentNotConcluded,
    CorrectionUnderWay,
    TaskNotConcluded,
    UploadLocked,
)
"""Worth trying again by itself."""


class Undecided(Transient):
    """S3 did not say whether it took the record that decides. It may have: the bytes stay, and a retry settles it."""

    code = "acceptance-undecided"
