"""What `problems.toml` and `outcomes.toml` say, typed."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

PATH = "/problems"
HOME = Path(__file__).parent


class OutcomeKind(BaseModel):
    """The code of a task that did not succeed. `happened` and `remedy` are one or more sentences; what they put in backquotes is code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
    title: str
    happened: str
    remedy: str


class ProblemKind(OutcomeKind):
    """The code of a refusal."""

    status: int = Field(ge=400, le=599, description="of the HTTP answer; a code has one")

    @property
    def type(self) -> str:
        """The `type` of a problem document: a path, for the page is served wherever the problem is."""
        return f"{PATH}/{self.code}"

    def document(self, detail: str) -> dict[str, Any]:
        """The problem document of one case."""
        return {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": detail,
        }


@cache
def problem_kinds() -> dict[str, ProblemKind]:
    """All of them by code, in the order of status and code."""
    kinds = [ProblemKind(code=code, **said) for code, said in _said("problems.toml").items()]
    return {kind.code: kind for kind in sorted(kinds, key=lambda kind: (kind.status, kind.code))}


@cache
def outcome_kinds() -> dict[str, OutcomeKind]:
    """All of them by code, in their order."""
    kinds = _said("outcomes.toml")
    return {code: OutcomeKind(code=code, **kinds[code]) for code in sorted(kinds)}


def _said(name: str) -> dict[str, dict[str, Any]]:
    with (HOME / name).open("rb") as source:
        return tomllib.load(source)


def kind_of(code: str) -> ProblemKind:
    """Raises LookupError: a code without a page must not leave the house."""
    if code not in problem_kinds():
        raise LookupError(f"{code} has no page; say in sluice/problems/problems.toml what it is")
    return problem_kinds()[code]
