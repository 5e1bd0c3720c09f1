"""The doctor, on the simulator and on Druid 33."""

import json

import pytest

from sluice.druid.__main__ import main


def test_a_cluster_is_found_ready_and_left_as_it_was(endpoints, druid, s3, monkeypatch, capsys):
    for name, value in endpoints.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["--deep", "--json"])
    told = {each["asked"]: each for each in json.loads(capsys.readouterr().out)["findings"]}
    assert ended.value.code == 0, told
    assert {each["verdict"] for each in told.values()} == {"ok"}
    assert "count them by a query" in told
    datasource = told["remove the rows"]["told"].split()[3]
    assert datasource.startswith("sluice_doctor_")
    assert (
        druid.coordinator.post(
            f"/druid/coordinator/v1/metadata/datasources/{datasource}/segments", json=["0001-01-01/9999-12-31"]
        ).json()
        == []
    )
    assert "Contents" not in s3.list_objects_v2(Bucket="sluice", Prefix="probes/sluice_doctor_")
