"""A small contract in YAML, to be changed by a test."""

import textwrap

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: t
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - name: at
        logicalType: timestamp
        required: true
"""
BLOCK = """\
customProperties:
  - property: sluice
    value:
      druid:
        timeColumn: at
"""


def contract(properties: str = "", *, block: str = "", table: str = "") -> str:
    """Properties begin in line 12, then come keys of the table, then our block; each may be indented at will."""
    return HEAD + _part(properties, 6) + _part(table, 4) + BLOCK + _part(block, 6)


def _part(text: str, indent: int) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n") + "\n", " " * indent) if text else ""
