import asyncio

from sluice.errors import Transient
from sluice.jobs import Job, running


async def turn(job: Job, until) -> None:
    async with asyncio.timeout(5), running(job):
        while not until():
            await asyncio.sleep(0)


async def test_a_job_goes_on_at_once_while_there_is_more():
    done = []

    async def work():
        done.append(1)
        return len(done) < 5

    job = Job("t", work, pause=3600)
    await turn(job, lambda: len(done) == 5)
    assert job.alive()


async def test_an_outage_does_not_stop_the_pulse():
    tries = []

    async def work():
        tries.append(1)
        raise Transient("down")

    job = Job("t", work, pause=0)
    await turn(job, lambda: len(tries) >= 3)
    assert job.alive()


async def test_an_error_of_ours_is_tried_again_but_the_pulse_stops():
    tries = []

    async def work():
        tries.append(1)
        raise KeyError("a bug")

    job = Job("t", work, pause=0, patience=0.05)
    await turn(job, lambda: len(tries) >= 3 and not job.alive())


async def test_the_end_of_the_block_ends_the_job():
    hanging = Job("t", asyncio.Event().wait, pause=0)
    async with running(hanging):
        pass
    assert [task for task in asyncio.all_tasks() if task.get_name() == "t"] == []
