"""Servers that contenders send to: started on a free port, measured from outside, stopped by their pid."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers at `port` of 127.0.0.1."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of user and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_rss_mib(self) -> float:
        return int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())[0]) / 1024


@contextmanager
def gateway(**settings: object) -> Iterator[Server]:
    """The gateway as it runs in production, on the S3 server and the Kafka of this benchmark."""
    own = {f"SLUICE_{name.upper()}": str(value) for name, value in settings.items()}
    with server([sys.executable, "-m", "gateway"], "/health/ready", port_variable="SLUICE_HTTP_PORT", **own) as running:
        yield running


@contextmanager
def server(command: list[str], ready: str, *, port_variable: str = "PORT", **environment: str) -> Iterator[Server]:
    """`{port}` in the command stands for the port; `ready` is a path that answers once it runs."""
    port = free_port()
    command = [part.replace("{port}", str(port)) for part in command]
    process = subprocess.Popen(
        command, env={**os.environ, **environment, port_variable: str(port)}, stdout=subprocess.DEVNULL
    )
    try:
        _wait(process, port, ready)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", port: int, path: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as connection, suppress(OSError):
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody answers {path} at port {port}")
