"""A request that is held for the operator: what they are shown of it, and the digest of it all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from config.connector import Connector
from config.destination import Destination
from proxy.wire.fields import Fields
from proxy.wire.placement import place

MAX_HELD_BODY: Final = 1024 * 1024  # bytes; what is approved is in memory, never on a disk
STAND_IN: Final = "CREDENTIAL"  # what is shown where the credential will be
_FORM: Final = b"keyhatch approval 1"  # of what is digested


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """One request as it will be sent, with a stand-in for its credential.

    `url` is the one that is sent, `fields` are all that are sent.
    """

    agent: str
    connector: str
    method: str
    url: str
    fields: Fields = field(repr=False)
    body: bytes = field(repr=False)

    def digest(self) -> str:
        """Return the SHA-256 of the whole request, in hexadecimal.

        Over the form's name and every part, each behind its length in eight bytes, the number of
        parts first: no two requests have the same bytes.
        """
        texts = (self.agent, self.connector, self.method, self.url)
        fields = [octets for pair in self.fields for octets in pair]
        return _digest([*map(_octets, texts), *fields, self.body])


def hold(
    agent: str,
    aim: tuple[Connector, Destination],
    method: str,
    head: tuple[str, Fields],
    body: bytes,
) -> HeldRequest:
    """Return what will be sent to a connector for a cleaned head (target, fields) and a body.

    The head is made by what places the credential as well. Raises TargetError for a target that
    cannot carry one.
    """
    connector, destination = aim
    placed = place(connector, dict.fromkeys(connector.placement_slots, STAND_IN), *head)
    url = f"{destination.scheme}://{destination.authority}{placed.target}"
    return HeldRequest(agent, connector.slug, method, url, placed.fields, body)


def _digest(parts: Sequence[bytes]) -> str:
    found = sha256(_FORM + len(parts).to_bytes(8))
    for part in parts:
        found.update(len(part).to_bytes(8))
        found.update(part)
    return found.hexdigest()


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
