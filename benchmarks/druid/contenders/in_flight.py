"""`in_flight FILES REPLICAS`: how often the Overlord is asked in a second while so many ingestions run and none ends."""

import sys
import time

from benchmarks.druid.simulated import simulated
from benchmarks.druid.waiting import until
from benchmarks.measured import say

SECONDS = 30.0
ALL_OF_TIME = ("0001-01-01/9999-12-31",)

files, replicas = int(sys.argv[1]), int(sys.argv[2])
with simulated(files, 0.0, replicas, druid_tasks_per_slot=1) as druid:
    druid.faults.set(
        "locked", {"where": "sluice_", "intervals": ALL_OF_TIME}
    )  # for every task of ours: it runs, and does not end
    druid.hand_over(files)
    until(lambda: druid.count("phase = 'ingesting'") == files)
    before, began = druid.requests.copy(), time.perf_counter()
    time.sleep(SECONDS)
    asked = druid.requests - before
    say(requests_per_s=asked.total() / (time.perf_counter() - began))
    sys.stderr.write(f"{dict(asked)}\n")
