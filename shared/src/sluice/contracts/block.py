"""Our own block of a contract: what ODCS has no word for. Its JSON Schema, `sluice-block.schema.json`, is made from these models."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError
from pydantic.alias_generators import to_camel

from sluice.contracts.faults import Faults
from sluice.contracts.model import (
    AggregatorType,
    DruidMode,
    ExtraColumns,
    Granularity,
    PartitionsType,
    PolicyMode,
    QueryGranularity,
    SameContent,
)
from sluice.contracts.source import Path

BLOCK = "sluice"
"""Name of our entry in `customProperties`."""

Word = Annotated[str, Field(max_length=100)]
Sign = Annotated[str, Field(pattern=r"^[\t\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]$")]
"""One character that is no letter and no digit."""


class Block(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, strict=True, frozen=True)


class MetricBlock(Block):
    """A metric of Druid: what is kept of a column whose values are not."""

    name: str = Field(description="What it is called in Druid; no column of the contract is called so.")
    type: Annotated[AggregatorType, Field(strict=False)] = Field(
        description="`long…` of an integer column, `double…` of an integer or number column."
    )
    column: str = Field(description="The column; with a metric, it is no dimension any more.")


class RollupBlock(Block):
    """Rows of one file that agree in time and in all dimensions become one row of Druid."""

    query_granularity: Annotated[QueryGranularity, Field(strict=False)] = Field(
        default=QueryGranularity.NONE,
        description="To the start of which span times are cut; its spans lie within those of a segment.",
    )
    metrics: tuple[MetricBlock, ...] = Field(
        default=(),
        strict=False,
        max_length=100,
        description="What is kept of columns that are no dimensions. How many rows became one is always kept, in `__rows`.",
    )


class PartitionsBlock(Block):
    """How the rows of one span of time are laid out in segments."""

    type: Annotated[PartitionsType, Field(strict=False)] = Field(
        default=PartitionsType.DYNAMIC,
        description="`dynamic`: as they come. `hashed`: rows alike lie together. `range`: in the order of columns. The last two only "
        "where the mode replaces.",
    )
    columns: tuple[str, ...] = Field(
        default=(),
        strict=False,
        max_length=100,
        description="Of hashed and range: dimensions by which rows are parted. Hashed without any: by all of them.",
    )
    target_rows: Annotated[int, Field(ge=1_000, le=100_000_000)] | None = Field(
        default=None, description="Of hashed and range: about so many rows in a segment; 5,000,000 without it."
    )
    shards: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        default=None, description="Of hashed, instead of targetRows: so many segments for each span."
    )


class DruidBlock(Block):
    """Where and how the rows are kept."""

    time_column: str = Field(description="The required timestamp or date column that becomes `__time`.")
    segment_granularity: Annotated[Granularity, Field(strict=False)] = Field(
        default=Granularity.DAY, description="The span of time that one segment of Druid holds."
    )
    mode: Annotated[DruidMode, Field(strict=False)] = Field(
        default=DruidMode.APPEND,
        description="What becomes of rows that are there already: append keeps them; replace takes the place of those in the "
        "segments that the file's time range touches; replace-all of all.",
    )
    rollup: RollupBlock | None = Field(default=None, description="Without it, each row of a file is a row of Druid.")
    partitions: PartitionsBlock = PartitionsBlock()
    time_limit_minutes: Annotated[int, Field(ge=1, le=10_080)] | None = Field(
        default=None,
        description="How long Druid may be at a file, waiting for a worker included; then it is stopped, and its task fails. "
        "Without it: what the installation allows.",
    )


class DialectBlock(Block):
    """How a CSV file is written, and where a spreadsheet's table stands."""

    encoding: str | None = Field(
        default=None,
        description="Such as windows-1252. Without it: a byte order mark, or else UTF-8. A mark in the file goes before it.",
    )
    delimiter: Sign = Field(default=",", description="Between the cells of a CSV file: one sign, or a tab.")
    quote: Annotated[str, Field(pattern=r"^[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]$")] = Field(
        default='"', description="Around cells that hold the delimiter or a line end; twice, it stands for itself."
    )
    decimal: Literal[".", ","] = Field(
        default=".",
        description="The decimal mark of number columns in text. With a comma, no point may stand in a number.",
    )
    null_words: tuple[Word, ...] = Field(
        default=(), strict=False, max_length=100, description="Words that mean: nothing. An empty cell always does."
    )
    true_words: tuple[Word, ...] = Field(
        default=("true", "1"),
        strict=False,
        min_length=1,
        max_length=100,
        description="Words of boolean columns, in any case.",
    )
    false_words: tuple[Word, ...] = Field(
        default=("false", "0"), strict=False, min_length=1, max_length=100, description="The same for no."
    )
    sheet: Annotated[str, Field(pattern=r"^[^\[\]:*?/\\\x00-\x1f]{1,31}$")] | None = Field(
        default=None, description="Name of the sheet. Without it: the first that is visible."
    )
    header_row: Annotated[int, Field(ge=1, le=1_048_576)] | None = Field(
        default=None,
        description="Row of the sheet, or physical line of the text, where the names stand; 1 is the first. Without it: the first "
        "that is not empty.",
    )
    skip_after_header: int = Field(
        default=0, ge=0, le=1000, description="Rows between header and data, such as units of measure."
    )
    footer_rows: int = Field(default=0, ge=0, le=1000, description="Last rows that are no data, such as totals.")


