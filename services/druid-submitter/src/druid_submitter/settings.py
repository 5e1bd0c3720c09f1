"""Settings of the druid-submitter, each an environment variable `SLUICE_<NAME>`."""

from pydantic import Field

from sluice.druid import DruidSettings
from sluice.settings import HttpSettings, KafkaSettings, PostgresSettings, PublishersSettings, S3Settings


class SubmitterSettings(HttpSettings, DruidSettings, KafkaSettings, PublishersSettings, S3Settings, PostgresSettings):
    http_port: int = Field(default=8003, ge=0, le=65535)
    lease_seconds: float = Field(
        default=30.0, gt=1, description="after which another replica takes over what a dead one held"
    )
    batch_size: int = Field(
        default=50, ge=1, le=500, description="ingestions that are submitted, or concluded, at a time"
    )
    ingestion_attempts: int = Field(default=3, ge=1, le=20, description="where Druid fails for a cause that may pass")
    attempt_pause_seconds: float = Field(
        default=5.0, ge=0, description="before the second attempt; six times as long before each one more"
    )
    ingestion_time_limit_minutes: int = Field(
        default=1440, ge=1, description="of Druid for a file whose contract sets none"
    )
    druid_tasks_per_slot: float = Field(
        default=3.0, ge=1, le=100, description="tasks handed to Druid for each of its slots, so that none stands idle"
    )
    druid_unknown_slots: int = Field(
        default=20, ge=1, description="tasks handed to Druid where it does not say how many slots it has"
    )
