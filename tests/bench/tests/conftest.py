"""Lets the tests import the benchmark as the package that `python -m bench` runs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
