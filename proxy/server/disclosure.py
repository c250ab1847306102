"""Whether texts hold a secret of the vault: asked before they are given to a command behind the wall."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from config.errors import UsageError
from config.oauth import PRIVATE_KEY, TOKEN_SET
from proxy.oauth.token_set import load
from proxy.secret import Secret
from proxy.wire.needles import Needles

LONGEST_PART: Final = 20  # characters from which a part of a document is looked for by itself

type Stored = Sequence[tuple[str, Secret]]


class Disclosure:
    """Looks for every secret of the vault, in the forms that scrubbing knows.

    `read` returns each one with its slot, `generation` changes when one of them may have.
    """

    def __init__(self, read: Callable[[], Stored], generation: Callable[[], int]) -> None:
        self._read = read
        self._generation = generation
        self._known: tuple[int, tuple[Needles, ...]] | None = None

    async def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the names of those texts that hold a secret; never which, nor where."""
        texts = message.get("texts")
        if not isinstance(texts, dict) or not all(isinstance(t, str) for t in texts.values()):
            raise UsageError(
                "the running proxy does not know this request", hint="restart the proxy"
            )
        return {"found": await asyncio.to_thread(self.find, texts)}

    def find(self, texts: Mapping[str, str]) -> list[str]:
        """Return the names of those texts that hold a secret. Raises KeyhatchError."""
        needles = self._needles()
        return [
            name
            for name, text in texts.items()
            if any(n.occur_in(text.encode(errors="surrogateescape")) for n in needles)
        ]

    def _needles(self) -> tuple[Needles, ...]:
        generation = self._generation()
        if self._known is None or self._known[0] != generation:
            stored = self._read()
            self._known = (
                generation,
                tuple(Needles.of(values_of(slot, secret)) for slot, secret in stored),
            )
        return self._known[1]


def values_of(slot: str, secret: Secret) -> list[str]:
    """Return what is looked for of a stored secret: of a document, its parts as well."""
    if slot == TOKEN_SET:
        tokens = load(secret)
        return [t.reveal() for t in (tokens.access_token, tokens.refresh_token) if t is not None]
    whole = secret.reveal()
    if slot != PRIVATE_KEY:
        return [whole]
    return [whole, *dict.fromkeys(_parts_of(whole))]


def _parts_of(document: str) -> Iterator[str]:
    """Yield the secret parts of a key file: its lines, and those of the PEM inside of a JSON one."""
    try:
        read = json.loads(document)
    except ValueError:
        read = {}
    pem = read.get("private_key", "") if isinstance(read, dict) else ""
    texts = [pem] if isinstance(pem, str) and pem else [document]
    for line in "\n".join(texts).splitlines():
        if len(line) >= LONGEST_PART and not line.startswith("-----"):
            yield line
