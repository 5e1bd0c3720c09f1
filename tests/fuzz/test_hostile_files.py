"""Whatever a file holds: one answer within the limits, and the next file passes."""

import asyncio
import datetime as dt
import importlib.util
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from uuid import UUID

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.contracts import Contract, load_contract
from sluice.events import FileFormat, FileUploaded, ObjectRef
from sluice_engine import paths
from sluice_engine.judged import Judged
from sluice_local.samples import WRITERS, sales
from validator.adapters.child import Limits
from validator.adapters.children import ChildJudge
from validator.adapters.workshop import Workshop
from validator.domain.verdicts import Unjudged

SALES = load_contract((Path(__file__).parents[2] / "contracts/sales.odcs.yaml").read_text())
WALL = 20.0
HARMLESS = {"right-to-left.csv", "formulas.csv", "old-mac.csv", "utf-16.csv", "utf-32.csv", "far-time.csv"}
"""Odd, but read as what they say."""


def _corpus():
    spec = importlib.util.spec_from_file_location("hostile_corpus", Path(__file__).with_name("corpus.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


CORPUS = _corpus()


class Judging:
    """A judge with tight limits, and one loop for all files."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.workshop = Workshop(folder)
        self.judge = ChildJudge(Limits(memory_bytes=600_000_000, cpu_seconds=15), WALL, 200_000_000)

    def __call__(self, name: str, data: bytes, contract: Contract = SALES) -> Judged | Unjudged:
        file_format = FileFormat.of(name)
        assert file_format, name
        fact = FileUploaded(
            task_id=UUID(int=7),
            datasource="sales",
            filename=name,
            accepted_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
            format=file_format,
            object=ObjectRef(uri="s3://sluice/raw/x"),
        )

        async def run() -> Judged | Unjudged:
            with self.workshop.folder() as run_folder:
                paths.input_file(run_folder).write_bytes(data)
                async with asyncio.timeout(WALL + 30):
                    return await self.judge(run_folder, fact, contract)

        return self.loop.run_until_complete(run())

    def close(self) -> None:
        self.loop.run_until_complete(self.judge.close())
        self.workshop.close()
        self.loop.close()


@pytest.fixture(scope="module")
def judging(tmp_path_factory) -> Iterator[Judging]:
    judging = Judging(tmp_path_factory.mktemp("fuzz"))
    yield judging
    judging.close()


class Files(dict[str, bytes]):
    """Contents by format; shown without them."""

    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


@pytest.fixture(scope="module")
def valid(tmp_path_factory) -> Files:
    """A valid file of each format."""
    folder, files = tmp_path_factory.mktemp("valid"), Files()
    for suffix, write in WRITERS.items():
        write(sales(300), folder / f"x.{suffix}")
        files[suffix] = (folder / f"x.{suffix}").read_bytes()
    return files


def refused(ended: Judged | Unjudged) -> str | None:
    """Code of the refusal; None where the file was accepted. Whatever it is, it can be told in an event."""
    match ended:
        case Judged(problem=None) as judged:
            assert judged.accepted > 0
            return None
        case Judged(problem=problem) | Unjudged(problem=problem):
            assert problem.message
            return problem.code
    raise AssertionError(ended)


@pytest.mark.parametrize("name", CORPUS.HOSTILE)
def test_hostile_file_ends_by_itself(judging, valid, name):
    ended = judging(name, CORPUS.HOSTILE[name]())
    code = refused(ended)
    assert (code is None) == (name in HARMLESS)
    assert refused(judging("next.csv", valid["csv"])) is None


damage = st.tuples(st.sampled_from(sorted(WRITERS)), st.integers(0, 2**32))
patiently = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@patiently
@given(what=damage, share=st.floats(0, 1, exclude_max=True))
def test_cut_file_ends_by_itself(judging, valid, what, share):
    suffix, _ = what
    data = valid[suffix]
    refused(judging(f"cut.{suffix}", data[: int(len(data) * share)] or b"x"))


@patiently
@given(what=damage, flips=st.integers(1, 40))
def test_flipped_bits_end_by_themselves(judging, valid, what, flips):
    suffix, seed = what
    random, data = Random(seed), bytearray(valid[suffix])
    for _ in range(flips):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    refused(judging(f"flipped.{suffix}", bytes(data)))


@patiently
@given(data=st.binary(min_size=1, max_size=3000), suffix=st.sampled_from(sorted(WRITERS)))
def test_noise_ends_by_itself(judging, data, suffix):
    assert refused(judging(f"noise.{suffix}", data)) is not None


texts = st.text(st.characters(codec="utf-8"), max_size=30)


@patiently
@given(rows=st.lists(st.lists(texts, min_size=8, max_size=8), min_size=1, max_size=20), cut=st.integers(0, 5))
def test_any_text_in_any_cell_ends_by_itself(judging, rows, cut):
    frame = pl.DataFrame(rows, schema=dict.fromkeys(SALES.columns, pl.String), orient="row")
    out = io.BytesIO()
    frame.write_csv(out)
    data = out.getvalue()
    refused(judging("texts.csv", data[: len(data) - cut]))


def test_the_service_lives_after_all_of_it(judging, valid):
    for suffix, data in valid.items():
        assert refused(judging(f"last.{suffix}", data)) is None
