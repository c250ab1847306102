"""Variables in the forms in which other programs read them."""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Final

from config.errors import UsageError

_BARE: Final = re.compile(r"[A-Za-z0-9_./:@,+=-]*")
_QUOTED: Final = '\\"'  # what a backslash has to stand before, within double quotes

type Variables = Mapping[str, str]


def as_shell(variables: Variables) -> str:
    """Return lines for `eval` in a POSIX shell."""
    return "".join(f"export {name}={shlex.quote(text)}\n" for name, text in variables.items())


def as_dotenv(variables: Variables) -> str:
    """Return a .env file."""
    return "".join(f"{name}={_quoted(text)}\n" for name, text in variables.items())


def as_docker(variables: Variables) -> str:
    """Return a file for `docker run --env-file`, which takes everything behind `=` as it is.

    Raises UsageError for a text that has line breaks.
    """
    for name, text in variables.items():
        if not text.isprintable():
            raise UsageError(f"{name} cannot be written for docker", hint="use another folder name")
    return "".join(f"{name}={text}\n" for name, text in variables.items())


def as_systemd(variables: Variables) -> str:
    """Return a file for `EnvironmentFile=` (systemd.exec(5)), with every text in double quotes."""
    return "".join(f'{name}="{_escaped(text, _QUOTED)}"\n' for name, text in variables.items())


def as_json(variables: Variables) -> str:
    """Return a JSON object."""
    return json.dumps(dict(variables), indent=2) + "\n"


FORMATS: Final[Mapping[str, Callable[[Variables], str]]] = {
    "shell": as_shell,
    "dotenv": as_dotenv,
    "docker": as_docker,
    "systemd": as_systemd,
    "json": as_json,
}


def _quoted(text: str) -> str:
    if _BARE.fullmatch(text):
        return text
    if "'" not in text:
        return f"'{text}'"
    return f'"{_escaped(text, _QUOTED + "$`")}"'


def _escaped(text: str, special: str) -> str:
    return "".join(f"\\{c}" if c in special else c for c in text)
