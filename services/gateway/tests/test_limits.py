"""Limits are known before the upload, and hold: sizes by format, datasource and caller, uploads at once, and the pace."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.limits import SizeLimits
from gateway.settings import GatewaySettings
from sluice.events import FileFormat

SIZES = st.integers(1, 1000)


@given(
    SIZES,
    st.dictionaries(st.sampled_from(FileFormat), SIZES),
    st.none() | SIZES,
    st.none() | SIZES,
    st.sampled_from(FileFormat),
)
def test_the_more_special_limit_stands_and_a_caller_s_only_lowers(
    any_file: int, formats: dict[FileFormat, int], of_datasource: int | None, of_caller: int | None, kind: FileFormat
) -> None:
    limits = SizeLimits(
        any_file,
        10**6,
        formats,
        {"sales": of_datasource} if of_datasource else {},
        {"ci": of_caller} if of_caller else {},
    )
    expected = of_datasource or formats.get(kind, any_file)
    assert limits.of("sales", "somebody", kind) == expected
    assert limits.of("sales", "ci", kind) == (min(expected, of_caller) if of_caller else expected)
    assert limits.of("other", "somebody", kind) == formats.get(kind, any_file)
    assert limits.of("other", "somebody", None) == max([any_file, *formats.values()])


@pytest.fixture
def settings(settings: GatewaySettings) -> GatewaySettings:
    return settings.model_copy(
        update={
            "max_bytes_by_format": {FileFormat.PARQUET: 500},
            "max_uploads_of_caller": 3,
            "upload_rate": "5/hour",
            "command_rate": "2/hour",
        }
    )


async def test_limits_are_told(gateway: Any) -> None:
    told = (await gateway.http.get("/v1/limits", params={"datasource": "sales"})).json()
    assert told["max_bytes"] == {"csv": 1000, "xlsx": 1000, "xls": 1000, "parquet": 500}
    assert (told["max_uploads"], told["upload_rate"], told["command_rate"]) == (3, "5/hour", "2/hour")
    assert (await gateway.http.get("/v1/limits", params={"datasource": "../x"})).status_code == 422


async def test_a_format_s_limit_is_held_before_the_body_is_read(gateway: Any) -> None:
    parquet = b"PAR1" + b"x" * 497
    for body in (parquet, _chunks(parquet)):
        answer = await gateway.put("a.parquet", body)
        assert (answer.status_code, answer.json()["code"]) == (413, "file-too-large")
        assert "500 bytes" in answer.json()["detail"]
    assert gateway.store.left_behind() == []


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def test_one_caller_does_not_take_all_places(gateway: Any, eventually: Any) -> None:
    go = asyncio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        yield b"a,b\n1,2\n"
        await go.wait()

    async with asyncio.TaskGroup() as group:
        uploads = [group.create_task(gateway.put(body=waiting())) for _ in range(3)]
        await eventually(lambda: gateway.store.open_uploads == 3)
        busy = await gateway.put()
        go.set()
    assert (busy.status_code, busy.json()["code"]) == (503, "gateway-busy")
    assert {each.result().status_code for each in uploads} == {202}


async def test_beyond_the_pace_a_caller_is_told_when_to_come_again(gateway: Any) -> None:
    answers = [await gateway.put() for _ in range(6)]
    assert [each.status_code for each in answers] == [202] * 5 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"uploads";q=5;w=3600'
    left = [int(re.match(r'"uploads";r=(\d+);t=\d+$', each.headers["ratelimit"])[1]) for each in answers]
    assert left == [4, 3, 2, 1, 0, 0]
    refused = answers[5]
    assert refused.json()["code"] == "rate-limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 3600
    assert len(gateway.store.keys("accepted/")) == 5


async def test_commands_have_a_pace_of_their_own(gateway: Any) -> None:
    path = "/v1/tasks/0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10/cancel"
    answers = [(await gateway.http.post(path)).status_code for _ in range(3)]
    assert answers == [404, 404, 429]
    assert (await gateway.put()).status_code == 202
