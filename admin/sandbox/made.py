"""Files made for one command: what its program looks for in the home folder, without its login.

A program that finds nothing there behaves as if it were started for the first time, or wants a login
that it does not need: the credential comes from a connector.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = "{folder}"
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")

type ReadOwn = Callable[[Path], str | None]


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A JSON object that is made; `keep` are dotted paths of what it takes over from the operator's own.

    `needs` is a variable: without a placeholder in it the file is not made. `{folder}` in a path
    stands for the working directory.
    """

    path: str
    text: str
    keep: tuple[str, ...] = ()
    needs: str = ""


def made_texts(
    files: Sequence[MadeFile], home: Path, folder: Path, given: Mapping[str, str], read: ReadOwn
) -> dict[Path, bytes]:
    """Return what is made, by its path in the home folder. `given` are the placeholders that go in.

    `read` returns the text of a file of the operator's, None where there is none to be read.
    """
    return {
        (path := home / file.path.removeprefix("~/")): _text_of(file, folder, read(path)).encode()
        for file in files
        if not file.needs or file.needs in given
    }


def _text_of(file: MadeFile, folder: Path, own: str | None) -> str:
    made: dict[str, Any] = json.loads(file.text)
    known = _parsed(own)
    for dotted in file.keep:
        *parts, last = [part.replace(_FOLDER, str(folder)) for part in dotted.split(".")]
        value = _at(known, [*parts, last])
        if _is_harmless(value):
            place = made
            for part in parts:
                place = place.setdefault(part, {})
            place[last] = value
    return json.dumps(made)


def _parsed(text: str | None) -> object:
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def _at(value: object, parts: Sequence[str]) -> object:
    for part in parts:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _is_harmless(value: object) -> bool:
    """Tell whether it is a choice, and too short and plain to be a credential."""
    return isinstance(value, bool) or (isinstance(value, str) and bool(_WORD.fullmatch(value)))
