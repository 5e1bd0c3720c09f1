"""Java servers: their jars by Maven, their configuration from templates."""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from string import Template

from sluice_local.errors import SetupError
from sluice_local.processes import Launch, spawn
from sluice_local.site import Site

_OLDEST_JAVA = 17
_DOWNLOADS = {"kafka": "Kafka (44 MB, once)", "s3": "the S3 server (31 MB, once)", "druid": "Druid (244 MB, once)"}


def resource(group: str) -> Path:
    """Folder of the files that come with this package for one of the Java servers."""
    return Path(str(files("sluice_local") / "resources" / group))


def write_config(group: str, name: str, target: Path, **values: object) -> Path:
    """Fill a template of `resources/<group>` and write it into the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    file = target / name
    file.write_text(Template((resource(group) / name).read_text()).substitute({k: str(v) for k, v in values.items()}))
    file.chmod(0o600)
    return file


def require_java() -> None:
    """SetupError unless Java (17 or newer) and Maven are on PATH."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise SetupError(
                f"The real parts need Java {_OLDEST_JAVA} and Maven, and there is no `{program}` on PATH: "
                "install it, or run with STACK=standin."
            )
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < _OLDEST_JAVA:
        raise SetupError(f"The `java` on PATH is not Java {_OLDEST_JAVA} or newer: put such a one first on PATH.")


def jars(group: str, site: Site) -> Path:
    """Folder with the jars of "kafka", "s3" or "druid", downloaded by Maven the first time on this machine.

    Complete folders only: made under another name and renamed. Runs at the same time wait for each other, because
    Maven's own repository does not bear two of them.
    """
    cache = Path(os.environ.get("SLUICE_CACHE_DIR") or Path.home() / ".cache" / "sluice") / "jars"
    folder = cache / f"{group}-{_fingerprint(resource(group))}"
    if folder.exists():
        return folder
    require_java()
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        if not folder.exists():
            site.progress(f"Downloading {_DOWNLOADS[group]} …")
            with tempfile.TemporaryDirectory(dir=cache, prefix=f".{group}-") as draft:
                _resolve(group, Path(draft), site)
                (Path(draft) / "out").rename(folder)
    return folder


def _resolve(group: str, draft: Path, site: Site) -> None:
    log = site.log(f"maven-{group}")
    shutil.copytree(resource(group), draft / "in")
    (draft / "out").mkdir()
    goal = ["mvn", "-B", "-ntp", f"-Dout.dir={draft / 'out'}", "dependency:copy-dependencies"]
    note = site.pid_file(f"maven-{group}")
    failed = spawn(Launch(goal, cwd=draft / "in"), log, note, signal.SIGTERM).wait()
    note.path.unlink(missing_ok=True)
    if failed:
        raise SetupError(f"Maven could not download {group}: {_reason(log)} All it said is in {log}. Then start again.")
    for source in (draft / "in").glob("*.java"):
        compiler = ["java", "-m", "jdk.compiler/com.sun.tools.javac.Main", "-d", str(draft / "out"), str(source)]
        if subprocess.run(compiler, check=False, capture_output=True).returncode != 0:
            raise SetupError("The `java` on PATH cannot compile, it is a JRE: install a JDK (17 or newer).")


def _reason(log: Path) -> str:
    if "No space left" in log.read_text(errors="replace"):
        return "the disk is full, make room."
    return "check the network and Maven's settings."


def _fingerprint(folder: Path) -> str:
    content = b"".join(f.read_bytes() for f in sorted(folder.rglob("*")) if f.suffix == ".java" or f.name == "pom.xml")
    return hashlib.sha256(content).hexdigest()[:12]


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
