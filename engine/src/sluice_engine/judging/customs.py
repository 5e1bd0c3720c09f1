"""Rules that an installation brings along: Pandera schemas or models, found by their entry points."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import polars as pl

from sluice.contracts import Contract, Custom
from sluice.errors import ContractInvalid
from sluice_engine.judging.rules import NEVER, Rule

GROUP = "sluice.pandera"


@dataclass(frozen=True, slots=True)
class Broken:
    """One rule that a batch breaks. `where` is true at the rows to blame; None: the batch as a whole."""

    rule: Rule
    where: pl.Series | None


Judge = Callable[[pl.DataFrame], Iterator[Broken]]


def customs_of(contract: Contract) -> Judge | None:
    """Judges typed batches by every custom rule. Raises ContractInvalid for one that is not installed."""
    if not contract.customs:
        return None
    schemas = [(custom, _installed(custom.name)) for custom in contract.customs]

    def judge(typed: pl.DataFrame) -> Iterator[Broken]:
        for custom, schema in schemas:
            yield from _judged(custom, schema, typed)

    return judge


def _installed(name: str) -> Any:
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        there = ", ".join(sorted(found)) or "none"
        raise ContractInvalid(f"custom rule {name!r} is not installed here; installed: {there}"[:500])
    loaded = found[name].load()
    return loaded.to_schema() if hasattr(loaded, "to_schema") else loaded


def _judged(custom: Custom, schema: Any, typed: pl.DataFrame) -> Iterator[Broken]:
    from pandera.config import ValidationDepth, config_context  # noqa: PLC0415 - a second of CPU, for contracts that want it
    from pandera.errors import SchemaErrors  # noqa: PLC0415 - the same

    with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        try:
            schema.validate(typed, lazy=True)
        except SchemaErrors as errors:
            for error in errors.schema_errors:
                yield _broken(custom, error, typed)


def _broken(custom: Custom, error: Any, typed: pl.DataFrame) -> Broken:
    output = error.check_output
    named = getattr(error.schema, "name", None)
    column = named if named in typed.columns else None
    said = custom.description or f"what the installed rule {custom.name} asks for"
    check = getattr(error.check, "error", None) or getattr(error.check, "name", None)
    hint = f"It breaks {check}."[:200] if isinstance(check, str) else ""
    rule = Rule(f"custom:{custom.name}", column, said, NEVER, custom.severity, hint)
    by_row = isinstance(output, pl.DataFrame) and output.height == typed.height and output.width == 1
    return Broken(rule, ~output.to_series().fill_null(value=True) if by_row else None)
