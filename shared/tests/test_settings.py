import pytest
from pydantic import ValidationError

from sluice.settings import KafkaSettings, PostgresSettings, S3Settings, read_settings


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
