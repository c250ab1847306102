"""The CA certificate in the forms that other programs import; the key has none."""

import warnings
from collections.abc import Callable
from enum import StrEnum
from typing import assert_never

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    serialize_java_truststore,
)

from certs.authority import CertificateAuthority
from certs.bundle import make_bundle
from certs.roots import decode_pem, system_roots


class ExportFormat(StrEnum):
    """PEM and DER are the CA alone; BUNDLE and P12 (a Java trust store) add the system's roots."""

    PEM = "pem"
    DER = "der"
    BUNDLE = "bundle"
    P12 = "p12"


def export(
    authority: CertificateAuthority,
    format: ExportFormat,  # noqa: A002 - the word of the command line
    *,
    roots: Callable[[], bytes] = system_roots,
) -> bytes:
    """Return the CA certificate in a format; `roots` gives PEM and is asked only where needed."""
    match format:
        case ExportFormat.PEM:
            return authority.pem
        case ExportFormat.DER:
            return authority.certificate.public_bytes(Encoding.DER)
        case ExportFormat.BUNDLE:
            return make_bundle(authority.certificate, roots())
        case ExportFormat.P12:
            return _java_truststore(make_bundle(authority.certificate, roots()))
        case _:
            assert_never(format)


def _java_truststore(bundle: bytes) -> bytes:
    """Return a PKCS#12 trust store without a password; it holds nothing secret.

    Java 8u301, 11.0.12 and later read it so; the JVM's own roots are replaced, hence the bundle.
    """
    entries = [
        PKCS12Certificate(certificate, f"keyhatch-{number}".encode())
        for number, certificate in enumerate(_parse_all(bundle))
    ]
    return serialize_java_truststore(entries, NoEncryption())


def _parse_all(bundle: bytes) -> list[x509.Certificate]:
    """Return the certificates that parse: some public roots break RFC 5280 (a serial of zero)."""
    certificates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for der in decode_pem(bundle):
            try:
                certificates.append(x509.load_der_x509_certificate(der))
            except ValueError:
                continue
    return certificates
