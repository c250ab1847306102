"""A passphrase, stretched with Argon2id (RFC 9106) into the key-encryption key."""

import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from config.errors import UsageError
from proxy.secret import Secret
from proxy.vault.errors import VaultDamagedError, VaultLockedError
from proxy.vault.keys.reference import KeyReference, KeySourceKind
from proxy.vault.sealing import KEY_BYTES, SealingKey

SALT_BYTES: Final = 16  # RFC 9106, 3.1: 128 bits
MIN_PASSPHRASE: Final = 8  # NIST SP 800-63B, 5.1.1.2


@dataclass(frozen=True, slots=True)
class Argon2Profile:
    """Argon2id parameters: passes, lanes, and memory in KiB."""

    iterations: int
    lanes: int
    memory_kib: int


# RFC 9106, section 4. The second is the default: the first takes 2 GiB at every unlocking, which
# a small server or a container does not have, and the kernel would end the proxy for asking.
RFC_9106_FIRST: Final = "rfc-9106-first"
RFC_9106_SECOND: Final = "rfc-9106-second"
PROFILES: Final = {
    RFC_9106_FIRST: Argon2Profile(iterations=1, lanes=4, memory_kib=2 * 1024 * 1024),
    RFC_9106_SECOND: Argon2Profile(iterations=3, lanes=4, memory_kib=64 * 1024),
}


class PassphraseSource:
    """Asks for the passphrase each time; keeps only the profile's name and the salt."""

    kind: Final = KeySourceKind.PASSPHRASE

    def __init__(self, ask: Callable[[], Secret], *, profile: str = RFC_9106_SECOND) -> None:
        self._ask = ask
        self._profile = profile

    def create(
        self,
        vault_id: str,  # noqa: ARG002 - the salt tells vaults apart
        in_use: KeyReference | None,  # noqa: ARG002 - nothing is kept that could be overwritten
    ) -> tuple[KeyReference, SealingKey]:
        """Ask for a new passphrase. Raises UsageError when it is too short."""
        passphrase = self._ask()
        if len(passphrase.reveal()) < MIN_PASSPHRASE:
            raise UsageError(
                f"the passphrase is shorter than {MIN_PASSPHRASE} characters",
                hint="use several words",
            )
        salt = secrets.token_bytes(SALT_BYTES)
        reference = KeyReference(self.kind, profile=self._profile, salt=salt)
        return reference, _stretch(passphrase, reference)

    def load(self, vault_id: str, reference: KeyReference) -> SealingKey:  # noqa: ARG002 - the salt tells vaults apart
        """Ask for the passphrase; whether it is the right one shows when the data key is opened."""
        return _stretch(self._ask(), reference)

    def discard(self, reference: KeyReference) -> None:
        """Nothing is kept outside the vault."""


def _stretch(passphrase: Secret, reference: KeyReference) -> SealingKey:
    profile = PROFILES.get(reference.profile)
    if profile is None or len(reference.salt) != SALT_BYTES:
        raise VaultDamagedError(
            "the vault's passphrase parameters are unknown", hint="restore vault.db from a backup"
        )
    # One spelling for composed and decomposed letters: keyboards differ in what they send.
    text = unicodedata.normalize("NFC", passphrase.reveal())
    try:
        derivation = Argon2id(
            salt=reference.salt,
            length=KEY_BYTES,
            iterations=profile.iterations,
            lanes=profile.lanes,
            memory_cost=profile.memory_kib,
        )
        return SealingKey(derivation.derive(text.encode()))
    except MemoryError as error:
        raise VaultLockedError(
            f"not enough memory for the passphrase: it takes {profile.memory_kib // 1024} MiB"
        ) from error
