"""HTML pages that services serve: from templates, everything escaped, no scripts, nothing from elsewhere."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def page_environment(home: Path) -> Environment:
    """The templates of one folder. A name that a template uses and nobody gives is an error."""
    return Environment(
        loader=FileSystemLoader(home),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def content_security_policy(template: Path) -> str:
    """For the answer that carries a page of this template: its own style, by hash, and nothing else."""
    style = re.search(r"<style>(.*?)</style>", template.read_text(encoding="utf-8"), re.DOTALL)
    digest = b64encode(sha256((style[1] if style else "").encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
