"""`sluice contract lint`."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sluice.contracts import ContractFaulty, load_contract
from sluice.errors import ContractInvalid
from sluice.safetext import shown
from sluice_client.intake import read_contract
from sluice_client.terminal import BAD, GOOD, say
from sluice_engine.judging.rules import rules_of


def lint(paths: Sequence[Path]) -> int:
    """The exit code. Every fault of every contract is a line `path:line: place: message`. Raises Refused."""
    code = GOOD
    for path in paths:
        faults = list(faults_of(read_contract(path)))
        for line, message in faults:
            say(shown(f"{path}:{line}: {message}"))
        code = BAD if faults else code
        if not faults:
            say(shown(f"{path}: good"))
    return code


def faults_of(text: bytes) -> Iterator[tuple[int, str]]:
    """Lines and messages; none where the engine can judge files by the contract."""
    try:
        rules_of(load_contract(text))
    except ContractFaulty as faulty:
        for fault in faulty.faults:
            yield fault.line, f"{fault.place}: {fault.message}"
        if faulty.count > len(faulty.faults):
            yield faulty.faults[-1].line, f"and {faulty.count - len(faulty.faults)} more faults: correct these first"
    except ContractInvalid as error:
        match = re.match(r"line (\d+): ", str(error))
        yield (int(match[1]), str(error)[match.end() :]) if match else (1, str(error))
