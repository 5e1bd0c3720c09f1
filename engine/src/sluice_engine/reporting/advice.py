"""What was found, in sentences: how many rows, what is the matter, and what to do, in the contract or in the file."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sluice.contracts import Contract, Field, FieldType
from sluice.reports import Cause
from sluice.safetext import shown
from sluice_engine.reporting.clusters import Cluster, Kind
from sluice_engine.reporting.habits import Habit, habits, other_mark

LONGEST_SHOWN = 40
SETTINGS = {"null_words": "nullWords", "true_words": "trueWords", "false_words": "falseWords"}


@dataclass(frozen=True, slots=True)
class Told:
    """What must be known beside the failed cells of a column, to say what to do."""

    contract: Contract
    field: Field
    marked: bool
    """Good numbers of the file are written with the contract's decimal mark."""
    words: frozenset[str]
    """Null words that stand in good cells which may not be empty."""


@dataclass(frozen=True, slots=True)
class Saying:
    """`what` fills "12 rows: … in Amount."; `verified` where `dialect` or the advice was tried on the cells."""

    code: str
    rows: int
    what: str
    advice: str
    dialect: dict[str, str]
    verified: bool = True


def tell(cluster: Cluster, told: Told, *, exact: bool) -> Iterator[Cause]:
    """The causes of one column and rule, in no order."""
    counts = Counter(cluster.counts)
    sayings = [
        *_formats(counts, told),
        *_marks(counts, cluster, told),
        *_words(counts, told),
        *_values(counts, told),
        *_plain(counts, told),
    ]
    for each in sayings:
        amount = f"{each.rows:,} row{'' if each.rows == 1 else 's'}"
        yield Cause(
            code=each.code,
            column=told.field.name,
            rows=each.rows,
            message=f"{'' if exact else 'More than '}{amount}: {each.what} in {told.field.name}. {each.advice}",
            dialect=each.dialect,
            verified=each.verified,
            exact=exact,
        )


def _formats(counts: Counter[Kind], told: Told) -> Iterator[Saying]:
    """Days below 13 can be read both ways: the other cells of the column decide, or nobody."""
    either = {kind: rows for kind, rows in counts.items() if kind.code == "date-format" and kind.instead}
    plain = {kind.detail: rows for kind, rows in counts.items() if kind.code == "date-format" and not kind.instead}
    for kind, rows in either.items():
        sure = [each for each in (kind.detail, kind.instead) if each in plain]
        if len(sure) == 1:
            plain[sure[0]] += rows
        else:
            what = f"dates that can be read with the day or the month first ({kind.detail} or {kind.instead})"
            yield Saying("ambiguous-date", rows, what, f"Write {_example(told)}.", {}, verified=False)
    whole = len(plain) == 1 and not told.field.format
    for jdk, rows in plain.items():
        advice = (
            f"Set logicalTypeOptions.format: {jdk} at {told.field.name} in the contract, or write" if whole else "Write"
        )
        yield Saying(
            "date-format",
            rows,
            f"dates written as {jdk}",
            f"{advice} {_example(told)}.",
            {"format": jdk} if whole else {},
        )


def _marks(counts: Counter[Kind], cluster: Cluster, told: Told) -> Iterator[Saying]:
    other = other_mark(told.contract.dialect.decimal)
    mark = Kind("decimal-comma" if other == "," else "decimal-point")
    either, thousands = Kind("either-mark"), Kind("thousands-separators")
    if counts[either] and bool(counts[mark]) == bool(counts[thousands]):
        name = "comma" if other == "," else "point"
        what = f"numbers whose {name} can be a decimal mark or a separator of thousands"
        advice = f"Write 1234{told.contract.dialect.decimal}5: no separators."
        yield Saying("ambiguous-mark", counts.pop(either), what, advice, {}, verified=False)
    elif counts[either]:
        sure = mark if counts[mark] else thousands
        if sure == mark and either in cluster.unmended:
            cluster.unmended.add(mark)
        counts[sure] += counts.pop(either)
    if counts[mark]:
        habit = _habit(mark.code, told)
        settles = mark not in cluster.unmended and not told.marked
        why = (
            ""
            if settles or not told.marked
            else f" The contract cannot change: other numbers are right with {told.contract.dialect.decimal!r}."
        )
        advice = (
            f'Set decimal: "{other}" in the contract\'s dialect, or {habit.advice}'
            if settles
            else f"{habit.advice.capitalize()}{why}"
        )
        yield Saying(mark.code, counts.pop(mark), habit.said, advice, {"decimal": other} if settles else {})


