"""`python -m sluice_local.standins.druid --port N --s3-endpoint URL`: all three roles on that port."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn

from sluice_local.standins.druid.app import create_app
from sluice_local.standins.druid.faults import Faults
from sluice_local.standins.druid.objects import Objects, open_client
from sluice_local.standins.druid.store import Store
from sluice_local.standins.druid.tasks import SLOTS, Tasks


def main() -> None:
    arguments = _arguments()
    s3 = open_client(arguments.s3_endpoint, arguments.s3_region, arguments.s3_access_key, arguments.s3_secret_key)
    with TemporaryDirectory(prefix="druid-") as folder:
        faults = Faults()
        store = Store(Path(folder), arguments.load_seconds, faults.loading_until)
        tasks = Tasks(store, Objects(s3, Path(folder)).fetch, faults, arguments.slots)
        uvicorn.run(create_app(tasks, store, faults), host="127.0.0.1", port=arguments.port, log_level="warning")
        tasks.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A simulator of Druid that forgets everything at the end.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--s3-endpoint", required=True)
    parser.add_argument("--s3-region", default="us-east-1")
    parser.add_argument("--s3-access-key", default="test")
    parser.add_argument("--s3-secret-key", default="test")
    parser.add_argument("--load-seconds", type=float, default=0.3, help="from a task's SUCCESS to its rows in queries")
    parser.add_argument("--slots", type=int, default=SLOTS, help="tasks that run at a time")
    return parser.parse_args()


if __name__ == "__main__":
    main()
