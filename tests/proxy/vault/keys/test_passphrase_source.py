from dataclasses import replace

import pytest

from config.errors import UsageError
from proxy.secret import Secret
from proxy.vault.errors import VaultDamagedError
from proxy.vault.keys.passphrase_source import (
    PROFILES,
    RFC_9106_FIRST,
    RFC_9106_SECOND,
    SALT_BYTES,
    Argon2Profile,
    PassphraseSource,
)
from proxy.vault.keys.reference import KeyReference, KeySourceKind

VAULT = "0b9f6c9e"
REFERENCE = KeyReference(
    KeySourceKind.PASSPHRASE, profile=RFC_9106_SECOND, salt=bytes(range(SALT_BYTES))
)


def source(passphrase: str) -> PassphraseSource:
    return PassphraseSource(lambda: Secret(passphrase))


def test_the_profiles_are_the_two_of_rfc_9106() -> None:
    assert PROFILES[RFC_9106_FIRST] == Argon2Profile(iterations=1, lanes=4, memory_kib=2**21)
    assert PROFILES[RFC_9106_SECOND] == Argon2Profile(iterations=3, lanes=4, memory_kib=2**16)


def test_the_same_passphrase_gives_the_same_key_for_ever() -> None:
    key = source("correct horse battery").load(VAULT, REFERENCE)
    assert key.reveal().hex() == "5995fc5ddabdb7f10fae2ad796270c269821d70b0efb8fb60262a81f1b6f0eb8"


def test_a_new_passphrase_gets_a_salt_of_its_own() -> None:
    words = source("correct horse battery")
    first, key = words.create(VAULT, None)
    second, other = words.create(VAULT, first)
    assert first.profile == RFC_9106_SECOND
    assert first.salt != second.salt
    assert key != other
    assert words.load(VAULT, first) == key


def test_composed_and_decomposed_letters_are_the_same_passphrase() -> None:
    composed, decomposed = "sch\u00f6ne gr\u00fc\u00dfe", "scho\u0308ne gru\u0308\u00dfe"
    assert source(composed).load(VAULT, REFERENCE) == source(decomposed).load(VAULT, REFERENCE)


@pytest.mark.parametrize("passphrase", ["", "1234567"])
def test_a_short_passphrase_is_refused(passphrase: str) -> None:
    with pytest.raises(UsageError, match="shorter than 8"):
        source(passphrase).create(VAULT, None)


@pytest.mark.parametrize(
    "damaged", [replace(REFERENCE, profile="rfc-9106-third"), replace(REFERENCE, salt=b"short")]
)
def test_unknown_parameters_are_damage_and_ask_nobody_to_wait(damaged: KeyReference) -> None:
    with pytest.raises(VaultDamagedError, match="parameters"):
        source("correct horse battery").load(VAULT, damaged)
