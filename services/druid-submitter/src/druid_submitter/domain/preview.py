"""What loading a file would do to its datasource: compared, and said in a sentence."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from druid_submitter.domain.interval import Interval, parsed
from druid_submitter.domain.spec import TASK_COLUMN, dimensions
from sluice.contracts import ROWS_METRIC, Contract, DruidMode
from sluice.events import Accepted, Preview, Problem
from sluice.events.values import COLUMNS_TOLD

OURS = {"__time", TASK_COLUMN, ROWS_METRIC}
NAMED = 10
"""Columns that a sentence names."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What Druid has of a datasource: rows of the interval that would be touched, and columns."""

    rows: int
    columns: Collection[str]


def compare(
    contract: Contract, accepted: Accepted, interval: Interval, holding: Holding, *, superseded: bool
) -> Preview:
    """`superseded`: a later file is loaded already, so that this one could not be."""
    metrics = contract.druid.rollup.aggregators if contract.druid.rollup else ()
    columns = (*(column["name"] for column in dimensions(contract)), *(each.name for each in metrics))
    filled = [name for name in columns if name not in OURS]
    return Preview(
        mode=contract.druid.mode,
        interval=interval.iso(),
        rows=accepted.accepted,
        vanishing=0 if contract.druid.mode is DruidMode.APPEND else holding.rows,
        new_columns=_first(name for name in filled if name not in holding.columns),
        unfilled_columns=_first(sorted(set(holding.columns) - OURS - set(filled))),
        superseded=superseded,
    )


def told(preview: Preview) -> Problem:
    """Why the task has loaded nothing, and what it would have done."""
    said = [_rows(preview)]
    if preview.new_columns:
        said.append(f"new columns: {_named(preview.new_columns)}")
    if preview.unfilled_columns:
        said.append(f"columns that it does not fill: {_named(preview.unfilled_columns)}")
    late = " A file that was accepted later is loaded already: this one would be superseded." * preview.superseded
    return Problem(code="dry-run", message=f"A dry run, nothing is loaded. It would {'; '.join(said)}.{late}"[:1000])


def _rows(preview: Preview) -> str:
    span = parsed(preview.interval).told()
    match preview.mode:
        case DruidMode.APPEND:
            return f"add {preview.rows:,} rows to {span}, and take none away"
        case DruidMode.REPLACE_ALL:
            return f"replace all {preview.vanishing:,} rows by {preview.rows:,}"
        case _:
            return f"replace {preview.vanishing:,} rows of {span} by {preview.rows:,}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def _first(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(islice(names, COLUMNS_TOLD))
