"""Where and how rows are kept, before and after. Columns of `old` are called as in `new`."""

from collections.abc import Iterator

from sluice.contracts.change import Change
from sluice.contracts.model import ROWS_METRIC, Contract, DruidMode, Rollup

BECOMES = {
    DruidMode.APPEND: "rows that are there stay",
    DruidMode.REPLACE: "a file takes the place of the rows in its time range",
    DruidMode.REPLACE_ALL: "a file takes the place of all rows",
}


def target_changes(old: Contract, new: Contract) -> Iterator[Change]:
    if old.datasource != new.datasource:
        said = f"The datasource was {old.datasource} and is {new.datasource}: rows go elsewhere."
        yield Change("datasource", said, senders=True, readers=True)
    before, after = old.druid, new.druid
    if before.time_column != after.time_column:
        said = f"__time was {before.time_column} and is {after.time_column}: queries over time mean something else."
        yield Change("time-column", said, readers=True)
    if before.segment_granularity != after.segment_granularity:
        said = f"Segments were by {before.segment_granularity}, and are by {after.segment_granularity}."
        yield Change("granularity", said)
    if before.mode is not after.mode:
        said = f"The mode was {before.mode} and is {after.mode}: {BECOMES[after.mode]}."
        yield Change("mode", said, readers=after.mode is not DruidMode.APPEND)
    if before.partitions != after.partitions:
        said = f"Partitions were {before.partitions.type}, and are {after.partitions.type}: rows lie otherwise."
        yield Change("partitions", said)
    yield from _rollup(old, new)


def _rollup(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = old.druid.rollup, new.druid.rollup
    if before is None and after is None:
        return
    if before is None or after is None:
        now = "Rows are rolled up" if after else "Rows are not rolled up any more"
        way = f"queries that count rows must add up {ROWS_METRIC}" if after else "queries find no new value in a metric"
        yield Change("rollup", f"{now}: {way}, and a row without it as one.", readers=True)
    else:
        yield from _granularity(before, after)
        yield from _metrics(before, after)
    yield from _clashes(old, new)
    dimensions = {each.name for each in old.dimensions} & new.druid.aggregated
    for name in sorted(dimensions):
        yield Change("metric", f"{name} was a column of Druid, and is kept in metrics only.", readers=True)


def _granularity(before: Rollup, after: Rollup) -> Iterator[Change]:
    was, now = before.query_granularity, after.query_granularity
    if was is not now:
        coarser = not now.within(was)
        said = "queries over shorter spans mean something else" if coarser else "rows are more, and their times finer"
        yield Change("query-granularity", f"Times were cut to {was}, and are to {now}: {said}.", readers=coarser)


def _clashes(old: Contract, new: Contract) -> Iterator[Change]:
    """Names that Druid would have to keep in two ways: it does not write days anew that hold both."""
    before, after = _kept(old), _kept(new)
    for name in sorted(before.keys() & after.keys()):
        was, now = before[name], after[name]
        if was != now:
            said = f"{name} was {was} and is {now}: call it otherwise. Druid can mean one, and retracts no file of days that hold both."
            yield Change("metric", said, readers=True)


def _kept(contract: Contract) -> dict[str, str]:
    """As what each name stands in Druid."""
    metrics = contract.druid.rollup.aggregators if contract.druid.rollup else ()
    return {each.name: "a column" for each in contract.dimensions} | {
        each.name: f"the metric {each.type}" for each in metrics
    }


def _metrics(before: Rollup, after: Rollup) -> Iterator[Change]:
    was_named, now_named = ({each.name: each for each in rollup.aggregators} for rollup in (before, after))
    for name in sorted({*was_named, *now_named}):
        was, now = was_named.get(name), now_named.get(name)
        if now is None:
            yield Change(
                "metric", f"The metric {name} was removed: queries that use it find nothing new.", readers=True
            )
        elif was is None:
            yield Change("metric", f"The metric {name} is new.")
        elif was.column != now.column:
            said = f"The metric {name} was of {was.column} and is of {now.column}: it means something else."
            yield Change("metric", said, readers=True)
