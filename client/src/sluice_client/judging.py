"""One file held against one contract by the engine of the service, on this machine."""

from pathlib import Path

from sluice.contracts import Contract
from sluice.reports import Report
from sluice_client.inference.probing import OFFLINE
from sluice_client.intake import GivenFile
from sluice_engine import paths
from sluice_engine.run import Submission, judge


def judge_file(file: GivenFile, contract: Contract, folder: Path) -> Report:
    """The report; rejected rows and a marked workbook stand beside it in the folder, which was empty. Raises ContractInvalid."""
    paths.input_file(folder).symlink_to(file.path.resolve())
    job = Submission(
        task_id=OFFLINE, filename=file.name, format=file.format, contract=contract, max_unpacked=file.max_unpacked
    )
    judge(folder, job)
    return Report.model_validate_json(paths.report_file(folder).read_bytes())
