import os
import signal
import time
from pathlib import Path

import pytest

from sluice_local.errors import SetupError
from sluice_local.service import Service, run_once
from sluice_local.site import open_site

# Ready at once; says on /health/ready only that it is there; dies when asked for it before it listens.
MODULE = """
import http.server, os, pathlib, sys
pathlib.Path(os.environ["TOLD"]).open("a").write(f"{os.getpid()} {os.environ['SLUICE_GREETING']}\\n")
if os.environ.get("SLUICE_GREETING") == "die":
    sys.exit("no luck")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.send_header("content-length", "0")
        self.end_headers()

http.server.HTTPServer((os.environ["SLUICE_HTTP_HOST"], int(os.environ["SLUICE_HTTP_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def told(tmp_path, monkeypatch) -> Path:
    (tmp_path / "tiny_service.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    return tmp_path / "told"


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def site(tmp_path, notes):
    site = open_site(tmp_path / "state", notes.append)
    yield site
    site.close()


@pytest.fixture
def make(site, told):
    made = []

    def make(greeting: str = "hello") -> Service:
        made.append(Service("tiny", site, ["tiny_service"], lambda: {"SLUICE_GREETING": greeting}))
        return made[-1]

    yield make
    for service in made:
        service.stop()


def ready(service: Service) -> None:
    service.wait_ready(time.monotonic() + 20)


def starts(told: Path) -> int:
    return len(told.read_text().splitlines()) if told.exists() else 0


def until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def test_a_service_that_is_killed_is_started_again_on_its_port(make, told, notes):
    service = make()
    service.start()
    ready(service)
    service.kill()
    until(lambda: starts(told) == 2)
    ready(service)
    assert len({line.split()[0] for line in told.read_text().splitlines()}) == 2
    assert any("tiny has ended" in note for note in notes)


def test_a_slow_kill_leaves_no_second_process_behind(make, told, monkeypatch):
    def slowly(leader: int) -> None:
        time.sleep(1.5)  # longer than the pause before a restart

    service = make()
    service.start()
    ready(service)
    monkeypatch.setattr("sluice_local.part.kill_group", slowly)
    service.kill()
    ready(service)
    until(lambda: starts(told) == 2)
    assert service.pid == int(told.read_text().splitlines()[-1].split()[0])
    assert service.site.pid_file("tiny").path.exists()


def test_a_service_that_dies_by_itself_is_started_again(make, told):
    service = make()
    service.start()
    ready(service)
    os.kill(service.pid, signal.SIGKILL)
    until(lambda: starts(told) == 2)
    ready(service)


def test_a_service_that_is_stopped_stays_so_until_it_is_started(make, told):
    service = make()
    service.start()
    ready(service)
    service.stop()
    service.stop()
    assert not service.alive()
    assert not service.answers()
    service.start()
    ready(service)
    assert starts(told) == 2


def test_a_service_that_never_gets_ready_is_given_up_with_its_last_words(make, told, notes):
    service = make("die")
    service.start()
    until(lambda: starts(told) == 3)
    with pytest.raises(SetupError, match=r"tiny does not get ready(.|\n)*no luck"):
        service.wait_ready(time.monotonic())
    pauses = [note.split(" in ")[1].split(" s ")[0] for note in notes]
    assert pauses[:2] == ["0.5", "1"]


def test_a_command_that_fails_says_so_with_its_last_words(site, told):
    with pytest.raises(SetupError, match="no luck"):
        run_once(site, "tiny", ["tiny_service"], {"SLUICE_GREETING": "die"})
