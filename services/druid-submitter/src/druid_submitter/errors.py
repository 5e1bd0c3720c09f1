"""What can be wrong between us and Druid.

Transient
├── DruidSilent      Druid does not answer, or takes nothing at the moment
│   └── SegmentsUnknown  the Broker has not heard yet of segments that there are
└── QueueFull        Druid's queue of tasks is full
Permanent
├── SpecRefused      Druid does not take the spec
├── NothingLoaded    the task whose rows are to be taken out has loaded none
└── IdBurnt          the id belongs to a task that is not this ingestion; it must never run any more
"""

from sluice.errors import Permanent, Transient


class DruidSilent(Transient):
    pass


class QueueFull(Transient):
    pass


class SegmentsUnknown(DruidSilent):
    pass


class SpecRefused(Permanent):
    code = "druid-refused-spec"


class IdBurnt(Permanent):
    code = "druid-id-burnt"


class NothingLoaded(Permanent):
    code = "nothing-to-retract"
