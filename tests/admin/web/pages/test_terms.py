"""Hints name commands; the page has words of its own for each that it can do as well."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[4]
ROOMS: Final = (
    "admin/operations",
    "admin/web",
    "config",
    "proxy/oauth",
    "proxy/vault",
    "proxy/wire",
)
COMMAND: Final = re.compile(r"`keyhatch ([a-z-]+(?: [a-z-]+)?)")
# What nothing but a terminal can do.
TERMINAL: Final = {
    "api-token list",
    "config check",
    "init",
    "run",
    "serve",
    "status",
    "stop",
    "ui",
}


def hints() -> Iterator[str]:
    """Yield the text of every hint that an operation may give."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.keyword) and node.arg == "hint":
                    parts = ast.walk(node.value)
                    texts = (p.value for p in parts if isinstance(p, ast.Constant))
                    yield "".join(text for text in texts if isinstance(text, str))


def test_every_command_of_a_hint_has_a_word_on_the_page_or_needs_a_terminal() -> None:
    script = (ROOT / "admin/web/static/terms.js").read_text()
    known = set(re.findall(r'^  "([a-z -]+)": \[', script, re.MULTILINE)) | TERMINAL
    commands = {found for hint in hints() for found in COMMAND.findall(hint)}
    assert {"connector set", "connector connect", "serve"} <= commands
    assert {c for c in commands if c not in known and c.split()[0] not in known} == set()
