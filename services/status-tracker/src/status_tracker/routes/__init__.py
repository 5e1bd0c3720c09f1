"""The HTTP edge. It answers questions and changes nothing."""

from fastapi import APIRouter

from status_tracker.routes import reports, tasks
from status_tracker.routes.sources import Sources

router = APIRouter()
for each in (tasks.router, reports.router):
    router.include_router(each, prefix="/v1/tasks")

__all__ = ["Sources", "router"]
