"""What the services answer with, and the pages that explain it."""

import ast
from itertools import chain
from pathlib import Path

import gateway.errors
from sluice.errors import SluiceError
from sluice.http import OF_FRAMEWORK
from sluice.problems import problem_kinds

ROOT = Path(__file__).parents[2]
SERVING = ("shared/src", "services/gateway/src", "services/status-tracker/src")
RAISED = (gateway.errors.Refused, gateway.errors.Undecided)


def of_classes(kind: type[SluiceError]) -> set[str]:
    """Codes of the kind, unless it only gathers others, and of all kinds of it."""
    gathers = kind.code == SluiceError.code
    return (set() if gathers else {kind.code}).union(*(of_classes(each) for each in kind.__subclasses__()))


def of_calls(module: ast.Module) -> set[str]:
    """Codes with which a module makes refusals: written there, or a constant of the module."""
    constants = {
        target.id: each.value
        for each in module.body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal":
            code = constants.get(node.args[0].id, node.args[0]) if isinstance(node.args[0], ast.Name) else node.args[0]
            texts = {each.value for each in ast.walk(code) if isinstance(each, ast.Constant)}
            assert texts or ast.unparse(code) == "error.code", f"which code is {ast.unparse(code)}?"
            found |= texts
    return found


def test_every_code_that_an_answer_can_carry_has_a_page_and_every_page_a_code() -> None:
    files = chain.from_iterable((ROOT / folder).rglob("*.py") for folder in SERVING)
    said = set().union(*(of_calls(ast.parse(file.read_text(encoding="utf-8"))) for file in files))
    assert said
    codes = said.union(OF_FRAMEWORK.values(), *(of_classes(kind) for kind in RAISED))
    assert codes == problem_kinds().keys()
