"""Contracts: ODCS files in, typed contracts out, kept immutable on S3."""

from sluice.contracts.model import Bound, Contract, Dialect, DruidTarget, Field, FieldType, Granularity
from sluice.contracts.odcs import load_contract
from sluice.contracts.store import ContractStore, publish_contract

__all__ = [
    "Bound",
    "Contract",
    "ContractStore",
    "Dialect",
    "DruidTarget",
    "Field",
    "FieldType",
    "Granularity",
    "load_contract",
    "publish_contract",
]
