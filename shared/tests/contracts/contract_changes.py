"""What differs between two versions of a contract, as tests say it: code → whether it breaks (senders, readers)."""

from contract_builder import contract

from sluice.contracts import compare, load_contract

NOBODY, SENDERS, READERS, BOTH = (False, False), (True, False), (False, True), (True, True)
ACCEPTING = "policy: accept-good-rows"


def changes(old: str, new: str) -> dict[str, tuple[bool, bool]]:
    found = compare(load_contract(old), load_contract(new)).changes
    assert len({change.code for change in found}) == len(found), found
    return {change.code: (change.senders, change.readers) for change in found}


def of_column(old: str, new: str, kind: str = "string", block: str = "") -> dict[str, tuple[bool, bool]]:
    """Of a column x that is described by the keys `old` and then `new`, in YAML's flow style."""
    before, after = (f"- {{name: x, logicalType: {kind}{', ' if keys else ''}{keys}}}" for keys in (old, new))
    return changes(contract(before, block=block), contract(after, block=block))


def of_rule(old: str, new: str, block: str = "") -> dict[str, tuple[bool, bool]]:
    """Of a quality rule on x, or on the table where it is a rowCount."""
    if "rowCount" in new:
        return changes(contract(table=f"quality: [{{{old}}}]"), contract(table=f"quality: [{{{new}}}]"))
    return of_column(f"quality: [{{{old}}}]", f"quality: [{{{new}}}]", block=block)


def of_block(old: str, new: str) -> dict[str, tuple[bool, bool]]:
    return changes(contract(block=old), contract(block=new))


def options(**of: object) -> str:
    return f"logicalTypeOptions: {of}".replace("'", "") if of else ""
