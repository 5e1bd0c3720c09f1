"""`sluice` and `python -m sluice_client`."""

import sys
import traceback

from sluice_client.app import app
from sluice_client.terminal import UNABLE


def main() -> None:
    try:
        app(prog_name="sluice")
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException:  # noqa: BLE001 - also a panic of Polars; Python's own exit code would say that the file is rejected
        traceback.print_exc()
        sys.exit(UNABLE)


if __name__ == "__main__":
    main()
