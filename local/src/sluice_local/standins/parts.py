"""The stand-ins as parts of a stack. They can be started again, but then know nothing of what was before."""

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

from sluice.messaging.topics import topics
from sluice_local.part import ProcessPart
from sluice_local.processes import Launch
from sluice_local.site import Site

_ANSWER_SECONDS = 2.0


class StandinKafka(ProcessPart):
    """The broker chooses its port, a new one at every start: `bootstrap` is known once `answers` has said yes."""

    def __init__(self, site: Site) -> None:
        super().__init__("kafka", site)
        self.bootstrap = ""

    def launch(self) -> Launch:
        self.bootstrap = ""
        self.site.log(self.name).unlink(missing_ok=True)  # the line that says where it answers is read from there
        names = [topic.name for topic in topics(replication_factor=1)]
        return Launch([sys.executable, "-m", "sluice_local.standins.kafka", *names])

    def answers(self) -> bool:
        log = self.site.log(self.name)
        found = re.search(r"^\{.*\}$", log.read_text(errors="replace") if log.exists() else "", re.MULTILINE)
        if found:
            self.bootstrap = json.loads(found[0])["bootstrap"]
        return found is not None


class StandinS3(ProcessPart):
    """Takes any credentials."""

    access_key = secret_key = "standin"  # noqa: S105 - nothing checks it

    def __init__(self, site: Site, bucket: str) -> None:
        super().__init__("s3", site)
        self._bucket = bucket
        self._port = site.ports.take("s3")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def launch(self) -> Launch:
        options = ["--port", str(self._port), "--bucket", self._bucket]
        return Launch([sys.executable, "-m", "sluice_local.standins.s3", *options])

    def answers(self) -> bool:
        return _answers(f"{self.url}/{self._bucket}?location")


class StandinDruid(ProcessPart):
    """Overlord, Coordinator and Broker have the same address. `options`: more of its command line."""

    def __init__(self, site: Site, s3: StandinS3, options: Sequence[str] = ()) -> None:
        super().__init__("druid", site)
        self._s3 = s3
        self._options = options
        self._port = site.ports.take("druid")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def launch(self) -> Launch:
        options = ["--port", str(self._port), "--s3-endpoint", self._s3.url]
        return Launch([sys.executable, "-m", "sluice_local.standins.druid", *options, *self._options])

    def answers(self) -> bool:
        return _answers(f"{self.url}/status/health")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS):  # noqa: S310 - an address of our own
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
