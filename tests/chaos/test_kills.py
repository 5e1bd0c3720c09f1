"""Any process may be killed at any moment, any message may come twice: each file is still loaded exactly once."""

import time

import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def upload_some(sluice, count: int = 6, rows: int = 200) -> list[str]:
    return [sluice.upload(sluice.sales_file(rows=rows)) for _ in range(count)]


def test_the_same_event_again_changes_nothing(sluice, until):
    task_id = sluice.upload(sluice.sales_file())
    sluice.assert_loaded_once(task_id, 200)
    for topic in ("file.uploaded", "file.validated"):
        (message, *_) = [m for m in sluice.heard(topic) if m.key == task_id.encode()]
        headers = {name: value.decode() for name, value in message.headers}
        before = len(sluice.outcome_ids()[task_id]), sum(sluice.outcome_ids()[task_id].values())
        sluice.say(topic, message.value, headers, message.key)
        # the submitter answers from its row: the same outcome, told once more
        until(lambda: sum(sluice.outcome_ids()[task_id].values()) > before[1], "the outcome is repeated")  # noqa: B023 - called at once
    sluice.assert_loaded_once(task_id, 200)


@pytest.mark.parametrize("service", ["gateway", "validator", "druid-submitter", "status-tracker"])
def test_a_service_killed_in_mid_work(sluice, until, service):
    tasks = upload_some(sluice, 3)
    process = sluice.stack.services[service]
    process.kill()
    if service != "gateway":
        tasks += upload_some(sluice, 3)
    until(process.answers, f"{service} is started again")
    process.kill()
    until(process.answers, f"{service} is started again")
    for task_id in tasks:
        sluice.assert_loaded_once(task_id, 200)


def test_a_gateway_killed_while_kafka_is_down_forgets_nothing(sluice, until):
    kafka, gateway = sluice.stack.parts["kafka"], sluice.stack.services["gateway"]
    kafka.stop()
    try:
        tasks = upload_some(sluice, 3)
        gateway.kill()
    finally:
        kafka.start()
    until(gateway.answers, "the gateway is started again")
    for task_id in tasks:
        sluice.assert_loaded_once(task_id, 200)


def test_a_second_member_joins_works_and_leaves(sluice, until):
    tasks = upload_some(sluice, 2)
    second = [sluice.stack.add_service(name) for name in ("validator", "druid-submitter")]
    until(lambda: all(each.answers() for each in second), "the second members are ready")
    tasks += upload_some(sluice, 8)
    for each in second:
        each.stop()
    tasks += upload_some(sluice, 2)
    for task_id in tasks:
        sluice.assert_loaded_once(task_id, 200)


def test_poison_on_every_consumed_topic_stops_nobody(sluice, until):
    for topic in ("file.uploaded", "file.validated", "druid.submitted", "task.completed"):
        sluice.say(topic, b"\x00poison", {"ce_id": "poison"}, b"poison")
        until(lambda: [m for m in sluice.heard(f"{topic}.dlq") if m.key == b"poison"], f"a dead letter of {topic}")  # noqa: B023 - the same
    sluice.assert_next_file_passes()


def test_postgres_and_druid_restarted_in_mid_work(sluice):
    tasks = upload_some(sluice, 3)
    for name in ("postgres", "druid"):
        part = sluice.stack.parts[name]
        part.kill()
        part.start()
        part.wait_ready(time.monotonic() + 300)
    for task_id in tasks:  # one that was running in Druid was lost with it, and is submitted anew
        sluice.assert_loaded_once(task_id, 200, 300)
    sluice.assert_next_file_passes()
