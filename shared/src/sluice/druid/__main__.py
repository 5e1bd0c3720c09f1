"""`python -m sluice.druid`: what the cluster can do, by the settings of the druid-submitter. `sluice doctor` is the same."""

import argparse
import asyncio
import json
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TypeVar

import structlog
from pydantic import ValidationError

from sluice.druid.doctor import Finding, examine
from sluice.druid.settings import DruidSettings
from sluice.events import DATASOURCE_PATTERN
from sluice.settings import S3Settings, Settings, told_of

GOOD, BAD, UNABLE = 0, 1, 2
DATASOURCE = "sluice_doctor"

S = TypeVar("S", bound=Settings)


def main(arguments: Sequence[str] | None = None, prog: str = "python -m sluice.druid") -> None:
    """Ends the process: 0 where nothing fails, 1 where something does, 2 where it could not be asked."""
    parser = _parser(prog)
    asked = parser.parse_args(arguments)
    settings, bucket = _read(parser, DruidSettings), _read(parser, S3Settings) if asked.deep else None
    with _silent_log():
        findings = asyncio.run(_examine(settings, asked.datasource, bucket, as_json=asked.json))
    failed = any(each.verdict == "fail" for each in findings)
    if asked.json:
        told = {"ok": not failed, "findings": [asdict(each) for each in findings]}
        sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{_summary(findings)}\n")
    sys.exit(BAD if failed else GOOD)


@contextmanager
def _silent_log() -> Iterator[None]:
    """What is wrong is told by the findings."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


async def _examine(
    settings: DruidSettings, datasource: str, bucket: S3Settings | None, *, as_json: bool
) -> list[Finding]:
    findings = []
    async for finding in examine(settings, datasource, bucket):
        findings.append(finding)
        if not as_json:
            sys.stdout.write(_line(finding))
            sys.stdout.flush()
    return findings


def _line(finding: Finding) -> str:
    line = f"{finding.verdict:<4}  {finding.asked}: {finding.told}\n"
    return f"{line}      → {finding.do}\n" if finding.do else line


def _summary(findings: Sequence[Finding]) -> str:
    failed, warned = (sum(each.verdict == verdict for each in findings) for verdict in ("fail", "warn"))
    if failed:
        return f"Not ready for Sluice: {failed} of {len(findings)} fail, {warned} to look at."
    return f"Ready for Sluice{f'; {warned} to look at' if warned else ''}."


def _read(parser: argparse.ArgumentParser, kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as error:
        parser.exit(UNABLE, f"error: settings: {told_of(error)}\n")


def _datasource(text: str) -> str:
    if not re.fullmatch(DATASOURCE_PATTERN, text):
        raise argparse.ArgumentTypeError(f"a name of a datasource keeps {DATASOURCE_PATTERN}")
    return text


def _parser(prog: str) -> argparse.ArgumentParser:
    where = "Where Druid is, and as whom it is asked, say the variables SLUICE_DRUID_…, as for the druid-submitter."
    ends = "Exit codes: 0 nothing fails, 1 something does, 2 it could not be asked."
    parser = argparse.ArgumentParser(
        prog=prog, description=f"What a Druid cluster can do for Sluice. {where}", epilog=ends
    )
    parser.add_argument("--json", action="store_true", help="the findings as JSON, and nothing else")
    deep = "also load three rows from the bucket (SLUICE_S3_…) into a datasource of their own, and remove them"
    parser.add_argument("--deep", action="store_true", help=deep)
    rights = (
        f"whose rights and retention to look at; a task that does nothing is run under its name (default: {DATASOURCE})"
    )
    parser.add_argument("--datasource", type=_datasource, default=DATASOURCE, metavar="NAME", help=rights)
    return parser


if __name__ == "__main__":
    main()
