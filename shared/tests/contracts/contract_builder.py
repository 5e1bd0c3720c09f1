"""A small contract in YAML, to be changed by a test."""

import textwrap

import pytest

from sluice.contracts import Contract, load_contract
from sluice.errors import ContractInvalid

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


def contract(properties: str = "", *, block: str = "", table: str = "", top: str = "") -> str:
    """Properties begin in line 12, then come keys of the table, our block, keys of the contract; each may be indented at will."""
    return HEAD + _part(properties, 6) + _part(table, 4) + BLOCK + _part(block, 6) + _part(top, 0)


def _part(text: str, indent: int) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n") + "\n", " " * indent) if text else ""


def loaded(properties: str = "", *, block: str = "", table: str = "", top: str = "") -> Contract:
    return load_contract(contract(properties, block=block, table=table, top=top))


def refusals(text: str | bytes) -> list[str]:
    """Everything that is said of a contract, in its order. Fails where the contract loads."""
    with pytest.raises(ContractInvalid) as refused:
        load_contract(text)
    return str(refused.value).split("\n")
