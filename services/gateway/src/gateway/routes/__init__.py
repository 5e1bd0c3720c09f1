"""The HTTP edge: ways to hand over a file, what may be asked of its task, and the contracts that files are held against."""

from gateway.routes import commands, contracts, datasources, imports, limits, pauses, tus, uploads
from gateway.routes.edge import Edge
from gateway.routes.linger import Linger
from gateway.routes.pace import Pace
from gateway.routes.problems import add_problems
from gateway.routes.tusdoor import TusDoor

routers = (
    uploads.router,
    tus.router,
    tus.one,
    imports.router,
    commands.router,
    limits.router,
    datasources.router,
    pauses.router,
    contracts.router,
)

__all__ = ["Edge", "Linger", "Pace", "TusDoor", "add_problems", "routers"]
