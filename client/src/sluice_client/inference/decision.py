"""What the evidence of all columns says together: the type of each, and what holds for the whole file. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sluice.contracts import FieldType
from sluice_client.inference.evidence import Evidence
from sluice_client.inference.readings import DIGITS, TEMPORAL, Reading
from sluice_engine.parsing.text import FORMULA_ERRORS

TEXT = Reading(FieldType.STRING, "")
ID_WORDS = {"id", "key", "uuid", "guid"}
MOST_WORDS = 100
"""Null words that a contract may have."""


@dataclass(frozen=True, slots=True)
class Column:
    """`empty` counts cells that hold nothing once the null words are known; `note` is for people, and holds no cell of the file."""

    name: str
    type: FieldType
    format: str | None
    rows: int
    empty: int
    mailed: bool
    note: str = ""
    ambiguous: bool = False
    """It holds dates of which nobody can say whether the day comes first."""

    @property
    def required(self) -> bool:
        return not self.empty

    @property
    def temporal(self) -> bool:
        return self.type in TEMPORAL


@dataclass(frozen=True, slots=True)
class Table:
    """`null_words` are those that typed columns need, and what failed formulas left; `also_texts` names text columns that have them too."""

    columns: tuple[Column, ...]
    decimal: str
    null_words: tuple[str, ...]
    also_texts: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Choice:
    """What one column is read as, and what people should know of it."""

    reading: Reading
    note: str = ""
    ambiguous: bool = False

    @property
    def text(self) -> bool:
        return self.reading.type is FieldType.STRING


def decide(evidence: Sequence[Evidence], *, day_first: bool | None, comma: bool) -> Table:
    """`day_first` settles dates that can be read both ways. `comma`: numbers may have a decimal comma, as the delimiter is none."""
    decimal = "," if comma and _comma_is_meant(evidence) else "."
    choices = [_choose(each, decimal, day_first=day_first) for each in evidence]
    words = _null_words(evidence, choices)
    pairs = list(zip(evidence, choices, strict=True))
    columns = tuple(_column(each, choice, words) for each, choice in pairs)
    texts = tuple(each.name for each, choice in pairs if choice.text and each.filled and each.words.keys() & set(words))
    return Table(columns, decimal, words, texts)


def _column(evidence: Evidence, choice: Choice, words: Sequence[str]) -> Column:
    return Column(
        name=evidence.name,
        type=choice.reading.type,
        format=choice.reading.format,
        rows=evidence.rows,
        empty=evidence.empty + sum(evidence.words[word] for word in words),
        mailed=evidence.mailed,
        note=choice.note,
        ambiguous=choice.ambiguous,
    )


def looks_like_id(name: str) -> bool:
    """Does a word of the name say that it identifies something? `OrderID`, `customer_id`, `key`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return bool(words) and (words[-1].lower() in ID_WORDS or words[0].lower() in ID_WORDS)


def _comma_is_meant(evidence: Sequence[Evidence]) -> bool:
    """Some column needs a decimal comma for sure, and none a point."""
    sure = {_marks(each) for each in evidence if each.marked}
    return "," in sure and "." not in sure


def _marks(evidence: Evidence) -> str:
    """The decimal marks with which the column can be read as numbers."""
    return "".join(each.decimal for each in evidence.readings if each.type is FieldType.NUMBER)


def _choose(evidence: Evidence, decimal: str, *, day_first: bool | None) -> Choice:
    if not evidence.filled:
        return Choice(TEXT, "no cell holds a value: nobody can say of which type it is")
    standing = [each for each in evidence.readings if each.type is not FieldType.NUMBER or each.decimal == decimal]
    if looks_like_id(evidence.name):
        standing = [each for each in standing if each.format != DIGITS]
    if day_first is not None:
        standing = [each for each in standing if each.day_first in {None, day_first}]
    if not standing:
        return Choice(TEXT, _why_text(evidence))
    first = standing[0]
    twin = next(
        (each for each in standing if first.day_first is not None and each.day_first is not first.day_first), None
    )
    if twin:
        said = f"dates that can be read with the day or the month first, {first.format} or {twin.format}"
        return Choice(TEXT, said, ambiguous=True)
    return Choice(first)


def _why_text(evidence: Evidence) -> str:
    if _marks(evidence) == ",":
        return "numbers whose comma can be a decimal mark or stand between thousands"
    if _marks(evidence) == ".":
        return "numbers whose point is no decimal mark, for other columns have a decimal comma"
    return ""


def _null_words(evidence: Sequence[Evidence], choices: Sequence[Choice]) -> tuple[str, ...]:
    """Words in typed columns, and what no column may hold as a value: the words of failed formulas."""
    found: dict[str, None] = {}
    for each, choice in zip(evidence, choices, strict=True):
        for word in sorted(each.words):
            if not choice.text or word in FORMULA_ERRORS:
                found[word] = None
    return tuple(found)[:MOST_WORDS]
