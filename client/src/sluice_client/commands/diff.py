"""`sluice contract diff`."""

import json
from pathlib import Path

from sluice.contracts import Change, Comparison, Contract, compare, load_contract
from sluice.errors import ContractInvalid
from sluice.safetext import shown
from sluice_client.errors import Refused
from sluice_client.intake import read_contract
from sluice_client.terminal import BAD, GOOD, say


def diff(old: Path, new: Path, *, as_json: bool) -> int:
    """The exit code: BAD where somebody is broken. Raises Refused."""
    comparison = compare(load(old), load(new))
    if as_json:
        say(json.dumps(_data(comparison), indent=1, ensure_ascii=False))
    else:
        _tell(comparison)
    return BAD if comparison.breaking else GOOD


def load(path: Path) -> Contract:
    """Raises Refused."""
    try:
        return load_contract(read_contract(path))
    except ContractInvalid as error:
        raise Refused(error.code, f"{path}:\n{error}") from error


def _tell(comparison: Comparison) -> None:
    for change in comparison.changes:
        say(shown(f"{_broken(change)}: {change.message}"))
    if not comparison.changes:
        say("Nothing differs in meaning.")
    else:
        say("It is breaking." if comparison.breaking else "It breaks nothing.")


def _broken(change: Change) -> str:
    if not change.breaking:
        return "ok"
    whom = [name for name, broken in (("senders", change.senders), ("readers", change.readers)) if broken]
    return f"BREAKING for {' and '.join(whom)}"


def _data(comparison: Comparison) -> dict[str, object]:
    changes = [
        {
            "code": each.code,
            "message": each.message,
            "breaking": each.breaking,
            "senders": each.senders,
            "readers": each.readers,
        }
        for each in comparison.changes
    ]
    return {"breaking": comparison.breaking, "changes": changes}
