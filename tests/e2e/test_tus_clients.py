"""Real tus clients against real gateways on real S3: pauses, cut lines, killed replicas, and everything that tus refuses.

Each scenario is told once and played by tuspy and by tus-js-client.
"""

import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tus_clients import Client, TusJs, Tuspy
from tus_world import MB, SIZE, TUS, World, asked, numbered_lines, running, until

from sluice.ledger import active_contract_key
from sluice.testing.proxy import CuttingProxy, requests_in
from sluice_local.stack import Stack

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

TUS_JS = Path(__file__).parent / "tus-js"
CACHE = Path.home() / ".cache" / "sluice"


@pytest.fixture(scope="session")
def tus_js() -> TusJs:
    """Installed once; where npm is missing the scenarios are skipped, in CI that is a failure."""
    if not shutil.which("npm"):
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("needs Node and npm for tus-js-client")
    lock = (TUS_JS / "package-lock.json").read_bytes()
    folder = CACHE / f"tus-js-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "upload.mjs"):
        shutil.copy(TUS_JS / name, folder)
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "ci"], cwd=folder, check=True, capture_output=True, timeout=300)
    return TusJs(folder)


@pytest.fixture(params=["tuspy", "tus-js"])
def client(request: pytest.FixtureRequest) -> Client:
    return Tuspy() if request.param == "tuspy" else request.getfixturevalue("tus_js")


@pytest.fixture(scope="session")
def tus_door() -> Iterator[CuttingProxy]:
    with CuttingProxy(0) as door:
        yield door


@pytest.fixture(scope="session")
def tus_replicas(
    parts: Stack, tus_door: CuttingProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, int]]:
    environment = {**os.environ, **parts.endpoints.environment()}
    log = tmp_path_factory.mktemp("tus") / "log"
    with ExitStack() as stack:
        one, other = (stack.enter_context(running(environment, tus_door, log)) for _ in range(2))
        yield one.port, other.port


@pytest.fixture
def world(
    environment: dict[str, str], tus_door: CuttingProxy, tus_replicas: tuple[int, int], tmp_path: Path
) -> Iterator[World]:
    path = tmp_path / "lines.csv"
    path.write_bytes(numbered_lines())
    datasource = f"tus_{uuid4().hex[:12]}"
    asked(lambda bucket: bucket.put(active_contract_key(datasource), b"1.0.0"))
    tus_door.target = tus_replicas[0]
    with ExitStack() as stack:
        yield World(environment, datasource, path, tus_door, tus_replicas, stack)


@pytest.mark.parametrize("chunk_size", [None, 6 * MB])
def test_a_file_is_uploaded(world: World, client: Client, chunk_size: int | None) -> None:
    how = {"chunk_size": chunk_size} if chunk_size else {}
    result = world.upload(client, **how)
    assert result.done
    world.assert_accepted(result.url)


def test_a_file_is_uploaded_with_its_creation(world: World, tus_js: TusJs) -> None:
    result = world.upload(tus_js, duringCreation=True)
    assert result.done
    world.assert_accepted(result.url)


def test_an_upload_pauses_and_goes_on(world: World, client: Client) -> None:
    result = world.upload(client, chunk_size=2 * MB, stop_at=6 * MB, go_on=True)
    assert result.done
    world.assert_accepted(result.url)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_paused_upload_is_taken_up_by_another_client_and_replica(world: World, client: Client, replicas: int) -> None:
    last = world.replicas[replicas - 1]
    paused = world.upload(client, chunk_size=2 * MB, stop_at=6 * MB)
    assert not paused.done
    world.door.target = last
    assert 4 * MB <= world.offset(paused.url) < SIZE
    result = world.upload(client, url=paused.url)
    assert result.done
    world.assert_accepted(paused.url)


@pytest.mark.parametrize(("at", "replicas"), [(100_000, 2), (5_300_000, 1), (SIZE - 1, 2)])
def test_a_line_that_breaks_costs_nothing_that_had_arrived(
    world: World, client: Client, at: int, replicas: int
) -> None:
    last = world.replicas[replicas - 1]

    def elsewhere() -> None:
        world.door.target = last

    world.door.cut_after(at, then=elsewhere)
    result = world.upload(client, retries=20)
    assert result.done
    assert world.door.has_cut
    world.assert_accepted(result.url)


HELD = 262_144
"""Bytes that the HTTP server may hold when a connection ends: those it does not hand over any more."""


def test_what_came_before_a_cut_is_kept(world: World) -> None:
    url = world.create()
    content = world.path.read_bytes()
    tails = f"uploads/{url.rpartition('/')[2]}/tails/"
    for upto in (7 * MB + 1, 9 * MB + 2):
        start = world.offset(url)
        head = f"PATCH {httpx.URL(url).path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {start}\r\n"
        head += f"Content-Type: application/offset+octet-stream\r\nContent-Length: {SIZE - start}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", world.door.port)) as line:
            line.sendall(head.encode() + content[start:upto])
        # whoever asks for the offset stops whoever still writes: what came is to be seen on S3 first
        until(lambda upto=upto: any(upto - HELD < _end(key) <= upto for key in world.keys(tails)), "what came is kept")
    assert world.upload(Tuspy(), url=url).done
    world.assert_accepted(url)


