import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from sluice_local.endpoints import Endpoints
from sluice_local.errors import SetupError
from sluice_local.java import require_java
from sluice_local.part import Part
from sluice_local.processes import start_guard
from sluice_local.real.druid import Druid
from sluice_local.real.kafka import Kafka
from sluice_local.real.postgres import Postgres
from sluice_local.real.s3 import S3, Credentials
from sluice_local.site import Site, open_site

Kind = Literal["real", "standin"]

_BUCKET = "sluice"
_PARTS_SECONDS = 120.0


class KafkaPart(Part, Protocol):
    @property
    def bootstrap(self) -> str: ...


class S3Part(Part, Protocol):
    credentials: Credentials

    @property
    def endpoint(self) -> str: ...


class DruidPart(Part, Protocol):
    @property
    def overlord_url(self) -> str: ...
    @property
    def coordinator_url(self) -> str: ...
    @property
    def broker_url(self) -> str: ...


def choose_kind() -> Kind:
    """What STACK says, else "real" where Java and Maven are. In CI a missing Java is an error, never a fallback."""
    match os.environ.get("STACK"):
        case "standin":
            return "standin"
        case "real":
            require_java()
            return "real"
        case None | "":
            pass
        case other:
            raise SetupError(f"STACK is {other!r}: it must be real or standin.")
    if shutil.which("java") and shutil.which("mvn"):
        require_java()
        return "real"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        raise SetupError("CI needs the real parts: install Java 17 and Maven, or say STACK=standin aloud.")
    return "standin"


class Stack:
    """Everything on this machine: the parts, the services and the front door. A context manager that stops all.

    One stack per state folder: a second one there is refused with SetupError. With `kind="real"` the folder keeps the
    data of the parts from one run to the next; stand-ins forget everything.
    """

    def __init__(self, state_dir: Path, kind: Kind, progress: Callable[[str], None] = print) -> None:
        self.kind = kind
        self.site = open_site(state_dir, progress)
        self._guard: subprocess.Popen[bytes] | None = None
        with contextlib.ExitStack() as undo:
            undo.callback(self.site.close)
            self.kafka, self.s3, self.druid = _make_parts(self.site, kind)
            self.postgres = Postgres(self.site)
            undo.pop_all()

    @property
    def parts(self) -> Mapping[str, Part]:
        return {"kafka": self.kafka, "s3": self.s3, "postgres": self.postgres, "druid": self.druid}

    @property
    def endpoints(self) -> Endpoints:
        """Known once the parts run."""
        return Endpoints(
            kafka_bootstrap=self.kafka.bootstrap,
            s3_endpoint=self.s3.endpoint,
            s3_access_key=self.s3.credentials.access_key,
            s3_secret_key=self.s3.credentials.secret_key,
            s3_bucket=_BUCKET,
            postgres_dsn=self.postgres.dsn,
            druid_overlord_url=self.druid.overlord_url,
            druid_coordinator_url=self.druid.coordinator_url,
            druid_broker_url=self.druid.broker_url,
        )

    def start_parts(self) -> None:
        """Start all parts side by side; returns when each of them answers. SetupError if one does not."""
        if self._guard is None:
            self._guard = start_guard(self.site.pids)
        with ThreadPoolExecutor(len(self.parts)) as threads:
            for started in [threads.submit(self._start_part, part) for part in self.parts.values()]:
                started.result()

    def stop(self) -> None:
        with ThreadPoolExecutor(len(self.parts)) as threads:
            for stopped in [threads.submit(part.stop) for part in self.parts.values()]:
                stopped.result()
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None
        self.site.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_part(self, part: Part) -> None:
        began = time.monotonic()
        part.start()
        part.wait_ready(time.monotonic() + _PARTS_SECONDS)
        self.site.progress(f"{part.name} is ready ({time.monotonic() - began:.1f} s)")


def _make_parts(site: Site, kind: Kind) -> tuple[KafkaPart, S3Part, DruidPart]:
    if kind == "real":
        s3 = S3(site, _BUCKET)
        return Kafka(site), s3, Druid(site, s3.endpoint, s3.credentials)
    from sluice_local.standins.parts import StandinDruid, StandinKafka, StandinS3  # noqa: PLC0415 - not in real stacks

    standin_s3 = StandinS3(site, _BUCKET)
    return StandinKafka(site), standin_s3, StandinDruid(site, standin_s3.endpoint, standin_s3.credentials)
