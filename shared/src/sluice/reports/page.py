"""A report as a page shows it: sentences, and tables without empty columns. Pure; `html` writes it down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sluice.reports.model import MASK, ColumnQuality, DayCount, Report, ReportedError, ReportFile, RuleCount

MOST_COLUMNS = 500
"""Columns of the quality table; the JSON has all of them."""
MOST_GROUPS = 200
"""Rules and columns that are shown one by one."""


@dataclass(frozen=True, slots=True)
class Group:
    """One rule of one column, and its errors that are listed. `fields` names what is known of the places."""

    rule: RuleCount
    errors: tuple[ReportedError, ...]
    fields: tuple[str, ...]
    hint: str
    """The hint of all errors; empty where they differ."""
    own_hints: bool
    """Each error shows its own hint."""

    @property
    def title(self) -> str:
        expected = f"expected {self.rule.expected}"
        return f"{self.rule.column}: {expected}" if self.rule.column else expected.capitalize()


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart, in parts of its height."""

    day: str
    rows: int
    height: int


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on the page, in its order."""

    tone: str
    verdict: str
    because: str
    steps: tuple[str, ...]
    groups: tuple[Group, ...]
    more_groups: int
    columns: tuple[ColumnQuality, ...]
    more_columns: int
    bars: tuple[Bar, ...]
    masked: bool


def page_of(report: Report, *, served: bool = True) -> Page:
    """`served`: there is a task, and its files can be downloaded; else the file was tried on the reader's own machine."""
    groups = sorted(_groups(report), key=lambda group: (group.rule.severity != "error", -group.rule.count))
    return Page(
        tone=_tone(report),
        verdict=_verdict(report),
        because=report.problem.message if report.problem else "",
        steps=tuple(_steps(report, served=served)),
        groups=tuple(groups[:MOST_GROUPS]),
        more_groups=max(0, len(groups) - MOST_GROUPS),
        columns=report.quality.columns[:MOST_COLUMNS],
        more_columns=max(0, len(report.quality.columns) - MOST_COLUMNS),
        bars=_bars(report.quality.rows_per_day),
        masked=any(error.value == MASK for error in report.errors)
        or any(MASK in {column.min, column.max} for column in report.quality.columns),
    )


def amount(number: int) -> str:
    return f"{number:,}"


def several(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _tone(report: Report) -> str:
    if report.verdict == "rejected":
        return "rejected"
    return "partly" if report.rows.rejected else "accepted"


def _verdict(report: Report) -> str:
    rows = report.rows
    if report.verdict == "rejected":
        return "The file was rejected. None of its rows is loaded."
    if rows.rejected:
        whole = f" of {amount(rows.source)}" if rows.source is not None else ""
        return f"{amount(rows.accepted)}{whole} rows were accepted. {several(rows.rejected, 'row')} came back."
    if rows.accepted == 1:
        return "The one row of the file was accepted."
    return f"All {several(rows.accepted, 'row')} of the file were accepted."


def _steps(report: Report, *, served: bool) -> Iterator[str]:
    kinds = {file.kind for file in report.files}
    if _tone(report) == "accepted":
        yield "Nothing needs to be done."
        return
    if report.causes:
        yield "Begin with the causes below: one change may mend many cells."
    if not served:
        yield "Correct the cells in your file, or the contract where that is wrong, and try again."
        return
    if "workbook" in kinds:
        yield "Download your workbook: each bad cell is coloured, and a comment says what is wrong."
    if report.verdict == "rejected":
        yield "Correct the cells in your file."
        # the first of a chain is corrected: "correct-the-first" would send the reader there
        yield f"Upload the whole file again, as a correction (corrects={report.corrects or report.task_id})."
        return
    yield "Download the rejected rows and correct them there. Leave the column __row as it is: it tells where a row belongs."
    yield f"Upload that file as a correction of this task (corrects={report.task_id}). Rows that were accepted stay out of it."


def _groups(report: Report) -> Iterator[Group]:
    listed: dict[tuple[str, str | None], list[ReportedError]] = {}
    for error in report.errors:
        listed.setdefault((error.rule, error.column), []).append(error)
    for rule in report.rules:
        errors = tuple(listed.get((rule.rule, rule.column), ()))
        hints = {error.hint for error in errors}
        one = hints.pop() if len(hints) == 1 else ""
        yield Group(rule, errors, _fields(errors), one, own_hints=len(hints) > 1)


def _fields(errors: Sequence[ReportedError]) -> tuple[str, ...]:
    """Of row, line, cell and value those that any of them has."""
    return tuple(
        name for name in ("cell", "row", "line", "value") if any(getattr(each, name) is not None for each in errors)
    )


def _bars(days: Sequence[DayCount]) -> tuple[Bar, ...]:
    most = max((day.rows for day in days), default=0)
    return tuple(Bar(day.day.isoformat(), day.rows, max(1, round(100 * day.rows / most))) for day in days if day.rows)


def file_label(file: ReportFile) -> str:
    rows = several(file.rows, "row")
    return (
        f"Your workbook with the bad cells marked ({rows})"
        if file.kind == "workbook"
        else f"The rows with errors ({rows})"
    )
