import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.auth import ANY, ANYBODY, Caller, Grant, Verb
from sluice.auth.grants import known_grants
from sluice.events import DATASOURCE_PATTERN

names = st.from_regex(DATASOURCE_PATTERN, fullmatch=True).filter(lambda name: not name.endswith("\n"))
grants = st.builds(Grant, st.sampled_from(Verb), st.one_of(st.just(ANY), names))


@given(grants)
def test_a_grant_is_the_same_after_it_was_written_down(grant):
    assert Grant.parse(str(grant)) == grant


@given(st.text())
def test_what_is_no_scope_is_refused_and_what_is_one_comes_back(text):
    try:
        grant = Grant.parse(text)
    except ValueError:
        return
    assert str(grant) == text


@pytest.mark.parametrize(
    "scope",
    [
        *(
            "",
            "read",
            "read:",
            ":sales",
            "READ:sales",
            "read:Sales",
            "read:sales\n",
            "read:**",
            "read:sa*",
            "read: sales",
        ),
        *("read:sales:x", "write:sales", "*:sales", "read:../sales"),
    ],
)
def test_a_scope_is_exact_or_none(scope):
    with pytest.raises(ValueError, match="a scope is <verb>:<datasource>"):
        Grant.parse(scope)


@given(st.frozensets(grants), st.sampled_from(Verb), names)
def test_a_caller_may_what_is_granted_and_nothing_else(given_grants, verb, name):
    caller = Caller("x", given_grants)
    assert caller.may(verb, name) == any(
        grant.verb is verb and grant.datasource in {name, ANY} for grant in given_grants
    )
    allowed = caller.datasources(verb)
    assert caller.may(verb, name) == (allowed is None or name in allowed)
    assert caller.may(verb, None) == (allowed != frozenset())


def test_no_grant_implies_another():
    caller = Caller("x", frozenset({Grant.parse("manage:sales")}))
    assert [verb for verb in Verb if caller.may(verb, "sales")] == [Verb.MANAGE]


def test_a_datasource_that_is_asked_for_as_a_pattern_is_not_one():
    assert not Caller("x", frozenset({Grant.parse("read:sales")})).may(Verb.READ, ANY)


def test_scopes_of_others_are_passed_over():
    assert known_grants(["openid", "read:sales", "repo:status"]) == {Grant(Verb.READ, "sales")}


def test_anybody_may_everything():
    assert all(ANYBODY.may(verb, "sales") for verb in Verb)
