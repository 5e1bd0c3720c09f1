"""What the Open Data Contract Standard shows in its examples, one by one: it loads, or is refused with the reason and the line."""

import json
from importlib.resources import files

import pytest
from contract_builder import BLOCK, contract, loaded, refusals

from sluice.contracts import load_contract

NO_BLOCK = (
    "customProperties: exactly one entry with property: sluice is needed, and its value: {druid: {timeColumn: …}}"
)
UNKNOWN = "no key of the Open Data Contract Standard here; correct it, or keep what is your own in customProperties"
NOT_SO = "not as the Open Data Contract Standard has it: "

DESCRIBING = {
    "authoritative definitions": {
        "properties": """
            - name: x
              logicalType: string
              authoritativeDefinitions: [{url: "https://wiki.example/x", type: implementation, description: Made by us.}]
        """,
        "table": "authoritativeDefinitions: [{url: 'https://wiki.example/orders', type: videoTutorial}]",
        "top": "authoritativeDefinitions: [{url: 'https://wiki.example', type: canonicalUrl}]",
    },
    "names and texts": {
        "properties": """
            - name: x
              id: column_x
              businessName: The ex
              physicalName: col_x
              description: What it was.
              logicalType: string
              physicalType: varchar(2)
              examples: [ab, cd]
              criticalDataElement: true
              encryptedName: x_secret
              transformSourceObjects: [raw_orders]
              transformLogic: upper(x)
              transformDescription: In capitals.
        """,
        "table": """
            physicalName: orders_1
            physicalType: topic
            logicalType: object
            businessName: Orders
            description: Orders of a day.
            dataGranularityDescription: One row per order.
        """,
        "top": """
            name: orders
            tenant: shops
            domain: sales
            dataProduct: orders
            contractCreatedTs: "2024-01-31T12:00:00Z"
            description: {purpose: To count., limitations: None., usage: Daily.}
        """,
    },
    "deprecated": {
        "properties": "- {name: x, logicalType: string, deprecated: true}",
        "table": "deprecated: true",
    },
    "synonyms and context": {
        "properties": "- {name: x, logicalType: string, synonyms: [{synonym: ex}]}",
        "top": "context: Ask the shops before you compare countries.",
    },
    "enumeration": {
        "properties": """
            - name: x
              logicalType: string
              enum:
                - {value: open, label: Open, description: Not paid., tags: [early]}
                - {value: paid, authoritativeDefinitions: [{url: "https://wiki.example/paid", type: businessDefinition}]}
                - {value: gone, customProperties: [{property: labelFr, value: Parti}]}
        """,
    },
    "a dimension": {
        "properties": "- {name: x, logicalType: string, semanticType: dimension, transformLogic: country}",
    },
    "partitions": {
        "properties": "- {name: x, logicalType: integer, partitioned: true, partitionKeyPosition: 1}",
    },
    "completeness": {
        "properties": """
            - name: x
              logicalType: string
              quality:
                - {type: library, metric: nullValues, mustBe: 0, dimension: completeness, businessImpact: operational, tags: [pii],
                   schedule: 0 20 * * *, scheduler: cron, method: reconciliation, customProperties: [{property: own, value: null}]}
        """,
    },
    "validity": {
        "properties": """
            - name: x
              logicalType: string
              quality:
                - {metric: invalidValues, mustBeLessOrEqualTo: 5, unit: percent, arguments: {validValues: ["", null, n/a]}}
        """,
    },
    "pricing": {"top": "price: {priceAmount: 9.95, priceCurrency: EUR, priceUnit: gigabyte}"},
    "roles": {"top": "roles: [{role: reader, access: read, firstLevelApprovers: a, secondLevelApprovers: b}]"},
    "servers": {
        "top": """
            servers:
              - {server: files, type: azure, location: "az://orders", format: parquet, environment: prod}
              - {server: stream, type: kafka, host: "broker:9092", format: avro}
              - {server: base, type: postgresql, host: db, port: 5432, database: shop, schema: public}
        """,
    },
    "service levels": {
        "top": """
            slaDefaultElement: orders.at
            slaProperties:
              - {property: latency, value: 4, unit: d, element: orders.at}
              - {property: endOfSupport, value: "2032-05-12T09:30:10-08:00"}
              - {property: frequency, value: 1, valueExt: 1, unit: d}
              - {property: timeOfAvailability, value: 09:00-08:00, driver: regulatory}
        """,
    },
    "support": {
        "top": """
            support:
              - {channel: "#orders", tool: slack, scope: interactive, invitationUrl: "https://chat.example/i"}
              - {id: mail, channel: orders, tool: email, url: "mailto:orders@shop.example", description: A list.}
        """,
    },
    "tags": {
        "properties": "- {name: x, logicalType: string, tags: [id], enum: [{value: a, tags: [first]}]}",
        "table": "tags: [orders]",
        "top": "tags: [shop, gdpr]",
    },
    "a team": {
        "top": """
            team:
              name: shops
              description: Who keeps it.
              tags: [core]
              members:
                - {username: ann, name: Ann, role: Owner, dateIn: "2024-01-15", dateOut: "2025-09-30", replacedByUsername: bob}
                - {username: bob, customProperties: [{property: zone, value: Europe/Paris}]}
        """,
    },
    "a team as a list": {"top": "team: [{username: ann, role: dpo, dateIn: '2024-01-15'}]"},
    "variables where they describe": {
        "properties": "- {name: x, logicalType: string, description: 'Of ${REGION}.'}",
        "top": """
            servers:
              - {server: base, type: postgresql, host: "${DB_HOST}", port: 5432, database: "${DB:-shop}", schema: public}
        """,
    },
}
"""Contracts that load: all of this describes, or is a rule that can be honoured."""


