"""Every kind of refusal that an API of ours answers with (RFC 9457), and the page to which its `type` leads.

And the codes with which tasks end, whose pages are beside them. Their sources are `problems.toml` and `outcomes.toml`.
Each service serves all pages, so that a `type` can be followed wherever it was met.
"""

from sluice.problems.kinds import PATH, OutcomeKind, ProblemKind, kind_of, outcome_kinds, problem_kinds

__all__ = ["PATH", "OutcomeKind", "ProblemKind", "kind_of", "outcome_kinds", "problem_kinds"]
