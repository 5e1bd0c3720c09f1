"""`python -m sluice_local run | demo`: the whole of Sluice on this machine."""

import argparse
import errno
import signal
import sys
from types import FrameType

from sluice_local.demo import demo
from sluice_local.errors import SetupError
from sluice_local.run import run
from sluice_local.stack import choose_kind

_INTERRUPTED = 130


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sluice_local", description="Sluice on one machine.")
    parser.add_argument("command", choices=["run", "demo"])
    command = parser.parse_args().command
    for stop in (signal.SIGINT, signal.SIGTERM):  # also where a parent had SIGINT ignored
        signal.signal(stop, _interrupt)
    try:
        if command == "demo":
            return demo(choose_kind(), _progress)
        run(choose_kind(), _progress)
    except KeyboardInterrupt:
        _progress("Stopped.")
        return 0 if command == "run" else _INTERRUPTED
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print("The disk is full: make room and start again.", file=sys.stderr)
        return 1
    return 0


def _interrupt(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form signal handlers have
    raise KeyboardInterrupt


def _progress(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
