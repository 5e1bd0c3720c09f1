"""Which of two representations an `Accept` header wants (RFC 9110, 12.5.1)."""

import re


def prefers(accept: str, wanted: str, otherwise: str) -> bool:
    """Does it want the one rather than the other, which is what all others get? Only who names it does; on a tie it goes first."""
    qualities = dict(_quality(part) for part in accept.split(","))
    of_type = qualities.get(f"{otherwise.partition('/')[0]}/*", 0.0)
    other = qualities.get(otherwise, max(of_type, qualities.get("*/*", 0.0)))
    quality = qualities.get(wanted, 0.0)
    return quality > 0 and quality >= other


def _quality(part: str) -> tuple[str, float]:
    media_type, *parameters = (each.strip().lower() for each in part.split(";"))
    stated = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    return media_type, float(stated) if re.fullmatch(r"[01](\.[0-9]{0,3})?", stated) else 0.0
