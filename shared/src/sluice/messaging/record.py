"""One Kafka record as bytes, before anybody has understood it."""

from dataclasses import dataclass

from aiokafka import ConsumerRecord


@dataclass(frozen=True, slots=True)
class Record:
    """Where a record stood, and exactly what it held."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, raw: "ConsumerRecord[bytes, bytes]") -> "Record":
        headers = tuple((name, value or b"") for name, value in raw.headers)
        return cls(raw.topic, raw.partition, raw.offset, raw.key, raw.value or b"", headers)

    @property
    def place(self) -> str:
        """`topic/partition/offset`, unique in one cluster."""
        return f"{self.topic}/{self.partition}/{self.offset}"
