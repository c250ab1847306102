"""The command line in one process: what it prints, returns and leaves in its home."""

import io
import json
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from admin.cli import call
from admin.context import Session

NOW = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)


@dataclass
class FakeTerminal:
    """A terminal with prepared answers; `typed` None means that no one sits there."""

    typed: list[str] | None = None
    agrees: bool = True
    stdin: bytes = b""
    asked: list[str] = field(default_factory=list)

    def interactive(self) -> bool:
        return self.typed is not None

    def ask_hidden(self, label: str) -> str:
        assert self.typed is not None
        self.asked.append(label)
        return self.typed.pop(0)

    def ask(self, label: str) -> str:
        self.asked.append(label)
        if self.typed is not None:
            return self.typed.pop(0)
        return self.stdin.decode().strip()

    def confirm(self, question: str) -> bool:
        self.asked.append(question)
        return self.agrees

    def forget_typed(self) -> None:
        self.asked.append("(forget)")

    def read_all(self, limit: int) -> bytes:
        return self.stdin[:limit]


@dataclass(frozen=True)
class Outcome:
    """What one command did."""

    code: int
    raw: bytes
    err: str
    asked: list[str]

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> str:
        """The text behind `error: `, from the first of at most two lines on standard error."""
        first, *rest = self.err.splitlines()
        assert first.startswith("error: "), self.err
        assert len(rest) <= 1, self.err
        return first.removeprefix("error: ")

    @property
    def hint(self) -> str:
        last = self.err.splitlines()[-1]
        assert last.startswith("hint: "), self.err
        return last.removeprefix("hint: ")


@dataclass
class CommandLine:
    """Calls commands on one home, in this process."""

    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    wait: Callable[[float], None] = lambda _seconds: None
    umask: int = 0o022
    browser: Callable[[str], bool] = lambda _url: False
    now: Callable[[], datetime] = lambda: NOW

    def __call__(
        self,
        *args: str,
        stdin: str | bytes = b"",
        typed: list[str] | None = None,
        agrees: bool = True,
    ) -> Outcome:
        content = stdin.encode() if isinstance(stdin, str) else stdin
        terminal = FakeTerminal(typed, agrees, content)
        session = Session(
            environ={"KEYHATCH_HOME": str(self.home), **self.environ},
            terminal=terminal,
            now=self.now,
            wait=self.wait,
            umask=self.umask,
            open_browser=self.browser,
        )
        with captured() as (out, err):
            code = call(args, session)
        return Outcome(code, out.getvalue(), err.getvalue().decode(), terminal.asked)

    def files(self) -> dict[str, bytes]:
        """Return what lies in the home, to compare before and after.

        Lock files and SQLite's own (-wal, -shm) are left out; the vault stands for its records.
        """
        return {
            str(path.relative_to(self.home)): path.read_bytes()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock"))
        }


@contextmanager
def full_disk_for_the_file(line: CommandLine) -> Iterator[None]:
    """Let every write of connectors.yaml fail for the block, and none of the vault's.

    The file is made larger than the largest that this process may write.
    """
    path = line.home / "connectors.yaml"
    path.write_text(path.read_text() + "# filling\n" * 200_000)
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)


@contextmanager
def captured() -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Catch what is printed within the block: standard output and standard error."""
    kept = sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(stream, "utf-8", write_through=True) for stream in (out, err)
    )
    try:
        yield out, err
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.detach()
        sys.stdout, sys.stderr = kept
