"""Limits that hold offline as they hold in the service, by the same variables."""

from pydantic import Field

from sluice.settings import Settings


class FileLimits(Settings):
    max_upload_bytes: int = Field(default=500_000_000, ge=1, description="largest file, decimal bytes")
    max_unpacked_bytes: int = Field(
        default=2_000_000_000, gt=0, description="of what comes out of a compressed file, or of an XLSX file's parts"
    )
