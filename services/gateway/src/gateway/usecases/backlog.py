"""How many accepted files wait for their outcome, and how many may."""

from dataclasses import dataclass

from gateway.errors import BacklogFull


@dataclass(slots=True)
class Backlog:
    """Of all replicas as the last sweep counted them, and what this one has accepted since. `most` may wait."""

    most: int
    counted: int = 0
    accepted_since: int = 0

    def noted(self, count: int) -> None:
        """A sweep has counted."""
        self.counted, self.accepted_since = count, 0

    def grown(self) -> None:
        self.accepted_since += 1

    def require_room(self) -> None:
        """Raises BacklogFull."""
        if self.counted + self.accepted_since >= self.most:
            raise BacklogFull(
                f"{self.most:,} accepted files wait for their outcome, and no more may. None is lost; "
                "send this one again when some have ended."
            )
