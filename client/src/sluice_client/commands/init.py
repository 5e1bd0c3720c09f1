"""`sluice contract init`."""

from pathlib import Path

from sluice.reports.page import several
from sluice.safetext import shown
from sluice.settings import read_settings
from sluice_client.errors import Refused
from sluice_client.inference.draft import Wishes, draft_of
from sluice_client.inference.proof import Proved, prove
from sluice_client.inference.writing import write_draft
from sluice_client.intake import take_file
from sluice_client.settings import FileLimits
from sluice_client.summary import told
from sluice_client.terminal import say, warn

STDOUT = Path("-")
MOST_ERRORS = 5


def init(path: Path, wishes: Wishes, out: Path | None, *, force: bool) -> None:
    """Writes the contract to `out`, or to `<datasource>.odcs.yaml` in the current folder. Raises Refused."""
    file = take_file(path, read_settings(FileLimits))
    if out and out != STDOUT:
        _check_free(out, force=force)
    draft = draft_of(file, wishes)
    target = out or Path(f"{draft.datasource}.odcs.yaml")
    if target != STDOUT:
        _check_free(target, force=force)
    proved = prove(draft)
    text = write_draft(proved.draft)
    if target == STDOUT:
        say(text.removesuffix("\n"))
    else:
        _write(target, text)
    _tell(proved, target)


def _check_free(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise Refused(
            "file-exists", f"{path} is there already. Choose another with --out, or write over it with --force."
        )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused("unwritable-file", f"{path}: {error.strerror}.") from error


def _tell(proved: Proved, target: Path) -> None:
    draft, report = proved.draft, proved.report
    time = f"time column {draft.time_column}"
    where = "" if target == STDOUT else f"Wrote {target}: "
    warn(shown(f"{where}{several(len(draft.table.columns), 'column')} of {several(draft.rows, 'row')}, {time}."))
    for note in draft.notes:
        warn(shown(note))
    if report.problem or report.errors_total:
        warn("The file does not keep it, for rows of it are not as the others:")
        for error in report.errors[:MOST_ERRORS]:
            warn(shown(f"  {told(error)}"))
        warn("Correct these rows, or leave them to `sluice contract test`, which lists all of them.")
