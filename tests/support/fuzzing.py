"""How many examples a property is tried with: a fixed budget, or a multiple of it (`make fuzz`)."""

import os
from typing import Final

FACTOR: Final = int(os.environ.get("KEYHATCH_FUZZ", "1"))


def examples(count: int) -> int:
    """Return how many examples to try where `make test` tries `count`."""
    return count * FACTOR
