"""The kinds of key source, and how the vault remembers which key is its own.

Apart from the interface so that the inventory can name a kind without loading any cryptography.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


class KeySourceKind(StrEnum):
    """Where a key-encryption key is kept; the values are written into the vault."""

    KEYRING = "keyring"
    FILE = "file"
    PASSPHRASE = "passphrase"  # noqa: S105 - a kind
    ENVIRONMENT = "environment"


type KeyChoice = KeySourceKind | Literal["auto"]

KEY_FILE_VARIABLE: Final = "KEYHATCH_VAULT_KEY_FILE"


@dataclass(frozen=True, slots=True)
class KeyReference:
    """Which key of a source wraps the data key; holds nothing secret.

    `name` is a file name in the home or an entry in the keyring; `profile` and `salt` are the
    passphrase's Argon2id parameters.
    """

    kind: KeySourceKind
    name: str = ""
    profile: str = ""
    salt: bytes = b""
