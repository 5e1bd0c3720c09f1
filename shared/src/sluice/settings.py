"""Settings by technology. A service's settings are the sum of what it uses; `__main__` reads them, nothing else does."""

import sys
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment, each variable with the prefix `SLUICE_`."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_", frozen=True, hide_input_in_errors=True)

    log_level: str = "INFO"


S = TypeVar("S", bound=Settings)


def read_settings(kind: type[S]) -> S:
    """The settings of this process; where they are not in order, it ends with a sentence that names the variables."""
    try:
        return kind()
    except ValidationError as error:
        faults = (f"SLUICE_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors())
        sys.exit("The environment is not in order. " + "; ".join(faults))


class HttpSettings(Settings):
    http_host: str = Field(default="127.0.0.1", description="loopback until there is authentication")
    http_port: int = Field(ge=0, le=65535)


class KafkaSettings(Settings):
    kafka_bootstrap: str = Field(description="host:port[,host:port…]")


class S3Settings(Settings):
    s3_endpoint: str | None = Field(default=None, description="URL of the S3 server; unset for AWS")
    s3_region: str = "us-east-1"
    s3_bucket: str = "sluice"
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None


class PostgresSettings(Settings):
    postgres_dsn: SecretStr = Field(description="postgresql://user:password@host:port/database")
