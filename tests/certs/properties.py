"""What a certificate is, asserted by name."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def assert_is_ca(certificate: x509.Certificate) -> None:
    """It may sign leaves and nothing below them, and says so critically."""
    constraints = extension(certificate, x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    usage = extension(certificate, x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature


def assert_is_leaf(certificate: x509.Certificate, host: str) -> None:
    """It is good for a TLS server of exactly one DNS name."""
    names = extension(certificate, x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName(host)]
    assert not certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    constraints = extension(certificate, x509.BasicConstraints)
    assert constraints.critical
    assert not constraints.value.ca
    usage = extension(certificate, x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    purposes = extension(certificate, x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


def assert_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> None:
    """Signature, issuer and key identifiers lead to the authority, and its time contains it."""
    certificate.verify_directly_issued_by(authority)
    authority_key = extension(authority, x509.SubjectKeyIdentifier).value.digest
    named = extension(certificate, x509.AuthorityKeyIdentifier).value
    assert named.key_identifier == authority_key
    assert named.authority_cert_serial_number is None
    assert certificate.not_valid_before_utc >= authority.not_valid_before_utc
    assert certificate.not_valid_after_utc <= authority.not_valid_after_utc


def assert_is_p256(certificate: x509.Certificate) -> None:
    """Its key is on the curve that every client has."""
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert isinstance(public.curve, ec.SECP256R1)


def assert_lives_at_most(certificate: x509.Certificate, life: timedelta) -> None:
    """From its first to its last second it is not valid for longer."""
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= life


def permitted_by(certificate: x509.Certificate) -> set[str]:
    """Return the DNS names of its critical name constraints, which exclude every address."""
    constraints = extension(certificate, x509.NameConstraints)
    assert constraints.critical
    excluded = {str(name.value) for name in constraints.value.excluded_subtrees or ()}
    assert excluded == {"0.0.0.0/0", "::/0"}
    return {name.value for name in constraints.value.permitted_subtrees or ()}


def extension[T: x509.ExtensionType](
    certificate: x509.Certificate, kind: type[T]
) -> x509.Extension[T]:
    """Return the certificate's extension of a kind. Raises ExtensionNotFound."""
    return certificate.extensions.get_extension_for_class(kind)
