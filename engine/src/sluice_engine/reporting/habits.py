# ruff: noqa: RUF001  # letters that look alike are what this is about
"""How senders write cells that a contract does not take, and how each would be written right.

A habit says what it would write instead. Whether that mends a cell is not decided here: the engine's own parse is asked.
"""

from dataclasses import dataclass

import polars as pl

from sluice.contracts import FieldType

NUMERIC = frozenset({FieldType.INTEGER, FieldType.NUMBER})
TEMPORAL = frozenset({FieldType.DATE, FieldType.TIMESTAMP})
EVERY = frozenset(FieldType)

NULL_WORDS = frozenset(
    ("n/a", "na", "#na", "<na>", "null", "(null)", "none", "nil", "nan", "(blank)", "missing", "unknown", "k.a.")
).union(("-", "--", "---", "–", "—", "?", ".", "*", "\\n"))
TRUE_WORDS = frozenset(("yes", "y", "t", "on", "ja", "j", "oui", "vrai", "wahr", "si", "sí", "s", "x", "✓"))
FALSE_WORDS = frozenset(("no", "n", "f", "off", "nein", "non", "faux", "falsch"))
"""All in lower case."""

SIGNS = r"[€$£¥₹₽₩₺¢]|(?:^|\b)(?:EUR|USD|GBP|CHF|JPY|INR|CNY|SEK|NOK|DKK|PLN|CAD|AUD)(?:\b|$)"
GAPS = r" '’_\x{a0}\x{202f}\x{2009}"
"""Between thousands, beside comma and point. For use within brackets."""
EDGES = r"[\s\"'`´“”„‘’«»\x{200b}-\x{200d}\x{feff}\x{ad}]+"
ISO_DAY = r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+Z?)?\s*$"


@dataclass(frozen=True, slots=True)
class Habit:
    """`steps` are None where nobody can say what should stand there: then `shape` alone is its sign."""

    code: str
    types: frozenset[FieldType]
    said: str
    """What it is, in the words of a message: "12 rows: … in Amount."."""
    advice: str
    """What to do in the file, with an example of our own, never with a cell of the file."""
    shape: str
    steps: tuple[tuple[str, str], ...] | None = ()
    """Replaced one after the other: pattern, replacement."""

    def rewrite(self, text: pl.Expr) -> pl.Expr:
        """What should be written instead; null where the text is not of this kind, or where nobody can say."""
        written = text
        for pattern, replacement in self.steps or ():
            written = written.str.replace_all(pattern, replacement)
        return pl.when(text.str.contains(self.shape)).then(written)


def other_mark(mark: str) -> str:
    """Of the two decimal marks."""
    return "," if mark == "." else "."


def habits(mark: str) -> tuple[Habit, ...]:
    """Those that are found by their look, where numbers are written with that decimal mark; the first that fits counts."""
    return (*_edges(), *_marks(mark), *_decorations(mark), *_dates())


def _edges() -> tuple[Habit, ...]:
    return (
        Habit(
            "surrounding-characters",
            EVERY,
            "spaces, quotes or invisible characters around the value",
            "Remove them.",
            rf"^{EDGES}|{EDGES}$",
            ((rf"^{EDGES}|{EDGES}$", ""),),
        ),
    )