def _end(key: str) -> int:
    """Of a tail, the offset behind it."""
    return int(key.rpartition("/")[2].split("-")[1])


KILLS = {"tuspy": (1, 15, 29), "tus-js": (8, 22, 32)}
"""Requests to S3 after which a gateway dies, from the creation to the last record and beyond; the tests of the gateway take each."""


@pytest.mark.parametrize("nth", range(3))
def test_a_gateway_is_killed_between_two_requests_to_s3(
    world: World, client: Client, request: pytest.FixtureRequest, nth: int
) -> None:
    server = httpx.URL(world.environment["SLUICE_S3_ENDPOINT"]).port or 0
    second = world.replicas[1]
    with CuttingProxy(server) as storage:
        first = world.gateway(s3_endpoint=f"http://127.0.0.1:{storage.port}", sweep_every=3600)
        world.door.target = first.port

        def die() -> None:
            first.kill()
            world.door.target = second

        storage.cut_after(KILLS["tuspy" if isinstance(client, Tuspy) else "tus-js"][nth], requests_in, die)
        result = world.upload(client, retries=30)
        if not result.url:  # it died before it had told where the upload is
            result = world.upload(client, retries=30)
    world.door.target = second  # also where the first one had fewer requests to make than it might
    assert result.done
    world.assert_accepted(result.url)


def test_an_upload_that_takes_too_long_is_gone_and_swept(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # one gateway of all sweeps, by its own settings: so in a bucket where it is the only one
    bucket = f"alone-{uuid4().hex[:12]}"
    asked(lambda store: store.client.create_bucket(Bucket=bucket))
    world.environment["SLUICE_S3_BUCKET"] = bucket
    monkeypatch.setenv("SLUICE_S3_BUCKET", bucket)
    asked(lambda store: store.put(active_contract_key(world.datasource), b"1.0.0"))
    world.door.target = world.gateway(upload_lifetime=3, sweep_uploads_every=0.5).port
    paused = world.upload(client, chunk_size=2 * MB, stop_at=6 * MB)
    until(lambda: world.head(paused.url).status_code == 410, "its time is over")
    result = world.upload(client, url=paused.url)
    assert (result.done, result.status) == (False, 410)
    folder = f"uploads/{paused.url.rpartition('/')[2]}/"
    until(lambda: not world.keys(folder) and not world.keys(f"raw/{world.datasource}/"), "all of it is swept")
    assert world.head(paused.url).status_code == 404
    assert world.accepted() == []


def test_an_upload_is_terminated(world: World, client: Client) -> None:
    if isinstance(client, Tuspy):  # which knows no termination
        result = world.upload(client, chunk_size=2 * MB, stop_at=6 * MB)
        assert httpx.delete(result.url, headers=TUS, timeout=60, trust_env=False).status_code == 204
    else:
        result = world.upload(client, chunk_size=2 * MB, stop_at=6 * MB, terminate=True)
    assert world.head(result.url).status_code == 410
    again = world.upload(client, url=result.url)
    assert (again.done, again.status) == (False, 410)
    assert world.keys(f"raw/{world.datasource}/") == []
    assert world.accepted() == []


def test_a_chunk_with_a_wrong_checksum_is_dropped(world: World, client: Client) -> None:
    wrong = world.upload(client, chunk_size=3 * MB, checksum="wrong")
    assert (wrong.done, wrong.status, wrong.code) == (False, 460, "tus-checksum-mismatch")
    assert world.offset(wrong.url) == 0
    right = world.upload(client, url=wrong.url, chunk_size=3 * MB, checksum="right")
    assert right.done
    world.assert_accepted(wrong.url)


def test_a_wrong_offset_is_refused_and_the_right_one_is_found(world: World, client: Client) -> None:
    wrong = world.upload(client, wrong_offset=MB)
    assert (wrong.done, wrong.status, wrong.code) == (False, 409, "upload-offset-conflict")
    assert world.offset(wrong.url) == 0
    right = world.upload(client, url=wrong.url)
    assert right.done
    world.assert_accepted(wrong.url)


def test_a_wrong_offset_is_mended_by_a_client_that_tries_again(world: World, client: Client) -> None:
    result = world.upload(client, wrong_offset=MB, retries=3)
    assert result.done
    world.assert_accepted(result.url)


@pytest.mark.parametrize("replicas", [1, 2])
def test_two_clients_on_one_upload_make_one_file(world: World, tus_js: TusJs, replicas: int) -> None:
    last = world.replicas[replicas - 1]
    url = world.create()
    with CuttingProxy(last) as back:  # the second client comes by another door
        other = url.replace(str(world.door.port), str(back.port))
        with ThreadPoolExecutor() as pool:
            both = [
                pool.submit(world.upload, Tuspy(), url=url, retries=60, chunk_size=4 * MB),
                pool.submit(world.upload, tus_js, url=other, retries=60, chunk_size=4 * MB),
            ]
            assert [each.result().done for each in both] == [True, True]
    world.assert_accepted(url)
