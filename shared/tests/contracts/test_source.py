"""YAML with its lines, and the traps of YAML."""

import json
import textwrap

import pytest
from contract_builder import contract, refusals

from sluice.contracts import faults_of, load_contract
from sluice.contracts.document import document_json
from sluice.contracts.source import read_source
from sluice.errors import ContractInvalid


def refused(text: str | bytes) -> str:
    with pytest.raises(ContractInvalid) as error:
        read_source(text)
    return str(error.value)


def test_each_part_knows_its_line_and_its_own_spelling():
    source = read_source(
        textwrap.dedent("""
            a: 1
            b:
              - x: 007
              - 'yes'
        """)
    )
    assert source.value == {"a": 1, "b": [{"x": 7}, "yes"]}
    assert [source.line(path) for path in ((), ("a",), ("b",), ("b", 0, "x"), ("b", 1))] == [2, 2, 3, 4, 5]
    assert source.text(("b", 0, "x")) == "007"
    assert source.line(("b", 0, "missing", "deeper")) == 4


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("'true'", "true"),
        ("2024-01-31", "2024-01-31"),
        ("12:30:00", "12:30:00"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("1.0.0", "1.0.0"),
        ("!!str a", "a"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written, meant):
    assert read_source(f"a: {written}").value == {"a": meant}


def test_anchors_may_be_used():
    assert read_source("a: &x [1]\nb: *x").value == {"a": [1], "b": [1]}


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb(9), "line 1: more than 100000 entries"),
        ("a: &a " + "x" * 100_000 + "\nb: [" + "*a, " * 25 + "]", "line 1: more than 2000000 characters"),
        ("a: &a {? " + "x" * 100_000 + " : 1}\nb: [" + "*a, " * 25 + "]", "line 1: more than 2000000 characters"),
        ("a: &a [*a]", "line 1: nested more than 60 levels"),
        ("a: " + "[" * 61 + "]" * 61, "line 1: nested more than 60 levels"),
        ("a:\n  " + "[" * 100_000, "line 1: nested more than 60 levels"),
        ("a: 1\nb: 2\na: 3", "line 3: 'a' stands in line 1 already"),
        ("a: {b: 1, b: 2}", "line 1: 'b' stands in line 1 already"),
        ("a: &a {b: 1}\nc:\n  <<: *a", "line 3: a key must be a plain word"),
        ("[a, b]: 1", "line 1: a key must be a plain word"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: tags such as 'tag:yaml.org,2002:python"),
        ("a: !secret x", "line 1: tags such as '!secret'"),
        ("a: !!binary aGk=", "line 1: tags such as 'tag:yaml.org,2002:binary'"),
        ("a:\n\t- b", "line 2: not YAML"),
        ("a: [1, 2\nb: 3", "line 2: not YAML"),
        ("a: 1\n---\nb: 2", "line 2: not YAML"),
        ("a: *nobody", "line 1: not YAML: found undefined alias"),
        ("a: \x00", "line 1: not YAML: it holds a character that is no text"),
        ("", "line 1: the contract is empty"),
        ("# only a remark", "line 1: the contract is empty"),
        ("a: " + "x" * 1_000_000, "line 1: a contract may have 1000000 bytes at most"),
        ("a: " + "ä" * 500_000, "line 1: a contract may have 1000000 bytes at most"),
    ],
    ids=range(22),
)
def test_the_traps_of_yaml_are_refused_in_their_line(text, said):
    assert refused(text).startswith(said)


def test_bytes_are_utf_8_with_or_without_a_mark():
    assert read_source("a: ä".encode()).value == {"a": "ä"}
    assert read_source(b"\xef\xbb\xbfa: 1").value == {"a": 1}
    assert refused("a: 1\nb: Zürich".encode("latin-1")) == "line 2: not UTF-8; save the contract as UTF-8"
    assert refused("a: 1".encode("utf-16")) == "line 1: not UTF-8; save the contract as UTF-8"


def test_a_contract_is_refused_with_every_fault_up_to_a_number():
    many = "\n".join(f"- {{name: x{number}, logicalType: object}}" for number in range(25))
    told = refusals(contract(many))
    assert told[0].startswith("line 12: schema/0/properties/1/logicalType: object cannot be honoured")
    assert len(told) == 21
    assert told[-1] == "… and 5 more"


def test_words_of_the_contract_are_made_safe_to_show():
    text = contract('- {name: x, logicalType: string, "a\\nline 1: all is well": 1}')
    (told,) = refusals(text)
    assert told.startswith("line 12: schema/0/properties/1/a\\nline 1: all is well: no key of the Open Data")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1", [(1, "document")]),
        (b"a: 1\nb: \xff", [(2, "document")]),
        ("", [(1, "document")]),
        (contract("- {name: x, logicalType: text}\n- {name: x, logicalType: string}"), None),
    ],
)
def test_whatever_makes_a_contract_invalid_is_told_as_data(text, expected):
    with pytest.raises(ContractInvalid) as error:
        load_contract(text)
    told = faults_of(error.value)
    if expected:
        assert [(fault.line, fault.place) for fault in told] == expected
    assert all(fault.message and fault.message in str(error.value) for fault in told)
    assert faults_of(ContractInvalid("something\x00else"))[0].message == "something\\x00else"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("1e999", "1e999"),
        ("-1e999", "-1e999"),
        ("1e3", 1000.0),
        ("9" * 40, int("9" * 40)),
        ("007", 7),
        ('"\\ud800 \\0 é"', "\ud800 \0 é"),
        ("~", None),
        ("[yes, {b: 2024-01-31}]", ["yes", {"b": "2024-01-31"}]),
    ],
)
def test_a_document_is_shown_as_json_that_everybody_reads(written, shown):
    document = document_json(f"a: {written}")
    assert json.loads(document, parse_constant=pytest.fail) == {"a": shown}
    document.encode("ascii")
