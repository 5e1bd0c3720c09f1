"""Druid itself."""

import shutil

import httpx

from sluice_local.java import jars, resource, write_config
from sluice_local.part import ProcessPart
from sluice_local.processes import Launch
from sluice_local.real.s3 import S3
from sluice_local.site import Site

_CONFIG = ("common", "coordinator", "indexer", "historical", "broker")
FOLDERS = ("tmp", "segments", "tasklogs", "segcache", "tasks", "zookeeper", "derby")
_JVM = ["-Xms256m", "-Xmx1g", "-XX:MaxDirectMemorySize=600m", "-XX:+UseSerialGC", "-XX:-UsePerfData"]
MODULES = [
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
]


class Druid(ProcessPart):
    """Druid 33 in one process: coordinator with overlord, indexer with three slots, historical, broker.

    Tasks and segments are noted in a Derby database on files, segments lie in the state folder: rows outlive a kill.
    """

    def __init__(self, site: Site, s3: S3) -> None:
        super().__init__("druid", site)
        self._s3 = s3
        roles = ("coordinator", "indexer", "historical", "broker", "zookeeper", "derby")
        self._ports = {role: site.ports.take(f"druid-{role}") for role in roles}

    @property
    def master_url(self) -> str:
        """Where coordinator and overlord answer."""
        return self._url("coordinator")

    @property
    def broker_url(self) -> str:
        return self._url("broker")

    def launch(self) -> Launch:
        lib, data = jars("druid", self.site), self.site.data("druid")
        shutil.rmtree(data / "tmp", ignore_errors=True)
        for folder in FOLDERS:
            (data / folder).mkdir(exist_ok=True)
        values = {f"{role}_port": port for role, port in self._ports.items()} | {
            "jars": lib,
            "data": data,
            "s3_endpoint": self._s3.url,
            "s3_access_key": self._s3.access_key,
            "s3_secret_key": self._s3.secret_key,
        }
        conf = data / "conf"
        for name in _CONFIG:
            write_config("druid", f"{name}.properties", conf, **values)
        write_config("druid", "zoo.cfg", conf, **values)
        shutil.copy(resource("druid") / "log4j2.xml", conf)
        options = [
            "-Duser.timezone=UTC",
            "-Dfile.encoding=UTF-8",
            f"-Djava.io.tmpdir={data / 'tmp'}",
            f"-Dderby.stream.error.file={data / 'derby.log'}",
            f"-Djava.util.logging.config.file={resource('druid') / 'logging.properties'}",
            "-Dzookeeper.jmx.log4j.disable=true",
            "-XX:TieredStopAtLevel=1",
        ]
        main = ["-cp", str(lib), "DruidOneJvm", str(lib / "lib"), str(conf)]
        return Launch(["java", *_JVM, *options, *MODULES, *main], cwd=data)

    def answers(self) -> bool:
        try:
            workers = httpx.get(f"{self.master_url}/druid/indexer/v1/workers", timeout=3, trust_env=False)
            health = [
                httpx.get(f"{self._url(role)}/status/health", timeout=3, trust_env=False)
                for role in ("historical", "broker")
            ]
        except httpx.HTTPError:
            return False
        return all(answer.is_success for answer in (workers, *health)) and workers.text.strip() not in ("", "[]")

    def _url(self, role: str) -> str:
        return f"http://127.0.0.1:{self._ports[role]}"
