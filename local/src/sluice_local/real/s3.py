"""A real S3 server."""

import re
import secrets
from pathlib import Path

import httpx

from sluice_local.java import jars, resource, write_config
from sluice_local.part import ProcessPart
from sluice_local.processes import Launch
from sluice_local.site import Site

_HALF_WRITTEN = re.compile(r".+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_JVM = ["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:-UsePerfData"]


class S3(ProcessPart):
    """S3Proxy on files: each bucket is a folder of `objects`, each object a file in it."""

    access_key = "sluice"

    def __init__(self, site: Site, bucket: str) -> None:
        super().__init__("s3", site)
        self.bucket = bucket
        self.port = site.ports.take("s3")
        self.secret_key = _secret(site.data("s3") / "secret")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> Launch:
        lib, data = jars("s3", self.site), self.site.data("s3")
        objects, temporary = data / "objects", data / "tmp"
        temporary.mkdir(exist_ok=True)
        (objects / self.bucket).mkdir(parents=True, exist_ok=True)
        _sweep(objects)
        config = write_config(
            "s3",
            "s3proxy.properties",
            data,
            port=self.port,
            objects=objects,
            access_key=self.access_key,
            secret_key=self.secret_key,
        )
        options = [f"-Djava.io.tmpdir={temporary}", f"-Dlogback.configurationFile={resource('s3') / 'logback.xml'}"]
        main = ["-cp", f"{lib}/*", "org.gaul.s3proxy.Main", "--properties", str(config)]
        return Launch(["java", *_JVM, *options, *main], cwd=data)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


def _sweep(objects: Path) -> None:
    """Remove puts that were cut off by a kill: they would show as objects `<key>-<uuid>`."""
    for file in objects.rglob("*"):
        if _HALF_WRITTEN.fullmatch(file.name) and file.is_file():
            file.unlink()


def _secret(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(16))
    return file.read_text()
