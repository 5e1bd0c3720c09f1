"""A report in a few lines, as a terminal shows it: the verdict, what it rests on, the causes, the first errors with their places."""

from collections.abc import Iterator

from sluice.reports import Report, ReportedError
from sluice.reports.page import page_of, several

MOST_CAUSES = 5
MOST_RULES = 10
MOST_ERRORS = 10


def summary(report: Report) -> Iterator[str]:
    page = page_of(report)
    partly = report.verdict == "accepted" and report.rows.rejected
    contract = f"{report.contract.datasource} {report.contract.version}"
    yield f"{'partly accepted' if partly else report.verdict}: {report.filename}, held against {contract}"
    yield " ".join(said for said in (page.verdict, page.because) if said)
    yield f"rows: {_counted(report)}; errors: {report.errors_total:,}"
    yield from _part("causes", [cause.message for cause in report.causes], MOST_CAUSES)
    rules = [f"{each.rule.rule}: {each.title}: {each.rule.count:,}{_mild(each.rule.severity)}" for each in page.groups]
    yield from _part("rules that are broken", rules, MOST_RULES)
    yield from _part("first errors", [told(each) for each in report.errors], MOST_ERRORS)
    yield from _part("notes", [note.message for note in report.notes], len(report.notes))


def _counted(report: Report) -> str:
    rows = report.rows
    source = "not counted" if rows.source is None else f"{rows.source:,} in the file"
    rejected = "" if rows.rejected is None else f", {rows.rejected:,} rejected"
    return f"{source}, {rows.accepted:,} accepted{rejected}"


def _part(title: str, lines: list[str], most: int) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"  {line}" for line in lines[:most])
    if len(lines) > most:
        yield f"  … and {several(len(lines) - most, 'more line')}: --report report.html shows them"


def _mild(severity: str) -> str:
    return "" if severity == "error" else f" ({severity})"


def told(error: ReportedError) -> str:
    """One error in one line, its place first."""
    place = error.cell or (f"line {error.line}" if error.line else f"row {error.row}" if error.row else "file")
    value = "" if error.value is None else f" “{error.value}”:"
    column = f" {error.column}:" if error.column else ""
    return f"{place}:{column}{value} expected {error.expected}. {error.hint}{_mild(error.severity)}".rstrip()
