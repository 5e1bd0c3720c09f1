"""`discard gateway | uploadfile | hashed`: the large file to a server that throws it away. CPU of the server."""

import http.client
import sys
import time

from benchmarks.measured import say
from benchmarks.servers import Server, server
from benchmarks.upload.sending import LARGE, blocks, send

HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
TAIL = b"\r\n--b--\r\n"


def put(running: Server) -> int:
    return send(running.port, "PUT", "/v1/datasources/sales/files/a.csv", LARGE).status


def post(running: Server) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=600)
    connection.putrequest("POST", "/v1/datasources/sales/files")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", str(len(HEAD) + LARGE + len(TAIL)))
    connection.endheaders()
    for block in (HEAD, *blocks(LARGE), TAIL):
        connection.send(block)
    return connection.getresponse().status


def main(which: str) -> None:
    module, hand_over = ("discarding_gateway", put) if which == "gateway" else ("discarding_uploadfile", post)
    command = [sys.executable, "-m", f"benchmarks.upload.contenders.{module}"]
    settings = {"SLUICE_KAFKA_BOOTSTRAP": "unused:1", **({"HASHED": "yes"} if which == "hashed" else {})}
    with server(command, "/docs", port_variable="SLUICE_HTTP_PORT", **settings) as running:
        before, began = running.cpu(), time.perf_counter()
        status = hand_over(running)
        if status != 202:
            raise RuntimeError(f"{which} answers {status}")
        say(cpu_s=running.cpu() - before, wall_s=time.perf_counter() - began, peak_rss_mib=running.peak_rss_mib())


main(sys.argv[1])
