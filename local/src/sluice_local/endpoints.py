"""Where a stack answers, as settings of the services."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the parts of one stack answer, and the credentials they take."""

    kafka_bootstrap: str
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: str
    s3_bucket: str
    postgres_dsn: str
    druid_overlord_url: str
    druid_coordinator_url: str
    druid_broker_url: str

    def environment(self) -> dict[str, str]:
        """The same as settings of a service, one `SLUICE_…` variable for each field."""
        return {f"SLUICE_{field.upper()}": getattr(self, field) for field in self.__slots__}
