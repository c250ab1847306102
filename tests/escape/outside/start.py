"""Start an attempt that is written in Python: `start.py NAME WORD…`."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    name, *words = sys.argv[1:]
    sys.argv = [name, *words]
    runpy.run_module(f"tests.escape.attempts.{name}", run_name="__main__")
