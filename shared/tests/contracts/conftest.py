import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # tests are not packages; contract_builder.py stands beside them
