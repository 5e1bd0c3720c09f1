"""Settings of the validator, each an environment variable `SLUICE_<NAME>`. Sizes in bytes."""

import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from sluice.settings import HttpSettings, KafkaSettings, PublishersSettings, S3Settings


class ValidatorSettings(HttpSettings, KafkaSettings, PublishersSettings, S3Settings):
    http_port: int = Field(default=8002, ge=0, le=65535)
    work_dir: Path = Path(tempfile.gettempdir()) / "sluice-validator"
    child_slots: int = Field(default=1, ge=1, le=64, description="children that judge at once")
    child_memory_bytes: int = Field(default=1_500_000_000, gt=0, description="resident memory of one child")
    child_cpu_seconds: int = Field(default=600, gt=0)
    child_wall_seconds: float = Field(default=900, gt=0)
    child_disk_bytes: int = Field(default=8_000_000_000, gt=0, description="folder of one run, the file included")
    allowed_buckets: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="comma-separated; empty for our own. Without effect where there is a file of publishers"
    )
    max_file_bytes: int = Field(default=500_000_000, gt=0, description="of an object as it is stored")
    max_unpacked_bytes: int = Field(
        default=2_000_000_000, gt=0, description="of what comes out of a compressed file, or of an XLSX file's parts"
    )

    @field_validator("allowed_buckets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def buckets(self) -> frozenset[str]:
        """Buckets from which files are taken."""
        return frozenset(self.allowed_buckets or (self.s3_bucket,))
