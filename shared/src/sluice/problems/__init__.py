"""Every kind of refusal that an API of ours answers with (RFC 9457), and the page to which its `type` leads.

Their one source is `problems.toml`. Each service serves all pages, so that a `type` can be followed wherever it was met.
"""

from sluice.problems.kinds import PATH, ProblemKind, kind_of, problem_kinds

__all__ = ["PATH", "ProblemKind", "kind_of", "problem_kinds"]
