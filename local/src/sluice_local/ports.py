"""Ports that nobody else takes."""

import json
import random
import socket
from pathlib import Path

from sluice_local.errors import SetupError

# Below the range from which the kernel takes the ports of outgoing connections.
_LOWEST, _HIGHEST = 20_000, 32_000
_TRIES = 200


class Ports:
    """Free ports on 127.0.0.1 by name, remembered in a file and taken again the next time if they are still free.

    Every port handed out stays claimed until `release`: a bound socket that never listens keeps other programs from
    choosing it, and lets the server it is meant for listen on it, again and again.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._remembered: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        self._claims: dict[str, socket.socket] = {}

    def take(self, name: str, *, prefer: int | None = None) -> int:
        """The port of that name; raises SetupError when none is free."""
        if name not in self._claims:
            self._claims[name] = self._claim(name, prefer)
            self._remembered[name] = self._claims[name].getsockname()[1]
            self._file.write_text(json.dumps(self._remembered, indent=1, sort_keys=True))
        return self._remembered[name]

    def release(self) -> None:
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()

    def _claim(self, name: str, prefer: int | None) -> socket.socket:
        remembered = self._remembered.get(name)
        # Our own connections of a moment ago may linger on a remembered port; a fresh one must be wholly unused.
        if remembered is not None and (claim := _bind(remembered, lingering_is_fine=True)) is not None:
            return claim
        fresh = [random.randint(_LOWEST, _HIGHEST) for _ in range(_TRIES)]  # noqa: S311 - not a secret
        for port in fresh if prefer is None else [prefer, *fresh]:
            if (claim := _bind(port, lingering_is_fine=False)) is not None:
                return claim
        raise SetupError(f"No free port was found on 127.0.0.1 for {name}: stop some programs and start again.")


def _bind(port: int, *, lingering_is_fine: bool) -> socket.socket | None:
    claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if lingering_is_fine:
            claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claim.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return None
    claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return claim
