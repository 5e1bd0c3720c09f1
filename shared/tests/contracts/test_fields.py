"""Properties of a contract as columns: types, and rules on single cells."""

import datetime as dt

import pytest
from contract_builder import contract, loaded, refusals

from sluice.contracts import Bound, Field, FieldType, StringFormat

DAY = (dt.date(2024, 1, 31) - dt.date(1970, 1, 1)).days
NOON = int(dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC).timestamp()) * 1_000_000


def column(kind: str, options: str = "") -> str:
    """A column x in YAML's flow style, in line 12."""
    return f"- {{name: x, logicalType: {kind}{', logicalTypeOptions: {' + options + '}' if options else ''}}}"


def field(kind: str, options: str = "") -> Field:
    return loaded(column(kind, options)).field("x")


def said(kind: str, options: str) -> list[str]:
    """What is said of the options of x; each is in its line."""
    start = "line 12: schema/0/properties/1/logicalTypeOptions"
    found = refusals(contract(column(kind, options)))
    assert all(each.startswith(start) for each in found), found
    return [each.removeprefix(start).removeprefix("/") for each in found]


@pytest.mark.parametrize("kind", list(FieldType))
def test_every_type_that_a_cell_can_have_loads(kind):
    assert field(kind) == Field("x", kind)


@pytest.mark.parametrize(
    ("kind", "options", "low", "high"),
    [
        ("integer", "minimum: 1, maximum: 5", Bound(1), Bound(5)),
        ("integer", "exclusiveMinimum: 1, exclusiveMaximum: 5", Bound(1, exclusive=True), Bound(5, exclusive=True)),
        ("number", "minimum: -0.5, exclusiveMaximum: 1e3", Bound(-0.5), Bound(1000.0, exclusive=True)),
        ("number", "minimum: 1, exclusiveMinimum: 1", Bound(1, exclusive=True), None),
        ("number", "minimum: 2, exclusiveMinimum: 1, maximum: 9, exclusiveMaximum: 9.5", Bound(2), Bound(9)),
        ("integer", "format: i8", Bound(-128), Bound(127)),
        ("integer", "format: u16, maximum: 10", Bound(0), Bound(10)),
        ("integer", "format: i64", None, None),
        ("number", "format: f64", None, None),
        ("date", "minimum: 2024-01-31, exclusiveMaximum: 2024-02-01", Bound(DAY), Bound(DAY + 1, exclusive=True)),
        ("timestamp", "minimum: 2024-01-31T12:00:00Z", Bound(NOON), None),
        ("timestamp", "maximum: '2024-01-31 14:00:00+02:00'", None, Bound(NOON)),
        ("timestamp", "exclusiveMinimum: 2024-01-31", Bound(DAY * 86_400_000_000, exclusive=True), None),
    ],
)
def test_ranges(kind, options, low, high):
    assert (field(kind, options).minimum, field(kind, options).maximum) == (low, high)


def test_lengths_patterns_and_steps():
    text = field("string", "minLength: 2, maxLength: 9, pattern: '^[A-Z]', format: email")
    assert (text.min_length, text.max_length, text.pattern) == (2, 9, "^[A-Z]")
    assert text.string_format is StringFormat.EMAIL
    assert field("integer", "multipleOf: 5").multiple_of == 5
    assert field("number", "multipleOf: 0.05").multiple_of == 0.05


@pytest.mark.parametrize("name", list(StringFormat))
def test_formats_of_text(name):
    assert field("string", f"format: {name}").string_format is name


