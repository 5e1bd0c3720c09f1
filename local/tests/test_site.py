import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sluice_local.errors import SetupError
from sluice_local.kind import choose_kind
from sluice_local.ports import Ports
from sluice_local.processes import Launch, spawn
from sluice_local.site import open_site

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def until(condition, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def programs(folder: Path, **scripts: str) -> str:
    """A folder for PATH with nothing but these programs."""
    folder.mkdir()
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)


JAVA_17 = """echo 'openjdk version "17.0.1"' >&2"""


def test_a_port_is_remembered_for_the_next_run(tmp_path):
    first = Ports(tmp_path / "ports.json")
    port = first.take("kafka")
    assert first.take("kafka") == port
    first.release()
    assert Ports(tmp_path / "ports.json").take("kafka") == port


def test_a_remembered_port_that_is_taken_gives_way_to_another(tmp_path):
    first = Ports(tmp_path / "ports.json")
    port = first.take("kafka")
    first.release()
    with socket.create_server(("127.0.0.1", port)):
        assert Ports(tmp_path / "ports.json").take("kafka") != port


def test_a_preferred_port_is_left_to_who_has_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert Ports(tmp_path / "ports.json").take("front-door", prefer=port) != port
    assert Ports(tmp_path / "other.json").take("front-door", prefer=port) == port


def test_a_claimed_port_is_not_given_twice_but_can_be_listened_on(tmp_path):
    claims = Ports(tmp_path / "a.json")
    claimed = claims.take("x")
    assert Ports(tmp_path / "b.json").take("x", prefer=claimed) != claimed
    with socket.create_server(("127.0.0.1", claimed)):
        pass
    claims.release()


def test_a_second_stack_in_the_same_folder_is_refused(tmp_path):
    site = open_site(tmp_path, print)
    with pytest.raises(SetupError, match="Another stack is running in"):
        open_site(tmp_path, print)
    site.close()
    open_site(tmp_path, print).close()


def test_what_a_killed_run_left_is_stopped_before_the_next(tmp_path):
    site = open_site(tmp_path, print)
    left = spawn(Launch(SLEEPER), site.log("kafka"), site.pid_file("kafka"), signal.SIGTERM)
    site.close()
    open_site(tmp_path, print).close()
    left.wait(10)
    assert list((tmp_path / "pids").iterdir()) == []


def test_a_stranger_with_the_pid_of_an_old_process_is_left_alone(tmp_path):
    site = open_site(tmp_path, print)
    stranger = spawn(Launch(SLEEPER), site.log("kafka"), site.pid_file("kafka"), signal.SIGTERM)
    note = site.pid_file("kafka").path
    created = psutil.Process(stranger.pid).create_time()
    note.write_text(note.read_text().replace(str(created), str(created - 100)))
    site.close()
    open_site(tmp_path, print).close()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path):
    script = f"""
import signal, sys, time
from pathlib import Path
from sluice_local.processes import Launch, spawn, start_guard
from sluice_local.site import open_site
site = open_site(Path({str(tmp_path)!r}), print)
guard = start_guard(site.pids)
child = spawn(Launch({SLEEPER!r}), site.log("x"), site.pid_file("x"), signal.SIGTERM)
print(child.pid, guard.pid, flush=True)
time.sleep(600)
"""
    supervisor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in supervisor.stdout.readline().split()]
    supervisor.kill()
    supervisor.communicate()
    until(lambda: not any(running(pid) for pid in pids))


def running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("scripts", "variables", "kind"),
    [
        ({"java": JAVA_17, "mvn": ""}, {}, "real"),
        ({"java": JAVA_17}, {}, "standin"),
        ({}, {}, "standin"),
        ({"java": JAVA_17, "mvn": ""}, {"STACK": "standin"}, "standin"),
        ({"java": JAVA_17, "mvn": ""}, {"STACK": "real"}, "real"),
        ({}, {"STACK": "standin", "CI": "true"}, "standin"),
    ],
)
def test_the_kind_of_stack(tmp_path, monkeypatch, scripts, variables, kind):
    told(monkeypatch, programs(tmp_path / "bin", **scripts), variables)
    assert choose_kind() == kind


@pytest.mark.parametrize(
    ("scripts", "variables", "says"),
    [
        ({}, {"CI": "true"}, "install Java 17 and Maven"),
        ({}, {"STACK": "real"}, "no `java` on PATH"),
        ({"java": JAVA_17}, {"STACK": "real"}, "no `mvn` on PATH"),
        ({"java": """echo 'openjdk version "11.0.2"' >&2""", "mvn": ""}, {}, "not Java 17 or newer"),
        ({}, {"STACK": "rael"}, "say real or standin"),
    ],
)
def test_a_kind_that_cannot_be_is_refused_in_a_plain_sentence(tmp_path, monkeypatch, scripts, variables, says):
    told(monkeypatch, programs(tmp_path / "bin", **scripts), variables)
    with pytest.raises(SetupError, match=says):
        choose_kind()


def told(monkeypatch, path: str, variables: dict[str, str]) -> None:
    for name in ("STACK", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
