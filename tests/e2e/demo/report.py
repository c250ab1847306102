"""What the demo prints: numbered steps, the commands, and one line for each check."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

GREEN, RED, DIM, BOLD, PLAIN = "\033[32m", "\033[31m", "\033[2m", "\033[1m", "\033[0m"


class Report:
    """Prints as it goes; coloured on a terminal only, and counts what failed."""

    def __init__(self, out: TextIO = sys.stdout, environ: Mapping[str, str] = os.environ) -> None:
        self._out = out
        self._coloured = out.isatty() and "NO_COLOR" not in environ
        self._steps = 0
        self.checks = 0
        self.failures = 0

    def title(self, text: str) -> None:
        self._print(self._in(BOLD, text))

    def step(self, text: str) -> None:
        self._steps += 1
        self._print(f"\n{self._in(BOLD, f'{self._steps}  {text}')}")

    def command(self, words: Sequence[str]) -> None:
        self._print("   " + self._in(DIM, f"$ {shlex.join(words)}"))

    def note(self, text: str) -> None:
        self._print("   " + self._in(DIM, text))

    def check(self, what: str, passed: bool, *, detail: str = "") -> None:
        """Print one verdict; the detail is shown where it failed."""
        self.checks += 1
        self.failures += not passed
        sign = self._in(GREEN, "✓") if passed else self._in(RED, "✗")
        self._print(f"   {sign} {what}")
        if detail and not passed:
            self._print("".join(f"       {line}\n" for line in detail.splitlines())[:-1])

    def skip(self, what: str, why: str) -> None:
        self._print(f"   - {what}: skipped, {why}")

    def verdict(self, seconds: float) -> None:
        good = f"all {self.checks} checks passed"
        bad = f"{self.failures} of {self.checks} checks failed"
        text = self._in(RED, bad) if self.failures else self._in(GREEN, good)
        self._print(f"\n{text} in {seconds:.1f} s")

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._coloured else text

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)
