"""Druid, reached: where its servers are, who leads, as whom we ask, and what differs between its versions."""

from sluice.druid.answer import Answer
from sluice.druid.connection import DruidBusy, DruidConnection, DruidDenied, open_druid
from sluice.druid.places import Role
from sluice.druid.settings import DruidSettings

__all__ = ["Answer", "DruidBusy", "DruidConnection", "DruidDenied", "DruidSettings", "Role", "open_druid"]
