"""Contracts: ODCS files in, typed contracts out, kept immutable on S3."""

from sluice.contracts.change import Change
from sluice.contracts.compatibility import Comparison, compare
from sluice.contracts.document import document_json
from sluice.contracts.faults import ContractFault, ContractFaulty, faults_of
from sluice.contracts.model import (
    EXTRA_COLUMN,
    Bound,
    Contract,
    Custom,
    Dialect,
    DruidMode,
    DruidTarget,
    ExtraColumns,
    Field,
    FieldType,
    Granularity,
    Metric,
    MetricKind,
    Operator,
    Policy,
    PolicyMode,
    RuleLimit,
    SameContent,
    Severity,
    StringFormat,
    Threshold,
    Unit,
)
from sluice.contracts.odcs import load_contract
from sluice.contracts.publish import Published, publish_contract
from sluice.contracts.store import ContractStore
from sluice.contracts.versions import Activation, ActiveChanged, ContractVersions, Version, VersionExists

__all__ = [
    "EXTRA_COLUMN",
    "Activation",
    "ActiveChanged",
    "Bound",
    "Change",
    "Comparison",
    "Contract",
    "ContractFault",
    "ContractFaulty",
    "ContractStore",
    "ContractVersions",
    "Custom",
    "Dialect",
    "DruidMode",
    "DruidTarget",
    "ExtraColumns",
    "Field",
    "FieldType",
    "Granularity",
    "Metric",
    "MetricKind",
    "Operator",
    "Policy",
    "PolicyMode",
    "Published",
    "RuleLimit",
    "SameContent",
    "Severity",
    "StringFormat",
    "Threshold",
    "Unit",
    "Version",
    "VersionExists",
    "compare",
    "document_json",
    "faults_of",
    "load_contract",
    "publish_contract",
]
