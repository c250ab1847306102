"""The shape of both certificates."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certs.constraints import with_portal
from certs.profile import sign_authority, sign_leaf
from tests.certs.properties import (
    assert_is_ca,
    assert_is_leaf,
    assert_is_p256,
    assert_issued_by,
    assert_lives_at_most,
    extension,
    permitted_by,
)

NOW = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
CA = sign_authority(KEY, with_portal({"api.example.com"}), NOW)


def test_the_authority_is_a_constrained_p256_ca() -> None:
    assert_is_ca(CA)
    assert_is_p256(CA)
    assert permitted_by(CA) == {"api.example.com", "keyhatch.internal"}
    assert CA.subject == CA.issuer
    CA.verify_directly_issued_by(CA)


def test_the_authority_is_valid_from_the_day_before_for_two_years() -> None:
    assert CA.not_valid_before_utc == NOW.replace(microsecond=0) - timedelta(days=1)
    assert CA.not_valid_after_utc - CA.not_valid_before_utc == timedelta(days=730)


def test_the_authority_without_constraints_has_no_such_extension() -> None:
    free = sign_authority(KEY, None, NOW)
    assert_is_ca(free)
    with pytest.raises(x509.ExtensionNotFound):
        extension(free, x509.NameConstraints)


def test_two_keys_make_two_subjects_and_one_key_makes_one() -> None:
    other = sign_authority(ec.generate_private_key(ec.SECP256R1()), None, NOW)
    again = sign_authority(KEY, None, NOW)
    assert other.subject != CA.subject
    assert again.subject == CA.subject


def test_the_subject_says_who_and_which_and_nothing_of_the_person() -> None:
    (name,) = CA.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    identifier = extension(CA, x509.SubjectKeyIdentifier).value.digest
    assert name.value == f"Keyhatch local CA {identifier[:4].hex()}"
    assert [attribute.rfc4514_attribute_name for attribute in CA.subject] == ["O", "CN"]


def test_serials_are_random_positive_and_at_most_twenty_octets() -> None:
    serials = {sign_leaf("a.example", CA, KEY, NOW).serial_number for _ in range(50)}
    assert len(serials) == 50
    assert all(0 < serial < 2**159 for serial in serials)
    assert any(serial > 2**144 for serial in serials)


def test_a_leaf_is_a_server_certificate_for_one_name() -> None:
    leaf = sign_leaf("api.example.com", CA, KEY, NOW)
    assert_is_leaf(leaf, "api.example.com")
    assert_is_p256(leaf)
    assert_issued_by(leaf, CA)
    assert_lives_at_most(leaf, timedelta(days=7))
    assert leaf.not_valid_before_utc < NOW < leaf.not_valid_after_utc


def test_a_leaf_has_another_subject_than_the_authority() -> None:
    """The same subject over the same key would make a verifier take it for the CA itself."""
    assert sign_leaf("api.example.com", CA, KEY, NOW).subject != CA.subject


@pytest.mark.parametrize("days", [-1, 0, 723, 726, 728])
def test_a_leaf_stays_inside_the_authoritys_time(days: int) -> None:
    leaf = sign_leaf("api.example.com", CA, KEY, NOW + timedelta(days=days))
    assert_issued_by(leaf, CA)


def test_a_name_of_253_characters_gets_a_leaf() -> None:
    host = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert_is_leaf(sign_leaf(host, CA, KEY, NOW), host)
