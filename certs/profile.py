"""The two kinds of certificate that Keyhatch makes, as strict verifiers want them (RFC 5280).

Python 3.13 and `openssl verify -x509_strict` refuse a CA without keyUsage and a leaf without
authority and subject key identifiers; Go and rustls refuse a leaf that only has a common name.
"""

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.constraints import name_constraints

AUTHORITY_LIFE: Final = timedelta(days=730)
AUTHORITY_RENEWAL: Final = timedelta(days=30)
"""How long before its end a CA certificate is made anew; longer than any leaf lives."""

LEAF_LIFE: Final = timedelta(days=7)
BACKDATE: Final = timedelta(days=1)
"""Part of every life, before the moment of issue: clients' clocks are not all right."""

ORGANIZATION: Final = "Keyhatch"
_NO_USE: Final = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


def sign_authority(
    key: ec.EllipticCurvePrivateKey, names: frozenset[str] | None, now: datetime
) -> x509.Certificate:
    """Return a CA certificate for a key, constrained to `names` (None: unconstrained).

    Subject and key identifier depend on the key alone: whoever trusts one issue accepts the
    leaves of the next, within the names of the issue that he has.
    """
    subject = authority_name(key)
    start = _floor(now - BACKDATE)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + AUTHORITY_LIFE)
    )
    return _sign(builder, authority_extensions(key, names), key)


def sign_leaf(
    host: str, authority: x509.Certificate, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    """Return a TLS server certificate for one DNS name, over the CA's own key.

    It never outlives the CA. The subject names no host: a common name ends at 64 characters
    (X.520) and nobody reads it beside a subjectAltName (RFC 9525, 2).
    """
    start = _floor(now - BACKDATE)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(start, authority.not_valid_before_utc))
        .not_valid_after(min(start + LEAF_LIFE, authority.not_valid_after_utc))
    )
    return _sign(builder, _leaf_extensions(host, key), key)


def authority_name(key: ec.EllipticCurvePrivateKey) -> x509.Name:
    """Return the CA's subject; its short id comes from the key, so two installations differ."""
    digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Keyhatch local CA {digest[:4].hex()}"),
        ]
    )


def authority_extensions(
    key: ec.EllipticCurvePrivateKey, names: frozenset[str] | None
) -> x509.Extensions:
    """Return the extensions of a CA certificate, in the order in which they are written."""
    usage = x509.KeyUsage(**{**_NO_USE, "key_cert_sign": True, "crl_sign": True})
    extensions: list[x509.Extension[x509.ExtensionType]] = [
        _extension(x509.BasicConstraints(ca=True, path_length=0), critical=True),
        _extension(usage, critical=True),
        _extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key())),
    ]
    if names is not None:
        extensions.append(_extension(name_constraints(names), critical=True))
    return x509.Extensions(extensions)


def _leaf_extensions(host: str, key: ec.EllipticCurvePrivateKey) -> x509.Extensions:
    public = key.public_key()
    usage = x509.KeyUsage(**{**_NO_USE, "digital_signature": True})
    return x509.Extensions(
        [
            _extension(x509.SubjectAlternativeName([x509.DNSName(host)])),
            _extension(x509.BasicConstraints(ca=False, path_length=None), critical=True),
            _extension(usage, critical=True),
            _extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])),
            _extension(x509.SubjectKeyIdentifier.from_public_key(public)),
            # By key identifier alone: issuer and serial would tie a leaf to one issue of the CA.
            _extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public)),
        ]
    )


def _extension(
    value: x509.ExtensionType, *, critical: bool = False
) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, critical, value)


def _sign(
    builder: x509.CertificateBuilder,
    extensions: x509.Extensions,
    key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    for extension in extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(key, hashes.SHA256())


def _floor(moment: datetime) -> datetime:
    """Return the moment in whole seconds, the finest that a certificate can say."""
    return moment.replace(microsecond=0)
