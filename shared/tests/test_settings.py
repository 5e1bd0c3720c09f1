import pytest
from pydantic import ValidationError

from sluice.settings import ApiSettings, KafkaSettings, PostgresSettings, S3Settings, read_settings


class All(KafkaSettings, S3Settings, PostgresSettings):
    pass


def test_a_missing_setting_is_named_and_no_secret_shown(monkeypatch):
    monkeypatch.delenv("SLUICE_KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.setenv("SLUICE_S3_SECRET_KEY", "hunter2")
    monkeypatch.setenv("SLUICE_POSTGRES_DSN", "postgresql://u:hunter2@db/x")
    with pytest.raises(ValidationError, match="kafka_bootstrap") as caught:
        All()
    assert "hunter2" not in str(caught.value)


def test_a_process_that_lacks_a_setting_says_which_variable_and_ends(monkeypatch):
    monkeypatch.delenv("SLUICE_KAFKA_BOOTSTRAP", raising=False)
    with pytest.raises(SystemExit, match="SLUICE_KAFKA_BOOTSTRAP: Field required"):
        read_settings(KafkaSettings)


@pytest.mark.parametrize(
    "own",
    [
        {},
        *({"http_host": host} for host in ("127.0.0.2", "::1", "localhost")),
        {"http_host": "192.0.2.1", "auth": "off"},
        {"http_host": "192.0.2.1", "oidc_issuer": "https://login.example.com", "oidc_audience": "sluice"},
        {"http_host": "::", "keys_file": __file__},
    ],
)
def test_a_service_starts_where_somebody_said_who_may_call(own):
    assert ApiSettings(http_port=1, **own)


@pytest.mark.parametrize("host", ["::", "10.0.0.1", "sluice.example", "localhost.example"])
def test_a_service_does_not_start_open_to_all_by_oversight(monkeypatch, host):
    monkeypatch.setenv("SLUICE_HTTP_PORT", "1")
    monkeypatch.setenv("SLUICE_HTTP_HOST", host)
    with pytest.raises(
        SystemExit, match=f"not in order. SLUICE_HTTP_HOST is {host}.*SLUICE_KEYS_FILE.*SLUICE_AUTH=off"
    ):
        read_settings(ApiSettings)


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"oidc_issuer": "https://login.example.com"}, "SLUICE_OIDC_AUDIENCE must say"),
        ({"oidc_issuer": "http://login.example.com", "oidc_audience": "x"}, "must be an https:// URL"),
        ({"oidc_issuer": "login.example.com", "oidc_audience": "x"}, "must be an https:// URL"),
        ({"oidc_jwks_url": "http://localhost.example/keys"}, "must be an https:// URL"),
        ({"keys_file": "/nowhere/keys.json"}, "Path does not point to a file"),
        ({"auth": "maybe"}, "'on' or 'off'"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(own, says):
    with pytest.raises(ValidationError, match=says):
        ApiSettings(http_port=1, **own)
