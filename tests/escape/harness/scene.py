"""One attempt that takes runs of its own: how they are started, and what came of them."""

import secrets
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.escape.harness.catalogue import Attempt
from tests.escape.harness.judging import Done, Outcome, judge
from tests.escape.harness.stage import Stage

PATIENCE: Final = 30
BEGAN: Final = "began"  # the file that a program leaves which was started at all
REFUSED: Final = ("share around", "share installation")  # the run may be refused, too
MOMENT: Final = 1.0  # seconds in which something that can happen does


class Scene:
    """One attempt on a stage: its flag, and runs that carry it."""

    def __init__(self, stage: Stage, attempt: Attempt, walled: bool) -> None:
        self.stage = stage
        self.attempt = attempt
        self.walled = walled
        self.flag = f"escaped-{secrets.token_hex(6)}"
        self.output = b""

    def start(
        self, program: str, *words: str, options: Sequence[str] = (), **more: Any
    ) -> "subprocess.Popen[bytes]":
        """Start a program of ours by `keyhatch run`."""
        carrying = ["env", f"ESCAPE_FLAG={self.flag}", *self.stage.software.program(program)]
        command = ["sh", "-c", 'touch "$0" && exec "$@"', BEGAN, *carrying, *words]
        return self.stage.run(command, walled=self.walled, options=options, **more)

    def run(self, program: str, *words: str, **more: Any) -> int:
        """Run it to its end, keep what it prints, return its exit code."""
        with self.start(program, *words, **more) as child:
            return self.ended(child)

    def ended(self, child: "subprocess.Popen[bytes]") -> int:
        """Wait for the end of one that was started."""
        try:
            out, err = child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
        self.output += (out or b"") + (err or b"")
        return child.returncode

    def path(self, name: str) -> Path:
        return self.stage.work / name

    def outcome(self, code: int = 1) -> Outcome:
        """Judge what there is by now; where no program ever ran, nothing was held."""
        began = self.path(BEGAN)
        if not began.exists() and self.attempt.scenario not in REFUSED:
            return Outcome("error", f"never began: {self.output.decode(errors='replace')[-300:]}")
        began.unlink(missing_ok=True)
        if code == 0 and self.attempt.proof == "seen":
            code = 1
        done = Done(code, self.output, self.flag)
        return judge(self.stage, self.attempt, done, walled=self.walled)


def appears(path: Path, seconds: float = PATIENCE) -> bool:
    """Tell whether a file comes to be."""
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return path.exists()
