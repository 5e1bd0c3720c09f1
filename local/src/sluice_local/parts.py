"""The four servers of a stack, real or not, and where they answer."""

from dataclasses import dataclass
from typing import Protocol

from sluice_local.endpoints import Endpoints
from sluice_local.kind import Kind
from sluice_local.part import Part
from sluice_local.real.druid import Druid
from sluice_local.real.kafka import Kafka
from sluice_local.real.postgres import Postgres
from sluice_local.real.s3 import S3
from sluice_local.site import Site

BUCKET = "sluice"


class KafkaPart(Part, Protocol):
    @property
    def bootstrap(self) -> str: ...


class S3Part(Part, Protocol):
    @property
    def url(self) -> str: ...
    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The servers of one stack, real ones or stand-ins; PostgreSQL is real in both."""

    kafka: KafkaPart
    s3: S3Part
    postgres: Postgres
    druid: Part
    druid_master_url: str
    druid_broker_url: str

    def endpoints(self) -> Endpoints:
        return Endpoints(
            kafka_bootstrap=self.kafka.bootstrap,
            s3_endpoint=self.s3.url,
            s3_access_key=self.s3.access_key,
            s3_secret_key=self.s3.secret_key,
            s3_bucket=BUCKET,
            postgres_dsn=self.postgres.dsn,
            druid_overlord_url=self.druid_master_url,
            druid_coordinator_url=self.druid_master_url,
            druid_broker_url=self.druid_broker_url,
        )


def make_parts(site: Site, kind: Kind) -> Parts:
    return _real(site) if kind == "real" else _standins(site)


def _real(site: Site) -> Parts:
    s3 = S3(site, BUCKET)
    druid = Druid(site, s3)
    return Parts(Kafka(site), s3, Postgres(site), druid, druid.master_url, druid.broker_url)


def _standins(site: Site) -> Parts:
    from sluice_local.standins.parts import StandinDruid, StandinKafka, StandinS3  # noqa: PLC0415 - real stacks do without

    s3 = StandinS3(site, BUCKET)
    druid = StandinDruid(site, s3)
    return Parts(StandinKafka(site), s3, Postgres(site), druid, druid.url, druid.url)
