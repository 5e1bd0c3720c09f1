"""A draft held against its own file: that the file keeps it, which values are unique, and what else can be said of the columns."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sluice.contracts import (
    Contract,
    FieldType,
    Granularity,
    Metric,
    MetricKind,
    Operator,
    Severity,
    Threshold,
    load_contract,
)
from sluice.events import TimeRange
from sluice.reports import ColumnQuality, Report
from sluice_client.inference.decision import Column, looks_like_id
from sluice_client.inference.draft import Draft
from sluice_client.inference.writing import write_draft
from sluice_client.judging import judge_file

FEWEST_ROWS = 20
"""Fewer say nothing about values that every row has for itself."""
RANGED = {FieldType.INTEGER, FieldType.NUMBER, FieldType.DATE, FieldType.TIMESTAMP}
DAYS_BY_MONTH, DAYS_BY_YEAR = 400, 20 * 366
"""Days beyond which a segment holds a month, and a year: a segment for each of very many days would be nearly empty."""


@dataclass(frozen=True, slots=True)
class Proved:
    """`report` is the engine's own, on the file and the draft as it was before."""

    draft: Draft
    report: Report


def prove(draft: Draft) -> Proved:
    """Raises ContractInvalid for a draft that is none, which is an error of ours."""
    contract = load_contract(write_draft(draft))
    ids = _ids(draft)
    with TemporaryDirectory(prefix="sluice-") as folder:
        report = judge_file(draft.file, _asking(contract, ids), Path(folder))
    repeated = {each.column for each in report.rules if each.rule == "duplicate-values"}
    times = report.quality.time_range
    finished = replace(
        draft,
        granularity=_granularity(times) if times else draft.granularity,
        unique=frozenset(ids) - repeated,
        seen={column.name: tuple(_seen(column, draft)) for column in report.quality.columns},
    )
    return Proved(finished, report)


def _ids(draft: Draft) -> list[str]:
    """The column that may name each row: the first that is called so. Others name something else that may come twice tomorrow."""
    kinds = {FieldType.STRING, FieldType.INTEGER}
    named = (each for each in draft.table.columns if each.type in kinds and looks_like_id(each.name))
    return [each.name for each in named if each.required and draft.rows >= FEWEST_ROWS][:1]


def _asking(contract: Contract, ids: list[str]) -> Contract:
    """The same contract, which also tells of values that come twice."""
    none = Threshold(Operator.EQUAL, (0,))
    metrics = (Metric(MetricKind.DUPLICATE_VALUES, none, (name,), severity=Severity.INFO) for name in ids)
    return replace(contract, metrics=tuple(metrics))


def _granularity(times: TimeRange) -> Granularity:
    days = (times.last - times.first).days
    if days > DAYS_BY_YEAR:
        return Granularity.YEAR
    return Granularity.MONTH if days > DAYS_BY_MONTH else Granularity.DAY


def _seen(quality: ColumnQuality, draft: Draft) -> Iterator[str]:
    """What the cells of a column have in common beside the rules; the report masks what is confidential."""
    column = next(each for each in draft.table.columns if each.name == quality.name)
    if column.note:
        yield column.note
    if column.empty:
        yield f"empty cells: {column.empty:,} of {column.rows:,}"
    if column.type in RANGED and quality.min is not None:
        yield f"from {quality.min} to {quality.max}"
    if column.type is FieldType.STRING and quality.distinct.exact:
        yield from _values(quality, column)


def _values(quality: ColumnQuality, column: Column) -> Iterator[str]:
    different = quality.distinct.count
    if different == column.rows and column.rows >= FEWEST_ROWS:
        yield "every value differs"
    elif 0 < different == len(quality.top) and different * 2 <= column.rows:
        yield "values: " + ", ".join(sorted(each.value for each in quality.top))
