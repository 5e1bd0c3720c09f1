"""The HTTP edge: ways to hand over a file, and what may be asked of its task."""

from gateway.routes import commands, limits, uploads
from gateway.routes.edge import Edge
from gateway.routes.linger import Linger
from gateway.routes.pace import Pace
from gateway.routes.problems import add_problems

routers = (uploads.router, commands.router, limits.router)

__all__ = ["Edge", "Linger", "Pace", "add_problems", "routers"]
