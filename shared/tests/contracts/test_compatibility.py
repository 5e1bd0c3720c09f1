"""Two versions of a contract: what differs, and whom it breaks."""

import pytest
from contract_builder import contract
from contract_changes import ACCEPTING, BOTH, NOBODY, READERS, SENDERS, changes, of_block, of_column, options

from sluice.contracts import compare, load_contract


def test_a_contract_beside_itself_has_no_changes():
    text = contract("- {name: x, logicalType: string, enum: [{value: a}], unique: true}", block=ACCEPTING)
    assert compare(load_contract(text), load_contract(text)).changes == ()
    described = text.replace("id: t", "id: other\nname: Another name\ndescription: {purpose: Prose}")
    assert not compare(
        load_contract(text), load_contract(described.replace("version: 1.0.0", "version: 2.0.0"))
    ).changes


@pytest.mark.parametrize(
    ("kind", "old", "new", "expected"),
    [
        ("string", "", "required: true", {"required": SENDERS}),
        ("string", "required: true", "", {"required": NOBODY}),
        ("string", "", "unique: true", {"unique": SENDERS}),
        ("string", "unique: true", "", {"unique": NOBODY}),
        ("string", "", "classification: confidential", {"classification": NOBODY}),
        ("string", "", "primaryKey: true", {"primary-key": SENDERS, "required": SENDERS}),
        ("string", "primaryKey: true", "", {"primary-key": NOBODY, "required": NOBODY}),
        ("integer", "", options(minimum=1), {"minimum": SENDERS}),
        ("integer", options(minimum=1), "", {"minimum": NOBODY}),
        ("integer", options(minimum=1), options(minimum=2), {"minimum": SENDERS}),
        ("integer", options(minimum=2), options(minimum=1), {"minimum": NOBODY}),
        ("integer", options(exclusiveMinimum=1), options(minimum=2), {}),
        ("integer", options(minimum=1), options(exclusiveMinimum=1), {"minimum": SENDERS}),
        ("number", options(exclusiveMinimum=1), options(minimum=2), {"minimum": SENDERS}),
        ("number", options(exclusiveMinimum=1), options(minimum=1), {"minimum": NOBODY}),
        ("integer", options(maximum=9), options(maximum=8), {"maximum": SENDERS}),
        ("integer", options(maximum=8), options(maximum=9), {"maximum": NOBODY}),
        ("integer", options(maximum=8), options(exclusiveMaximum=9), {}),
        ("number", options(maximum=9), options(exclusiveMaximum=9), {"maximum": SENDERS}),
        ("integer", options(format="i32"), options(format="i16"), {"minimum": SENDERS, "maximum": SENDERS}),
        ("integer", options(format="i16"), options(format="i64"), {"minimum": NOBODY, "maximum": NOBODY}),
        ("date", options(minimum="2024-01-01"), options(minimum="2024-01-02"), {"minimum": SENDERS}),
        ("date", options(exclusiveMinimum="2024-01-01"), options(minimum="2024-01-02"), {}),
        ("number", options(multipleOf=0.1), options(multipleOf=0.2), {"multiple-of": SENDERS}),
        ("number", options(multipleOf=0.2), options(multipleOf=0.1), {"multiple-of": NOBODY}),
        ("number", options(multipleOf=0.2), options(multipleOf=0.3), {"multiple-of": SENDERS}),
        ("number", options(multipleOf=0.2), "", {"multiple-of": NOBODY}),
        ("string", options(minLength=1), options(minLength=2), {"min-length": SENDERS}),
        ("string", options(minLength=2), options(minLength=1), {"min-length": NOBODY}),
        ("string", options(maxLength=1), options(maxLength=2), {"max-length": NOBODY}),
        ("string", "", options(maxLength=2), {"max-length": SENDERS}),
        ("string", options(maxLength=2), "", {"max-length": NOBODY}),
        ("string", options(pattern="a"), options(pattern="b"), {"pattern": SENDERS}),
        ("string", options(pattern="a"), "", {"pattern": NOBODY}),
        ("string", "", options(format="uuid"), {"format": SENDERS}),
        ("string", options(format="uuid"), "", {"format": NOBODY}),
        ("date", "", options(format="dd.MM.yyyy"), {"date-format": NOBODY}),
        ("date", options(format="dd.MM.yyyy"), "", {"date-format": SENDERS}),
        ("date", options(format="dd.MM.yyyy"), options(format="MM/dd/yyyy"), {"date-format": SENDERS}),
        ("date", "", options(format="yyyy-dd-MM"), {"date-format": SENDERS}),
        ("timestamp", "", options(format="yyyy-MM-dd HH:mm"), {"date-format": NOBODY}),
    ],
)
def test_of_one_column(kind, old, new, expected):
    assert of_column(old, new, kind) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("integer", "number", {"type": READERS}),
        ("date", "timestamp", {"type": READERS}),
        ("boolean", "string", {"type": READERS}),
        ("number", "integer", {"type": BOTH}),
        ("string", "date", {"type": BOTH}),
        ("timestamp", "date", {"type": BOTH}),
    ],
)
def test_a_wider_type_breaks_readers_only(old, new, expected):
    assert changes(*(contract(f"- {{name: x, logicalType: {kind}}}") for kind in (old, new))) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("integer, " + options(minimum=1), "number, " + options(minimum=1), {}),
        ("integer, " + options(minimum=1), "number, " + options(minimum=1.5), {"minimum": SENDERS}),
        ("integer, " + options(minimum=2), "number, " + options(exclusiveMinimum=1), {"minimum": NOBODY}),
        ("date", "timestamp, " + options(minimum="2024-01-01"), {"minimum": SENDERS}),
        ("date, " + options(minimum="2024-01-01"), "timestamp, " + options(minimum="2024-01-01"), {}),
        (
            "date, " + options(exclusiveMaximum="2024-01-01"),
            "timestamp, " + options(maximum="2023-12-31"),
            {},
        ),
        (
            "integer, " + options(maximum=5),
            "string, " + options(maxLength=1),
            {"maximum": NOBODY, "max-length": SENDERS},
        ),
    ],
)
def test_of_a_wider_type_the_rules_count_as_well(old, new, expected):
    found = changes(*(contract(f"- {{name: x, logicalType: {kind}}}") for kind in (old, new)))
    assert found == {"type": READERS, **expected}


