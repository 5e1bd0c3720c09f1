"""A draft as ODCS YAML. Whatever comes from the file is written by the YAML library, or stands in a comment of one line."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from sluice.contracts.source import CORE
from sluice.events import FileFormat
from sluice.reports.page import several
from sluice.safetext import shown
from sluice_client.inference.decision import Column
from sluice_client.inference.draft import Draft

LONGEST_COMMENT = 200
HEAD = """\
# A first contract, written by `sluice contract init` from {rows} of {filename}.
# What stands behind # was seen in that file and is no rule. Make rules of what must hold for every file; then raise the version.
"""


class Writer(yaml.SafeDumper):
    """Quotes every text that YAML 1.1 or our reader, which follows YAML 1.2, would take for something else."""


for _kind, _pattern in CORE:
    Writer.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), None)


def write_draft(draft: Draft) -> str:
    head = HEAD.format(rows=several(draft.rows, "row"), filename=shown(draft.file.name))
    notes = "".join(_comment(note, 0) for note in draft.notes)
    columns = "".join(_column_text(draft, each) for each in draft.table.columns)
    table = {"name": draft.datasource, "logicalType": "object"}
    return (
        f"{head}{notes}{_yaml(_top(draft))}\nschema:\n{_indented(_yaml([table]), 2)}    properties:\n{columns}\n"
        f"customProperties:\n{_indented(_yaml([{'property': 'sluice', 'value': _block(draft)}]), 2)}"
    )


def _top(draft: Draft) -> dict[str, Any]:
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": draft.datasource,
        "name": draft.datasource,
        "version": "1.0.0",
        "status": "draft",
    }


def _column_text(draft: Draft, column: Column) -> str:
    comments = "".join(_comment(said, 8) for said in draft.seen.get(column.name, ()))
    return _indented(_yaml([_property(draft, column)]), 6) + comments


def _property(draft: Draft, column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name, "logicalType": str(column.type)}
    if column.required:
        found["required"] = True
    if column.name in draft.unique:
        found["unique"] = True
    if column.mailed:
        found["classification"] = "confidential"
    if column.format:
        found["logicalTypeOptions"] = {"format": column.format}
    return found


def _block(draft: Draft) -> dict[str, Any]:
    druid = {"timeColumn": draft.time_column, "segmentGranularity": str(draft.granularity), "mode": "append"}
    dialect = dict(_dialect(draft))
    return {"druid": druid, **({"dialect": dialect} if dialect else {}), "policy": "all-or-nothing"}


def _dialect(draft: Draft) -> Iterator[tuple[str, Any]]:
    """What differs from the defaults, and the delimiter, which people look for."""
    said = draft.dialect
    if said.encoding:
        yield "encoding", said.encoding
    if draft.file.format is FileFormat.CSV or said.delimiter != ",":
        yield "delimiter", said.delimiter
    if said.decimal != ".":
        yield "decimal", said.decimal
    if words := [word for word in said.null_words if word]:
        yield "nullWords", words
    if said.sheet:
        yield "sheet", said.sheet
    if said.header_row:
        yield "headerRow", said.header_row


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=Writer, sort_keys=False, allow_unicode=True, width=10_000)


def _indented(text: str, by: int) -> str:
    return re.sub(r"(?m)^(?=.)", " " * by, text)


def _comment(said: str, indent: int) -> str:
    return f"{' ' * indent}# {shown(said, LONGEST_COMMENT)}\n"
