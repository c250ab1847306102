"""Runs the rows against a product, in a pytest of its own, and says what came of each."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.attacks.harness.catalogue import CONTROL, ROW_OF_TEST

SUITE: Final = Path(__file__).parents[1]
ROOT: Final = SUITE.parents[1]
DEADLINE: Final = 30  # seconds for one row on the control, which may hang as it likes

type Word = Literal["held", "failed", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a row: the worst of its tests, and why."""

    word: Word
    why: str = ""


class SuiteError(Exception):
    """The suite did not run."""


def run_rows(
    product: str, *, known: bool = False, workers: int = 2, only: Iterable[str] = ()
) -> dict[str, Outcome]:
    """Attack a product and return the outcome of each row that has a test.

    `known`: only the rows that the control is known to fail. Raises SuiteError.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        command = [
            sys.executable, "-m", "pytest", SUITE, "-q", "-p", "tests.attacks.harness.recorder",
            "--attack-product", product, "--attack-results", results,
            "-p", "no:cacheprovider", "-n", str(workers),
        ]  # fmt: skip
        command += ["--attack-known"] if known else []
        command += [f"--timeout={DEADLINE}"] if product == CONTROL else []
        command += ["-k", " or ".join(f"test_{row}_" for row in only)] if only else []
        done = subprocess.run(
            [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if not results.exists():
            raise SuiteError(done.stdout[-3000:] + done.stderr[-3000:])
        return _by_row(json.loads(results.read_text()))


def _by_row(tests: dict[str, dict[str, str]]) -> dict[str, Outcome]:
    rows: dict[str, Outcome] = {}
    badness = ("held", "skipped", "failed", "error")
    for name, found in sorted(tests.items()):
        row = ROW_OF_TEST.match(name)
        assert row, name
        outcome = Outcome(found["outcome"], found["why"])  # type: ignore[arg-type] # what the recorder writes
        worst = rows.get(row[1])
        if worst is None or badness.index(outcome.word) > badness.index(worst.word):
            rows[row[1]] = outcome
    return rows
