"""Every shape that an answer has had, read alike."""

import json

import pytest

from sluice.druid import Answer, Role
from sluice.druid.versions import (
    Version,
    already_exists,
    capabilities,
    knows_no_column,
    knows_no_table,
    percent_loaded,
    row_counts,
)
from sluice.errors import Transient

COUNTS = {"processed": 7, "processedBytes": 900, "processedWithError": 1, "thrownAway": 2, "unparseable": 3}
BY_REASON = COUNTS | {"thrownAwayByReason": {"null": 2}}


def answer(status, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(Role.OVERLORD, "http://druid/x", status, content)


@pytest.mark.parametrize(
    ("text", "major", "locks", "marks"),
    [
        ("29.0.1", 29, False, False),
        ("30.0.0", 30, True, False),
        ("31.0.2", 31, True, False),
        ("32.0.0", 32, True, True),
        ("37.0.0-SNAPSHOT", 37, True, True),
        ("2026.01.0-iap", None, True, True),
        ("", None, True, True),
    ],
)
def test_a_version_says_what_it_can(text, major, locks, marks):
    version = Version.of(text)
    can = capabilities(version)
    assert (version.major, can.concurrent_locks, can.overlord_marks) == (major, locks, marks)


@pytest.mark.parametrize(
    ("status", "body", "exists"),
    [
        (400, {"error": "Task[x] already exists!"}, True),
        (
            400,
            {"error": "druidException", "errorCode": "entryAlreadyExists", "errorMessage": "Task[x] already exists"},
            True,
        ),
        (400, {"error": "druidException", "errorCode": "entryAlreadyExists", "errorMessage": "in other words"}, True),
        (400, {"error": "no such type"}, False),
        (500, {"error": "Task[x] already exists!"}, False),
    ],
)
def test_an_id_that_was_used_is_known_by_code_or_words(status, body, exists):
    assert already_exists(answer(status, body)) is exists


@pytest.mark.parametrize(
    ("status", "body", "percent"),
    [
        (200, {"sales": 100.0}, 100.0),
        (200, {"sales": 40.5}, 40.5),
        (200, b"No used segment found for the given datasource and interval", None),
        (204, b"", None),
    ],
)
def test_how_much_is_loaded(status, body, percent):
    assert percent_loaded(answer(status, body), "sales") == percent


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, b"forceMetadataRefresh must be specified"), (404, b"<html>default backend</html>"), (404, b"")],
)
def test_how_much_is_loaded_is_not_guessed(status, body):
    with pytest.raises(Transient):
        percent_loaded(answer(status, body), "sales")


@pytest.mark.parametrize("counts", [COUNTS, BY_REASON])
@pytest.mark.parametrize("stats", [lambda c: {"buildSegments": c}, lambda c: {"totals": {"buildSegments": c}}])
def test_rows_are_counted_in_both_shapes_and_a_reason_counts_nothing_twice(counts, stats):
    assert row_counts({"ingestionStatsAndErrors": {"payload": {"rowStats": stats(counts)}}}) == (7, 6)


@pytest.mark.parametrize("report", [{}, {"ingestionStatsAndErrors": {"payload": {"rowStats": None}}}])
def test_a_report_without_counts_says_none(report):
    assert row_counts(report) is None


def test_the_words_of_the_broker():
    assert knows_no_table(answer(400, {"errorMessage": "Object 'x' not found (line [1], column [2])"}))
    assert knows_no_column(answer(400, {"errorMessage": "Column '__task_id' not found in any table (line [1])"}))
    assert not knows_no_table(answer(500, {"errorMessage": "Object 'x' not found"}))
