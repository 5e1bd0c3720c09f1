"""The HTTP edge: ways to hand over a file, and what may be asked of its task."""

from gateway.routes import commands, uploads
from gateway.routes.edge import Edge
from gateway.routes.linger import Linger
from gateway.routes.problems import add_problems

routers = (uploads.router, commands.router)

__all__ = ["Edge", "Linger", "add_problems", "routers"]
