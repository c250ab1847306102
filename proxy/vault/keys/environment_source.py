"""A key file that the operator made and named in the environment: containers, systemd, CI.

Only the file's name is in the environment. Docker and Kubernetes mount secrets as links and
readable to all inside the container, so links are followed and reading is the operator's
business; a file that others may *write* is refused, for they could choose the key.
"""

import base64
import binascii
import os
import stat
from collections.abc import Mapping
from typing import Final

from proxy.vault.errors import VaultLockedError
from proxy.vault.keys.reference import KEY_FILE_VARIABLE, KeyReference, KeySourceKind
from proxy.vault.sealing import KEY_BYTES, SealingKey

_WRITABLE_BY_OTHERS: Final = 0o022
_MAX_FILE: Final = 256  # 32 bytes in base64 or hex need 64 at the most, and some white space
_HOW: Final = "make one with `openssl rand -base64 32 > FILE` and `chmod 600 FILE`"


class EnvironmentSource:
    """Reads the key from the file that KEYHATCH_VAULT_KEY_FILE names; never writes one."""

    kind: Final = KeySourceKind.ENVIRONMENT

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def create(
        self,
        vault_id: str,
        in_use: KeyReference | None,  # noqa: ARG002 - the operator made the key
    ) -> tuple[KeyReference, SealingKey]:
        """Return the operator's key."""
        reference = KeyReference(self.kind)
        return reference, self.load(vault_id, reference)

    def load(self, vault_id: str, reference: KeyReference) -> SealingKey:  # noqa: ARG002 - the variable says all
        """Return the key: 32 raw bytes, or their base64 or hexadecimal form."""
        name = self._environ.get(KEY_FILE_VARIABLE)
        if not name:
            raise VaultLockedError(
                f"{KEY_FILE_VARIABLE} is not set", hint="set it to the path of the vault's key file"
            )
        material = _decode(_read(name))
        if material is None:
            raise VaultLockedError(
                f"the file that {KEY_FILE_VARIABLE} names does not hold a key of {KEY_BYTES} bytes"
                " (raw, base64 or hex)",
                hint=_HOW,
            )
        return SealingKey(material)

    def discard(self, reference: KeyReference) -> None:
        """Leave the operator's file alone."""


def _read(name: str) -> bytes:
    try:
        # Not blocking: a named pipe without a writer would hang the start.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise VaultLockedError(
            f"cannot read {name!r}, which {KEY_FILE_VARIABLE} names: {reason}", hint=_HOW
        ) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise VaultLockedError(f"{name!r}, which {KEY_FILE_VARIABLE} names, is not a file")
        if stat.S_IMODE(found.st_mode) & _WRITABLE_BY_OTHERS:
            raise VaultLockedError(
                f"{name!r}, which {KEY_FILE_VARIABLE} names, can be written by others",
                hint=f"run `chmod go-w {name}`",
            )
        return os.read(descriptor, _MAX_FILE + 1)
    finally:
        os.close(descriptor)


def _decode(content: bytes) -> bytes | None:
    if len(content) == KEY_BYTES:
        # 32 printable characters are 16 bytes in hex, or a password: no 256-bit key. Random
        # bytes look like that once in 10¹³.
        return None if content.isascii() and content.decode().isprintable() else content
    text = content.strip()
    for decode in (binascii.unhexlify, _decode_base64):
        try:
            material = decode(text)
        except ValueError:
            continue
        if len(material) == KEY_BYTES:
            return material
    return None


def _decode_base64(text: bytes) -> bytes:
    plain = text.replace(b"-", b"+").replace(b"_", b"/")
    return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
