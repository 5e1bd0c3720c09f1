"""How Druid is reached, as settings."""

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, FilePath, SecretStr, model_validator
from pydantic_settings import NoDecode

from sluice.druid.places import Places, Role, host_pattern, server_url
from sluice.settings import Settings


def _each(parse: Callable[[str], str]) -> BeforeValidator:
    def parsed(text: Any) -> Any:
        if not isinstance(text, str):
            return text
        return tuple(parse(part.strip()) for part in text.split(",") if part.strip())

    return BeforeValidator(parsed)


Servers = Annotated[tuple[str, ...], NoDecode, _each(server_url)]
Hosts = Annotated[tuple[str, ...], NoDecode, _each(host_pattern)]


class DruidSettings(Settings):
    """A router serves for every role that has no addresses of its own. Several addresses of a role: with commas."""

    druid_router_url: Servers = Field(default=(), description="router, with its management proxy enabled")
    druid_overlord_url: Servers = Field(default=(), description="Overlords")
    druid_coordinator_url: Servers = Field(default=(), description="Coordinators")
    druid_broker_url: Servers = Field(default=(), description="Brokers")
    druid_leader_hosts: Hosts = Field(
        default=(), description="hosts, *.domains or networks where a leader may be that is none of the addresses"
    )
    druid_username: str | None = Field(default=None, description="for basic authentication")
    druid_password: SecretStr | None = None
    druid_ca_file: FilePath | None = Field(default=None, description="PEM; who signs the certificates of Druid")
    druid_cert_file: FilePath | None = Field(
        default=None, description="PEM; our own certificate, where Druid wants one"
    )
    druid_key_file: FilePath | None = Field(default=None, description="PEM; the key of that certificate")
    druid_connect_seconds: float = Field(default=3.0, gt=0)
    druid_answer_seconds: float = Field(default=20.0, gt=0, description="for one answer of one server")

    @property
    def druid_places(self) -> Places:
        own = (self.druid_overlord_url, self.druid_coordinator_url, self.druid_broker_url)
        servers = {role: each or self.druid_router_url for role, each in zip(Role, own, strict=True)}
        return Places(servers, self.druid_leader_hosts)

    def routed(self, role: Role) -> bool:
        """Is the role asked through the router?"""
        return self.druid_places.servers[role] == self.druid_router_url

    @model_validator(mode="after")
    def _reaches_every_role(self) -> Self:
        missing = [role for role, servers in self.druid_places.servers.items() if not servers]
        if missing:
            names = " and ".join(f"SLUICE_DRUID_{role.upper()}_URL" for role in missing)
            raise ValueError(f"{names} must say where Druid is, or SLUICE_DRUID_ROUTER_URL where its router is")
        return self

    @model_validator(mode="after")
    def _is_somebody_or_nobody(self) -> Self:
        if (self.druid_username is None) != (self.druid_password is None):
            raise ValueError("SLUICE_DRUID_USERNAME and SLUICE_DRUID_PASSWORD belong together")
        if ":" in (self.druid_username or ""):
            raise ValueError("SLUICE_DRUID_USERNAME must not hold a colon: basic authentication has none")
        if (self.druid_cert_file is None) != (self.druid_key_file is None):
            raise ValueError("SLUICE_DRUID_CERT_FILE and SLUICE_DRUID_KEY_FILE belong together")
        return self
