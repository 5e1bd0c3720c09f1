"""The report as one HTML page: no scripts, nothing from elsewhere, everything from the sender escaped."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sluice.reports.model import Report
from sluice.reports.page import amount, file_label, page_of, several

HOME = Path(__file__).parent
TEMPLATE = "report.html.j2"


def render_html(report: Report, *, downloads: bool = True) -> str:
    """The page. `downloads`: it is served beside `rejects` and `workbook`, and links to them."""
    template = _environment().get_template(TEMPLATE)
    return template.render(
        report=report, page=page_of(report), downloads=downloads, filename=report.filename, reason=""
    )


def render_link(filename: str, reason: str) -> str:
    """A page that says why there is no more of a page, and links to the JSON."""
    template = _environment().get_template(TEMPLATE)
    return template.render(report=None, page=None, downloads=False, filename=filename, reason=reason)


@cache
def content_security_policy() -> str:
    """For the answer that carries the page: its own style, by hash, and nothing else."""
    source = (HOME / TEMPLATE).read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    digest = b64encode(sha256((style[1] if style else "").encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HOME),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(amount=amount, several=several, file_label=file_label)
    return environment
