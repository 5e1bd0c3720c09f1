"""Real parts or stand-ins?"""

import os
import shutil
from typing import Literal

from sluice_local.errors import SetupError
from sluice_local.java import require_java

Kind = Literal["real", "standin"]


def choose_kind() -> Kind:
    """What STACK says, else "real" where Java and Maven are. In CI a missing Java is an error, never a fallback."""
    match os.environ.get("STACK", ""):
        case "standin":
            return "standin"
        case "real":
            require_java()
            return "real"
        case "":
            return _kind_of_this_machine()
        case other:
            raise SetupError(f"STACK is {other!r}: say real or standin.")


def _kind_of_this_machine() -> Kind:
    if shutil.which("java") and shutil.which("mvn"):
        require_java()
        return "real"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        raise SetupError("CI needs the real parts: install Java 17 and Maven, or say STACK=standin aloud.")
    return "standin"
