"""Rows that break a rule on the whole file: known only at its end, and read again for what stands in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from sluice_engine.judging.findings import Findings
from sluice_engine.judging.keyed import KeyRule
from sluice_engine.reading.table import Batch


@dataclass(frozen=True, slots=True)
class Late:
    """The rows, ascending (UInt64), and beside them the rows in which their keys stand first."""

    key: KeyRule
    rows: pl.Series
    firsts: pl.Series

    @property
    def text(self) -> str:
        rule = self.key.rule
        return f"{rule.column}: {rule.id} ({rule.expected})"


@dataclass(slots=True)
class Values:
    """Keys of the rows that will be listed, as they stand in the file. Takes batches in their order."""

    late: Sequence[Late]
    findings: Findings
    _texts: dict[str, list[str]] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        for each in self.late:
            listed = each.rows.head(self.findings.room(each.key.rule))
            wanted = batch.rows.is_in(listed.implode())
            if wanted.any():
                cells = batch.cells.filter(wanted).select(
                    pl.col(name).cast(pl.String).fill_null("") for name in each.key.columns
                )
                texts = cells.select(pl.concat_str(pl.all(), separator=", ")).to_series()
                self._texts.setdefault(each.text, []).extend(texts)

    def report(self) -> None:
        for each in self.late:
            texts = self._texts.get(each.text, [])
            hints = [f"The same value stands in row {first}." for first in each.firsts.head(len(texts))]
            self.findings.add_cells(each.key.rule, each.rows, pl.Series(texts, dtype=pl.String), hints)
