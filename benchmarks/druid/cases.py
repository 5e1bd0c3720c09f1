"""How long until rows can be queried, and what Druid is asked meanwhile. All of Sluice runs, on the real parts of one stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import ROOT, Comparison, Contender
from benchmarks.harness import run_once as measure_once
from sluice_local.service import run_once
from sluice_local.stack import Stack


@contextmanager
def comparisons(data: Path, ours: str, peers: str) -> Iterator[list[Comparison]]:  # noqa: ARG001 - as for the other areas
    """`ours`: the Python of this environment."""
    with (
        TemporaryDirectory(prefix="sluice-bench-") as state,
        Stack(Path(state), "real", progress=lambda _: None) as stack,
    ):
        stack.start_parts()
        stack.start_services()
        environment = {**stack.endpoints.environment(), "SLUICE_URL": stack.url}
        contract = str(ROOT / "contracts" / "sales.odcs.yaml")
        run_once(stack.site, "contracts", ["sluice.contracts", "publish", contract], environment)

        def contender(name: str, *command: str) -> Contender:
            program = (ours, "-m", f"benchmarks.druid.contenders.{command[0]}", *command[1:])
            return Contender(name, program, tuple(environment.items()))

        def loads(rows: int) -> tuple[Contender, Contender]:
            return contender("sluice", "loading", "chain", str(rows)), contender(
                "by hand", "loading", "hand", str(rows)
            )

        small, large = loads(1_000), loads(1_000_000)
        measure_once(small[0])  # Druid reads its classes at the first file
        yield [
            Comparison("1k rows, upload to succeeded", *small, "wall_s", 1.0, 0.4, beyond=True),
            Comparison("1M rows, upload to succeeded", *large, "wall_s", 1.15, 1.05),
            Comparison(
                "1,000 ingestions in flight, simulated",
                contender("two submitters", "in_flight", "1000", "2"),
                2.0,
                "requests_per_s",
                1.0,
                0.5,
                "2 a second",
            ),
            Comparison(
                "1,000 small files, 4 slots, simulated",
                contender("submitter", "slots", "1000", "4"),
                10.0,
                "idle_percent",
                1.0,
                0.3,
                "10 % idle",
            ),
        ]
