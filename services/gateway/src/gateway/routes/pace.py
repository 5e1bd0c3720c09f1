"""How often one caller may ask. Counted by each replica for itself; by RateLimit headers a client knows where it stands.

Headers after draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy: "uploads";q=600;w=60`, `RateLimit: "uploads";r=599;t=1`.
"""

import math
import time
from dataclasses import dataclass, field

from fastapi import Response
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from sluice.auth import ANYBODY, Caller
from sluice.http import Refusal

RATE_LIMITED = "rate-limited"


@dataclass(frozen=True, slots=True)
class Pace:
    """One kind of requests, named `name` to clients, of which a caller may make as many as `rate` says, such as `600/minute`."""

    name: str
    rate: str
    _limiter: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage())
    )

    async def __call__(self, caller: Caller, response: Response) -> None:
        """Count one request. Raises Refusal beyond the rate."""
        item = parse(self.rate)
        who = (self.name, caller.name, caller.address if caller.name == ANYBODY.name else "")
        taken = await self._limiter.hit(item, *who)
        window = await self._limiter.get_window_stats(item, *who)
        headers = self._headers(item, window.remaining, max(0, math.ceil(window.reset_time - time.time())))
        if not taken:
            raise self._refusal(item, headers)
        response.headers.update(headers)

    def _headers(self, item: RateLimitItem, remaining: int, seconds: int) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{self.name}";q={item.amount};w={item.get_expiry()}',
            "RateLimit": f'"{self.name}";r={remaining};t={seconds}',
        }

    def _refusal(self, item: RateLimitItem, headers: dict[str, str]) -> Refusal:
        pause = max(1, math.ceil(item.get_expiry() / item.amount))
        detail = f"More than {item.amount:,} {self.name} in {item.get_expiry():,} seconds. Wait, then send it again."
        return Refusal(RATE_LIMITED, detail, {**headers, "Retry-After": str(pause)})
