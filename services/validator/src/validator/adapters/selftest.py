"""Is a judge sound, in a child? One that accepts everything must not be let near a file, nor one that loses good rows."""

from datetime import UTC, datetime
from uuid import UUID

from sluice.contracts import Contract
from sluice.events import FileFormat, FileUploaded, ObjectRef
from sluice_engine import paths
from sluice_engine.judged import Judged
from validator.adapters.sample import BAD, CONTRACT, LENIENT
from validator.errors import ChildBroken
from validator.ports import Folders, Reader


async def require_sound(judge: Reader, folders: Folders) -> None:
    """Raises ChildBroken unless exactly the one bad cell is found, and costs its row alone where good rows are accepted."""
    strict = await _judged(judge, folders, CONTRACT)
    if not isinstance(strict, Judged) or (strict.source, strict.errors, strict.parts) != (2, 1, 0):
        raise ChildBroken("the self-test failed: a known-bad file was not judged as it must be")
    lenient = await _judged(judge, folders, LENIENT)
    if not isinstance(lenient, Judged) or (lenient.problem, lenient.accepted, lenient.rejected) != (None, 1, 1):
        raise ChildBroken("the self-test failed: a known-good row beside a bad one was not accepted")


async def _judged(judge: Reader, folders: Folders, contract: Contract) -> object:
    fact = FileUploaded(
        task_id=UUID(int=0),
        datasource=contract.datasource,
        filename="bad.csv",
        accepted_at=datetime(2024, 1, 1, tzinfo=UTC),
        format=FileFormat.CSV,
        object=ObjectRef(uri="s3://selftest/bad.csv"),
    )
    with folders() as folder:
        paths.input_file(folder).write_bytes(BAD)
        return await judge(folder, fact, contract)