def test_a_date_in_a_format_of_its_own_is_no_timestamp():
    old = contract("- {name: x, logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}}")
    assert changes(old, contract("- {name: x, logicalType: timestamp}")) == {"type": BOTH}


X = "- {name: x, logicalType: string}\n"
IGNORING = "policy: {extraColumns: ignore}"
Y = "- {name: y, logicalType: string}\n"


def called(name: str, *aliases: str, more: str = "") -> str:
    return f"columns: {{{name}: {{aliases: [{', '.join(aliases)}]}}}}\n{more}"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (contract(), contract(X), {"column-added": SENDERS}),
        (contract(X), contract(), {"column-removed": BOTH}),
        (contract(X, block=IGNORING), contract(block=IGNORING), {"column-removed": READERS}),
        (contract(X), contract(Y), {"column-removed": BOTH, "column-added": SENDERS}),
        (contract(X), contract(Y, block=called("y", "X")), {"column-renamed": READERS}),
        (contract(X), contract(X, block=called("x", "ex")), {"aliases": NOBODY}),
        (contract(X, block=called("x", "ex", "iks")), contract(X, block=called("x", "EX")), {"aliases": SENDERS}),
        (contract(X, block=IGNORING), contract(X, block=called("x", "ex", more=IGNORING)), {"aliases": SENDERS}),
    ],
)  # fmt: skip
def test_of_the_columns(old, new, expected):
    assert changes(old, new) == expected


def test_a_renamed_column_keeps_its_rules_and_limits():
    def of(name: str, minimum: int) -> str:
        limits = f"policy: {{mode: accept-good-rows, rules: [{{rule: minimum, column: {name}, max: {{rows: 5}}}}]}}"
        return contract(
            f"""
            - {{name: {name}, logicalType: integer, primaryKey: true, logicalTypeOptions: {{minimum: {minimum}}},
               quality: [{{metric: duplicateValues, mustBeLessThan: 9}}]}}
            """,
            block=limits if name == "x" else called(name, "x", more=limits),
        )

    assert changes(of("x", 1), of("y", 1)) == {"column-renamed": READERS}
    assert changes(of("x", 1), of("y", 2)) == {"column-renamed": READERS, "minimum": SENDERS}


def test_of_two_columns_that_became_one_only_one_may_be_sent():
    old, new = contract(X + Y), contract("- {name: z, logicalType: string}", block=called("z", "x", "y"))
    assert changes(old, new) == {"column-removed": BOTH, "column-renamed": READERS, "aliases": NOBODY}


