"""Services of Sluice as processes that are started again when they end."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping

import httpx

from sluice_local.errors import SetupError
from sluice_local.part import ProcessPart
from sluice_local.processes import Launch
from sluice_local.site import Site

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_SOUND_AFTER_SECONDS = 30.0
_POLL_SECONDS = 0.1


class Service(ProcessPart):
    """A process `python -m <module>` under watch: when it ends unasked, it is started again after a growing pause.

    So `kill` is followed by a restart; `stop` is not.
    """

    def __init__(
        self,
        name: str,
        site: Site,
        arguments: list[str],
        settings: Callable[[], Mapping[str, str]],
    ) -> None:
        super().__init__(name, site)
        self.port = site.ports.take(name)
        self._arguments = arguments
        self._settings = settings
        self._stopping = threading.Event()
        self._watch: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> Launch:
        own = {"SLUICE_HTTP_HOST": "127.0.0.1", "SLUICE_HTTP_PORT": str(self.port)}
        return Launch([sys.executable, "-m", *self._arguments], {**surroundings(), **self._settings(), **own})

    def answers(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.is_success

    def start(self) -> None:
        if self._watch is not None:
            return
        self._stopping.clear()
        super().start()
        self._watch = threading.Thread(target=self._keep_alive, name=f"watch-{self.name}", daemon=True)
        self._watch.start()

    def wait_ready(self, deadline: float) -> None:
        while not self.answers():
            if self.site.closing.is_set() or time.monotonic() > deadline:
                raise SetupError(f"{self.name} does not get ready: {self._why()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        self._stopping.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None
        super().stop()

    def _keep_alive(self) -> None:
        pause, started = _FIRST_PAUSE, time.monotonic()
        while not self._stopping.wait(_POLL_SECONDS) and not self.site.closing.is_set():
            if self.alive():
                continue
            if time.monotonic() - started > _SOUND_AFTER_SECONDS:
                pause = _FIRST_PAUSE
            self.site.progress(
                f"{self.name} has ended; it is started again in {pause:g} s ({self.site.log(self.name)})"
            )
            if self._stopping.wait(pause):
                return
            pause, started = min(2 * pause, _LONGEST_PAUSE), time.monotonic()
            super().start()


def surroundings() -> dict[str, str]:
    """This process's environment, with direct ways to this machine even where a proxy is set."""
    direct = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"]))
    return {**os.environ, "NO_PROXY": direct, "no_proxy": direct, "PYTHONUNBUFFERED": "1"}


def run_once(site: Site, name: str, arguments: list[str], settings: Mapping[str, str]) -> None:
    """Run `python -m …` to its end, its output in the log of that name; SetupError when it fails."""
    log = site.log(name)
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            env={**surroundings(), **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        lines = log.read_text(errors="replace").splitlines()[-15:]
        raise SetupError("\n".join([f"`python -m {' '.join(arguments)}` failed; the end of {log} says", *lines]))
