"""Patterns of ECMA-262: what no linear-time engine can run is refused here, at load, by its syntax alone."""

import re

LONGEST = 2_000
TOKEN = re.compile(
    r"\\k<[^>]*>|\\[pP]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|\(\?<?[=!]|\(\?<[A-Za-z_$][\w$]*>|\(\?>|.", re.DOTALL
)


class PatternUnfit(ValueError):
    """Says why a pattern cannot be honoured, and the way out."""


def check_pattern(pattern: str) -> None:
    """Raises PatternUnfit for what cannot be run. What passes may still be refused by the engine, which compiles it."""
    if len(pattern) > LONGEST:
        raise PatternUnfit(f"a pattern may have {LONGEST} characters; for a list of words use invalidValues")
    tokens = TOKEN.findall(pattern)
    for token in tokens:
        if re.fullmatch(r"\(\?<?[=!]", token):
            raise PatternUnfit(f"look-around ({token}) cannot be honoured; say what the text is, or add a second rule")
        if re.fullmatch(r"\\[1-9]|\\k<[^>]*>", token):
            raise PatternUnfit(f"back-references ({token}) cannot be honoured; write the repeated part out")
        if token == "(?>":  # noqa: S105 - of a pattern
            raise PatternUnfit("atomic groups are not of ECMA-262; write (?:…)")
    try:
        re.compile("".join(map(_python, tokens)))
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternUnfit(f"not a regular expression: {error}") from error


def _python(token: str) -> str:
    """Python's spelling, for its syntax check only."""
    if re.fullmatch(r"\\[pP]\{[^}]*\}", token):
        return r"\w"
    if re.fullmatch(r"\\[^\W_]", token):
        return token if token[1] in "dDsSwWbBfnrtv0xu" else "x"
    if token.startswith("(?<"):
        return token.replace("(?<", "(?P<", 1)
    return re.sub(r"\\[pP]\{[^}]*\}", r"\\w", token) if token.startswith("[") else token