@pytest.mark.parametrize(
    ("kind", "jdk", "strptime"),
    [
        ("date", "dd.MM.yyyy", "%d.%m.%Y"),
        ("date", "d MMM uuuu", "%d %b %Y"),
        ("timestamp", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S.%3f%:z"),
        ("timestamp", "MM/dd/yyyy hh:mm a", "%m/%d/%Y %I:%M %p"),
        ("timestamp", "yyyy-MM-dd 'at' H:mm 'o''clock'", "%Y-%m-%d at %H:%M o'clock"),
        ("date", "yyyy%MM%dd", "%Y%%%m%%%d"),
    ],
)
def test_formats_of_dates(kind, jdk, strptime):
    quoted = jdk.replace('"', '\\"')
    assert field(kind, f'format: "{quoted}"').format == strptime


def test_flags_and_the_classification():
    flagged = loaded("- {name: x, logicalType: string, required: true, unique: true, classification: Restricted}")
    assert flagged.field("x") == Field("x", FieldType.STRING, required=True, unique=True, classified=True)
    assert not loaded("- {name: x, logicalType: string, classification: Public}").field("x").classified


def test_a_key_of_several_columns_is_in_the_order_of_its_positions():
    keyed = loaded("""
        - {name: x, logicalType: string, primaryKey: true, primaryKeyPosition: 2}
        - {name: y, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
    """)
    assert keyed.primary_key == ("y", "x")
    assert keyed.field("x").required
    assert keyed.field("y").required


@pytest.mark.parametrize("position", ["", ", primaryKeyPosition: 1", ", primaryKeyPosition: 0"])
def test_a_key_of_several_columns_needs_its_positions(position):
    text = contract(f"""
        - {{name: x, logicalType: string, primaryKey: true, primaryKeyPosition: 1}}
        - {{name: y, logicalType: string, primaryKey: true{position}}}
    """)
    place = "line 13: schema/0/properties/2/primaryKeyPosition: several columns make the primary key"
    assert [each for each in refusals(text) if each.startswith(place)]


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("string", "format: password", "format: 'password' cannot be honoured; possible are email, uri"),
        ("integer", "format: i128", "format: cannot be honoured; possible are i8"),
        ("date", "format: EEE dd MMM yyyy", "format: EEE cannot be honoured"),
        ("date", "format: dd.MM.yy", "format: yy cannot be honoured"),
        ("date", "format: MM.yyyy", "format: year, month and day must all be there"),
        ("date", "format: dd.MM.yyyy HH:mm", "format: a date has no time of day"),
        ("timestamp", "format: dd.MM.yyyy", "format: the time of day is missing"),
        ("timestamp", "format: 'dd.MM.yyyy hh:mm'", "format: hh counts to twelve"),
        ("timestamp", "format: 'dd.MM.yyyy HH'", "format: hours stand without minutes"),
        ("timestamp", "format: 'dd.MM.yyyy HH:mm.SSS'", "format: fractions of a second stand without seconds"),
        ("date", "format: 'yyyy-MM-dd[x]'", "format: '[x]' cannot be honoured"),
        ("string", "pattern: '(?=a)b'", "pattern: look-around ((?=) cannot be honoured"),
        ("string", "minLength: 5, maxLength: 4", "minLength: is above maxLength"),
        ("integer", "minimum: 5, maximum: 4", ": the minimum is above the maximum"),
        ("integer", "exclusiveMinimum: 4, exclusiveMaximum: 5", ": the minimum is above the maximum"),
        ("number", "minimum: 5, exclusiveMaximum: 5", ": the minimum is above the maximum"),
        ("integer", "minimum: 300, format: u8", ": the minimum is above the maximum"),
        ("date", "minimum: 2024-02-01, maximum: 2024-01-01", ": the minimum is above the maximum"),
        ("date", "minimum: 2024-02-30", "minimum: '2024-02-30' is no date in ISO 8601"),
        ("date", "minimum: '2024-02-01T10:00:00'", "minimum: '2024-02-01T10:00:00' has a time of day"),
        ("timestamp", "maximum: yesterday", "maximum: 'yesterday' is no timestamp in ISO 8601"),
        ("integer", "multipleOf: 0.5", "multipleOf: must be a whole number for an integer"),
        ("number", "multipleOf: 1e999", "multipleOf: must be a number above 0"),
        ("number", "multipleOf: 1e-300", "multipleOf: must be within 1e-15 and 1e+15"),
        ("integer", "multipleOf: 1e300", "multipleOf: must be within 1e-15 and 1e+15"),
        ("number", "maximum: 1e999", "maximum: must be a finite number"),
        ("integer", f"minimum: {10**39}", "minimum: an integer has 64 bits at most"),
        ("integer", "exclusiveMaximum: -1e300", "exclusiveMaximum: an integer has 64 bits at most"),
        ("string", f"minLength: {10**39}", "minLength: no text has more than 2,147,483,648 characters"),
        ("string", f"maxLength: {10**39}", "maxLength: no text has more than 2,147,483,648 characters"),
        ("timestamp", "timezone: true", "timezone: cannot be demanded"),
        ("timestamp", "defaultTimezone: Europe/Berlin", "defaultTimezone: only UTC can be honoured"),
        ("boolean", "minLength: 1", "minLength: cannot be honoured for boolean; possible are: none"),
        ("string", "minimum: 1", "minimum: no key of the Open Data Contract Standard here"),
        ("string", "minLength: -1", "minLength: not as the Open Data Contract Standard has it"),
        ("integer", "multipleOf: 0", "multipleOf: not as the Open Data Contract Standard has it"),
        ("date", "minimum: 5", "minimum: not as the Open Data Contract Standard has it: must be of type string"),
    ],
)
def test_options_that_cannot_be_honoured_are_refused_in_their_line(kind, options, expected):
    assert [each for each in said(kind, options) if each.startswith(expected)], said(kind, options)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("- {name: x}", "line 12: schema/0/properties/1: logicalType is missing; it must be one of string, integer"),
        ("- {name: x, logicalType: money}", "line 12: schema/0/properties/1/logicalType: not as the Open Data"),
        ("- {name: x, logicalType: time}", "line 12: schema/0/properties/1/logicalType: time cannot be honoured"),
        ("- {name: ' x', logicalType: string}", "line 12: schema/0/properties/1/name: a name has 1 to 255 characters"),
        ('- {name: "a\\nb", logicalType: string}', "line 12: schema/0/properties/1/name: a name has 1 to 255"),
        ("- {name: __x, logicalType: string}", "line 12: schema/0/properties/1/name: names that begin with __"),
        ("- {name: '*', logicalType: string}", "line 12: schema/0/properties/1/name: * would be read as a pattern"),
        ("- {name: '^a.*$', logicalType: string}", "line 12: schema/0/properties/1/name: ^a.*$ would be read as"),
        ("- {name: at, logicalType: string}", "line 12: schema/0/properties/1/name: two properties have the same name"),
        (
            "- {logicalType: string}",
            "line 12: schema/0/properties/1: not as the Open Data Contract Standard has it: name",
        ),
    ],
)
def test_columns_that_cannot_be_are_refused_in_their_line(properties, expected):
    assert [each for each in refusals(contract(properties)) if each.startswith(expected)], refusals(
        contract(properties)
    )


def test_of_a_type_that_no_cell_has_nothing_more_is_said():
    text = contract("- {name: x, logicalType: array, logicalTypeOptions: {minItems: 1}, items: {logicalType: string}}")
    assert refusals(text) == [
        "line 12: schema/0/properties/1/logicalType: array cannot be honoured: a cell holds one value; keep it as a string"
    ]
