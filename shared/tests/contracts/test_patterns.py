"""Patterns of ECMA-262: what runs in linear time and means the same, and everything else."""

import pytest

from sluice.contracts.patterns import PatternUnfit, check_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$",
        r"^[A-Z]{2}[0-9]{2}([A-Z0-9]?){0,16}$",
        r"a|b|(?:cd)+?|(?<year>\d{4})",
        r"(?i)yes|(?-i:NO)",
        r"\bword\B",
        r"[\w-]+[-\d][a\-\d][^\D]",
        r"\p{L}\P{Lu}[\p{Script=Greek}]",
        r"\u0041\u{41}\x41\t\n[\x41-\x5a]",
        r"\{\}\[\]\/\-\.\$",
        "]}",
        r"[a||b]",
        "ä+[öü]",
    ],
)
def test_what_can_run(pattern):
    check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(?=a)", "look-around"),
        ("a(?!b)", "look-around"),
        ("(?<=a)b", "look-around"),
        ("(?<!a)b", "look-around"),
        (r"(a)\1", "back-references"),
        (r"(?<n>a)\k<n>", "back-references"),
        ("(?>a)", "not of ECMA-262"),
        ("(?P<n>a)", "not of ECMA-262"),
        ("(?x) a", "not of ECMA-262"),
        ("(?#note)a", "not of ECMA-262"),
        (r"\Aa\z", r"\\A cannot be honoured"),
        (r"\<b", r"\\< cannot be honoured"),
        (r"\cA", r"\\c cannot be honoured"),
        (r"\u12", r"\\u cannot be honoured"),
        (r"[\b]", r"\\b cannot be honoured"),
        ("a\\", "cannot be honoured"),
        ("a{,3}", "begins a count"),
        ("{name}", "begins a count"),
        ("a++", "repeats a repetition"),
        ("a{2}{3}", "repeats a repetition"),
        ("[a-z&&[^b]]", "set of sets"),
        ("[a&&b]", "set of sets"),
        ("[[a]", "set of sets"),
        (r"[\d-x]", "is no range"),
        (r"[a-\w]", "is no range"),
        ("(a", "not a regular expression"),
        ("[a", "not a regular expression"),
        ("*", "not a regular expression"),
        ("a{3,2}", "not a regular expression"),
        ("a" * 2001, "2000 characters"),
    ],
)
def test_what_cannot_run_or_would_be_read_otherwise_is_refused(pattern, said):
    with pytest.raises(PatternUnfit, match=said):
        check_pattern(pattern)
