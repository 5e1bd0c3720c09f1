"""Signing the gateway's events, and believing only what is signed. Who is not believed stands in the audit log."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from sluice.errors import Untrusted
from sluice.events import GATEWAY_SOURCE, FileUploaded, TaskCommand, display_name
from sluice.messaging import Sign, Vet, believe
from sluice.messaging.record import Record
from sluice.publishers.register import Publisher, PublishersUnreadable, Register, read_register
from sluice.publishers.signature import HEADER, is_genuine, sign
from sluice.watched import Watched

audit: Any = structlog.get_logger("audit", log="audit")


class SourceUnknown(Untrusted):
    code = "source-not-allowed"


class SignatureMissing(Untrusted):
    code = "signature-missing"


class SignatureWrong(Untrusted):
    code = "signature-wrong"


@dataclass(frozen=True, slots=True)
class Publishers:
    """Those who may publish, as they are known at the moment."""

    register: Callable[[], Register]

    def find(self, source: str) -> Publisher | None:
        return self.register().get(source)

    def vet(self, record: Record, source: str) -> None:
        """Is the record from the `source` that it names? Raises Untrusted."""
        try:
            self._require_genuine(record, source)
        except Untrusted as error:
            refused(error.code, source)
            raise

    def _require_genuine(self, record: Record, source: str) -> None:
        publisher = self.find(source)
        if publisher is None:
            raise SourceUnknown("nobody who may publish has this source")
        signature = {name.lower(): value for name, value in record.headers}.get(HEADER)
        if signature is None:
            raise SignatureMissing(f"the header {HEADER} is missing")
        if not is_genuine(signature, publisher.secrets, record.headers, record.value):
            raise SignatureWrong("the signature is not of these headers and bytes, or made with another secret")


def refused(code: str, source: str) -> None:
    """For the audit log: nothing came of an event. `source` is whatever it says."""
    audit.warning("event refused", code=code, source=display_name(source))


def open_publishers(path: Path) -> Publishers:
    """Where the file is not in order, the process ends with a sentence that says why."""
    return Publishers(_watched(path))


def open_vetting(path: Path | None) -> Vet:
    """What a consumer believes. Where publishers are known: files only as they are signed, and commands only of the gateway.

    Other events are the services' own, and not signed. Ends the process as `open_publishers` does.
    """
    if path is None:
        return believe
    publishers = open_publishers(path)

    def vet(record: Record, source: str) -> None:
        if record.topic == TaskCommand.TOPIC and source != GATEWAY_SOURCE:
            refused(SourceUnknown.code, source)
            raise SourceUnknown("commands come from the gateway alone")
        if record.topic in {FileUploaded.TOPIC, TaskCommand.TOPIC}:
            publishers.vet(record, source)

    return vet


def open_signer(path: Path) -> Sign:
    """Signs the gateway's events; of the others in the file it needs no secret. Ends the process likewise."""
    register = _watched(path, GATEWAY_SOURCE)

    def signed(headers: Mapping[str, str], value: bytes) -> Mapping[str, str]:
        secret = register()[GATEWAY_SOURCE].secrets[0]
        return {**headers, HEADER: sign(secret, [(name, text.encode()) for name, text in headers.items()], value)}

    return signed


def _watched(path: Path, only: str | None = None) -> Watched[Register]:
    try:
        return Watched("publishers", lambda: read_register(path, only))
    except PublishersUnreadable as error:
        sys.exit(str(error))
