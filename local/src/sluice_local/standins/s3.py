"""moto as an S3 server: `python -m sluice_local.standins.s3 --port N [--bucket NAME]`.

Objects live in memory and temporary files, several times their size while they arrive: nothing bounds that but the
files. Credentials are not checked.
"""

import argparse
import io
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

_PRECONDITION_FAILED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>PreconditionFailed</Code><Message>At least one of the '
    "pre-conditions you specified did not hold</Message><Condition>If-None-Match</Condition></Error>"
)


class CreateOnly:
    """Lets one of many conditional writers of a key win.

    moto looks for the object and writes it in two steps, and lets a multipart upload complete over one that was
    itself uploaded in parts. So requests with `If-None-Match: *` come here one by one, bodies already read.
    """

    def __init__(self, app: WsgiApp, exists: Callable[[str, str], bool]) -> None:
        self._app = app
        self._exists = exists
        self._one_at_a_time = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("HTTP_IF_NONE_MATCH") != "*" or environ["REQUEST_METHOD"] not in ("PUT", "POST"):
            return self._app(environ, start_response)
        request = Request(environ)
        bucket, _, key = request.path.lstrip("/").partition("/")
        body = request.get_data()
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        with self._one_at_a_time:
            if self._exists(bucket, key):
                refusal = Response(_PRECONDITION_FAILED, 412, content_type="application/xml")
                return refusal(environ, start_response)
            return list(self._app(environ, start_response))


def create_server(port: int, bucket: str) -> BaseWSGIServer:
    """A server on 127.0.0.1 with an empty bucket, listening and ready for `serve_forever`."""
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    backend.create_bucket(bucket, "us-east-1")
    app = DomainDispatcherApplication(create_backend_app)
    guarded = CreateOnly(app, lambda bucket, key: backend.get_object(bucket, key) is not None)
    return make_server("127.0.0.1", port, guarded, threaded=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="An S3 server that forgets everything at the end.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bucket", default="sluice")
    arguments = parser.parse_args()
    create_server(arguments.port, arguments.bucket).serve_forever()


if __name__ == "__main__":
    main()
