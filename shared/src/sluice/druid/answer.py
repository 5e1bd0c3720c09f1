"""What a server of Druid has answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sluice.druid.places import Role
from sluice.errors import Transient
from sluice.safetext import shown

LONGEST_WORD = 500
OTHER_SHAPE = (AttributeError, LookupError, TypeError, ValueError)

T = TypeVar("T")


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
        return self._parsed()

    def refusal(self) -> str:
        """What Druid itself says of what it refuses. Raises Transient for the words of whoever stands in between."""
        self._parsed()
        return self.said

    def _parsed(self) -> Any:
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise Transient(
                f"what answers at {self.url} is not Druid's {self.role}, for it sends no JSON: {shown(self.text, 80)}"
            ) from error

    def read(self, reader: Callable[[Any], T]) -> T:
        """What the reader finds in the JSON. Raises Transient also where that has another shape than the reader's."""
        found = self.json()
        try:
            return reader(found)
        except OTHER_SHAPE as error:
            raise Transient(
                f"what Druid's {self.role} sends has another shape at {self.url}: {shown(self.text, 80)}"
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
