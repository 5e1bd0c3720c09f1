"""Our block as part of a Contract, and every combination in it that could never work."""

import codecs
from collections import Counter

from sluice.contracts.block import AmountBlock, PolicyBlock, SluiceBlock
from sluice.contracts.faults import Faults
from sluice.contracts.model import (
    Custom,
    Dialect,
    DruidMode,
    Field,
    Operator,
    Policy,
    PolicyMode,
    RuleLimit,
    Threshold,
    Unit,
)
from sluice.contracts.source import Path

CELL_RULES = (
    "required",
    "type",
    "minimum",
    "maximum",
    "multiple-of",
    "min-length",
    "max-length",
    "pattern",
    "format",
    "unique",
    "null-values",
    "missing-values",
    "invalid-values",
    "duplicate-values",
)
"""Ids of the rules that belong to a column."""
ROW_RULES = ("primary-key", "ragged-row", "nul-byte", "unclosed-quote", "stray-quote")
CUSTOM = "custom:"
"""Before the name of a Pandera schema, this is the id of its rules."""


NOT_OF_FILES = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7"}
"""Python calls them encodings, too: ways to write a name, or a literal of a program."""


def dialect_of(block: SluiceBlock, path: Path, faults: Faults) -> Dialect:
    said, path = block.dialect, (*path, "dialect")
    if said.delimiter == said.quote:
        faults.add((*path, "quote"), "the same as the delimiter; cells could not be told apart")
    if said.delimiter == said.decimal:
        way = "set delimiter: ';', or whatever stands between the cells" if said.decimal == "," else "set decimal: ','"
        faults.add((*path, "decimal"), f"the same as the delimiter; {way}")
    if said.quote == said.decimal:
        faults.add((*path, "quote"), "the same as the decimal mark; numbers could not be told from quoted cells")
    if said.encoding is not None and (fault := encoding_fault(said.encoding)):
        faults.add((*path, "encoding"), fault)
    _check_words(block, path, faults)
    return Dialect(
        delimiter=said.delimiter,
        quote=said.quote,
        encoding=said.encoding,
        decimal=said.decimal,
        null_words=("", *dict.fromkeys(word.strip() for word in said.null_words if word.strip())),
        true_words=tuple(word.strip() for word in said.true_words),
        false_words=tuple(word.strip() for word in said.false_words),
        sheet=said.sheet,
        header_row=said.header_row,
        skip_after_header=said.skip_after_header,
        footer_rows=said.footer_rows,
    )


def encoding_fault(name: str) -> str | None:
    """What is wrong with it, where Python knows no encoding of text by that name."""
    try:
        "a".encode(name)
        codecs.getincrementaldecoder(name)()
        fit = codecs.lookup(name).name not in NOT_OF_FILES
    except (LookupError, UnicodeError, ValueError):
        fit = False
    if fit:
        return None
    return f"{name[:40]!r} is no encoding of text; use such as utf-8, windows-1252, iso-8859-15, utf-16"


def _check_words(block: SluiceBlock, path: Path, faults: Faults) -> None:
    said = block.dialect
    true, false = ({word.strip().lower() for word in words} for words in (said.true_words, said.false_words))
    for key, words in (("trueWords", true), ("falseWords", false)):
        if "" in words:
            faults.add((*path, key), "an empty cell is nothing, neither true nor false; leave the empty word out")
    for word in sorted((true & false) - {""}):
        faults.add((*path, "falseWords"), f"{word!r} stands for true as well; keep it in one of the lists")
    for number, word in enumerate(said.null_words):
        if word.strip() and word.strip().lower() in true | false:
            faults.add(
                (*path, "nullWords", number), f"{word.strip()!r} stands for true or false as well; keep one of them"
            )


def aliases_of(block: SluiceBlock, columns: list[str], path: Path, faults: Faults) -> dict[str, tuple[str, ...]]:
    """Aliases by column. A name in a header must mean one column."""
    owners = {name.strip().casefold(): name for name in columns}
    for column, said in block.columns.items():
        place = (*path, "columns", column)
        if column not in columns:
            faults.add(place, "the schema has no property of that name; correct it, or leave it out")
        for number, alias in enumerate(said.aliases):
            key = alias.strip().casefold()
            where = (*place, "aliases", number)
            if not key or not alias.isprintable():
                faults.add(where, "a name that can be seen is needed")
            elif key in owners and not (owners[key] == column and alias.strip() != column):
                faults.add(where, f"{alias!r} means the column {owners[key]} already; a name must mean one column")
            owners.setdefault(key, column)
    return {column: tuple(alias.strip() for alias in said.aliases) for column, said in block.columns.items()}


def policy_of(
    block: SluiceBlock, fields: dict[str, Field], customs: tuple[Custom, ...], path: Path, faults: Faults
) -> Policy:
    said, path = block.full_policy, (*path, "policy")
    _check_mode(block, said, path, faults)
    _check_limits(said, fields, (*CELL_RULES, *ROW_RULES, *(CUSTOM + each.name for each in customs)), path, faults)
    return Policy(
        mode=said.mode,
        most_rejected=_most(said.max_rejected, (*path, "maxRejected"), faults) if said.max_rejected else None,
        rule_limits=tuple(
            RuleLimit(limit.rule, _most(limit.max, (*path, "rules", number, "max"), faults), limit.column)
            for number, limit in enumerate(said.rules)
        ),
        extra_columns=said.extra_columns,
    )


def _check_limits(
    said: PolicyBlock, fields: dict[str, Field], rules: tuple[str, ...], path: Path, faults: Faults
) -> None:
    twice = Counter((limit.rule, limit.column) for limit in said.rules)
    for number, limit in enumerate(said.rules):
        place = (*path, "rules", number)
        if limit.rule not in rules:
            faults.add((*place, "rule"), f"no such rule; possible are {', '.join(rules)}")
        if limit.column is not None and limit.column not in fields:
            faults.add((*place, "column"), "the schema has no property of that name; correct it, or leave it out")
        elif limit.column is not None and limit.rule in ROW_RULES:
            faults.add((*place, "column"), f"{limit.rule} is of whole rows; leave the column out")
        if twice[limit.rule, limit.column] > 1:
            faults.add(place, "a limit for the same rule and column stands twice; keep one of them")


def _check_mode(block: SluiceBlock, said: PolicyBlock, path: Path, faults: Faults) -> None:
    if said.mode is PolicyMode.ALL_OR_NOTHING and (said.max_rejected or said.rules):
        faults.add(path, "limits belong to mode accept-good-rows; with all-or-nothing the first error rejects the file")
    if block.druid.mode is not DruidMode.APPEND and said.mode is PolicyMode.ACCEPT_GOOD_ROWS:
        faults.add(
            path,
            f"accept-good-rows with {block.druid.mode} is refused: a part would replace the whole; use all-or-nothing",
        )


def _most(amount: AmountBlock, path: Path, faults: Faults) -> Threshold:
    if (amount.rows is None) == (amount.percent is None):
        faults.add(path, "either rows or percent is needed, and not both")
    if amount.percent is not None:
        return Threshold(Operator.LESS_OR_EQUAL, (amount.percent,), Unit.PERCENT)
    return Threshold(Operator.LESS_OR_EQUAL, (amount.rows or 0,), Unit.ROWS)
