"""Whatever the API's own description allows, and much that it does not: no fault of ours, no answer that it does not name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import negative_data_rejection

from gateway.app import create_app
from gateway.routes.contractanswers import EXAMPLE
from gateway.settings import GatewaySettings
from sluice.ledger import active_contract_key, claim_key, contract_key
from sluice.messaging import encode_structured
from sluice.testing import file_uploaded
from sluice.testing.bucket import InMemoryObjectStore

TASK = "0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10"
THERE = {"datasource": "sales", "version": "1.0.0", "task_id": TASK, "filename": "a.csv"}
FAST = settings(max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
OFTEN = "1000000/second"


class Unheard:
    async def publish(self, _envelope: Any) -> None:
        return


@asynccontextmanager
async def open_store(_settings: Any) -> AsyncIterator[Any]:
    objects = {
        active_contract_key("sales"): b"1.0.0",
        contract_key("sales", "1.0.0"): EXAMPLE.replace("name: orders", "name: sales").encode(),
        claim_key(UUID(TASK)): encode_structured(file_uploaded(UUID(TASK))),
    }
    yield InMemoryObjectStore(objects=objects)


@asynccontextmanager
async def open_events(_settings: Any) -> AsyncIterator[Any]:
    yield Unheard()


@schemathesis.serializer("application/offset+octet-stream")
def as_it_is(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


given = GatewaySettings(kafka_bootstrap="unused", upload_rate=OFTEN, command_rate=OFTEN)
api = create_app(given, open_store=open_store, open_events=open_events)
document = api.openapi()
for operation in (each for path in document["paths"].values() for each in path.values()):
    operation.pop("security", None)  # here everybody may; who else may is asked in test_access
schema = schemathesis.openapi.from_dict(document)
schema.app = api
schema.config.checks.negative_data_rejection.expected_statuses = ["4xx"]
schema.config.checks.missing_required_header.expected_statuses = ["4xx"]  # tus answers 412
schema.config.checks.positive_data_acceptance.enabled = False  # a file may be refused for reasons that no schema says


@schema.parametrize()
@FAST
def test_every_answer_is_one_that_the_description_names(case: Case) -> None:
    of_tus = case.path.startswith("/v1/uploads")  # with its numbers in headers, a header too many is taken for a fault
    case.call_and_validate(excluded_checks=[negative_data_rejection] if of_tus else [])


@schema.include(path_regex="{(datasource|version|task_id)}").parametrize()
@FAST
def test_so_it_is_of_things_that_are_there(case: Case) -> None:
    parameters = case.path_parameters
    parameters.update({name: THERE[name] for name in parameters})
    case.call_and_validate(excluded_checks=[negative_data_rejection])  # a wrong name was just mended
