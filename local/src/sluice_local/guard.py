"""Waits for its parent to be gone (end of stdin), then ends every process noted in the folder given."""

import sys
from pathlib import Path

from sluice_local.processes import end_all

if __name__ == "__main__":
    sys.stdin.buffer.read()
    end_all(Path(sys.argv[1]))