def _words(counts: Counter[Kind], told: Told) -> Iterator[Saying]:
    nulls = {kind.detail: rows for kind, rows in counts.items() if kind.code == "null-word"}
    if nulls:
        yield _null_words(nulls, told)
    settings = sorted({kind.instead for kind in counts if kind.code == "boolean-word"})
    if settings:
        words = {kind.detail: rows for kind, rows in counts.items() if kind.code == "boolean-word"}
        dialect = {
            SETTINGS[setting]: _listed(
                (
                    *getattr(told.contract.dialect, setting),
                    *sorted(kind.detail for kind in counts if kind.instead == setting),
                )
            )
            for setting in settings
        }
        advice = f"Set {_settings(dialect)} in the contract's dialect, or write true and false."
        if told.field.classified:
            advice, dialect = "Write true and false.", {}
        yield Saying(
            "boolean-words",
            sum(words.values()),
            f"other words for true and false ({_some(words, told)})",
            advice,
            dialect,
        )


def _null_words(nulls: dict[str, int], told: Told) -> Saying:
    what, rows = f"words that stand for an empty cell ({_some(nulls, told)})", sum(nulls.values())
    if told.field.required or told.field.name in told.contract.primary_key:
        return Saying("null-words", rows, what, "The column must be filled: write the values.", {}, verified=False)
    values = {value for metric in told.contract.metrics for value in metric.values or ()}
    if told.words & nulls.keys() or values & nulls.keys() or told.field.classified:
        return Saying("null-words", rows, what, "Leave these cells empty.", {})
    dialect = {"nullWords": _listed((*told.contract.dialect.null_words, *sorted(nulls)))}
    return Saying(
        "null-words",
        rows,
        what,
        f"Set {_settings(dialect)} in the contract's dialect, or leave these cells empty.",
        dialect,
    )


def _values(counts: Counter[Kind], told: Told) -> Iterator[Saying]:
    near = {kind: rows for kind, rows in counts.items() if kind.code == "near-miss"}
    if near and told.field.classified:
        what = "values that differ by a letter or two from allowed ones"
        yield Saying("near-miss", sum(near.values()), what, "Correct the spelling.", {}, verified=False)
        near = {}
    for kind, rows in near.items():
        what, advice = f"{_shown(kind.detail)} (not an allowed value)", f"Did you mean {_shown(kind.instead)}?"
        yield Saying("near-miss", rows, what, advice, {}, verified=False)
    if rows := counts[Kind("wrong-case")]:
        yield Saying(
            "wrong-case",
            rows,
            "capital and small letters unlike the allowed values",
            "Write them as the contract does.",
            {},
        )
    if rows := counts[Kind("mojibake")]:
        what = "letters that were garbled by a wrong encoding"
        yield Saying("mojibake", rows, what, "Save the file as UTF-8 from its source.", {})
    if rows := counts[Kind("formula-error")]:
        yield Saying(
            "formula-error",
            rows,
            "formulas that give an error",
            "Correct the formulas, or leave the cells empty.",
            {},
            verified=False,
        )


def _plain(counts: Counter[Kind], told: Told) -> Iterator[Saying]:
    for code in {kind.code for kind in counts} & {habit.code for habit in habits(told.contract.dialect.decimal)}:
        habit = _habit(code, told)
        if rows := counts[Kind(code)]:
            yield Saying(code, rows, habit.said, habit.advice, {}, verified=habit.steps is not None)


def _habit(code: str, told: Told) -> Habit:
    return next(each for each in habits(told.contract.dialect.decimal) if each.code == code)


def _example(told: Told) -> str:
    return "2024-01-31T12:00:00Z" if told.field.type is FieldType.TIMESTAMP else "2024-01-31"


def _listed(words: tuple[str, ...]) -> str:
    """As it is written in the contract's YAML."""
    return json.dumps(words, ensure_ascii=False)


def _settings(dialect: dict[str, str]) -> str:
    return " and ".join(f"{name}: {value}" for name, value in dialect.items())


def _some(words: dict[str, int], told: Told) -> str:
    """The most frequent, where they may be shown."""
    if told.field.classified:
        return "not shown: the column is classified"
    first = sorted(words, key=lambda word: -words[word])[:5]
    return ", ".join(_shown(word) for word in first)


def _shown(text: str) -> str:
    return f"“{shown(text, LONGEST_SHOWN)}”"
