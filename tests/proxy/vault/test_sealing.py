import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.vault.sealing import (
    KEY_BYTES,
    NONCE_BYTES,
    TAG_BYTES,
    SealBrokenError,
    Sealed,
    SealingKey,
    encode_fields,
    record_context,
    unwrap_key,
    wrap_key,
)

KEY = SealingKey(bytes(range(KEY_BYTES)))
PLACE = ("0b9f6c9e", "hubspot-api", "secret", bytes(range(32)))


def flip(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8 % len(content)] ^= 1 << bit % 8
    return bytes(changed)


@given(st.binary(max_size=200), st.binary(max_size=80))
def test_what_is_sealed_opens_again(plaintext: bytes, associated: bytes) -> None:
    sealed = KEY.seal(plaintext, associated)
    assert KEY.open(sealed, associated) == plaintext
    assert len(sealed.nonce) == NONCE_BYTES
    assert len(sealed.ciphertext) == len(plaintext) + TAG_BYTES


def test_a_record_of_format_1_opens_for_ever() -> None:
    """Both halves of the format, kept as bytes: the associated data and the AES-GCM message."""
    associated = bytes.fromhex(
        "0000000f6b65796861746368207265636f726400000004000000010000000830623966366339650000000b"
        "68756273706f742d6170690000000673656372657400000020"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    )
    sealed = Sealed(
        bytes.fromhex("000102030405060708090a0b"),
        bytes.fromhex("3469fb77ac93a736bd70a5b885dc4e5abbefd59c98247b9a5ebf68e7348fdf02065e"),
    )
    assert record_context(*PLACE) == associated
    assert KEY.open(sealed, associated) == b"sk-live-0123456789"


def test_each_seal_has_a_nonce_of_its_own() -> None:
    nonces = {KEY.seal(b"same", b"same").nonce for _ in range(200)}
    assert len(nonces) == 200


@given(st.binary(min_size=1, max_size=60), st.data())
def test_no_flipped_bit_opens(plaintext: bytes, data: st.DataObject) -> None:
    associated = record_context(*PLACE)
    sealed = KEY.seal(plaintext, associated)
    bit = data.draw(st.integers(0, 8 * 4096))
    for broken, context in (
        (Sealed(flip(sealed.nonce, bit), sealed.ciphertext), associated),
        (Sealed(sealed.nonce, flip(sealed.ciphertext, bit)), associated),
        (sealed, flip(associated, bit)),
    ):
        with pytest.raises(SealBrokenError):
            KEY.open(broken, context)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_no_other_length_opens_or_crashes(nonce: bytes, ciphertext: bytes) -> None:
    with pytest.raises(SealBrokenError):
        KEY.open(Sealed(nonce, ciphertext), b"")


def test_another_key_does_not_open() -> None:
    sealed = KEY.seal(b"value", b"")
    with pytest.raises(SealBrokenError):
        SealingKey.generate().open(sealed, b"")


@given(st.lists(st.binary(max_size=6), max_size=5), st.lists(st.binary(max_size=6), max_size=5))
def test_different_fields_never_encode_alike(left: list[bytes], right: list[bytes]) -> None:
    assume(left != right)
    assert encode_fields(*left) != encode_fields(*right)


@pytest.mark.parametrize(
    "other",
    [
        ("0b9f6c9f", "hubspot-api", "secret", bytes(range(32))),
        ("0b9f6c9e", "hubspot-ap", "isecret", bytes(range(32))),
        ("0b9f6c9e", "hubspot-api", "app_key", bytes(range(32))),
        ("0b9f6c9e", "hubspot-api", "secret", bytes(32)),
        ("0b9f6c9e", "hubspot-api", "", b"secret" + bytes(range(32))),
    ],
)
def test_each_part_of_a_place_counts(other: tuple[str, str, str, bytes]) -> None:
    sealed = KEY.seal(b"value", record_context(*PLACE))
    with pytest.raises(SealBrokenError):
        KEY.open(sealed, record_context(*other))


def test_a_wrapped_key_opens_only_for_its_vault_and_kind() -> None:
    data_key = SealingKey.generate()
    wrapped = wrap_key(data_key, KEY, vault_id="a", kind="file")
    assert unwrap_key(wrapped, KEY, vault_id="a", kind="file") == data_key
    for vault_id, kind in (("b", "file"), ("a", "keyring")):
        with pytest.raises(SealBrokenError):
            unwrap_key(wrapped, KEY, vault_id=vault_id, kind=kind)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SealingKey(bytes(length))


def test_a_sealing_key_cannot_print_or_pickle_itself() -> None:
    assert KEY.reveal().hex() not in repr(KEY)
    assert repr(KEY) == str(KEY) == f"{KEY}" == "«sealing key»"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(KEY)
