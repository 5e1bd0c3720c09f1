"""Facts to validate, and the sample contract."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from sluice.contracts import Contract, load_contract
from sluice.events import FileFormat, FileUploaded, ObjectRef

CONTRACTS = Path(__file__).parents[3] / "contracts"
TASK = UUID("0190a000-0000-7000-8000-000000000001")


@pytest.fixture(scope="session")
def sales() -> Contract:
    return load_contract((CONTRACTS / "sales.odcs.yaml").read_text())


@pytest.fixture(scope="session")
def header(sales: Contract) -> str:
    return ",".join(sales.columns) + "\n"


def fact(file_format: str, datasource: str = "sales", filename: str = "orders", **more: Any) -> FileUploaded:
    values: dict[str, Any] = {"object": ObjectRef(uri="s3://sluice/raw/file"), **more}
    return FileUploaded(
        task_id=TASK,
        datasource=datasource,
        filename=f"{filename}.{file_format}",
        accepted_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        format=FileFormat(file_format),
        **values,
    )


@pytest.fixture
def make_fact() -> Callable[..., FileUploaded]:
    return fact
