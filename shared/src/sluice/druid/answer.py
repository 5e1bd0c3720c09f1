"""What a server of Druid has answered."""

import json
from dataclasses import dataclass
from typing import Any

from sluice.druid.places import Role
from sluice.errors import Transient
from sluice.safetext import shown

LONGEST_WORD = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """`url`: of the server that has answered at last, with the path. `location`: where it redirects to; None where it does not."""

    role: Role
    url: str
    status: int
    content: bytes
    location: str | None = None

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - as HTTP numbers them

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Of a good answer. Raises Transient for any other, and for what is not JSON."""
        if not self.good:
            raise Transient(f"Druid's {self.role} answers {self.status} at {self.url}: {self.said}")
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise Transient(
                f"what answers at {self.url} is not Druid's {self.role}, for it sends no JSON: {shown(self.text, 80)}"
            ) from error

    @property
    def said(self) -> str:
        """The sentence in any of Druid's error shapes, at most 500 characters."""
        try:
            body = json.loads(self.content)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict):
            return shown(str(body.get("errorMessage") or body.get("error") or body), LONGEST_WORD)
        return shown(self.text, LONGEST_WORD)
