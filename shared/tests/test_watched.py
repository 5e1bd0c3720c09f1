"""Files that are read again when they change."""

import pytest
from structlog.testing import capture_logs

from sluice.errors import Permanent
from sluice.watched import LOOK_EVERY, Watched


class Broken(Permanent):
    pass


@pytest.fixture
def first(tmp_path):
    path = tmp_path / "first"
    path.write_text("second")
    return path


@pytest.fixture
def watched(first, tmp_path):
    """The text of the file that the first one names; moved on by setting `now`."""
    (tmp_path / "second").write_text("a")

    def read():
        other = tmp_path / first.read_text()
        if not other.exists():
            raise Broken("no such file")
        return other.read_text(), {first, other}

    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    clock = Clock()
    found = Watched("texts", read, clock)

    def look():
        clock.now += LOOK_EVERY
        return found()

    look.at_once = found
    return look


def test_what_changes_is_read_again_but_not_at_each_call(watched, tmp_path):
    assert watched() == "a"
    (tmp_path / "second").write_text("b")
    assert watched.at_once() == "a"
    assert watched() == "b"


def test_a_file_that_is_named_later_is_watched_too(watched, first, tmp_path):
    (tmp_path / "third").write_text("c")
    first.write_text("third")
    assert watched() == "c"
    (tmp_path / "third").write_text("d")
    assert watched() == "d"


def test_while_it_is_broken_what_was_read_last_stays_good_and_it_is_said_once(watched, first, tmp_path):
    with capture_logs() as lines:
        first.write_text("gone")
        assert [watched() for _ in range(3)] == ["a"] * 3
        (tmp_path / "gone").write_text("e")  # nobody knew that it stands on this one
        assert watched() == "e"
    assert [line["event"] for line in lines] == ["what was read before stays good", "read again"]


def test_nothing_to_begin_with_is_an_error(first):
    def read():
        raise Broken("no such file")

    with pytest.raises(Broken):
        Watched("texts", read)
