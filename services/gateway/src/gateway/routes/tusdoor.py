"""What tus 1.0.0 asks of every request and answer, before any route is looked for."""

from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sluice.http import Refusal, problem

PATH = "/v1/uploads"
VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class TusDoor:
    """ASGI middleware before the gate: the method that is meant, the version that is spoken."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] == PATH or scope["path"].startswith(f"{PATH}/")):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        method = headers.get("x-http-method-override", scope["method"]).upper()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Tus-Resumable"] = VERSION
            await send(message)

        spoken = headers.get("tus-resumable")
        if method == "OPTIONS" or spoken == VERSION:
            await self.app({**scope, "method": method}, receive, answer)
        else:
            await problem(_other_version(spoken))(scope, receive, answer)


def _other_version(spoken: str | None) -> Refusal:
    said = "speaks another version" if spoken else "does not say which version it speaks"
    detail = f"The request {said} of tus. Send Tus-Resumable: {VERSION}; whoever wants no tus sends whole files."
    return Refusal("tus-version-unsupported", detail, {"Tus-Version": VERSION})
