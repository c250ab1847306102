"""`make demo` as a whole, and the search that its proof stands on."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.demo.interruption import Interruption
from tests.e2e.demo.report import Report
from tests.e2e.demo.search import CHUNK, files_of, forms, forms_in, memory_with

ROOT = Path(__file__).parents[2]
KEY = "pat-eu1-5f0c1d2e3b4a59687786950413223140"
DEMO = (sys.executable, "-m", "tests.e2e.demo")

surroundings = st.binary(max_size=40)


class TestSearch:
    @pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
    @given(before=surroundings, after=surroundings)
    def test_base64_is_seen_at_every_alignment(
        self, encode: Callable[[bytes], bytes], before: bytes, after: bytes
    ) -> None:
        assert forms_in(encode(before + KEY.encode() + after), forms(KEY))

    @given(before=surroundings, after=surroundings)
    def test_plain_encodings_are_seen_anywhere(self, before: bytes, after: bytes) -> None:
        text = before + KEY.encode() + after
        for encoded in (text, text.hex().encode(), quote(text, safe="").encode()):
            assert forms_in(encoded, forms(KEY))

    @given(st.binary(max_size=200))
    def test_other_bytes_are_not_taken_for_the_key(self, other: bytes) -> None:
        assert forms_in(b64encode(other) + other, forms(KEY)) == []

    def test_hidden_files_and_subfolders_are_searched_and_links_are_not(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "deep").mkdir()
        hidden, plain = tmp_path / "deep" / ".vault.db-wal", tmp_path / "plain"
        hidden.touch()
        plain.touch()
        (tmp_path / "link").symlink_to(plain)
        assert files_of(tmp_path) == [hidden, plain]

    @pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
    def test_a_key_in_the_memory_of_a_child_is_seen(self) -> None:
        """The child has it on standard input only: in no argument and no environment."""
        program = (
            "import sys\n"
            "key = sys.stdin.readline()\n"
            f"padding = bytearray({2 * CHUNK})\n"
            "print('ready', flush=True)\n"
            "sys.stdin.readline()\n"
        )
        with subprocess.Popen(
            (sys.executable, "-c", program), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(f"{KEY}\n".encode())
            child.stdin.flush()
            child.stdout.readline()
            try:
                found, size = memory_with(child.pid, forms(KEY))
                absent, _ = memory_with(child.pid, forms("another-key-that-nobody-has"))
            except PermissionError:
                pytest.skip("this kernel lets nobody read a child's memory")
        assert "raw" in found
        assert absent == []
        assert size > 2 * CHUNK


class TestReport:
    def test_a_failed_check_counts_and_shows_its_detail(self) -> None:
        out = io.StringIO()
        report = Report(out, {})
        report.check("this holds", True, detail="not shown")
        report.check("this does not", False, detail="because\nof this")
        report.verdict(1.0)
        assert out.getvalue() == (
            "   ✓ this holds\n"
            "   ✗ this does not\n"
            "       because\n       of this\n"
            "\n1 of 2 checks failed in 1.0 s\n"
        )
        assert report.failures == 1

    def test_only_a_terminal_gets_colours(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        terminal, calm = Terminal(), Terminal()
        Report(terminal, {}).title("x")
        Report(calm, {"NO_COLOR": "1"}).title("x")
        assert "\033[" in terminal.getvalue()
        assert "\033[" not in calm.getvalue()


@pytest.fixture
def temporary(tmp_path: Path) -> dict[str, str]:
    """An environment whose temporary folder is ours to look at."""
    return {**os.environ, "TMPDIR": str(tmp_path)}


def programs_left(folder: Path) -> list[str]:
    """Return the programs that still name a folder after a while: a killed proxy's keeper ends late."""
    deadline = time.monotonic() + 30
    while (found := programs_that_name(folder)) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    return found


class TestInterruption:
    def test_it_comes_at_once_when_nobody_holds_it(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            Interruption().interrupt()

    def test_it_waits_for_the_outermost_block_that_holds_it(self) -> None:
        interruption = Interruption()
        with ExitStack() as outer:
            outer.enter_context(interruption.held())
            with interruption.held():
                interruption.interrupt()
            with pytest.raises(KeyboardInterrupt):
                outer.close()


def programs_that_name(folder: Path) -> list[str]:
    """Return the command lines of the processes that have a folder in theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if str(folder) in line]


def test_the_demo_passes_and_cleans_up(temporary: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        DEMO, cwd=ROOT, env=temporary, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert programs_left(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "moment",
    ["keyhatch init", "the connector is there", "→ 200"],
    ids=["early", "proxy-starts", "proxy-runs"],
)
def test_an_interrupted_demo_cleans_up(
    temporary: dict[str, str], tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    with subprocess.Popen(
        DEMO,
        cwd=ROOT,
        env=temporary,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        next(line for line in demo.stdout if moment in line)
        demo.send_signal(number)
        demo.stdout.read()
    assert demo.returncode == 130
    assert list(tmp_path.iterdir()) == []
    assert programs_left(tmp_path) == []
