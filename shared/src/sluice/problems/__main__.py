"""`python -m sluice.problems DOCS`: write `problems.md` into the folder of the documentation anew."""

import sys
from pathlib import Path

from sluice.problems import outcome_kinds, problem_kinds
from sluice.problems.page import write_markdown

if __name__ == "__main__":
    write_markdown(Path(sys.argv[1]), problem_kinds().values(), outcome_kinds().values())
