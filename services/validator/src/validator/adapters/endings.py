"""What the end of a child means for its file."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from sluice.events import FileFormat, Problem
from sluice_engine import paths
from sluice_engine.judged import Judged
from validator.adapters.child import Limits, Result, stderr_file
from validator.domain.verdicts import Crashed, Unjudged, Usage, over_limit
from validator.errors import ChildBroken

LAST_WORDS = 4096
"""Bytes of what a child said last that are looked at."""

OUT_OF_MEMORY = b"memory allocation of "
"""Rust, before it aborts over an allocation that the limits do not let it have."""


Ended = Judged | Unjudged | Crashed


@dataclass(frozen=True, slots=True)
class Reading:
    """One child's work, after its end, which was not brought about by us."""

    run: Path
    limits: Limits
    file_format: FileFormat
    usage: Usage

    def outcome(self, status: int) -> Ended:
        """Raises ChildBroken for an error of ours."""
        if os.WIFSIGNALED(status):
            return self._killed(os.WTERMSIG(status))
        if os.waitstatus_to_exitcode(status):
            raise ChildBroken(f"a child ended with status {status}")
        try:
            result = Result.model_validate_json(paths.result_file(self.run).read_bytes())
        except (OSError, ValidationError):
            return self._crashed("an end without a result")
        return self._said(result)

    def _killed(self, sign: int) -> Ended:
        if sign == signal.SIGXCPU:
            return self.over(f"{self.limits.cpu_seconds} seconds of CPU time")
        if sign == signal.SIGABRT and OUT_OF_MEMORY in _last_words(self.run):
            return self.over(self.limits.memory)
        return self._crashed(f"signal {sign}")

    def _said(self, result: Result) -> Ended:
        match result:
            case Result(judged=Judged() as judged):
                return judged
            case Result(kind="contract-invalid", error=said):
                message = f"The contract cannot be honoured: {said}"
                return Unjudged("failed", Problem(code="contract-invalid", message=message))
            case Result(kind="out-of-memory"):
                return self.over(self.limits.memory)
            case Result(kind="out-of-disk"):
                return self.over(self.limits.disk)
            case Result(error=said) if said.startswith("PanicException"):
                return self._crashed("a panic")
            case _:
                raise ChildBroken(f"judging failed: {result.error}")

    def over(self, limit: str) -> Unjudged:
        return over_limit(limit, self.usage, self.file_format)

    def _crashed(self, how: str) -> Crashed:
        return Crashed(f"{how}, with {self.usage} taken")


def _last_words(run: Path) -> bytes:
    try:
        with stderr_file(run).open("rb") as said:
            said.seek(max(0, stderr_file(run).stat().st_size - LAST_WORDS))
            return said.read(LAST_WORDS)
    except OSError:
        return b""
