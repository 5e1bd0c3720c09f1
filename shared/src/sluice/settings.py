"""Settings by technology. A service's settings are the sum of what it uses; `__main__` reads them, nothing else does."""

import sys
from ipaddress import ip_address
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, FilePath, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
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
        sys.exit(told_of(error))


def told_of(error: ValidationError) -> str:
    """One sentence that names the variables, and shows no value."""
    return "The environment is not in order. " + "; ".join(map(_fault, error.errors()))


def _fault(fault: ErrorDetails) -> str:
    """A fault of one variable begins with its name; one of several together names them itself."""
    what = fault["msg"].removeprefix("Value error, ")
    variable = "_".join(map(str, fault["loc"])).upper()
    return f"SLUICE_{variable}: {what}" if variable else what


class HttpSettings(Settings):
    http_host: str = Field(default="127.0.0.1", description="the address to bind to")
    http_port: int = Field(ge=0, le=65535)


def require_https(url: str) -> str:
    """The URL itself. Raises ValueError where what comes from there could be exchanged on its way."""
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname))):
        raise ValueError("must be an https:// URL; http:// only to loopback")
    return url


Https = Annotated[str, AfterValidator(require_https)]


class ApiSettings(HttpSettings):
    """Of a service that takes or tells something over HTTP, and so asks who is calling."""

    auth: Literal["on", "off"] = Field(default="on", description="off: everybody may do everything")
    keys_file: FilePath | None = Field(default=None, description="API keys, as `sluice key` writes them")
    oidc_issuer: Https | None = Field(default=None, description="URL of the issuer of tokens, exactly as they name it")
    oidc_audience: str | None = Field(default=None, description="how tokens name this installation")
    oidc_jwks_url: Https | None = Field(default=None, description="where the issuer's keys are; else it is asked")
    oidc_scope_claims: str = Field(default="scope sluice_scopes", description="claims that hold scopes, by spaces")

    @property
    def knows_callers(self) -> bool:
        """Is there any way to say who one is?"""
        return self.auth == "on" and bool(self.keys_file or self.oidc_issuer)

    @model_validator(mode="after")
    def _lets_nobody_in_by_oversight(self) -> Self:
        if self.auth == "on" and not self.knows_callers and not _loopback(self.http_host):
            raise ValueError(
                f"SLUICE_HTTP_HOST is {self.http_host}, and nothing says who may call. Set SLUICE_KEYS_FILE (`sluice key "
                "create` writes it) or SLUICE_OIDC_ISSUER with SLUICE_OIDC_AUDIENCE, or say SLUICE_AUTH=off to let "
                "everybody in"
            )
        return self

    @model_validator(mode="after")
    def _trusts_tokens_for_a_reason(self) -> Self:
        if self.oidc_issuer and not self.oidc_audience:
            raise ValueError("SLUICE_OIDC_AUDIENCE must say for whom the tokens of SLUICE_OIDC_ISSUER are")
        return self


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class KafkaSettings(Settings):
    kafka_bootstrap: str = Field(description="host:port[,host:port…]")


class PublishersSettings(Settings):
    publishers_file: FilePath | None = Field(
        default=None, description="who may publish files and with which secrets they sign; see sluice.publishers"
    )


class S3Settings(Settings):
    s3_endpoint: str | None = Field(default=None, description="URL of the S3 server; unset for AWS")
    s3_region: str = "us-east-1"
    s3_bucket: str = "sluice"
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None


class PostgresSettings(Settings):
    postgres_dsn: SecretStr = Field(description="postgresql://user:password@host:port/database")
