"""Does a file that is known to be bad fail in a child? A judge that accepts everything must not be let near a file."""

from datetime import UTC, datetime
from uuid import UUID

from sluice.contracts import Bound, Contract, DruidTarget, Field, FieldType
from sluice.events import FileFormat, FileUploaded, ObjectRef
from sluice_engine import paths
from sluice_engine.judged import Judged
from validator.errors import ChildBroken
from validator.ports import Folders, Judge

CONTRACT = Contract(
    datasource="selftest",
    version="1",
    fields=(
        Field("at", FieldType.TIMESTAMP, required=True),
        Field("count", FieldType.INTEGER, required=True, minimum=Bound(1)),
    ),
    druid=DruidTarget("at"),
)
BAD = b"at,count\n2024-01-01T00:00:00Z,1\n2024-01-01T00:00:00Z,0\n"


async def require_sound(judge: Judge, folders: Folders) -> None:
    """Raises ChildBroken unless exactly the one bad cell is found."""
    fact = FileUploaded(
        task_id=UUID(int=0),
        datasource=CONTRACT.datasource,
        filename="bad.csv",
        accepted_at=datetime(2024, 1, 1, tzinfo=UTC),
        format=FileFormat.CSV,
        object=ObjectRef(uri="s3://selftest/bad.csv"),
    )
    with folders() as folder:
        paths.input_file(folder).write_bytes(BAD)
        judged = await judge(folder, fact, CONTRACT)
    if not isinstance(judged, Judged) or (judged.source, judged.errors) != (2, 1):
        raise ChildBroken("the self-test failed: a known-bad file was not judged as it must be")
