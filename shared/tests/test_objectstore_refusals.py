"""What the store makes of a server that does not let us in: all of it is waited for, and no file is to blame."""

from contextlib import asynccontextmanager

import pytest

from sluice.errors import ObjectDenied, Permanent, Transient
from sluice.objectstore import CREDENTIALS, open_objectstore
from sluice.settings import S3Settings
from sluice.testing.servers import LocalServer, Reply

OF_400 = {"AuthorizationHeaderMalformed", "ExpiredToken", "InvalidToken", "RequestExpired", "TokenRefreshRequired"}


def refusal(code, more=""):
    body = f"<Error><Code>{code}</Code><Message>No.</Message>{more}</Error>".encode()
    return Reply(400 if code in OF_400 else 403, body, {"content-type": "application/xml"})


@asynccontextmanager
async def store_at(answer):
    with LocalServer(answer) as server:
        settings = S3Settings(s3_endpoint=server.url, s3_access_key="key", s3_secret_key="secret")
        async with open_objectstore(settings) as store:
            yield store


async def error_of(asked):
    with pytest.raises((Transient, Permanent)) as caught:
        await asked
    return caught.value


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("code", sorted(CREDENTIALS))
async def test_credentials_and_clocks_are_mended_by_an_operator(code, method):
    async with store_at(lambda _: refusal(code)) as store:
        error = await error_of(getattr(store, method)("outcomes/x"))
    assert type(error) is Transient
    assert code in str(error)
    assert "clock" in str(error)


@pytest.mark.parametrize("method", ["get", "head"])
async def test_what_is_not_open_to_us_is_told_from_that(method):
    async with store_at(lambda _: refusal("AccessDenied")) as store:
        error = await error_of(getattr(store, method)("outcomes/x"))
    assert type(error) is ObjectDenied
    assert isinstance(error, Transient)


@pytest.mark.parametrize(
    "reply",
    [
        refusal("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),  # of a bucket, not of us
        refusal("InvalidObjectState"),  # archived
    ],
)
async def test_what_lies_with_the_object_is_not_waited_for(reply):
    async with store_at(lambda _: reply) as store:
        assert type(await error_of(store.get("x"))) is Permanent


async def test_a_head_that_is_let_in_at_the_second_look_is_answered():
    found = Reply(200, b"12345", {"etag": '"e"', "last-modified": "Wed, 04 Mar 2026 05:06:07 GMT"})
    async with store_at(lambda asked: refusal("ExpiredToken") if asked.method == "HEAD" else found) as store:
        info = await store.head("x")
    assert (info.key, info.size, info.etag, info.written_at.year) == ("x", 5, "e", 2026)
