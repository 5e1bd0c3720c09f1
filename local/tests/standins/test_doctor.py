"""The doctor, on the simulator and on Druid 33."""

import json
from dataclasses import replace

import pytest

from sluice.druid.__main__ import main
from sluice.testing.servers import LocalServer, forward


@pytest.fixture
def doctor(endpoints, monkeypatch, capsys):
    """The exit code, and the findings of `--deep` by what was asked."""

    def examine(**settings):
        for name, value in {**endpoints.environment(), **settings}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(["--deep", "--json"])
        told = json.loads(capsys.readouterr().out)["findings"]
        return ended.value.code, {each["asked"]: each for each in told}

    return examine


def test_a_cluster_is_found_ready_and_left_as_it_was(doctor, druid, s3):
    code, told = doctor()
    assert code == 0, told
    assert {each["verdict"] for each in told.values()} == {"ok"}
    assert "count them by a query" in told
    datasource = told["remove the rows"]["told"].split()[3]
    assert datasource.startswith("sluice_doctor_")
    segments = f"/druid/coordinator/v1/metadata/datasources/{datasource}/segments"
    assert druid.coordinator.post(segments, json=["0001-01-01/9999-12-31"]).json() == []
    assert "Contents" not in s3.list_objects_v2(Bucket="sluice", Prefix="probes/sluice_doctor_")


def test_a_file_that_druid_cannot_read_is_told_and_removed(doctor, endpoints, s3):
    def elsewhere(asked):
        return forward(endpoints.druid_overlord_url)(replace(asked, body=asked.body.replace(b"/probes/", b"/none/")))

    with LocalServer(elsewhere) as overlord:
        code, told = doctor(SLUICE_DRUID_OVERLORD_URL=overlord.url, SLUICE_DRUID_LEADER_HOSTS="127.0.0.1")
    failed = [each for each in told.values() if each["verdict"] != "ok"]
    assert (code, [each["asked"] for each in failed]) == (1, ["load three rows"])
    assert "druid.s3.*" in failed[0]["do"]
    assert {"remove the rows", "remove the file"} <= set(told)
    assert "Contents" not in s3.list_objects_v2(Bucket="sluice", Prefix="probes/sluice_doctor_")


def test_a_bucket_that_we_cannot_write_is_told(doctor):
    code, told = doctor(SLUICE_S3_BUCKET="nowhere-to-be-found")
    assert (code, told["write to the bucket"]["verdict"]) == (1, "fail")
    assert "load three rows" not in told
