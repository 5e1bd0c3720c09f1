"""The HTTP edge: two ways to hand over a file."""

from gateway.routes.linger import Linger
from gateway.routes.problems import add_problems
from gateway.routes.uploads import Edge, router

__all__ = ["Edge", "Linger", "add_problems", "router"]
