"""Does a file that is known to be bad fail in a child? A judge that accepts everything must not be let near a file."""

from datetime import UTC, datetime
from uuid import UUID

from sluice.contracts import Contract
from sluice.events import FileFormat, FileUploaded, ObjectRef
from sluice_engine import paths
from sluice_engine.judged import Judged
from validator.adapters.sample import BAD, CONTRACT
from validator.errors import ChildBroken
from validator.ports import Folders, Reader


async def require_sound(judge: Reader, folders: Folders) -> None:
    """Raises ChildBroken unless exactly the one bad cell is found."""
    judged = await _judged(judge, folders, CONTRACT)
    if not isinstance(judged, Judged) or (judged.source, judged.errors) != (2, 1):
        raise ChildBroken("the self-test failed: a known-bad file was not judged as it must be")


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
