"""frictionless: a table schema with the same rules; its report, no Parquet."""

import sys

from frictionless import Checklist, Resource, Schema, system

from benchmarks.measured import measured

LINES = ["Classic Cars", "Motorcycles", "Planes", "Ships", "Trains", "Trucks and Buses", "Vintage Cars"]
FIELDS = [
    {
        "name": "order_id",
        "type": "string",
        "constraints": {"required": True, "unique": True, "minLength": 4, "maxLength": 40},
    },
    {"name": "ordered_at", "type": "datetime", "format": "%Y-%m-%dT%H:%M:%SZ", "constraints": {"required": True}},
    {"name": "product_line", "type": "string", "constraints": {"required": True, "enum": LINES}},
    {"name": "quantity", "type": "integer", "constraints": {"required": True, "minimum": 1, "maximum": 1000}},
    {"name": "unit_price", "type": "number", "constraints": {"required": True, "maximum": 10000}},
    {"name": "discount", "type": "number", "constraints": {"minimum": 0, "maximum": 0.9}},
    {
        "name": "email",
        "type": "string",
        "constraints": {"required": True, "pattern": r"[a-z0-9.]+@[a-z0-9.]+\.[a-z]{2,}"},
    },
    {"name": "country", "type": "string", "constraints": {"required": True, "minLength": 2, "maxLength": 2}},
    {"name": "shop", "type": "integer", "constraints": {"required": True, "minimum": 1}},
    {"name": "paid", "type": "boolean", "constraints": {"required": True}},
    {"name": "weight", "type": "number", "constraints": {"minimum": 0}},
    {"name": "rating", "type": "integer", "constraints": {"minimum": 1, "maximum": 5}},
]


def work() -> dict[str, object]:
    with system.use_context(trusted=True):  # it calls every absolute path unsafe
        resource = Resource(path=sys.argv[1], schema=Schema.from_descriptor({"fields": FIELDS}))
        report = resource.validate(Checklist(), limit_errors=10_000_000)
    return {"errors": report.stats["errors"]}


measured(work)
