"""Last rows of a file that are no data: nobody knows which these are before the file ends."""

from collections import deque
from collections.abc import Iterable, Iterator

import polars as pl

from sluice_engine.reading.table import Batch


def without_footer(batches: Iterable[Batch], count: int) -> Iterator[Batch]:
    """The batches, without the last `count` rows of all. As many as hold these rows are kept back, and one more."""
    held: deque[Batch] = deque()
    behind = 0
    for batch in batches:
        held.append(batch)
        behind += batch.seen
        while behind - held[0].seen >= count:
            behind -= held[0].seen
            yield held.popleft()
            if not held:
                break
    if held:
        end = max(0, last_row(held[-1]) - count)
        yield from (kept for kept in (up_to(batch, end) for batch in held) if kept.seen)


def last_row(batch: Batch) -> int:
    """Number of the last row, sound or not; 0 where there is none."""
    ends = (rows.max() for rows in (batch.rows, batch.faults["row"]) if len(rows))
    return max((int(end) for end in ends if isinstance(end, int)), default=0)


def up_to(batch: Batch, end: int) -> Batch:
    """The rows of a batch up to and with number `end`."""
    if last_row(batch) <= end:
        return batch
    height = int((batch.rows <= end).sum())
    faults = batch.faults.filter(pl.col("row") <= end)
    return Batch(batch.cells.head(height), batch.rows.head(height), faults, batch.extra.head(height))
