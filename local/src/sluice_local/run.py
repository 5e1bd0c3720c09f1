"""`make run`: everything, with the sales sample loaded, until Ctrl-C."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from sluice_local.client import Client
from sluice_local.errors import SetupError
from sluice_local.samples import sales, write_csv
from sluice_local.service import run_once
from sluice_local.stack import Kind, Stack

_CONTRACTS = Path("contracts")
_STATE = Path(".sluice")
_BANNER = """\
************************************************************************
  STAND-INS for Kafka, Druid and S3: good for a look, they forget all
  at the end. For the real ones install Java 17 and Maven, then run again.
************************************************************************"""


def say_kind(kind: Kind, progress: Callable[[str], None]) -> None:
    if kind == "standin":
        progress(_BANNER)


def publish_contracts(stack: Stack) -> None:
    """Put the contracts of the checkout on S3, as the data engineer does who owns them."""
    contracts = sorted(str(file.resolve()) for file in _CONTRACTS.glob("*.odcs.yaml"))
    if not contracts:
        raise SetupError(f"There are no contracts in {_CONTRACTS.resolve()}: start from the root of the checkout.")
    run_once(stack.site, "contracts", ["sluice.contracts", "publish", *contracts], stack.endpoints.environment())


def run(kind: Kind, progress: Callable[[str], None]) -> None:
    """Start everything, load the sales sample once, say where things are, and stay until interrupted."""
    say_kind(kind, progress)
    with ExitStack() as leaving:
        state = _STATE if kind == "real" else Path(leaving.enter_context(tempfile.TemporaryDirectory(prefix="sluice-")))
        stack = leaving.enter_context(Stack(state, kind, progress))
        stack.start_parts()
        stack.start_services()
        publish_contracts(stack)
        client = Client(stack.url)
        task = _load_sample(client)
        progress(_journey(client, task["task_id"]))
        progress(_guide(stack, task))
        Event().wait()


def _load_sample(client: Client) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sales-sample.csv"
        write_csv(sales(), file)
        return client.outcome(client.upload("sales", file))


def _journey(client: Client, task_id: str) -> str:
    """What each service said of the task, and how many seconds after its acceptance."""
    events = client.events(task_id)
    accepted = datetime.fromisoformat(events[0]["time"])
    lines = []
    for event in events:
        passed = (datetime.fromisoformat(event["time"]) - accepted).total_seconds()
        topic = event["type"].removeprefix("sluice.").rpartition(".")[0]
        lines.append(f"  {passed:6.2f} s  {topic:<16} {event['source'].removeprefix('sluice/')}")
    return "\n".join(["", "The way of the sales sample:", *lines])


def _guide(stack: Stack, task: dict[str, Any]) -> str:
    query = "SELECT ProductLine, COUNT(*) AS orders FROM sales GROUP BY 1 ORDER BY 2 DESC"
    return f"""
Sluice is up. The sales sample is {task["state"]}, {task["rows"]["queryable"]} rows can be queried.

  upload      curl -T sales.csv {stack.url}/v1/datasources/sales/files/sales.csv
  its task    {stack.url}/v1/tasks/{task["task_id"]}
  all tasks   {stack.url}/v1/tasks
  the API     {stack.url}/docs
  the rows    curl -s {stack.endpoints.druid_broker_url}/druid/v2/sql -H 'Content-Type: application/json' \\
                -d '{{"query": "{query}"}}'
  data, logs  {stack.site.root}

Ctrl-C stops everything."""
