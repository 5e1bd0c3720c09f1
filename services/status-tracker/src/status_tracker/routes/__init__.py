"""The HTTP edge. It answers questions and changes nothing."""

from fastapi import APIRouter

from sluice.auth.refusals import DENIED
from sluice.http import problem_answers
from status_tracker.routes import reports, tasks
from status_tracker.routes.sources import Sources

router = APIRouter(responses={**DENIED, **problem_answers("dependency-unavailable")})
for each in (tasks.router, tasks.of_one, reports.router):
    router.include_router(each, prefix="/v1/tasks")

__all__ = ["Sources", "router"]
