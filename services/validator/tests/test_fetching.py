"""What is said of an object that the credentials do not open."""

from pathlib import Path
from typing import Any

import pytest

from sluice.errors import ObjectDenied, Transient
from sluice.events import ObjectRef
from validator.adapters.s3 import S3Files


class ShutOut:
    """A server that lets nobody in."""

    bucket = "sluice"

    def at(self, _bucket: str) -> "ShutOut":
        return self

    async def head(self, key: str) -> Any:
        raise ObjectDenied(key)


async def test_a_bucket_of_others_may_be_closed_to_us(tmp_path: Path) -> None:
    problem = await S3Files(ShutOut(), 10).fetch(ObjectRef(uri="s3://landing/x.csv"), tmp_path)  # type: ignore[arg-type]
    assert problem
    assert problem.code == "object-denied"


async def test_that_our_own_is_closed_is_no_fault_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        await S3Files(ShutOut(), 10).fetch(ObjectRef(uri="s3://sluice/raw/x.csv"), tmp_path)  # type: ignore[arg-type]
