"""Text from elsewhere, made safe to show: none of its characters moves a cursor, begins a line or hides."""

LONGEST = 1_000


def shown(text: str, longest: int = LONGEST) -> str:
    """One line of at most `longest` characters: what cannot be seen is escaped, and a text that was cut ends with `…`."""
    text = text[: longest + 1]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"
