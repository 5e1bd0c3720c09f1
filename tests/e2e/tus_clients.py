"""The tus clients that people use: tuspy, and tus-js-client in Node."""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed


@dataclass(frozen=True, slots=True)
class Result:
    """How a client's upload went. `status` and `code` of the refusal that ended it."""

    url: str
    done: bool
    status: int | None = None
    code: str | None = None


class Client(Protocol):
    def upload(self, endpoint: str, path: Path, datasource: str, **how: Any) -> Result:
        """`url` of an upload to go on with; `stop_at`, `chunk_size` in bytes; `retries`; `go_on` after a pause; `checksum`
        right or wrong; `wrong_offset` to be said once."""
        ...


class Tuspy:
    """The Python client."""

    def upload(self, endpoint: str, path: Path, datasource: str, **how: Any) -> Result:
        retries, url = how.get("retries", 0), how.get("url")
        uploader = None
        try:
            uploader = TusClient(endpoint).uploader(
                str(path),
                url=url,
                chunk_size=how.get("chunk_size", sys.maxsize),
                metadata={"filename": path.name, "datasource": datasource},
                retries=retries,
                retry_delay=1,
                upload_checksum="checksum" in how,
            )
            if how.get("checksum") == "wrong":
                vars(uploader)["_BaseUploader__checksum_algorithm"] = lambda _chunk: hashlib.sha1(
                    b"something else", usedforsecurity=False
                )
            if "wrong_offset" in how:
                uploader.set_url(uploader.create_url())
                uploader.offset = how["wrong_offset"]
            uploader.upload(how.get("stop_at"))
            if how.get("go_on"):
                uploader.upload()
        except (TusUploadFailed, TusCommunicationError) as error:
            said = json.loads(error.response_content or b"{}")
            return Result(
                (uploader and uploader.url) or url or "", done=False, status=error.status_code, code=said.get("code")
            )
        return Result(uploader.url, done=uploader.offset == path.stat().st_size)


@dataclass(frozen=True, slots=True)
class TusJs:
    """The JavaScript client, in Node."""

    folder: Path

    def upload(self, endpoint: str, path: Path, datasource: str, **how: Any) -> Result:
        asked = {
            "endpoint": None if "url" in how else endpoint,
            "path": str(path),
            "metadata": {"filename": path.name, "datasource": datasource},
            "retryDelays": [1000] * how["retries"] if "retries" in how else None,
        }
        names = {"chunk_size": "chunkSize", "stop_at": "stopAt", "go_on": "goOn", "wrong_offset": "wrongOffset"}
        asked |= {names.get(name, name): value for name, value in how.items() if name != "retries"}
        node = subprocess.run(
            ["node", "upload.mjs", json.dumps(asked)], cwd=self.folder, check=True, capture_output=True, timeout=240
        )
        said = json.loads(node.stdout)
        return Result(said["url"], said["done"], said.get("status"), said.get("code"))
