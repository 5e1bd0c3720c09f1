"""Which objects an event from outside may name."""

import pytest

from validator.domain.admission import LONGEST_KEY, refuse_object


def code(key: str) -> str | None:
    refused = refuse_object("sluice", key, trusted=False, own_bucket="sluice", allowed={"sluice"})
    return refused and refused.code


def test_nobody_loads_what_another_one_uploaded():
    assert code("raw/sales/0190a000-0000-7000-8000-000000000001/x/sales.csv") == "bucket-not-allowed"


@pytest.mark.parametrize("key", ["erp/a\0b.csv", "erp/a\nb.csv", "erp/\x7f.csv", "k" * (LONGEST_KEY + 1), "ü" * 600])
def test_a_key_that_no_object_can_have_is_refused_before_s3_is_asked(key):
    assert code(key) == "invalid-key"


@pytest.mark.parametrize("key", ["erp/x.csv", "erp/sp ace %2e \U0001f600.csv", "k" * LONGEST_KEY, "rawdata/x.csv"])
def test_any_other_key_is_taken(key):
    assert code(key) is None
