"""Failed cells of one column and rule, sorted by what they have in common."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from dataclasses import field as made
from difflib import get_close_matches
from typing import Any, NamedTuple

import polars as pl

from sluice.contracts import Contract, Field, FieldType, MetricKind
from sluice_engine.judging.patterns import ecma
from sluice_engine.parsing.text import FORMULA_ERRORS, parse
from sluice_engine.reporting.habits import FALSE_WORDS, NULL_WORDS, TEMPORAL, TRUE_WORDS, Habit, habits, other_mark

TRIED = 500
"""Different texts on which a habit is tried; one that explains none of them is not counted through."""
COMPARED = 200
"""Different texts of a column that are compared with the allowed values, letter by letter."""
MOST_ALLOWED = 500
"""Allowed values beyond which near misses are not looked for."""

DAYS = (
    ("dd/MM/yyyy", "MM/dd/yyyy"),
    ("dd.MM.yyyy", "MM.dd.yyyy"),
    ("dd-MM-yyyy", "MM-dd-yyyy"),
    ("yyyy/MM/dd", None),
    ("yyyy.MM.dd", None),
    ("yyyyMMdd", None),
)
"""Pairs that only the numbers can tell apart: day first, month first."""
TIMES = (" HH:mm:ss", " HH:mm")
STRPTIME = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


class Kind(NamedTuple):
    """`detail` tells kinds of one code apart: a word, a date format, a pair of values."""

    code: str
    detail: str = ""
    instead: str = ""


@dataclass(slots=True)
class Cluster:
    """Counts cells by kind. `unmended` holds the kinds of which the contract's setting does not mend every cell."""

    contract: Contract
    field: Field
    rule: str
    counts: Counter[Kind] = made(default_factory=Counter)
    unmended: set[Kind] = made(default_factory=set)
    _near: dict[str, str | None] = made(default_factory=dict)

    def sort(self, texts: dict[str, int]) -> None:
        """Count these texts, each so many times."""
        left = pl.DataFrame({"text": list(texts), "n": list(texts.values())}, schema={"text": pl.String, "n": pl.Int64})
        for step in (self._formula_errors, self._null_words, self._true_and_false, self._formats, self._values):
            left = step(left)
        for habit in habits(self.contract.dialect.decimal):
            if self.field.type in habit.types and left.height:
                left = self._habit(habit, left)
        self._near_misses(left)

    def accepts(self, texts: pl.Series) -> pl.Series:
        """Which of them would pass the rule that these cells broke (never null)."""
        if self.rule == "type":
            parsed = parse(texts, self.field, self.contract.dialect)
            good = parsed.values.is_not_null()
        elif self.rule == "pattern" and self.field.pattern:
            good = texts.str.contains(ecma(self.field.name, self.field.pattern))
        elif self.allowed:
            good = texts.is_in(list(self.allowed))
        else:
            good = texts.is_null() & texts.is_not_null()
        return good.fill_null(value=False)

    @property
    def allowed(self) -> tuple[str, ...]:
        """Values of the column's value set; empty where it has none, or where another rule was broken."""
        metrics = self.contract.metrics if self.rule == "invalid-values" else ()
        kind, columns = MetricKind.INVALID_VALUES, (self.field.name,)
        sets = [each.values for each in metrics if each.kind is kind and each.columns == columns and each.values]
        return sets[0] if sets else ()

    def _take(self, kind: Kind, left: pl.DataFrame, found: pl.Series) -> pl.DataFrame:
        if found.any():
            self.counts[kind] += int(left["n"].filter(found).sum())
        return left.filter(~found)

    def _formula_errors(self, left: pl.DataFrame) -> pl.DataFrame:
        return self._take(Kind("formula-error"), left, left["text"].str.strip_chars().is_in(list(FORMULA_ERRORS)))

    def _null_words(self, left: pl.DataFrame) -> pl.DataFrame:
        return self._words("null-word", left, NULL_WORDS, "null_words", lambda values: values.is_null())

    def _true_and_false(self, left: pl.DataFrame) -> pl.DataFrame:
        if self.field.type is not FieldType.BOOLEAN or self.rule != "type":
            return left
        left = self._words("boolean-word", left, TRUE_WORDS, "true_words", lambda values: values.fill_null(value=False))
        return self._words(
            "boolean-word", left, FALSE_WORDS, "false_words", lambda values: ~values.fill_null(value=True)
        )

    def _words(
        self,
        code: str,
        left: pl.DataFrame,
        words: frozenset[str],
        setting: str,
        meant: Callable[[pl.Series], pl.Series],
    ) -> pl.DataFrame:
        """Each word, as it is written, by itself: it is a setting of the dialect that it is tried as."""
        text = left["text"].str.strip_chars()
        for word in text.filter(text.str.to_lowercase().is_in(list(words))).unique().sort().to_list():
            known: tuple[str, ...] = getattr(self.contract.dialect, setting)
            changed: dict[str, Any] = {setting: (*known, word)}
            dialect = replace(self.contract.dialect, **changed)
            parsed = parse(pl.Series([word]), self.field, dialect)
            if bool(meant(parsed.values)[0]) and not parsed.failed[0]:
                left = self._take(Kind(code, word, setting), left, left["text"].str.strip_chars() == word)
        return left

    def _formats(self, left: pl.DataFrame) -> pl.DataFrame:
        if self.field.type not in TEMPORAL or self.rule != "type":
            return left
        times = ("", *TIMES) if self.field.type is FieldType.TIMESTAMP else ("",)
        for time in times:
            for first, second in DAYS:
                left = self._pair(left, first + time, second + time if second else None)
        return left

    def _pair(self, left: pl.DataFrame, first: str, second: str | None) -> pl.DataFrame:
        shape = "^" + "".join(_DIGITS.get(run, _escaped(run)) for run in _runs(first)) + "$"
        other = "^" + "".join(_DIGITS.get(run, _escaped(run)) for run in _runs(second)) + "$" if second else shape
        near = left["text"].str.strip_chars().str.contains(f"{shape}|{other}")
        if not near.any():
            return left
        one = near & self._in_format(left["text"], first)
        two = near & self._in_format(left["text"], second) if second else one & ~one
        both = one & two
        self._take(Kind("date-format", first, second or ""), left, both)
        self._take(Kind("date-format", first), left, one & ~both)
        if second:
            self._take(Kind("date-format", second), left, two & ~both)
        return left.filter(~(one | two))

    def _in_format(self, texts: pl.Series, jdk: str) -> pl.Series:
        column = replace(self.field, format=strptime(jdk))
        return parse(texts, column, self.contract.dialect).values.is_not_null()

    def _habit(self, habit: Habit, left: pl.DataFrame) -> pl.DataFrame:
        if not self._mends(habit, left.head(TRIED)).any():
            return left
        mended = self._mends(habit, left)
        kind = Kind(habit.code)
        if habit.code in {"decimal-comma", "decimal-point", "either-mark"}:
            dialect = replace(self.contract.dialect, decimal=other_mark(self.contract.dialect.decimal))
            if parse(left["text"].filter(mended), self.field, dialect).failed.any():
                self.unmended.add(kind)
        return self._take(kind, left, mended)

    def _mends(self, habit: Habit, left: pl.DataFrame) -> pl.Series:
        if habit.steps is None:
            return left["text"].str.contains(habit.shape) if self.rule == "type" else left["n"] < 0
        return self.accepts(left.select(habit.rewrite(pl.col("text"))).to_series())

    def _values(self, left: pl.DataFrame) -> pl.DataFrame:
        """Texts that another case, or the right encoding, would mend."""
        if self.field.type is not FieldType.STRING:
            return left
        lowered = {value.lower(): value for value in self.allowed}
        cased = left["text"].str.to_lowercase().replace_strict(lowered, default=None, return_dtype=pl.String)
        left = self._take(Kind("wrong-case"), left, cased.is_not_null())
        repaired = pl.Series([_repaired(text) for text in left["text"]], dtype=pl.String)
        return self._take(Kind("mojibake"), left, self.accepts(repaired))

    def _near_misses(self, left: pl.DataFrame) -> None:
        if not self.allowed or len(self.allowed) > MOST_ALLOWED:
            return
        for text, count in left.sort("n", descending=True).iter_rows():
            if text not in self._near and len(self._near) < COMPARED:
                self._near[text] = next(iter(get_close_matches(text, self.allowed, n=1, cutoff=0.75)), None)
            if (near := self._near.get(text)) is not None:
                self.counts[Kind("near-miss", text, near)] += count


_DIGITS = {
    "yyyy": "[0-9]{4}",
    "MM": "[0-9]{1,2}",
    "dd": "[0-9]{1,2}",
    "HH": "[0-9]{1,2}",
    "mm": "[0-9]{2}",
    "ss": "[0-9]{2}",
}


def _runs(jdk: str) -> list[str]:
    """Letters of a kind together, and each other character by itself."""
    runs: list[str] = []
    for letter in jdk:
        if runs and runs[-1][0] == letter:
            runs[-1] += letter
        else:
            runs.append(letter)
    return runs


def _escaped(text: str) -> str:
    return "".join(f"\\{each}" if each in ".-/" else each for each in text)


def strptime(jdk: str) -> str:
    """The same format in the letters of strptime."""
    return "".join(STRPTIME.get(run, run) for run in _runs(jdk))


def _repaired(text: str) -> str | None:
    """UTF-8 that was read as windows-1252, read right; None where it was not."""
    if text.isascii():
        return None
    try:
        return text.encode("windows-1252").decode("utf-8")
    except UnicodeError:
        return None
