"""What is answered to whoever puts a contract, or puts one in force."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.usecases.contracts import Effect
from sluice.contracts.source import read_source

EXAMPLE = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: sold_at, logicalType: timestamp, required: true}
      - {name: amount, logicalType: number}
customProperties:
  - property: sluice
    value: {druid: {timeColumn: sold_at}}
"""

DOCUMENT: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["apiVersion", "kind", "id", "version", "status", "schema"],
        "description": "A contract of the Open Data Contract Standard; docs/contracts.md says what is honoured.",
    },
    "example": read_source(EXAMPLE).value,
}


class ChangeAnswer(BaseModel):
    """One difference in meaning from the other version."""

    code: str = Field(examples=["required"])
    message: str = Field(examples=["amount is required now."])
    breaking: bool
    senders: bool = Field(description="a file, or a row, that was accepted may be rejected")
    readers: bool = Field(description="a query that worked may fail or mean something else")


class EffectAnswer(BaseModel):
    datasource: str
    version: str
    compared_with: str | None = Field(
        description="null: there is no other version in force, or it cannot be read any more"
    )
    breaking: bool
    changes: list[ChangeAnswer]


PLACE: dict[str, JsonValue] = {"datasource": "orders", "version": "1.1.0"}
CHANGE: JsonValue = {
    "code": "required",
    "message": "amount is required now.",
    "breaking": True,
    "senders": True,
    "readers": False,
}
EFFECT: dict[str, JsonValue] = {"compared_with": "1.0.0", "breaking": True, "changes": [CHANGE]}


class PutAnswer(EffectAnswer):
    """The version is kept; with `dry_run` it would be. In force it is only where `active` says so."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**PLACE, "created": True, "active": False, **EFFECT}]})

    created: bool = Field(description="false: this very version was there already")
    active: bool = Field(description="it is in force")


class ActivatedAnswer(EffectAnswer):
    """The version is in force. Asked again, it is the same answer until another version follows."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**PLACE, "before": "1.0.0", "at": "2026-03-04T05:06:07Z", "by": "ada", **EFFECT}]
        }
    )

    before: str | None = Field(description="the version that was in force until then")
    at: datetime
    by: str = Field(description="the caller who asked for it first")


def changes_of(effect: Effect) -> dict[str, Any]:
    changes = [
        ChangeAnswer(
            code=each.code, message=each.message, breaking=each.breaking, senders=each.senders, readers=each.readers
        )
        for each in effect.changes
    ]
    return {"compared_with": effect.against, "breaking": effect.breaking, "changes": changes}
