from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from sluice.events import (
    Envelope,
    Failed,
    FileUploaded,
    FileValidated,
    ObjectRef,
    Outcome,
    Problem,
    Receipt,
    TaskCompleted,
    accepted,
    display_name,
    follow,
    safe_key_name,
    task_id_for_key,
    task_id_for_outside,
)

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
TASK = UUID("018f4e7a-5b1c-7c3e-9d52-0a6f4c1b2d3e")


def uploaded(task_id: UUID = TASK) -> Envelope[FileUploaded]:
    return accepted(
        FileUploaded(
            task_id=task_id,
            datasource="sales",
            filename="a.csv",
            accepted_at=NOW,
            format="csv",
            object=ObjectRef(uri="s3://sluice/raw/a"),
        )
    )


def validated(cause, when=NOW):
    fact = cause.data
    verdict = Failed(problem=Problem(code="x", message="y"))
    data = FileValidated(task_id=fact.task_id, datasource="sales", filename="a.csv", accepted_at=NOW, verdict=verdict)
    return follow(cause, data, source="sluice/validator", time=when)


def completed(cause):
    data = TaskCompleted(
        task_id=TASK,
        datasource="sales",
        filename="a.csv",
        accepted_at=NOW,
        outcome=Outcome.FAILED,
        rows=Receipt(),
        completed_at=NOW,
    )
    return follow(cause, data, source="sluice/druid-submitter", time=NOW)


def test_the_same_cause_gives_the_same_id_whenever_it_is_worked_on():
    assert validated(uploaded()).id == validated(uploaded(), when=datetime(2027, 1, 1, tzinfo=UTC)).id
    assert uploaded().id == uploaded().id


def test_another_task_or_another_fact_gives_another_id():
    first, second = uploaded(), uploaded(uuid4())
    assert len({first.id, second.id, validated(first).id, validated(second).id}) == 4


def test_an_outcome_hangs_on_its_task_alone():
    assert completed(uploaded()).id == completed(validated(uploaded())).id


def test_an_event_of_another_system_has_an_identity_too():
    outside = Envelope("order-17", "erp/berlin", NOW, uploaded().data)
    assert outside.identity() == task_id_for_outside("erp/berlin", "order-17")
    assert outside.identity() != Envelope("order-17", "erp/paris", NOW, uploaded().data).identity()


def test_keys_of_different_callers_never_meet():
    assert task_id_for_key("a", "bc") != task_id_for_key("ab", "c")
    assert task_id_for_key("a", "k") == task_id_for_key("a", "k")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("sales.csv", "sales.csv"),
        ("../../etc/passwd.csv", "_etc_passwd.csv"),
        ("Umsätze März 2024.xlsx", "Ums_tze_M_rz_2024.xlsx"),
        ("x" * 500 + ".csv", "x" * 196 + ".csv"),
        ("日本.csv", "_.csv"),
        ("a\u202ecsv.exe.csv", "a_csv_exe.csv"),
    ],
)
def test_a_name_in_a_key_is_short_plain_ascii(name, key):
    assert safe_key_name(name) == key
    assert len(safe_key_name(name)) <= 200


def test_a_name_to_show_has_nothing_that_turns_or_breaks_the_line():
    assert display_name(" a\u202eb\r\nc\x00.csv ") == "abc.csv"
