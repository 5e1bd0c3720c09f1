"""Say something in the same transaction in which it became true.

`add` joins the caller's transaction; `relay` delivers later, at least once. Where Postgres is written *and* something is said.
"""

from sluice.outbox.outbox import CREATE_TABLE, add, relay

__all__ = ["CREATE_TABLE", "add", "relay"]
