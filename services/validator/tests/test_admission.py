"""Which objects an event may name, and for which datasource."""

from typing import Any

import pytest

from sluice.events import GATEWAY_SOURCE, Envelope, ObjectRef
from sluice.publishers import Prefix, Publisher
from validator.domain.admission import Gate

ERP = Publisher("erp/berlin", (b"secret",), (Prefix.parse("s3://landing/erp/"),), frozenset({"sales"}))
BY_BUCKET = Gate("sluice", {"sluice", "partner"})
BY_PUBLISHER = Gate("sluice", {"sluice"}, {ERP.source: ERP}.get)


@pytest.fixture
def code(make_fact: Any) -> Any:
    def refused(gate: Gate, source: str, uri: str, datasource: str = "sales") -> str | None:
        fact = make_fact("csv", datasource, object=ObjectRef.model_construct(uri=uri))
        problem = gate.refuse(Envelope("1", source, fact.accepted_at, fact))
        return problem and problem.code

    return refused


@pytest.mark.parametrize(
    ("source", "uri", "said"),
    [
        (GATEWAY_SOURCE, "s3://sluice/raw/sales/x.csv", None),
        (GATEWAY_SOURCE, "s3://elsewhere/x.csv", "bucket-not-allowed"),
        ("shop", "s3://sluice/drop/sp ace %2e \U0001f600.csv", None),
        ("shop", "s3://partner/raw/x.csv", None),
        ("shop", "s3://elsewhere/x.csv", "bucket-not-allowed"),
        ("shop", "s3://sluice/raw/sales/x.csv", "bucket-not-allowed"),
        ("shop", "s3://sluice/drop/../raw/x.csv", "bucket-not-allowed"),
        ("shop", "s3://sluice/drop/a\nb.csv", "invalid-key"),
    ],
)
def test_without_publishers_buckets_are_open_to_all(code: Any, source: str, uri: str, said: str | None) -> None:
    assert code(BY_BUCKET, source, uri) == said


@pytest.mark.parametrize(
    ("source", "uri", "datasource", "said"),
    [
        (GATEWAY_SOURCE, "s3://anywhere/x.csv", "weather", None),
        (GATEWAY_SOURCE, "s3://anywhere/a\nb.csv", "sales", "invalid-key"),
        ("erp/berlin", "s3://landing/erp/x.csv", "sales", None),
        ("erp/berlin", "s3://landing/shop/x.csv", "sales", "prefix-not-allowed"),
        ("erp/berlin", "s3://sluice/drop/x.csv", "sales", "prefix-not-allowed"),
        ("erp/berlin", "s3://landing/erp/../shop/x.csv", "sales", "prefix-not-allowed"),
        ("erp/berlin", "s3://landing/erp/x.csv", "weather", "datasource-not-allowed"),
        ("erp/paris", "s3://landing/erp/x.csv", "sales", "source-not-allowed"),
    ],
)
def test_with_publishers_each_has_places_and_datasources_of_its_own(
    code: Any, source: str, uri: str, datasource: str, said: str | None
) -> None:
    assert code(BY_PUBLISHER, source, uri, datasource) == said


def test_a_publisher_may_be_let_fill_everything(code: Any) -> None:
    everywhere = Publisher("lake", (b"secret",), (Prefix("lake"),), frozenset({"*"}))
    assert code(Gate("sluice", (), {"lake": everywhere}.get), "lake", "s3://lake/x.csv", "weather") is None
