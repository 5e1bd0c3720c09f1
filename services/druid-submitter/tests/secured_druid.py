"""A Druid at hand, asked as in a guarded cluster."""

from contextlib import ExitStack
from pathlib import Path

from sluice.druid import DruidSettings
from sluice.testing.servers import Authority, LocalServer, Reply, behind_password, forward

SECURED = "behind TLS, a password and servers that do not lead"


def secured(settings: DruidSettings, folder: Path, servers: ExitStack) -> DruidSettings:
    """Where the same Druid answers in that way."""
    authority = Authority(folder)

    def serve(answer):
        guarded = behind_password("sluice", "hunter2", answer)
        return servers.enter_context(LocalServer(guarded, authority.server_context())).url

    leader, broker = serve(forward(settings.druid_overlord_url[0])), serve(forward(settings.druid_broker_url[0]))
    follower = serve(lambda asked: Reply(307, headers={"location": leader + asked.path}))
    return DruidSettings(
        druid_overlord_url=follower,
        druid_coordinator_url=follower,
        druid_broker_url=broker,
        druid_leader_hosts="127.0.0.1",
        druid_username="sluice",
        druid_password="hunter2",
        druid_ca_file=authority.file,
    )