def test_another_time_column_breaks_readers_and_other_segments_nobody():
    days = "- {name: day, logicalType: date, required: true}"
    old = contract(days)
    assert changes(old, old.replace("timeColumn: at", "timeColumn: day")) == {"time-column": READERS}
    assert changes(old, old.replace("timeColumn: at", "timeColumn: at\n        timeLimitMinutes: 5")) == {
        "time-limit": NOBODY
    }
    assert changes(old, old.replace("timeColumn: at", "timeColumn: at\n        segmentGranularity: month")) == {
        "granularity": NOBODY
    }
    assert changes(old, old.replace("name: orders", "name: returns")) == {"datasource": BOTH}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (("x", "y"), ("x",), SENDERS),
        (("x",), ("x", "y"), NOBODY),
        (("x",), ("y",), SENDERS),
        (("x", "y"), ("y", "x"), None),
    ],
)
def test_a_key_of_fewer_columns_is_stricter(old, new, expected):
    def keyed(*key: str) -> str:
        keys = {name: f", primaryKey: true, primaryKeyPosition: {key.index(name) + 1}" for name in key}
        return contract(
            "".join(f"- {{name: {n}, logicalType: string, required: true{keys.get(n, '')}}}\n" for n in "xy")
        )

    assert changes(keyed(*old), keyed(*new)) == ({"primary-key": expected} if expected else {})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "dialect: {encoding: utf8}", {}),
        ("", "dialect: {encoding: utf-8-sig}", {}),
        ("", "dialect: {encoding: windows-1252}", {"dialect": SENDERS}),
        ("", "dialect: {delimiter: ';'}", {"dialect": SENDERS}),
        ("", "dialect: {quote: \"'\"}", {"dialect": SENDERS}),
        ("dialect: {delimiter: ';'}", "dialect: {delimiter: ';', decimal: ','}", {"dialect": SENDERS}),
        ("", "dialect: {sheet: Sales}", {"dialect": SENDERS}),
        ("", "dialect: {headerRow: 3}", {"dialect": SENDERS}),
        ("", "dialect: {skipAfterHeader: 1}", {"dialect": SENDERS}),
        ("", "dialect: {footerRows: 1}", {"dialect": SENDERS}),
        ("", "dialect: {nullWords: [n/a]}", {"dialect": SENDERS}),
        ("dialect: {nullWords: [n/a, '-']}", "dialect: {nullWords: ['-', n/a]}", {}),
        ("", "dialect: {trueWords: ['TRUE', '1', ja]}", {"dialect": NOBODY}),
        ("", "dialect: {trueWords: [ja]}", {"dialect": SENDERS}),
        ("", "dialect: {falseWords: [nein]}", {"dialect": SENDERS}),
        ("", "policy: {extraColumns: ignore}", {"extra-columns": NOBODY}),
        ("policy: {extraColumns: ignore}", "policy: {extraColumns: refuse}", {"extra-columns": SENDERS}),
        ("policy: {extraColumns: keep}", "policy: {extraColumns: ignore}", {"extra-columns": READERS}),
        ("policy: {extraColumns: keep}", "policy: {extraColumns: refuse}", {"extra-columns": BOTH}),
        ("", "sameContent: refuse", {"same-content": SENDERS}),
        ("sameContent: refuse", "sameContent: return-existing", {"same-content": NOBODY}),
        ("", ACCEPTING, {"policy": NOBODY}),
        (ACCEPTING, "", {"policy": SENDERS}),
        ("", "policy: {mode: accept-good-rows, maxRejected: {rows: 5}}", {"policy": NOBODY}),
        (ACCEPTING, "policy: {mode: accept-good-rows, maxRejected: {rows: 5}}", {"limit": SENDERS}),
        ("policy: {mode: accept-good-rows, maxRejected: {rows: 5}}", ACCEPTING, {"limit": NOBODY}),
        (
            "policy: {mode: accept-good-rows, maxRejected: {percent: 5}}",
            "policy: {mode: accept-good-rows, maxRejected: {percent: 6}}",
            {"limit": NOBODY},
        ),
        (
            "policy: {mode: accept-good-rows, rules: [{rule: type, max: {rows: 5}}]}",
            "policy: {mode: accept-good-rows, rules: [{rule: type, max: {rows: 4}}]}",
            {"limit": SENDERS},
        ),
    ],
)  # fmt: skip
def test_of_our_block(old, new, expected):
    assert of_block(old, new) == expected


def test_a_change_says_what_was_and_what_is():
    def of(low: str, longest: int) -> str:
        return contract(
            f"- {{name: x, logicalType: timestamp, logicalTypeOptions: {{exclusiveMinimum: {low}}}}}\n"
            f"- {{name: y, logicalType: string, logicalTypeOptions: {{maxLength: {longest}}}}}\n"
        )

    found = compare(load_contract(of("2024-01-01", 60)), load_contract(of("2024-01-02T10:00:00Z", 40)))
    assert found.breaking
    assert [change.message for change in found.changes] == [
        "The minimum of x was 2024-01-01T00:00:00.000001Z and is 2024-01-02T10:00:00.000001Z.",
        "The max-length of y was 60 and is 40.",
    ]


def test_a_key_that_is_gone_is_said_to_be_none():
    old, new = contract("- {name: x, logicalType: string, required: true, primaryKey: true}"), contract(X)
    told = [change.message for change in compare(load_contract(old), load_contract(new)).changes]
    assert "The primary key was x and is none." in told


def test_an_encoding_that_is_not_said_is_utf_8():
    (change,) = compare(load_contract(contract()), load_contract(contract(block="dialect: {encoding: cp1252}"))).changes
    assert change.message == "The encoding was utf-8 and is cp1252."
