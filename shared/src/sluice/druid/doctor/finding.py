"""What the doctor has found."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`asked`: in a few words; `told`: what came of it; `do`: what to do next, empty where that is nothing."""

    asked: str
    verdict: Verdict
    told: str
    do: str = ""


def ok(asked: str, told: str) -> Finding:
    return Finding(asked, "ok", told)


def warn(asked: str, told: str, do: str) -> Finding:
    return Finding(asked, "warn", told, do)


def fail(asked: str, told: str, do: str) -> Finding:
    return Finding(asked, "fail", told, do)
