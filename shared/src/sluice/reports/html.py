"""The report as one HTML page: no scripts, nothing from elsewhere, everything from the sender escaped."""

from functools import cache
from pathlib import Path

from jinja2 import Environment

from sluice import pages
from sluice.reports.model import Report
from sluice.reports.page import amount, file_label, page_of, several

HOME = Path(__file__).parent
TEMPLATE = "report.html.j2"


def render_html(report: Report, *, downloads: bool = True) -> str:
    """The page. `downloads`: it is served beside `rejects` and `workbook`, and links to them."""
    template = _environment().get_template(TEMPLATE)
    return template.render(
        report=report, page=page_of(report, served=downloads), downloads=downloads, filename=report.filename, reason=""
    )


def render_link(filename: str, reason: str) -> str:
    """A page that says why there is no more of a page, and links to the JSON."""
    template = _environment().get_template(TEMPLATE)
    return template.render(report=None, page=None, downloads=False, filename=filename, reason=reason)


def content_security_policy() -> str:
    """For the answer that carries the page."""
    return pages.content_security_policy(HOME / TEMPLATE)


@cache
def _environment() -> Environment:
    environment = pages.page_environment(HOME)
    environment.filters.update(amount=amount, several=several, file_label=file_label)
    return environment
