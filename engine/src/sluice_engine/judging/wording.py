"""What rules say to people: what a cell must be, and what to do."""

import datetime as dt

from sluice.contracts import Bound, Field, FieldType, StringFormat

KINDS = {
    FieldType.STRING: "text",
    FieldType.INTEGER: "a whole number",
    FieldType.NUMBER: "a number with a decimal point, such as 12.5",
    FieldType.BOOLEAN: "true or false",
    FieldType.TIMESTAMP: "a timestamp such as 2024-01-31T12:00:00Z",
    FieldType.DATE: "a date such as 2024-01-31",
}
FORMATS = {
    StringFormat.EMAIL: "an e-mail address, such as name@example.org",
    StringFormat.URI: "a URI, such as https://example.org/",
    StringFormat.UUID: "a UUID, such as 123e4567-e89b-12d3-a456-426614174000",
    StringFormat.IPV4: "an IPv4 address, such as 192.0.2.1",
    StringFormat.IPV6: "an IPv6 address, such as 2001:db8::1",
    StringFormat.HOSTNAME: "a host name, such as www.example.org",
}
HINTS = {
    "required": "Fill the cell.",
    "null-values": "Fill the cell.",
    "missing-values": "Fill the cell.",
    "minimum": "Correct the value, or its unit.",
    "maximum": "Correct the value, or its unit.",
    "max-length": "Shorten the text.",
}
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def expected_type(field: Field, decimal: str = ".") -> str:
    """What a cell of the column must be."""
    if field.type is FieldType.NUMBER and decimal == ",":
        return "a number with a decimal comma, such as 12,5"
    if field.format is None:
        return KINDS[field.type]
    return f"{field.type.value} written as {field.format.replace('%', '')}, or in ISO 8601"


def expected_format(kind: StringFormat) -> str:
    return FORMATS[kind]


def bound_text(field: Field, bound: Bound) -> str:
    """The end of a range as people write it."""
    try:
        if field.type is FieldType.TIMESTAMP:
            return (EPOCH + dt.timedelta(microseconds=bound.value)).isoformat().replace("+00:00", "Z")
        if field.type is FieldType.DATE:
            return (EPOCH + dt.timedelta(days=bound.value)).date().isoformat()
    except OverflowError:
        return f"{bound.value:g}"
    return str(bound.value) if isinstance(bound.value, int) else step_text(bound.value)


def step_text(number: float) -> str:
    """A number of a contract, whole ones without a fraction."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 10**15 else repr(number)