def _marks(mark: str) -> tuple[Habit, ...]:
    other = other_mark(mark)
    m, o = rf"\x{{{ord(mark):x}}}", rf"\x{{{ord(other):x}}}"
    groups = rf"^\s*[+-]?[0-9]{{1,3}}(?:{o}[0-9]{{3}})"
    separated = f"Write numbers without separators between thousands: 1234{mark}5."
    thousands = "separators between thousands"
    number = frozenset({FieldType.NUMBER})
    return (
        # 1,234 may be either; the rest of the column decides
        Habit("either-mark", number, "", separated, rf"{groups}\s*$", ((o, ""),)),
        Habit(
            "thousands-separators",
            NUMERIC,
            thousands,
            separated,
            rf"{groups}+(?:{m}[0-9]+)?\s*$|^\s*[+-]?[0-9]{{1,3}}(?:[{GAPS}][0-9]{{3}})+(?:{m}[0-9]+)?\s*$",
            ((rf"[{o}{GAPS}]", ""),),
        ),
        Habit(
            "decimal-comma" if other == "," else "decimal-point",
            number,
            "decimal comma" if other == "," else "decimal point",
            f"write 12{mark}5 instead of 12{other}5.",
            rf"^\s*[+-]?(?:[0-9]*{o}[0-9]+|[0-9]+{o})(?:[eE][+-]?[0-9]+)?\s*$",
            ((o, mark),),
        ),
        Habit(
            "thousands-separators",
            NUMERIC,
            thousands,
            separated,
            rf"^\s*[+-]?[0-9]{{1,3}}(?:[{m}{GAPS}][0-9]{{3}})+(?:{o}[0-9]+)?\s*$",
            ((rf"[{m}{GAPS}]", ""), (o, mark)),
        ),
    )


def _decorations(mark: str) -> tuple[Habit, ...]:
    # what is left must be a number by itself, or one with the other mark
    other = other_mark(mark)
    m, o = rf"\x{{{ord(mark):x}}}", rf"\x{{{ord(other):x}}}"
    plain = ((rf"{o}([0-9]{{3}}(?:[{m}{o}]|$))", "$1"), (rf"^([+-]?[0-9]+){o}([0-9]+)$", f"${{1}}{mark}${{2}}"))
    return (
        Habit(
            "currency-sign",
            NUMERIC,
            "a currency sign beside the number",
            f"Write the number alone: 12{mark}50.",
            SIGNS,
            ((SIGNS, ""), (rf"[{GAPS}]", ""), *plain),
        ),
        Habit(
            "percent-sign",
            NUMERIC,
            "a percent sign behind the number",
            "Write the number alone, in the unit that the contract means: 12 or 0.12.",
            r"[0-9]\s*%\s*$",
            ((r"\s*%\s*$", ""), *plain),
        ),
        Habit(
            "minus-style",
            NUMERIC,
            "a minus written as brackets or behind the number",
            "Write the minus in front: -12.",
            r"^\s*(?:\([0-9.,]+\)|[0-9.,]+-|[−–][0-9.,]+)\s*$",
            ((r"[\s()−–-]", ""), (r"^", "-"), *plain),
        ),
        Habit(
            "whole-with-decimals",
            frozenset({FieldType.INTEGER}),
            "whole numbers written with decimals",
            "Write 12 instead of 12.0.",
            r"^\s*[+-]?[0-9]+[.,]0+\s*$",
            ((r"[.,]0+\s*$", ""),),
        ),
        Habit(
            "date-in-number",
            NUMERIC,
            "dates where numbers are expected",
            "A spreadsheet program turns 3-4 or 1.5 into a date: format the column as a number and enter the values again.",
            ISO_DAY,
            None,
        ),
    )


def _dates() -> tuple[Habit, ...]:
    return (
        Habit(
            "number-as-date",
            TEMPORAL,
            "numbers where dates are expected",
            "A spreadsheet program keeps dates as numbers: format the column as a date before saving, so that it shows 2024-01-31.",
            r"^\s*(?:[1-7][0-9]{4}(?:\.[0-9]+)?|1[0-9]{9}(?:[0-9]{3})?)\s*$",
            None,
        ),
        Habit(
            "other-date-format",
            TEMPORAL,
            "dates with month names or two digits of the year",
            "Write 2024-01-31.",
            r"^\s*(?:[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2}"
            r"|(?:\p{L}{3,9},? )?[0-9]{1,2}[. -]+\p{L}{3,9}\.?[, -]+[0-9]{2,4}"
            r"|\p{L}{3,9}\.? [0-9]{1,2},? [0-9]{4})\b",
            None,
        ),
    )
