"""From what was found to what becomes of the file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.contracts import Contract, PolicyMode
from sluice.events import Problem
from sluice_engine.judging.metrics import threshold_text


@dataclass(frozen=True, slots=True)
class Found:
    """`errors` are of severity error; `breached` names the rules of the file as a whole that it breaks."""

    rows: int
    rejected: int
    errors: int
    broken: Sequence[str]
    breached: Sequence[str]
    counts: Counter[tuple[str, str | None]]


def refusal(contract: Contract, found: Found) -> Problem | None:
    """Why the file is rejected whole; None: its good rows are accepted."""
    if contract.policy.mode is PolicyMode.ALL_OR_NOTHING:
        return _rules_broken(found) if found.errors else None
    if found.breached:
        rules = ", ".join(sorted(set(found.breached)))
        return Problem(
            code="rules-broken",
            message=f"The file as a whole breaks {several(len(found.breached), 'rule')} ({rules}); see the report."[
                :1000
            ],
        )
    return _too_many(contract, found)


def _too_many(contract: Contract, found: Found) -> Problem | None:
    policy = contract.policy
    for limit in policy.rule_limits:
        count = sum(
            each
            for (rule, column), each in found.counts.items()
            if rule == limit.rule and limit.column in {None, column}
        )
        if not limit.most.holds(count, found.rows):
            where = f" of {limit.column}" if limit.column else ""
            said = f"{several(count, 'breach', 'breaches')} of {limit.rule}{where}"
            return Problem(
                code="too-many-errors", message=f"{said}; the contract takes {threshold_text(limit.most)}."[:1000]
            )
    if policy.most_rejected and not policy.most_rejected.holds(found.rejected, found.rows):
        said = f"{found.rejected:,} of {several(found.rows, 'row')} would be rejected"
        most = threshold_text(policy.most_rejected)
        return Problem(code="too-many-errors", message=f"{said}; the contract takes {most}."[:1000])
    if found.rejected >= found.rows:
        return Problem(code="no-good-rows", message="No row is left: every one breaks a rule. The report names them.")
    return None


def _rules_broken(found: Found) -> Problem:
    rules = ", ".join(found.broken)
    said = f"{several(found.errors, 'error')} in {several(found.rows, 'row')} ({rules})"
    return Problem(code="rules-broken", message=f"{said[:900]}; the report names each place.")


def several(count: int, noun: str, nouns: str = "") -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {nouns or noun + 's'}"
