"""Patterns of ECMA-262: what the engine cannot run, or would read otherwise, is refused here, at load, by its syntax alone."""

import re
from itertools import pairwise

LONGEST = 2_000
REPEAT = r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??"
GROUP = r"\(\?<[A-Za-z_][A-Za-z0-9_]*>|\(\?[ims]*(?:-[ims]+)?:|\(\?[ims]+\)"
ESCAPE = r"\\k<[^>]*>|\\[pP]\{[^}]*\}|\\u\{[0-9A-Fa-f]{1,6}\}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\."
CLASS = r"\[(?:\\.|[^\]\\])*\]"
TOKEN = re.compile(rf"{ESCAPE}|{CLASS}|\(\?<?[=!]|{GROUP}|\(\?|{REPEAT}|.", re.DOTALL)

FIT_ESCAPE = r"\\(?:[dDsSwWfnrtv]|[pP]\{.*|[ux][0-9A-Fa-f{].*|[ !-/:;=?@\[-`{-~])"
MANY = r"\\(?:[dDsSwW]|[pP]\{[^}]*\})"
"""An escape that stands for many characters: it begins no range, and ends none."""

UNFIT = (
    (r"\(\?<?[=!]", "look-around ({}) cannot be honoured; say what the text is, or add a second rule"),
    (r"\\[1-9]|\\k<[^>]*>", "back-references ({}) cannot be honoured; write the repeated part out"),
    (r"\(\?", "a group of this kind is not of ECMA-262; write (?:…), or (?<name>…)"),
    (r"\{", r"{} begins a count, such as {{2,5}}; for the sign itself write \{{"),
)


class PatternUnfit(ValueError):
    """Says why a pattern cannot be honoured, and the way out."""


def check_pattern(pattern: str) -> None:
    """Raises PatternUnfit for what cannot be run. What passes may still be refused by the engine, which compiles it: too large."""
    if len(pattern) > LONGEST:
        raise PatternUnfit(f"a pattern may have {LONGEST} characters; for a list of words use invalidValues")
    tokens = TOKEN.findall(pattern)
    for before, token in pairwise(("", *tokens)):
        if why := _unfit(before, token):
            raise PatternUnfit(why)
    try:
        re.compile("".join(map(_python, tokens)))
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternUnfit(f"not a regular expression: {error}") from error


def _unfit(before: str, token: str) -> str | None:
    for form, said in UNFIT:
        if re.fullmatch(form, token):
            return said.format(token)
    if re.fullmatch(REPEAT, token) and re.fullmatch(REPEAT, before):
        return f"{before}{token} repeats a repetition; put the first in (?:…)"
    if len(token) > 1 and token.startswith("["):
        return _unfit_class(token[1:-1].removeprefix("^"))
    return None if token in {r"\b", r"\B"} else _unfit_escape(token)


def _unfit_class(inside: str) -> str | None:
    # a backslash for each escape that stands for many characters, a blank for each other one
    plain = re.sub(ESCAPE, lambda escape: "\\" if re.fullmatch(MANY, escape[0]) else " ", inside, flags=re.DOTALL)
    for sign in ("[", "&&", "--", "~~"):
        if sign in plain:
            return f"{sign} between brackets would be read as a set of sets; write \\{sign[0]} for the sign itself"
    if re.search(r"\\-.|.-\\", plain):
        return r"a - beside an escape such as \w is no range; let it stand last, or write \-"
    return next(filter(None, map(_unfit_escape, re.findall(ESCAPE, inside, re.DOTALL))), None)


def _unfit_escape(token: str) -> str | None:
    if not token.startswith("\\") or re.fullmatch(FIT_ESCAPE, token, re.DOTALL):
        return None
    return f"{token} cannot be honoured; write the character itself, or as \\u and four hexadecimal digits"


def _python(token: str) -> str:
    """Python's spelling, for its syntax check only."""
    if token.startswith("["):
        return re.sub(r"\|+", "|", re.sub(ESCAPE, _python_escape, token, flags=re.DOTALL))
    if token.startswith("(?<"):
        return token.replace("(?<", "(?P<", 1)
    return re.sub(ESCAPE, _python_escape, token, flags=re.DOTALL)


def _python_escape(escape: re.Match[str]) -> str:
    if re.match(r"\\[pP]", escape[0]):
        return r"\w"
    return "x" if re.match(r"\\u\{", escape[0]) else escape[0]
