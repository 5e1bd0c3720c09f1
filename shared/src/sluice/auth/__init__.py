"""Who may do what: API keys and tokens in, a caller with grants out; the same at every API.

`sluice.auth.access` guards an API; this much of it use cases may know.
"""

from sluice.auth.grants import ANY, ANYBODY, Caller, Grant, Verb

__all__ = ["ANY", "ANYBODY", "Caller", "Grant", "Verb"]
