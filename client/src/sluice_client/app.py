"""The command line: what may be asked. What answers is imported when it is called, for the engine takes a second to load."""

from pathlib import Path
from typing import Annotated

import typer

from sluice_client.doctor import doctor
from sluice_client.keys import PASSED_ON, key
from sluice_client.terminal import end, refusals

app = typer.Typer(
    help="Contracts and files, judged on your own machine by the engine of the service; and what a Druid cluster can do.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would show cells of the file
)
contract = typer.Typer(help="Write, check, compare and try contracts.", no_args_is_help=True)
app.add_typer(contract, name="contract")
app.command("doctor", **PASSED_ON)(doctor)
app.command("key", **PASSED_ON)(key)


@app.callback()
def root() -> None:
    """Exit codes: 0 as asked for, 1 not so, 2 the command could not run."""


@contract.command("init")
def init_contract(
    file: Annotated[Path, typer.Argument(help="CSV (also .csv.gz, .csv.zst), XLSX, XLS or Parquet.")],
    *,
    datasource: Annotated[str | None, typer.Option(help="Its name. (default: made of the file's name)")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write; - is the terminal. (default: <datasource>.odcs.yaml here)")
    ] = None,
    time_column: Annotated[
        str | None, typer.Option(help="Becomes __time. (default: the first date or time that is never empty)")
    ] = None,
    day_first: Annotated[
        bool | None, typer.Option("--day-first/--month-first", help="How to read dates such as 03/04/2024.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a CSV file, such as windows-1250. (default: found)")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook. (default: the first with a table)")] = None,
    header_row: Annotated[
        int | None, typer.Option(min=1, help="Line, or row of the sheet, with the names. (default: found)")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a first contract from a file. Exit code 2: none could be written."""
    from sluice_client.commands.init import init  # noqa: PLC0415 - see above
    from sluice_client.inference.draft import Wishes  # noqa: PLC0415 - see above

    with refusals():
        init(file, Wishes(datasource, time_column, day_first, encoding, sheet, header_row), out, force=force)


@contract.command("lint")
def lint_contracts(
    files: Annotated[list[Path], typer.Argument(help="Contracts, ODCS YAML.")],
) -> None:
    """Tell every fault with its line. Exit code 1: there are some; 2: a file could not be read."""
    from sluice_client.commands.lint import lint  # noqa: PLC0415 - see above

    with refusals():
        end(lint(files))


@contract.command("diff")
def compare_contracts(
    old: Annotated[Path, typer.Argument(help="The contract that is in force.")],
    new: Annotated[Path, typer.Argument(help="The one that is to take its place.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The changes as JSON.")] = False,
) -> None:
    """Tell what changes, and whom it breaks. Exit code 1: it is breaking; 2: a contract could not be read."""
    from sluice_client.commands.diff import diff  # noqa: PLC0415 - see above

    with refusals():
        end(diff(old, new, as_json=as_json))


@contract.command("test")
def try_file(
    terms: Annotated[Path, typer.Argument(metavar="CONTRACT", help="ODCS YAML.")],
    file: Annotated[Path, typer.Argument(help="CSV (also .csv.gz, .csv.zst), XLSX, XLS or Parquet.")],
    *,
    report: Annotated[Path | None, typer.Option(help="Write the whole report: .json, or .html for people.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.json, rejected rows and the marked workbook.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 where any row is rejected.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON, and nothing else.")] = False,
) -> None:
    """Judge a file as the service would. Exit code 1: it is rejected; 2: it could not be judged."""
    from sluice_client.commands.trial import Wanted, trial  # noqa: PLC0415 - see above

    with refusals():
        end(trial(terms, file, Wanted(report, out, as_json, strict)))
