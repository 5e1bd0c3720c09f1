"""What may be said of where Druid is."""

import pytest
from pydantic import ValidationError

from sluice.druid import DruidSettings, Role
from sluice.settings import read_settings


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for role in ("ROUTER", "OVERLORD", "COORDINATOR", "BROKER"):
        monkeypatch.delenv(f"SLUICE_DRUID_{role}_URL", raising=False)


def test_a_router_serves_for_every_role_that_has_no_address_of_its_own(monkeypatch):
    monkeypatch.setenv("SLUICE_DRUID_ROUTER_URL", "https://router:9088/")
    monkeypatch.setenv("SLUICE_DRUID_BROKER_URL", "http://one:8082, http://two:8082/")
    servers = read_settings(DruidSettings).druid_places.servers
    assert servers == {
        Role.OVERLORD: ("https://router:9088",),
        Role.COORDINATOR: ("https://router:9088",),
        Role.BROKER: ("http://one:8082", "http://two:8082"),
    }


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"router": ""}, "SLUICE_DRUID_OVERLORD_URL and .*_COORDINATOR_URL and .*_BROKER_URL must say where Druid is"),
        ({"router": "druid:8888"}, "must be http:// or https:// URLs"),
        ({"router": "http://a,ftp://b"}, "must be http:// or https:// URLs"),
        ({"router": "http://u:hunter2@a"}, "must not hold a user"),
        ({"router": "http://a?x=1"}, "must end with the path"),
        ({"router": "http://a:port"}, "Port could not be cast"),
        ({"username": "u"}, "belong together"),
        ({"username": "u:v", "password": "hunter2"}, "must not hold a colon"),
        ({"cert_file": __file__}, "belong together"),
        ({"ca_file": "/nowhere/ca.pem"}, "Path does not point to a file"),
        ({"leader_hosts": "http://a:8090"}, "does not appear to be an IPv4 or IPv6 network"),
        ({"leader_hosts": "a:8090"}, "must be hosts"),
        ({"leader_hosts": "10.*"}, "must be hosts"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_no_secret_shown(monkeypatch, own, says):
    for name, value in (
        {"router_url": "http://druid"} | {k.replace("router", "router_url"): v for k, v in own.items()}
    ).items():
        monkeypatch.setenv(f"SLUICE_DRUID_{name.upper()}", value)
    with pytest.raises(SystemExit, match=says) as caught:
        read_settings(DruidSettings)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("http://a.druid.svc:8090/x", True),
        ("http://A.DRUID.SVC/x", True),
        ("http://druid.svc/x", False),
        ("http://a.druid.svc.evil.example/x", False),
        ("http://10.1.2.3:8090/x", True),
        ("http://10.1.2.3.evil.example/x", False),
        ("http://11.1.2.3/x", False),
        ("http://overlord:8090/x", True),
        ("http://overlord:8091/x", False),
        ("https://overlord:8090/x", False),
    ],
)
def test_a_leader_is_sought_only_where_it_may_be(target, allowed):
    settings = DruidSettings(druid_router_url="http://overlord:8090", druid_leader_hosts="*.druid.svc,10.0.0.0/8")
    assert settings.druid_places.may_lead(target, "http://overlord:8090/x") is allowed
    with pytest.raises(ValidationError):
        DruidSettings(druid_router_url="http://overlord:8090", druid_answer_seconds=0)
