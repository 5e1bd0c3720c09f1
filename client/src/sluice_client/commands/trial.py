"""`sluice contract test`."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sluice.errors import ContractInvalid
from sluice.reports import Report
from sluice.reports.html import render_html
from sluice.safetext import shown
from sluice.settings import read_settings
from sluice_client.commands.diff import load
from sluice_client.errors import Refused
from sluice_client.intake import take_file
from sluice_client.judging import judge_file
from sluice_client.settings import FileLimits
from sluice_client.summary import summary
from sluice_client.terminal import BAD, GOOD, say
from sluice_engine import paths

SUFFIXES = {".json", ".html"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written beside the verdict, and where."""

    report: Path | None = None
    folder: Path | None = None
    as_json: bool = False
    strict: bool = False


def trial(contract: Path, path: Path, wanted: Wanted) -> int:
    """The exit code: BAD where the file is rejected, or, if `strict`, any row of it. Raises Refused."""
    if wanted.report and wanted.report.suffix.lower() not in SUFFIXES:
        raise Refused("unsupported-format", f"{wanted.report}: a report is written as .json or .html.")
    terms, file = load(contract), take_file(path, read_settings(FileLimits))
    with TemporaryDirectory(prefix="sluice-") as folder:
        try:
            report = judge_file(file, terms, Path(folder))
        except ContractInvalid as error:
            raise Refused(error.code, f"{contract}:\n{error}") from error
        try:
            _keep(report, Path(folder), wanted)
        except OSError as error:
            raise Refused("unwritable-file", f"{error.filename}: {error.strerror}.") from error
    if wanted.as_json:
        say(report.model_dump_json(indent=1))
    else:
        for line in summary(report):
            say(shown(line))
    return BAD if report.verdict == "rejected" or (wanted.strict and report.rows.rejected) else GOOD


def _keep(report: Report, folder: Path, wanted: Wanted) -> None:
    if wanted.report:
        html = wanted.report.suffix.lower() == ".html"
        text = render_html(report, downloads=False) if html else report.model_dump_json(indent=1)
        wanted.report.write_text(text, encoding="utf-8")
    if wanted.folder:
        wanted.folder.mkdir(parents=True, exist_ok=True)
        for name in (paths.report_file(folder).name, *(each.name for each in report.files)):
            shutil.copyfile(folder / name, wanted.folder / name)
