"""Settings of the gateway, each an environment variable `SLUICE_<NAME>`."""

from pydantic import Field

from sluice.events import FileFormat
from sluice.multipart import PART_SIZE
from sluice.publishers import WrittenPrefix
from sluice.settings import ApiSettings, KafkaSettings, PublishersSettings, S3Settings

RATE = r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$"


class GatewaySettings(ApiSettings, KafkaSettings, PublishersSettings, S3Settings):
    http_port: int = Field(default=8001, ge=0, le=65535)
    public_url: str = Field(
        default="http://127.0.0.1:8080", description="where senders reach the tasks; base of status_url"
    )
    max_upload_bytes: int = Field(default=500_000_000, ge=1, description="largest file, decimal bytes")
    max_unpacked_bytes: int = Field(default=2_000_000_000, ge=1, description="what may come out of an XLSX file")
    max_bytes_by_format: dict[FileFormat, int] = Field(
        default={}, description='other limits, such as {"xlsx": 100000000}'
    )
    max_bytes_by_datasource: dict[str, int] = Field(default={}, description="in the place of those")
    max_bytes_by_caller: dict[str, int] = Field(
        default={}, description="by the caller's name; only lowers what the others allow"
    )
    import_prefixes: dict[str, tuple[WrittenPrefix, ...]] = Field(
        default={}, description='from where a caller may import, "*" for each: {"*": ["s3://landing/"]}'
    )
    max_uploads: int = Field(default=32, ge=1, description="uploads at once; each holds up to 11 MB")
    max_uploads_of_caller: int = Field(default=16, ge=1, description="of them, of one caller")
    upload_rate: str = Field(
        default="600/minute", pattern=RATE, description="files that one caller may hand over to one replica"
    )
    command_rate: str = Field(
        default="600/minute", pattern=RATE, description="the same for all other requests that change something"
    )
    upload_lifetime: float = Field(
        default=86_400.0, gt=0, description="seconds from the creation of a resumable upload to its last byte"
    )
    upload_part_bytes: int = Field(
        default=PART_SIZE,
        ge=PART_SIZE,
        description="of a resumable upload; each that is running holds up to two parts",
    )
    upload_lock_patience: float = Field(
        default=10.0, ge=0, description="seconds to wait until another request lets go of the same upload"
    )
    sweep_uploads_every: float = Field(
        default=600.0, gt=0, description="seconds between sweeps of resumable uploads that were not finished in time"
    )
    body_patience: float = Field(default=60.0, gt=0, description="seconds to wait for the next bytes of a body")
    max_backlog: int = Field(
        default=50_000, ge=1, description="accepted files, of all replicas, that may wait for their outcome"
    )
    relay_room: int = Field(default=5_000, ge=1, description="accepted files held in memory until Kafka takes them")
    sweep_every: float = Field(default=10.0, gt=0, description="seconds between sweeps")
    sweep_after: float = Field(default=60.0, gt=0, description="seconds without outcome until an event is told again")
    sweep_after_start: float = Field(default=10.0, ge=0, description="the same for what an earlier process left")
    sweep_days: int = Field(default=7, ge=0, description="days back that are swept")
