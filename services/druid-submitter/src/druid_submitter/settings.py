"""Settings of the druid-submitter, each an environment variable `SLUICE_<NAME>`."""

from pydantic import Field

from sluice.druid import DruidSettings
from sluice.settings import HttpSettings, KafkaSettings, PostgresSettings, PublishersSettings, S3Settings


class SubmitterSettings(HttpSettings, DruidSettings, KafkaSettings, PublishersSettings, S3Settings, PostgresSettings):
    http_port: int = Field(default=8003, ge=0, le=65535)
    lease_seconds: float = Field(default=30.0, gt=1, description="after which another replica takes over an ingestion")
    batch_size: int = Field(default=50, ge=1, le=500, description="ingestions that one replica holds at a time")
