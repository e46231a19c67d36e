"""Lets the tests import the suite as the package that `python -m endurance` runs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
