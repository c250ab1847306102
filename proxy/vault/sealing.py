"""Sealing: AES-256-GCM over records and over the data key itself (NIST SP 800-38D).

Nonces are 96 random bits. SP 800-38D (8.3) allows 2³² of them per key, so that two are alike with
a probability below 2⁻³². 10,000 secrets that are each rewritten every hour for ten years make
fewer than 2³⁰, and each rotation starts anew. A counter would need state that a restored backup
sets back, and a repeated nonce is worse than an unlikely one.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Final, NoReturn, SupportsIndex

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT: Final = 1
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
_RECORD: Final = b"keyhatch record"
_WRAPPED_KEY: Final = b"keyhatch wrapped key"
_MASK: Final = "«sealing key»"


class SealBrokenError(Exception):
    """What was sealed does not open under this key and this associated data."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One AES-GCM message: a 12-byte nonce, and the ciphertext with its 16-byte tag."""

    nonce: bytes
    ciphertext: bytes


class SealingKey:
    """32 bytes that seal and open; like a Secret, it cannot print or pickle itself."""

    __slots__ = ("_cipher", "_material")

    def __init__(self, material: bytes) -> None:
        if len(material) != KEY_BYTES:
            raise ValueError(f"a sealing key has {KEY_BYTES} bytes")
        self._material = material
        self._cipher = AESGCM(material)

    @classmethod
    def generate(cls) -> "SealingKey":
        """Return a key from the operating system's random source."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def reveal(self) -> bytes:
        """Return the key itself, to be wrapped or written to where it is kept."""
        return self._material

    def seal(self, plaintext: bytes, associated: bytes) -> Sealed:
        """Return the plaintext sealed under a fresh nonce, tied to its associated data."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return Sealed(nonce, self._cipher.encrypt(nonce, plaintext, associated))

    def open(self, sealed: Sealed, associated: bytes) -> bytes:
        """Return the plaintext. Raises SealBrokenError when any bit of the three differs."""
        if len(sealed.nonce) != NONCE_BYTES or len(sealed.ciphertext) < TAG_BYTES:
            raise SealBrokenError
        try:
            return self._cipher.decrypt(sealed.nonce, sealed.ciphertext, associated)
        except InvalidTag as error:
            raise SealBrokenError from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SealingKey) and hmac.compare_digest(
            self._material, other._material
        )

    def __hash__(self) -> int:
        return hash((SealingKey, self._material))

    def __repr__(self) -> str:
        return _MASK

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a sealing key is not pickled")


def encode_fields(*fields: bytes) -> bytes:
    """Return the fields joined so that no two lists give the same bytes (4-byte lengths)."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def record_context(vault_id: str, connector_id: str, slot: str, binding: bytes) -> bytes:
    """Return the associated data of one record: it opens in its own place and nowhere else."""
    return encode_fields(
        _RECORD,
        FORMAT.to_bytes(4, "big"),
        vault_id.encode(),
        connector_id.encode(),
        slot.encode(),
        binding,
    )


def wrap_key(data_key: SealingKey, kek: SealingKey, *, vault_id: str, kind: str) -> Sealed:
    """Return the data key sealed under the key-encryption key of a source of this kind."""
    return kek.seal(data_key.reveal(), _wrap_context(vault_id, kind))


def unwrap_key(wrapped: Sealed, kek: SealingKey, *, vault_id: str, kind: str) -> SealingKey:
    """Return the data key. Raises SealBrokenError when the key-encryption key is another."""
    return SealingKey(kek.open(wrapped, _wrap_context(vault_id, kind)))


def _wrap_context(vault_id: str, kind: str) -> bytes:
    return encode_fields(_WRAPPED_KEY, FORMAT.to_bytes(4, "big"), vault_id.encode(), kind.encode())
