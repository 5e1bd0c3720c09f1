"""One difference between two versions of a contract."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """`code` is stable, `message` a sentence. `senders`, `readers`: whom it breaks."""

    code: str
    message: str
    senders: bool = False
    readers: bool = False

    @property
    def breaking(self) -> bool:
        return self.senders or self.readers
