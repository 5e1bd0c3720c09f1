import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sluice.auth import Grant
from sluice.auth.keyfile import KeyFile, KeysUnreadable, change_keys, read_keys, replace, with_key, with_revoked
from sluice.auth.keyring import LOOK_EVERY, KeyRing
from sluice.auth.keys import NAME, ApiKey, genuine, new_secret
from sluice.http import Refusal

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SALES = Grant.parse("read:sales")

moments = st.datetimes(timezones=st.just(UTC))
keys = st.builds(
    ApiKey,
    id=st.from_regex("[0-9a-f]{12}", fullmatch=True),
    name=st.from_regex(NAME.replace("$", ""), fullmatch=True),
    scopes=st.lists(st.sampled_from([SALES, Grant.parse("upload:*")]), min_size=1).map(tuple),
    sha256=st.from_regex("[0-9a-f]{64}", fullmatch=True),
    created=moments,
    expires=st.none() | moments,
    revoked=st.none() | moments,
)


def put(path, *secrets, expires=None):
    """Add these keys, all of a caller `ci` who may read sales."""
    for secret in secrets:
        key = ApiKey.of(secret, "ci", [SALES], NOW, expires)
        change_keys(path, lambda kept, key=key: with_key(kept, key))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


@pytest.fixture
def ring(path, ticks):
    """A ring with one key, and the text of it."""
    secret = new_secret()
    put(path, secret)
    return KeyRing(path, lambda: NOW, ticks), secret


async def code(ring, secret):
    with pytest.raises(Refusal) as caught:
        await ring(secret)
    return caught.value.status, caught.value.code, caught.value.detail, caught.value.headers


@given(st.lists(keys, unique_by=lambda key: key.id).map(tuple))
def test_a_file_of_keys_is_the_same_after_it_was_written_down(kept):
    assert KeyFile.model_validate_json(KeyFile(keys=kept).model_dump_json()).keys == kept


