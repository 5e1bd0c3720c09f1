"""Kafka itself."""

import base64
import socket
import subprocess
import uuid

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from sluice_local.errors import SetupError
from sluice_local.java import jars, write_config
from sluice_local.part import ProcessPart
from sluice_local.processes import Launch
from sluice_local.site import Site

_JVM = ["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
_LOGGING = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"]


class Kafka(ProcessPart):
    """One Kafka 4.3 node, broker and controller in one, topics in files."""

    def __init__(self, site: Site) -> None:
        super().__init__("kafka", site)
        self.port = site.ports.take("kafka")

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def launch(self) -> Launch:
        lib, data = jars("kafka", self.site), self.site.data("kafka")
        controller = self.site.ports.take("kafka-controller")
        config = write_config("kafka", "server.properties", data, port=self.port, controller_port=controller, data=data)
        java = ["java", *_JVM, *_LOGGING, "-cp", f"{lib}/*"]
        if not (data / "log" / "meta.properties").exists():
            self._format([*java, "kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(config)])
        return Launch([*java, "kafka.Kafka", str(config)], cwd=data)

    def _format(self, command: list[str]) -> None:
        with self.site.log(self.name).open("ab") as log:
            if subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode != 0:
                raise SetupError(f"Kafka could not prepare its folder: {self._why()}")

    def answers(self) -> bool:
        if not listens(self.port):
            return False
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0, "socket.timeout.ms": 2000})
        try:
            return len(admin.list_topics(timeout=2).brokers) > 0
        except KafkaException:
            return False


def listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def _cluster_id() -> str:
    return base64.b64encode(uuid.uuid4().bytes, altchars=b"AB").decode().rstrip("=")
