"""Docker Compose cannot be run everywhere; what can be known without it is held here."""

import re
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import yaml
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from sluice.auth.keys import FORM

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS = {
    "gateway": "gateway.settings:GatewaySettings",
    "validator": "validator.settings:ValidatorSettings",
    "druid-submitter": "druid_submitter.settings:SubmitterSettings",
    "status-tracker": "status_tracker.settings:TrackerSettings",
    "migrate-submitter": "druid_submitter.settings:SubmitterSettings",
    "migrate-tracker": "status_tracker.settings:TrackerSettings",
    "topics": "sluice.messaging.__main__:TopicSettings",
    "contracts": "sluice.settings:S3Settings",
    "buckets": "sluice.settings:S3Settings",
    "keys": "sluice.auth.__main__:KeySettings",
}
ONCE = {"buckets", "topics", "contracts", "keys", "migrate-submitter", "migrate-tracker"}


def given(service: str) -> set[str]:
    """The service's own variables, as names of settings."""
    variables = SERVICES[service].get("environment", {})
    return {name.removeprefix("SLUICE_").lower() for name in variables if name.startswith("SLUICE_")}


def fields(service: str) -> dict[str, FieldInfo]:
    settings: type[BaseSettings] = resolve_name(SETTINGS[service])
    return settings.model_fields


def test_it_is_valid_compose() -> None:
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    checked = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("service", SETTINGS)
def test_every_variable_is_a_setting(service: str) -> None:
    assert given(service) - set(fields(service)) == set()


@pytest.mark.parametrize("service", SETTINGS)
def test_every_required_setting_is_given(service: str) -> None:
    required = {name for name, field in fields(service).items() if field.is_required()}
    assert required - given(service) == set()


def test_every_service_of_ours_is_held_against_its_settings() -> None:
    assert {name for name, service in SERVICES.items() if "build" in service} == set(SETTINGS)


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert [port for port in ports if not str(port).startswith("127.0.0.1:")] == []


def test_every_image_is_pinned() -> None:
    base = re.findall(r"^FROM (\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    images = [service["image"] for service in SERVICES.values()] + base
    assert [image for image in images if not re.search(r":v?\d+\.\d+(\.\d+)?[\w.-]*$", image)] == []


def test_what_serves_has_a_health_check_and_what_runs_once_is_waited_for() -> None:
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == ONCE
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed in ONCE else "service_healthy"
            assert how == {"condition": expected}
    waited_for = {needed for service in SERVICES.values() for needed in service.get("depends_on", {})}
    assert waited_for >= ONCE


def test_mounted_files_exist() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", ())]
    local = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert local
    assert [path for path in local if not (ROOT / path).exists()] == []


def test_passwords_are_made_once_and_hold_what_compose_asks_for(tmp_path: Path) -> None:
    script = tmp_path / "deploy" / "make-env"
    script.parent.mkdir()
    script.write_bytes((ROOT / "deploy" / "make-env").read_bytes())
    written = []
    for _ in range(2):
        subprocess.run(["sh", str(script)], check=True)
        written.append((tmp_path / ".env").read_text())
    assert written[0] == written[1]
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    made = dict(line.split("=", 1) for line in written[0].splitlines())
    assert set(made) == set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    assert min(map(len, made.values())) > 0
    assert FORM.fullmatch(made["SLUICE_KEY"])


def test_what_an_earlier_version_wrote_is_kept_and_completed(tmp_path: Path) -> None:
    script = tmp_path / "deploy" / "make-env"
    script.parent.mkdir()
    script.write_bytes((ROOT / "deploy" / "make-env").read_bytes())
    (tmp_path / ".env").write_text("SLUICE_DB_PASSWORD=mine\n")
    subprocess.run(["sh", str(script)], check=True)
    lines = (tmp_path / ".env").read_text().splitlines()
    assert lines[0] == "SLUICE_DB_PASSWORD=mine"
    assert [line.partition("=")[0] for line in lines].count("SLUICE_DB_PASSWORD") == 1
    assert "SLUICE_KEY" in {line.partition("=")[0] for line in lines}