@given(st.binary())
def test_what_is_no_file_of_keys_is_told_as_such(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "no-keys.json"
    path.write_bytes(content)
    with pytest.raises(KeysUnreadable):
        read_keys(path)


def test_secrets_are_of_the_form_and_never_the_same():
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        key = ApiKey.of(secret, "ci", [SALES], NOW)
        assert secret.startswith(f"slk_{key.id}_")
        assert genuine(secret, key)
        assert secret[17:] not in key.model_dump_json()


SECRET = "slk_0123456789ab_" + "A" * 43
"""As `new_secret` draws them."""


@pytest.mark.parametrize("secret", ["", "slk_", "slk_0123456789ab_short", "x" + SECRET, SECRET + "x"])
def test_a_text_that_is_no_key_cannot_be_kept(secret):
    with pytest.raises(ValueError, match="a key is slk_"):
        ApiKey.of(secret, "ci", [SALES], NOW)
    assert genuine(SECRET, ApiKey.of(SECRET, "ci", [SALES], NOW))


@pytest.mark.parametrize("name", ["", "anonymous", "a|b", "a b", "-a", "a\n", "é", "x" * 65])
def test_a_name_cannot_be_that_of_another_kind_of_caller(name):
    with pytest.raises(ValueError, match="a name has"):
        ApiKey.of(new_secret(), name, [SALES], NOW)


async def test_a_key_tells_its_caller(ring):
    known, secret = ring
    caller = await known(secret)
    assert (caller.name, caller.grants) == ("ci", {SALES})


async def test_unknown_revoked_and_malformed_keys_get_one_answer(ring, path, ticks):
    known, secret = ring
    revoked, expired = new_secret(), new_secret()
    put(path, revoked)
    put(path, expired, expires=NOW)
    change_keys(path, lambda kept: with_revoked(kept, revoked.split("_")[1], NOW))
    change_keys(path, lambda kept: with_revoked(kept, expired.split("_")[1], NOW))
    ticks.now += LOOK_EVERY
    other = new_secret()
    forged = f"{secret[:17]}{other[17:]}"
    answers = {str(await code(known, each)) for each in (other, revoked, expired, forged, "slk_", "slk_é", secret[:-1])}
    assert len(answers) == 1
    assert "'unauthenticated'" in answers.pop()


async def test_only_whoever_has_an_expired_key_learns_that_it_has_expired(path):
    secret = new_secret()
    put(path, secret, expires=NOW + timedelta(seconds=1))
    assert (await KeyRing(path, lambda: NOW)(secret)).name == "ci"
    later = KeyRing(path, lambda: NOW + timedelta(seconds=1))
    assert (await code(later, secret))[:2] == (401, "credential-expired")
    assert (await code(later, secret[:17] + new_secret()[17:]))[:2] == (401, "unauthenticated")


async def test_a_changed_file_is_read_again_but_not_looked_at_all_the_time(ring, path, ticks):
    known, secret = ring
    change_keys(path, lambda kept: with_revoked(kept, secret.split("_")[1], NOW))
    ticks.now += LOOK_EVERY / 2
    assert (await known(secret)).name == "ci"
    ticks.now += LOOK_EVERY / 2
    assert (await code(known, secret))[:2] == (401, "unauthenticated")


@pytest.mark.parametrize("break_it", [lambda path: path.unlink(), lambda path: path.write_text('{"keys": [')])
async def test_while_the_file_is_broken_the_keys_read_before_stay_good(ring, path, ticks, break_it):
    known, secret = ring
    break_it(path)
    with capture_logs() as lines:
        for _ in range(3):
            ticks.now += LOOK_EVERY
            assert (await known(secret)).name == "ci"
    assert [line["log_level"] for line in lines] == ["error"]
    path.unlink(missing_ok=True)
    another = new_secret()
    put(path, another)
    ticks.now += LOOK_EVERY
    assert (await known(another)).name == "ci"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"keys\.json: No such file or directory. Write it with"),
        ("[]", "no file of keys"),
        ('{"keys": [{"id": "x", "secret": "hunter2"}]}', r"keys\.0\.id"),
        ('{"version": 2}', "version"),
    ],
)
def test_a_file_that_is_none_is_told_by_name_and_without_what_stands_in_it(path, content, says):
    if content is not None:
        path.write_text(content)
    with pytest.raises(KeysUnreadable, match=says) as caught:
        KeyRing(path, lambda: NOW)
    assert "hunter2" not in str(caught.value)


def test_two_keys_of_one_id_are_refused(path):
    put(path, new_secret())
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"keys": document["keys"] * 2}))
    with pytest.raises(KeysUnreadable, match="the same id"):
        read_keys(path)


def test_a_key_is_added_once_and_a_revoked_one_stays_so():
    secret = new_secret()
    key = ApiKey.of(secret, "ci", [SALES], NOW)
    (revoked,) = with_revoked((key,), key.id, NOW)
    assert with_key((revoked,), key) == (revoked,)
    assert with_revoked((revoked,), key.id, NOW + timedelta(days=1)) == (revoked,)
    with pytest.raises(ValueError, match="another key with the id"):
        with_key((key,), ApiKey.of(f"{secret[:17]}{new_secret()[17:]}", "ci", [SALES], NOW))
    with pytest.raises(ValueError, match="no key with the id 0"):
        with_revoked((key,), "0", NOW)


def test_many_that_write_at_once_lose_nothing_and_readers_see_whole_files(path):
    put(path, new_secret())
    secrets = [new_secret() for _ in range(24)]
    writers = [threading.Thread(target=put, args=(path, *secrets[number::8])) for number in range(8)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert read_keys(path)
    assert {key.id for key in read_keys(path)} >= {secret.split("_")[1] for secret in secrets}
    assert path.stat().st_mode & 0o777 == 0o600
    assert {each.name for each in path.parent.iterdir()} == {"keys.json", "keys.json.lock"}


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "keys.json").mkdir()
    with pytest.raises(IsADirectoryError):
        replace(tmp_path / "keys.json", b"{}")
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]
