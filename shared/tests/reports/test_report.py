"""The report as documents: its schema, and the page for people."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from sluice.events import ContractRef, FileFormat, Problem
from sluice.reports import (
    MASK,
    Cause,
    ColumnQuality,
    DayCount,
    Distinct,
    Note,
    Quality,
    Report,
    ReportedError,
    ReportFile,
    RowCounts,
    RuleCount,
    TopValue,
)
from sluice.reports.html import content_security_policy, render_html, render_link
from sluice.reports.page import MOST_COLUMNS, page_of
from sluice.reports.schema import SCHEMA, report_schema, written

HOSTILE = "<script>alert('x')</script>\" onload=\"y\" & {{ 7*7 }} </style>\u202e=cmd|' /C'!A0"
PARENT = UUID(int=7)
VOID = {"meta", "link", "br", "hr", "img"}


def report(text: str = "Planes", *, verdict: str = "rejected", rejected: int | None = 2, errors: int = 2) -> Report:
    column = ColumnQuality(
        name=text,
        type="string",
        nulls=1,
        min=text,
        max=MASK,
        distinct=Distinct(count=2000, exact=False),
        top=(TopValue(value=text, count=3),),
        top_of=10,
    )
    listed = tuple(
        ReportedError(
            rule="invalid-values",
            row=row,
            line=row + 1,
            cell=f"{text}!F{row}",
            column=text,
            value=text,
            expected=text,
            hint=f"{text}{row}",
        )
        for row in range(1, errors + 1)
    )
    return Report(
        task_id=UUID(int=1),
        datasource="sales",
        filename=text,
        format=FileFormat.XLSX,
        contract=ContractRef(datasource="sales", version="1.0.0"),
        corrects=PARENT,
        verdict="rejected" if verdict == "rejected" else "accepted",
        problem=Problem(code="rules-broken", message=text) if verdict == "rejected" else None,
        rows=RowCounts(source=10, accepted=0 if verdict == "rejected" else 10 - (rejected or 0), rejected=rejected),
        errors_total=1234,
        rules=(RuleCount(rule="invalid-values", column=text, count=1234, listed=errors, expected=text),),
        causes=(Cause(code="near-miss", column=text, rows=9, message=text, dialect={}, verified=True),),
        errors=listed,
        notes=(Note(code="encoding", message=text),),
        files=(
            ReportFile(kind="rejects", name="rejects.xlsx", rows=2),
            ReportFile(kind="workbook", name="workbook.xlsx", rows=2),
        ),
        quality=Quality(
            rows=10,
            columns=(column,),
            time_range=None,
            rows_per_day=tuple(DayCount(day=f"2024-01-0{day}", rows=day) for day in (1, 2)),
            days=2,
        ),
    )


class Outline(HTMLParser):
    """Tags and texts of a page; every tag that is opened is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_committed_schema_is_that_of_the_code():
    assert SCHEMA.read_text() == written(report_schema()), "run python -m sluice.reports"


def test_a_report_keeps_its_schema():
    Draft202012Validator.check_schema(report_schema())
    Draft202012Validator(report_schema()).validate(report().model_dump(mode="json"))


def test_text_of_the_sender_is_only_text():
    outline, plain = Outline(render_html(report(HOSTILE))), Outline(render_html(report("Planes")))
    assert [tag for tag, _ in outline.tags] == [tag for tag, _ in plain.tags]
    assert {name for _, attributes in outline.tags for name in attributes} == {
        name for _, attributes in plain.tags for name in attributes
    }
    assert outline.text.count(HOSTILE) == plain.text.count("Planes")
    # text of another direction ends with its own element
    assert all(HOSTILE not in (value or "") for _, attributes in outline.tags for value in attributes.values())


def test_the_page_needs_nothing_but_itself():
    page = render_html(report())
    outline = Outline(page)
    assert not outline.named("script")
    assert not outline.named("img") + outline.named("link") + outline.named("iframe") + outline.named("form")
    assert not re.search(r"https?://|@import|url\(", page)
    assert not [
        name for _, attributes in outline.tags for name in attributes if name == "style" or name.startswith("on")
    ]


def test_the_policy_allows_the_pages_own_style_and_nothing_else():
    style = re.search(r"<style>(.*?)</style>", render_html(report(HOSTILE)), re.DOTALL)[1]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = content_security_policy()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_the_page_is_accessible():
    outline = Outline(render_html(report()))
    assert outline.named("html") == [{"lang": "en"}]
    assert len(outline.named("h1")) == 1
    assert len(outline.named("main")) == 1
    assert all(attributes.get("scope") for attributes in outline.named("th"))
    identifiers = {attributes["id"] for _, attributes in outline.tags if "id" in attributes}
    assert all(
        attributes["aria-labelledby"] in identifiers
        for _, attributes in outline.tags
        if "aria-labelledby" in attributes
    )
    assert all(attributes.get("aria-label") for attributes in outline.named("svg"))


def test_everything_stands_on_the_page():
    text = Outline(render_html(report())).text
    for said in (
        "The file was rejected. None of its rows is loaded.",
        f"corrects={PARENT}",
        "1,234 times",
        "The first 2 of 1,234",
        "Planes!F1",
        "about 2,000",
        "Rows per day",
        str(PARENT),
        "Your workbook with the bad cells marked (2 rows)",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("verdict", "rejected", "tone", "said", "steps"),
    [
        ("rejected", 2, "rejected", "The file was rejected. None of its rows is loaded.", "whole file"),
        ("rejected", None, "rejected", "The file was rejected. None of its rows is loaded.", "whole file"),
        ("accepted", 2, "partly", "8 of 10 rows were accepted. 2 rows came back.", "__row"),
        ("accepted", 0, "accepted", "All 10 rows of the file were accepted.", "Nothing"),
    ],
)
def test_the_verdict_and_the_way_on(verdict, rejected, tone, said, steps):
    page = page_of(report(verdict=verdict, rejected=rejected))
    assert (page.tone, page.verdict) == (tone, said)
    assert steps in " ".join(page.steps)


def test_links_lead_to_files_beside_the_report_or_nowhere():
    links = {attributes["href"] for attributes in Outline(render_html(report())).named("a")}
    assert links == {"rejects", "workbook", "report?format=json"}
    assert not Outline(render_html(report(), downloads=False)).named("a")


def test_columns_of_errors_that_say_nothing_are_left_out():
    group = page_of(report()).groups[0]
    assert (group.fields, group.own_hints) == (("cell", "row", "line", "value"), True)
    found = report(errors=1)
    bare = found.errors[0].model_copy(update={"cell": None, "line": None, "value": None, "hint": ""})
    group = page_of(found.model_copy(update={"errors": (bare,)})).groups[0]
    assert (group.fields, group.own_hints) == (("row",), False)


def test_a_wide_file_makes_a_page_of_bounded_length():
    found = report()
    quality = found.quality.model_copy(update={"columns": found.quality.columns * (MOST_COLUMNS + 7)})
    outline = Outline(render_html(found.model_copy(update={"quality": quality})))
    assert "7 further columns: see the JSON report." in outline.text
    assert [attributes["scope"] for attributes in outline.named("th")].count("row") == MOST_COLUMNS


def test_a_report_that_cannot_be_shown_is_linked():
    outline = Outline(render_link(HOSTILE, "It is older."))
    assert [attributes["href"] for attributes in outline.named("a")] == ["report?format=json"]
    assert HOSTILE in outline.text
    assert "It is older." in outline.text
