"""`slots FILES SLOTS`: which share of the slots' time is idle while files wait. All files wait before the first may start."""

import sys
import time

from benchmarks.druid.simulated import simulated
from benchmarks.druid.waiting import until
from benchmarks.measured import say

TASK_SECONDS = 0.4
"""As long as a small file takes a warm Druid."""
LOOK_SECONDS = 0.005

files, slots = int(sys.argv[1]), int(sys.argv[2])
with simulated(slots, TASK_SECONDS, 1) as druid:
    druid.faults.set("no-slots", {})
    druid.hand_over(files)
    until(lambda: druid.count("true") == files)
    druid.faults.end("no-slots")
    until(lambda: druid.started >= slots)
    idle, looks = 0, 0
    while druid.started < files:
        idle, looks = idle + slots - len(druid.tasks.busy()), looks + 1
        time.sleep(LOOK_SECONDS)
    say(idle_percent=100 * idle / (looks * slots))
