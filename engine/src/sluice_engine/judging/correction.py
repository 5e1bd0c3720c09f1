"""A file that brings back rows which its parent rejected: each of them names its row in the first file, and stands once."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from sluice_engine.errors import FileRejected
from sluice_engine.judging.customs import Broken
from sluice_engine.judging.rowset import RowSet
from sluice_engine.judging.rules import NEVER, Rule
from sluice_engine.reading.header import ROW
from sluice_engine.reading.table import Batch

RULE = Rule(
    "correction-row",
    None,
    f"the number of a row that is still rejected, in the column {ROW}, each once",
    NEVER,
    hint=f"Send rows of the rejects file, with {ROW} as it stands there.",
)


@dataclass(slots=True)
class Correction:
    """`open` are the rows of the first file that are still rejected (UInt64, ascending)."""

    open: pl.Series
    _brought: npt.NDArray[np.uint64] = field(init=False)
    """Of each open row the row of this file that brings it back; 0 for none."""

    def __post_init__(self) -> None:
        self._brought = np.zeros(len(self.open), np.uint64)

    def check(self, batch: Batch) -> tuple[Broken, ...]:
        """Rows that bring back none of the open ones, or one that another row brought already. Raises FileRejected for a whole file."""
        named = next((name for name in batch.extra.columns if name.strip() == ROW), None)
        if named is None:
            raise FileRejected(
                "whole-file-on-partly-accepted",
                "Rows of the corrected file are loaded already, so only its rejected rows can be sent. Mend its rejects file and send it "
                f"back with its column {ROW}; or retract that task, and upload the whole file without naming a task.",
            )
        numbers = batch.extra[named].cast(pl.String).str.strip_chars().str.replace(r"\.0$", "")
        at, known = self._places(numbers.cast(pl.UInt64, strict=False))
        firsts = self._claim(at, known, batch.rows)
        wrong = pl.Series(~firsts)
        return (Broken(RULE, wrong),) if wrong.any() else ()

    def still_open(self, rejected: RowSet) -> pl.Series:
        """Rows of the first file that are rejected after this one, whose own rejected rows are given."""
        back = pl.Series(self._brought)
        return self.open.filter((back == 0) | rejected.has(back))

    def _places(self, numbers: pl.Series) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        wanted = numbers.fill_null(0).to_numpy()
        rows = self.open.to_numpy()
        at = np.searchsorted(rows, wanted)
        inside = at < len(rows)
        at = np.where(inside, at, 0)
        known = inside & numbers.is_not_null().to_numpy()
        if len(rows):
            known &= rows[at] == wanted
        return at, known

    def _claim(self, at: npt.NDArray[np.int64], known: npt.NDArray[np.bool_], rows: pl.Series) -> npt.NDArray[np.bool_]:
        """True for the rows that are the first to bring theirs back."""
        firsts = np.zeros(len(at), np.bool_)
        candidates = np.flatnonzero(known)
        _, order = np.unique(at[candidates], return_index=True)
        chosen = candidates[order]
        chosen = chosen[self._brought[at[chosen]] == 0] if len(chosen) else chosen
        self._brought[at[chosen]] = rows.to_numpy()[chosen]
        firsts[chosen] = True
        return firsts