@pytest.mark.parametrize("name", DESCRIBING)
def test_what_only_describes_changes_no_rule(name):
    plain = loaded(DESCRIBING[name].get("properties", ""))
    assert loaded(**DESCRIBING[name]) == plain


@pytest.mark.parametrize("name", DESCRIBING)
def test_without_our_block_each_is_refused_for_that_alone(name):
    (told,) = refusals(contract(**DESCRIBING[name]).replace(BLOCK, ""))
    assert told == f"line 1: {NO_BLOCK}"


def test_properties_of_others_stand_beside_our_block():
    entries = """\
  - property: rulesetName
    id: ruleset
    value: house
    description: Where it comes from.
    vendor: atlan
  - property: clusters
    value: [one, two]
"""
    assert load_contract(contract() + entries) == loaded()
    own = "customProperties: [{property: days, value: 365}]"
    of_parts = contract(f"- {{name: x, logicalType: string, {own}}}", table=own)
    assert load_contract(of_parts) == loaded("- {name: x, logicalType: string}")


@pytest.mark.parametrize("version", ["v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0"])
def test_each_third_version_of_the_standard_loads(version):
    assert load_contract(contract().replace("v3.1.0", version)) == loaded()


REFUSED = {
    "array": ({"properties": "- {name: x, logicalType: array, items: {logicalType: string}}"},
        "line 12: schema/0/properties/1/logicalType: array cannot be honoured: a cell holds one value; keep it as a string"),
    "object": ({"properties": "- {name: x, logicalType: object, properties: [{name: y, logicalType: string}]}"},
        "line 12: schema/0/properties/1/logicalType: object cannot be honoured: a cell holds one value; give each part a "),
    "map": ({"properties": "- {name: x, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: integer}}}"},
        "line 12: schema/0/properties/1/logicalType: map cannot be honoured: a cell holds one value"),
    "vector": ({"properties": "- {name: x, logicalType: vector, logicalTypeOptions: {dimensions: 384}}"},
        "line 12: schema/0/properties/1/logicalType: vector cannot be honoured: a cell holds one value; keep it as a string"),
    "time": ({"properties": "- {name: x, logicalType: time}"},
        "line 12: schema/0/properties/1/logicalType: time cannot be honoured: a time of day has no type of its own here"),
    "a measure": ({"properties": "- {name: x, logicalType: number, semanticType: measure, transformLogic: SUM(y)}"},
        "line 12: schema/0/properties/1/semanticType: a measure is calculated, and stands in no file; leave the property out"),
    "a relationship": ({"properties": "- {name: x, logicalType: string, relationships: [{type: foreignKey, to: shops.id}]}"},
        "line 12: schema/0/properties/1/relationships: cannot be honoured: values are not looked up elsewhere; say it in a text"),
    "relationships": ({"table": "relationships: [{type: foreignKey, from: [orders.x, orders.y], to: [shops.x, shops.y]}]"},
        "line 12: schema/0/relationships: cannot be honoured: values are not looked up elsewhere; say it in a text"),
    "accuracy": ({"properties": "- {name: x, logicalType: number, quality: [{type: library, rule: between, mustBe: 0}]}"},
        f"line 12: schema/0/properties/1/quality/0: {NOT_SO}metric is missing"),
    "another engine": ({"table": "quality: [{type: custom, engine: soda, implementation: 'type: duplicate_percent'}]"},
        "line 12: schema/0/quality/0/engine: only the engine pandera can be honoured; use a library metric"),
    "another engine, written out": ({"table": "quality: [{type: custom, engine: soda, implementation: {type: duplicates}}]"},
        "line 12: schema/0/quality/0/engine: only the engine pandera can be honoured; use a library metric"),
    "sql": ({"table": "quality: [{type: sql, query: 'SELECT COUNT(*) FROM ${TABLE}', mustBe: 0}]"},
        "line 12: schema/0/quality/0: type sql cannot be honoured: a file is judged before it is in any database"),
    "a variable in a rule": ({"properties": "- {name: x, logicalType: string, logicalTypeOptions: {format: '${FORMAT:-uuid}'}}"},
        "line 12: schema/0/properties/1/logicalTypeOptions/format: ${FORMAT:-uuid} is a variable"),
    "a variable as a value": ({"properties": "- {name: x, logicalType: string, enum: [{value: 'a-${B}'}]}"},
        "line 12: schema/0/properties/1/enum/0/value: ${B} is a variable, and nothing resolves it here; write its value"),
    "a variable as an argument": (
        {"properties": "- {name: x, logicalType: string, quality: [{metric: missingValues, mustBe: 0, "
            "arguments: {missingValues: ['${NONE}']}}]}"},
        "line 12: schema/0/properties/1/quality/0/arguments/missingValues/0: ${NONE} is a variable"),
    "a variable as a name": ({"properties": "- {name: '${X}', logicalType: string}"},
        "line 12: schema/0/properties/1/name: ${X} is a variable, and nothing resolves it here; write its value"),
    "a variable in our block": ({"block": "dialect: {sheet: 'Sales ${YEAR}'}"},
        "line 17: customProperties/0/value/dialect/sheet: ${YEAR} is a variable, and nothing resolves it here; write its value"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_honoured_is_refused_with_the_reason(name):
    parts, reason = REFUSED[name]
    told = refusals(contract(**parts))
    assert [each for each in told if each.startswith(reason)], told


@pytest.mark.parametrize("name", [each for each in REFUSED if "block" not in REFUSED[each][0]])
def test_without_our_block_the_reason_is_told_beside_that(name):
    parts, reason = REFUSED[name]
    told = refusals(contract(**parts).replace(BLOCK, ""))
    # what is not of the standard is told first, by itself
    assert [each for each in told if each.startswith(reason)], told
    assert NOT_SO in reason or f"line 1: {NO_BLOCK}" in told


def test_a_contract_of_several_tables_is_refused():
    tables = "schema: [{name: a, properties: [{name: x}]}, {name: b, properties: [{name: y}]}]"
    (told,) = refusals(contract().partition("schema:")[0] + tables)
    assert told == "line 6: schema: one table is needed, and there are 2; write a contract for each"


def test_a_variable_that_is_escaped_in_a_pattern_is_none():
    pattern = r"- {name: x, logicalType: string, logicalTypeOptions: {pattern: '\$\{[A-Z]+\}'}}"
    assert loaded(pattern).field("x").pattern == r"\$\{[A-Z]+\}"


@pytest.mark.parametrize(
    "schema", ["", "schema: []\n", "schema: [{name: orders}]\n", "schema: [{name: orders, properties: []}]\n"]
)
def test_a_contract_without_columns_is_refused(schema):
    head = "apiVersion: v3.0.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: draft\n"
    (told,) = refusals(head + schema + BLOCK)
    expected = {
        "": "line 1: schema: one table is needed, and there is none; describe the columns of the file as one",
        "schema: []\n": "line 6: schema: one table is needed, and there is none; describe the columns of the file as one",
    }
    assert told == expected.get(schema, "line 6: schema/0: 1 to 1000 properties are needed: the columns of the file")


@pytest.mark.parametrize("name", ["Air_Quality", "Orders", "1st", "or ders"])
def test_a_table_that_cannot_be_a_datasource_is_refused_beside_all_else(name):
    text = contract("- {name: x, logicalType: time}").replace("name: orders", f"name: {name}")
    told = refusals(text)
    assert told[0].startswith("line 7: schema/0/name: a datasource is named by lower-case letters")
    assert told[1].startswith("line 12: schema/0/properties/1/logicalType: time")


WRONG = {
    "of the contract": ({"top": "surprise: 1"}, f"line 17: surprise: {UNKNOWN}"),
    "of the table": ({"table": "surprise: 1"}, f"line 12: schema/0/surprise: {UNKNOWN}"),
    "of a property": ({"properties": "- {name: x, logicalType: string, tag: a}"}, f"line 12: schema/0/properties/1/tag: {UNKNOWN}"),
    "of its options": (
        {"properties": "- {name: x, logicalType: string, logicalTypeOptions: {maximum: 1}}"},
        f"line 12: schema/0/properties/1/logicalTypeOptions/maximum: {UNKNOWN}",
    ),
    "of a rule": (
        {"properties": "- {name: x, logicalType: string, quality: [{metric: nullValues, mustBe: 0, element: y}]}"},
        f"line 12: schema/0/properties/1/quality/0/element: {UNKNOWN}",
    ),
    "of a server": (
        {"top": "servers: [{server: s, type: postgresql, host: h, port: 1, database: d, schema: s, surprise: 1}]"},
        f"line 17: servers/0/surprise: {UNKNOWN}",
    ),
    "of a role": ({"top": "roles: [{role: r, surprise: 1}]"}, f"line 17: roles/0/surprise: {UNKNOWN}"),
    "of support": ({"top": "support: [{channel: c, surprise: 1}]"}, f"line 17: support/0/surprise: {UNKNOWN}"),
    "of the price": ({"top": "price: {surprise: 1}"}, f"line 17: price/surprise: {UNKNOWN}"),
    "of a team": ({"top": "team: {surprise: 1}"}, f"line 17: team/surprise: {UNKNOWN}"),
    "of a member": ({"top": "team: [{username: u, comment: c}]"}, f"line 17: team/0/comment: {UNKNOWN}"),
    "of a service level": ({"top": "slaProperties: [{property: p, value: 1, surprise: 1}]"},
        f"line 17: slaProperties/0/surprise: {UNKNOWN}"),
    "where another fault stands": (
        {"properties": "- {name: x, logicalType: string, tag: a, quality: [{metric: nullValues, mustBe: 0, dimension: nice}]}"},
        f"line 12: schema/0/properties/1/tag: {UNKNOWN}",
    ),
    "known, but not here": ({"properties": "- {name: x, logicalType: string, quality: [{type: text, query: SELECT 1}]}"},
        f"line 12: schema/0/properties/1/quality/0: {NOT_SO}'query' was unexpected here"),
    "a server of no type": ({"top": "servers: [{server: s, type: nonsense}]"}, "line 17: servers/0/type: " + NOT_SO + "must be one of"),
    "a server without a host": ({"top": "servers: [{server: s, type: postgresql, port: 1, database: d, schema: s}]"},
        f"line 17: servers/0: {NOT_SO}host is missing"),
    "a server without a name": ({"top": "servers: [{type: kafka, host: h}]"}, f"line 17: servers/0: {NOT_SO}server is missing"),
    "a service level without a value": ({"top": "slaProperties: [{property: latency}]"},
        f"line 17: slaProperties/0: {NOT_SO}value is missing"),
    "a definition without a type": ({"top": "authoritativeDefinitions: [{url: 'https://wiki.example'}]"},
        f"line 17: authoritativeDefinitions/0: {NOT_SO}type is missing"),
    "a synonym without a word": ({"properties": "- {name: x, logicalType: string, synonyms: [{description: d}]}"},
        f"line 12: schema/0/properties/1/synonyms/0: {NOT_SO}synonym is missing"),
    "deprecated in words": ({"properties": "- {name: x, logicalType: string, deprecated: 'yes'}"},
        f"line 12: schema/0/properties/1/deprecated: {NOT_SO}must be of type boolean"),
    "an id with a point": ({"properties": "- {name: x, logicalType: string, id: a.b}"},
        f"line 12: schema/0/properties/1/id: {NOT_SO}'a.b' does not match"),
    "an enumeration of nothing": ({"properties": "- {name: x, logicalType: string, enum: []}"},
        f"line 12: schema/0/properties/1/enum: {NOT_SO}[] should be non-empty"),
    "an enumeration without a value": ({"properties": "- {name: x, logicalType: string, enum: [{label: a}]}"},
        f"line 12: schema/0/properties/1/enum/0: {NOT_SO}value is missing"),
    "an enumeration with a value twice": ({"properties": "- {name: x, logicalType: string, enum: [{value: a}, {value: a}]}"},
        f"line 12: schema/0/properties/1/enum: {NOT_SO}an entry stands twice; keep one of them"),
    "a map of nothing": ({"properties": "- {name: x, logicalType: map}"}, f"line 12: schema/0/properties/1: {NOT_SO}map is missing"),
    "a map without values": ({"properties": "- {name: x, logicalType: map, map: {key: {logicalType: string}}}"},
        f"line 12: schema/0/properties/1/map: {NOT_SO}value is missing"),
    "a vector without dimensions": ({"properties": "- {name: x, logicalType: vector, logicalTypeOptions: {}}"},
        f"line 12: schema/0/properties/1/logicalTypeOptions: {NOT_SO}dimensions is missing"),
    "a relationship that says from": ({"properties": "- {name: x, logicalType: string, relationships: [{from: a.b, to: c.d}]}"},
        f"line 12: schema/0/properties/1/relationships/0: {NOT_SO}a key too many, or two that exclude each other"),
    "relationships without ends": ({"table": "relationships: [{type: foreignKey}]"},
        f"line 12: schema/0/relationships/0: {NOT_SO}from, to are missing"),
    "an implementation in a list": ({"table": "quality: [{type: custom, engine: soda, implementation: [a]}]"},
        f"line 12: schema/0/quality/0/implementation: {NOT_SO}none of the forms that are possible here"),
    "sql without a query": ({"table": "quality: [{type: sql, mustBe: 0}]"}, f"line 12: schema/0/quality/0: {NOT_SO}query is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_of_the_standard_is_refused_in_its_line(name):
    parts, reason = WRONG[name]
    told = refusals(contract(**parts))
    assert [each for each in told if each.startswith(reason)], told


def test_keys_around_a_fault_are_not_taken_for_unknown_ones():
    rule = "{metric: nullValues, mustBe: 0, dimension: nice}"
    (told,) = refusals(contract(f"- {{name: x, logicalType: string, quality: [{rule}]}}"))
    assert told.startswith(f"line 12: schema/0/properties/1/quality/0/dimension: {NOT_SO}must be one of accuracy")


@pytest.mark.parametrize(
    ("line", "other", "said"),
    [
        ("apiVersion: v3.1.0", "apiVersion: v9.0.0", "line 1: apiVersion: " + NOT_SO + "must be one of v3.2.0"),
        ("apiVersion: v3.1.0", "apiVersion: v2.2.2", "line 1: apiVersion: contracts of version 2 cannot be honoured"),
        ("kind: DataContract", "kind: Letter", "line 2: kind: " + NOT_SO + "must be one of DataContract"),
        ("version: 1.0.0", "version: 1.0", "line 4: version: " + NOT_SO + "must be of type string"),
        ("version: 1.0.0", "version: 1 0", "line 4: version: letters, digits and . + - only"),
        ("id: t\n", "", f"line 1: document: {NOT_SO}id is missing"),
    ],
)
def test_the_head_is_held_against_the_standard(line, other, said):
    told = refusals(contract().replace(line, other, 1))
    assert [each for each in told if each.startswith(said)], told


@pytest.mark.parametrize("text", ["[]", "just words", "5"])
def test_what_is_no_contract_at_all_is_said_so(text):
    (told,) = refusals(text)
    assert told.startswith("line 1: document: not a contract of the Open Data Contract Standard")


def test_each_library_metric_of_the_standard_is_known():
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    for name in schema["$defs"]["DataQualityLibrary"]["properties"]["metric"]["enum"]:
        told = refusals(contract(table=f"quality: [{{metric: {name}, mustBe: none}}]"))
        assert all(NOT_SO not in each for each in told), told
