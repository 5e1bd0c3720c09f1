"""Which methods an address knows, for `405 Method Not Allowed` (RFC 9110, 10.2.1): the router names only those of the first route."""

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts


def methods_of(api: FastAPI, path: str) -> list[str]:
    """In the order of their names."""
    routes = (each for each in iter_route_contexts(api.routes) if each.methods and each.path_regex.match(path))
    return sorted({method for route in routes for method in route.methods or ()})