class ColumnBlock(Block):
    """What a column may be called in a file."""

    aliases: tuple[Word, ...] = Field(
        default=(),
        strict=False,
        max_length=100,
        description="Other names in a header; case and outer spaces do not matter.",
    )


class AmountBlock(Block):
    """So many, or so great a part of the file's rows: one of both."""

    rows: Annotated[int, Field(ge=0)] | None = None
    percent: Annotated[float, Field(ge=0, le=100)] | None = None


class RuleLimitBlock(Block):
    """More breaches of one rule than `max` reject the whole file."""

    rule: str = Field(description="Id of the rule, such as `type` or `maximum`.")
    column: str | None = Field(default=None, description="Without it: all columns together.")
    max: AmountBlock


class PolicyBlock(Block):
    """What bad rows do to the good ones."""

    mode: Annotated[PolicyMode, Field(strict=False)] = Field(
        default=PolicyMode.ALL_OR_NOTHING,
        description="`all-or-nothing`: one error rejects the file. `accept-good-rows`: rows without an error are accepted.",
    )
    max_rejected: AmountBlock | None = Field(
        default=None, description="Of accept-good-rows: more rejected rows than this reject the whole file."
    )
    rules: tuple[RuleLimitBlock, ...] = Field(
        default=(), strict=False, max_length=100, description="Of accept-good-rows: the same for single rules."
    )
    extra_columns: Annotated[ExtraColumns, Field(strict=False)] = Field(
        default=ExtraColumns.REFUSE,
        description="Columns that the contract does not know: `refuse` the file, `ignore` them, or `keep` them in one column of JSON.",
    )


def _form(value: object) -> str:
    return "object" if isinstance(value, dict | PolicyBlock) else "word"


class SluiceBlock(Block):
    """Entry `sluice` of a contract's customProperties: what the Open Data Contract Standard has no word for."""

    druid: DruidBlock
    dialect: DialectBlock = DialectBlock()
    columns: dict[str, ColumnBlock] = Field(default_factory=dict, description="By the names of the contract's columns.")
    policy: Annotated[
        Annotated[Annotated[PolicyMode, Field(strict=False)], Tag("word")] | Annotated[PolicyBlock, Tag("object")],
        Discriminator(_form),
    ] = Field(default=PolicyMode.ALL_OR_NOTHING, description="A mode alone, or an object with limits.")

    same_content: Annotated[SameContent, Field(strict=False)] = Field(
        default=SameContent.ALLOW,
        description="A file with the bytes of an earlier one that is loaded or on its way: `allow` it, `refuse` it, or `return-existing`: "
        "answer with the task of the earlier one. Retries under one Idempotency-Key are the same task in any case.",
    )

    @property
    def full_policy(self) -> PolicyBlock:
        return self.policy if isinstance(self.policy, PolicyBlock) else PolicyBlock(mode=self.policy)


def find_block(document: dict[str, Any], faults: Faults) -> tuple[Path, SluiceBlock] | None:
    """Our block and where it stands; None, and faults, where it is missing or not as it should be."""
    entries = document.get("customProperties") or []
    found = [number for number, each in enumerate(entries) if each["property"] == BLOCK]
    if len(found) != 1:
        said = f"exactly one entry with property: {BLOCK} is needed, and its value: {{druid: {{timeColumn: …}}}}"
        faults.add(("customProperties",), f"{said}; there are {len(found)}" if found else said)
        return None
    path: Path = ("customProperties", found[0], "value")
    try:
        return path, SluiceBlock.model_validate(entries[found[0]]["value"])
    except ValidationError as error:
        for place, message in _explained(error):
            faults.add((*path, *place), message)
        return None


def _explained(error: ValidationError) -> Iterator[tuple[Path, str]]:
    for each in error.errors(include_url=False):
        place = each["loc"]
        if len(place) > 1 and place[0] == "policy" and place[1] in {"word", "object"}:
            place = (place[0], *place[2:])
        match each["type"]:
            case "extra_forbidden":
                said = "no such setting; the possible ones stand in docs/contracts.md"
            case "missing":
                said = "is missing"
            case "string_pattern_mismatch" if place[-1] in {"delimiter", "quote"}:
                said = "must be one sign: no letter, no digit, and no more than one character"
            case "model_type":
                said = "must be an object with settings of its own"
            case "string_type":
                said = "must be text; put it in quotes"
            case _:
                said = each["msg"][:1].lower() + each["msg"][1:]
        yield tuple(place), said
