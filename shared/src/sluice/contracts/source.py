"""A contract's YAML as data, and where in the text each part of it stands.

YAML 1.2 as its core schema has it: `yes` and `no` are words (a country, not a boolean), a date is text until the contract says that it is
one. Said once more is refused: a key that stands twice, an anchor that is used so often that the document explodes, merge keys.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from sluice.errors import ContractInvalid

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_CHARACTERS = 2_000_000
MAX_DEPTH = 60

Path = tuple[str | int, ...]
"""Keys and positions from the document's root."""

CORE: tuple[tuple[str, str], ...] = (
    ("null", r"~|null|Null|NULL|"),
    ("bool", r"true|True|TRUE|false|False|FALSE"),
    ("int", r"[-+]?[0-9]{1,40}"),
    ("float", r"[-+]?(?:\.[0-9]{1,300}|[0-9]{1,300}(?:\.[0-9]{0,300})?)(?:[eE][-+]?[0-9]{1,3})?"),
)
"""What an unquoted scalar means; everything else is text. After the core schema of YAML 1.2, without hexadecimal and octal numbers."""

TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str")}
"""What composing gives to everything that bears no tag of its own."""


class Unreadable(ContractInvalid):
    """Nothing can be read at all, for what stands in `line`; `said` is what is wrong, and the way out."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(f"line {line}: {said}")
        self.line = line
        self.said = said


@dataclass(frozen=True, slots=True)
class Source:
    """`value` is the document of plain lists, dicts and scalars; `lines` counts from 1; `texts` has each scalar as it is written."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Of the part, or of the nearest part around it that there is."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def text(self, path: Path) -> str | None:
        """A scalar as it is written, such as `007`; None for an empty one (null) and for what is no scalar."""
        return self.texts.get(path)


def read_source(text: str | bytes) -> Source:
    """Raises Unreadable: too large, no UTF-8, no YAML, or YAML beyond the limits; the message names the line."""
    if len(text if isinstance(text, bytes) else text.encode(errors="replace")) > MAX_BYTES:
        raise Unreadable(1, f"a contract may have {MAX_BYTES} bytes at most; leave out what no rule needs")
    try:
        node = yaml.compose(_decoded(text), Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = f"not YAML: {error.problem or error.context}; look at the indents and quotes there and above"
        raise Unreadable(mark.line + 1 if mark else 1, said) from error
    except yaml.YAMLError as error:
        raise Unreadable(1, f"not YAML: it holds a character that is no text: {str(error)[:100]!r}") from error
    except RecursionError as error:
        raise _too_deep(1) from error
    if node is None:
        raise Unreadable(1, "the contract is empty")
    source = Source(None)
    return Source(_Builder(source).build(node, ()), source.lines, source.texts)


def _decoded(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise Unreadable(line, "not UTF-8; save the contract as UTF-8") from error


@dataclass(slots=True)
class _Builder:
    source: Source
    nodes: int = 0
    characters: int = 0

    def build(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.source.lines.setdefault(path, line)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise Unreadable(line, f"more than {MAX_NODES} entries, each use of an anchor counted; shorten it")
        if len(path) > MAX_DEPTH:
            raise _too_deep(line)
        if node.tag not in TAGS:
            raise Unreadable(line, f"tags such as {node.tag[:40]!r} mean nothing here; leave them out")
        if isinstance(node, yaml.MappingNode):
            return {key: self.build(value, (*path, key)) for key, value in self._entries(node, path)}
        if isinstance(node, yaml.SequenceNode):
            return [self.build(each, (*path, number)) for number, each in enumerate(node.value)]
        return self._scalar(cast("yaml.ScalarNode", node), path)

    def _entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or (key.value == "<<" and key.style is None):
                raise Unreadable(line, "a key must be a plain word; write out what is to be merged")
            name = self._text(key)
            if name in seen:
                raise Unreadable(line, f"{name[:100]!r} stands in line {seen[name]} already; keep one of them")
            seen[name] = line
            self.source.lines[*path, name] = line
            yield name, value

    def _text(self, node: yaml.ScalarNode) -> str:
        text = str(node.value)
        self.characters += len(text)
        if self.characters > MAX_CHARACTERS:
            said = f"more than {MAX_CHARACTERS} characters, each use of an anchor counted; shorten it"
            raise Unreadable(node.start_mark.line + 1, said)
        return text

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> str | float | bool | None:
        text = self._text(node)
        kind = "str" if node.style else _kind(text)
        if kind != "null":
            self.source.texts[path] = text
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text)
            case "float":
                return float(text)
            case _:
                return text


def _kind(text: str) -> str:
    return next((kind for kind, pattern in CORE if re.fullmatch(pattern, text)), "str")


def _too_deep(line: int) -> Unreadable:
    return Unreadable(line, f"nested more than {MAX_DEPTH} levels deep; no contract needs that")
