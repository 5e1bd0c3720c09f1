"""Druid with each of its roles in a process of its own, so that one of them can be away while the others are there."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from sluice_local.java import jars, resource, write_config
from sluice_local.part import ProcessPart
from sluice_local.processes import Launch
from sluice_local.real.druid import FOLDERS, MODULES
from sluice_local.real.s3 import S3
from sluice_local.site import Site

ROLES = ("coordinator", "overlord", "broker", "historical", "indexer")
STORES = ("zookeeper", "derby")
JVM = ("-Xms64m", "-Xmx512m", "-XX:MaxDirectMemorySize=200m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
STARTED_WITHIN = 240.0
SESSION_MS = 5000
"""Of ZooKeeper: so long is one that was killed taken for the leader."""


class Process(ProcessPart):
    def __init__(self, name: str, site: Site, data: Path, argv: list[str], port: int, asked: str | None) -> None:
        super().__init__(name, site)
        self._data, self._argv, self._asked = data, argv, asked
        self.url = f"http://127.0.0.1:{port}"

    def launch(self) -> Launch:
        return Launch(["java", *JVM, *self._argv], cwd=self._data)

    def answers(self) -> bool:
        if self._asked is None:
            return self.alive()
        try:
            answer = httpx.get(self.url + self._asked, timeout=3, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.is_success and answer.text.strip() not in {"", "[]", "false"}


class DruidInRoles:
    """As `sluice_local.real.druid.Druid` configures it, but for the processes. Its metadata outlive any of the roles."""

    def __init__(self, site: Site, s3: S3) -> None:
        self._lib, self._data = jars("druid", site), site.data("druid-in-roles")
        self._ports = {name: site.ports.take(f"roles-{name}") for name in (*ROLES, *STORES)}
        self._values = {f"{name}_port": port for name, port in self._ports.items()} | {
            "jars": self._lib,
            "data": self._data,
            "s3_endpoint": s3.url,
            "s3_access_key": s3.access_key,
            "s3_secret_key": s3.secret_key,
        }
        for folder in FOLDERS:
            (self._data / folder).mkdir(exist_ok=True)
        self._stores = [self._zookeeper(site), self._derby(site)]
        self.roles = {role: self._role(site, role) for role in ROLES}

    def _zookeeper(self, site: Site) -> Process:
        conf = write_config("druid", "zoo.cfg", self._data / "conf", **self._values)
        main = ["-cp", f"{self._lib}/lib/*", "org.apache.zookeeper.server.ZooKeeperServerMain", str(conf)]
        return Process("roles-zookeeper", site, self._data, main, self._ports["zookeeper"], None)

    def _derby(self, site: Site) -> Process:
        port = self._ports["derby"]
        address = ["-h", "127.0.0.1", "-p", str(port), "-noSecurityManager"]
        main = ["-cp", f"{self._lib}/lib/*", "org.apache.derby.drda.NetworkServerControl", "start", *address]
        return Process("roles-derby", site, self._data, main, port, None)

    def _role(self, site: Site, role: str) -> Process:
        conf, port = self._data / "conf" / role, self._ports[role]
        (self._data / "tmp" / role).mkdir(exist_ok=True)
        own = {
            "druid.service": f"druid/{role}",
            "druid.plaintextPort": port,
            "druid.coordinator.asOverlord.enabled": "false",
            "druid.zk.service.sessionTimeoutMs": SESSION_MS,
            # where a role would open a Derby of its own; all of them ask the one that is there
            "druid.metadata.storage.connector.port": site.ports.take(f"roles-{role}-spare"),
        }
        template = "coordinator" if role == "overlord" else role
        write_config("druid", "common.properties", conf, **self._values).rename(conf / "common.runtime.properties")
        file = write_config("druid", f"{template}.properties", conf, **self._values).rename(conf / "runtime.properties")
        file.write_text(file.read_text() + "".join(f"{name}={value}\n" for name, value in own.items()))
        shutil.copy(resource("druid") / "log4j2.xml", conf)
        options = ["-Duser.timezone=UTC", "-Dfile.encoding=UTF-8", f"-Djava.io.tmpdir={self._data / 'tmp' / role}"]
        main = ["-cp", f"{conf}:{self._lib}/lib/*", "org.apache.druid.cli.Main", "server", role]
        asked = "/druid/indexer/v1/workers" if role == "overlord" else "/status/health"
        return Process(f"roles-{role}", site, self._data, [*options, *MODULES, *main], port, asked)

    def environment(self) -> dict[str, str]:
        """As settings of the druid-submitter."""
        names = ("overlord", "coordinator", "broker")
        return {f"SLUICE_DRUID_{name.upper()}_URL": self.roles[name].url for name in names}

    @contextmanager
    def running(self) -> Iterator[None]:
        processes = [*self._stores, *self.roles.values()]
        try:
            for process in processes:
                process.start()
            deadline = time.monotonic() + STARTED_WITHIN
            with ThreadPoolExecutor(len(processes)) as waiting:
                list(waiting.map(lambda process: process.wait_ready(deadline), processes))
            yield
        finally:
            for process in reversed(processes):
                process.kill()
