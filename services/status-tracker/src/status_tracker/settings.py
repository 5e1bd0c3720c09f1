"""Settings of the status-tracker, each an environment variable `SLUICE_<NAME>`."""

from pydantic import Field

from sluice.settings import ApiSettings, KafkaSettings, PostgresSettings, PublishersSettings, S3Settings


class TrackerSettings(ApiSettings, KafkaSettings, PublishersSettings, S3Settings, PostgresSettings):
    http_port: int = Field(default=8004, ge=0, le=65535)
