"""A tiny file and its contract: by it a child warms up, and the service learns whether its judge is sound."""

from dataclasses import replace

from sluice.contracts import Bound, Contract, DruidTarget, Field, FieldType, Policy, PolicyMode

CONTRACT = Contract(
    datasource="selftest",
    version="1",
    fields=(
        Field("at", FieldType.TIMESTAMP, required=True),
        Field("count", FieldType.INTEGER, required=True, minimum=Bound(1)),
    ),
    druid=DruidTarget("at"),
)
LENIENT = replace(CONTRACT, policy=Policy(PolicyMode.ACCEPT_GOOD_ROWS))
BAD = b"at,count\n2024-01-01T00:00:00Z,1\n2024-01-01T00:00:00Z,0\n"
"""Two rows, and one bad cell in the second."""
