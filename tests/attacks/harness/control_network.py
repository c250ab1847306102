"""Puts mitmdump on the Internet of a test, as the test's own loop is: below it, nothing in it."""

import asyncio
import json
import os
from pathlib import Path

from tests.attacks.harness.internet import Internet, connecting_through

_FOLDER = Path(os.environ["NAIVE_KEYS"]).parent


class _Shared(Internet):
    """What another process has written; notes for it what was asked and dialled."""

    def resolve(self, name: str) -> list[str]:
        self._note("asked", name)
        return super().resolve(name)

    def reach(self, address: str, port: int) -> tuple[str, int]:
        self._note("dialled", [address, port])
        return super().reach(address, port)

    def _note(self, kind: str, what: object) -> None:
        with (_FOLDER / "seen.jsonl").open("a") as file:
            file.write(json.dumps([kind, what]) + "\n")


def running() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    loop.__class__ = connecting_through(type(loop), lambda: _Shared.load(_FOLDER / "internet.json"))
