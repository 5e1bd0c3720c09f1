"""Just enough of Thrift's compact protocol to read what a Parquet footer counts. By the specification of thrift and parquet-format."""

from dataclasses import dataclass
from enum import IntEnum

Value = bool | int | bytes | list["Value"] | dict[int, "Value"] | None
DEEPEST = 16


class Malformed(Exception):
    """These bytes are no such structure."""


class Type(IntEnum):
    TRUE = 1
    FALSE = 2
    BYTE = 3
    I16 = 4
    I32 = 5
    I64 = 6
    DOUBLE = 7
    BINARY = 8
    LIST = 9
    SET = 10
    MAP = 11
    STRUCT = 12


@dataclass(slots=True)
class Reader:
    """Reads from `at` on. Raises Malformed; work and memory are in proportion to the bytes."""

    data: bytes
    at: int = 0

    def struct(self, depth: int = 0) -> dict[int, Value]:
        """Fields by their ids."""
        if depth > DEEPEST:
            raise Malformed
        fields: dict[int, Value] = {}
        last = 0
        while head := self._byte():
            last = last + (head >> 4) if head >> 4 else self._zigzag()
            kind = head & 0x0F
            fields[last] = kind == Type.TRUE if kind in {Type.TRUE, Type.FALSE} else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Value:  # noqa: PLR0911 - one for each type
        match kind:
            case Type.TRUE | Type.FALSE:
                return self._byte() == Type.TRUE
            case Type.BYTE:
                return self._byte()
            case Type.I16 | Type.I32 | Type.I64:
                return self._zigzag()
            case Type.DOUBLE:
                return self._take(8)
            case Type.BINARY:
                return self._take(self._varint())
            case Type.LIST | Type.SET:
                return self._list(depth)
            case Type.STRUCT:
                return self.struct(depth + 1)
            case _:  # a footer has no maps
                raise Malformed

    def _list(self, depth: int) -> list[Value]:
        if depth > DEEPEST:
            raise Malformed
        head = self._byte()
        count = self._varint() if head >> 4 == 0x0F else head >> 4  # noqa: PLR2004 - stands for a longer one
        if count > len(self.data) - self.at:  # each takes a byte at least
            raise Malformed
        return [self._value(head & 0x0F, depth + 1) for _ in range(count)]

    def _byte(self) -> int:
        if self.at >= len(self.data):
            raise Malformed
        self.at += 1
        return self.data[self.at - 1]

    def _take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise Malformed
        self.at += size
        return self.data[self.at - size : self.at]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:  # noqa: PLR2004 - the sign that more bytes follow
                return value
            if shift > 63:  # noqa: PLR2004 - bits of the longest number
                raise Malformed

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
