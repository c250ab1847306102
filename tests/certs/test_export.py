"""The forms in which other programs import the CA."""

from typing import NoReturn

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from certs.authority import CertificateAuthority
from certs.export import ExportFormat, export
from certs.roots import decode_pem, encode_pem

PUBLIC = trustme.CA(organization_name="Public root").cert_pem.bytes()


def no_roots() -> NoReturn:
    raise AssertionError("the system's roots are not needed for this format")


def test_pem_and_der_are_the_ca_alone(authority: CertificateAuthority) -> None:
    pem = export(authority, ExportFormat.PEM, roots=no_roots)
    der = export(authority, ExportFormat.DER, roots=no_roots)
    assert x509.load_pem_x509_certificate(pem) == authority.certificate
    assert x509.load_der_x509_certificate(der) == authority.certificate


def test_bundle_adds_the_roots(authority: CertificateAuthority) -> None:
    found = export(authority, ExportFormat.BUNDLE, roots=lambda: PUBLIC)
    assert decode_pem(found) == decode_pem(PUBLIC + authority.pem)


def test_p12_opens_without_a_password_and_adds_the_roots(authority: CertificateAuthority) -> None:
    store = pkcs12.load_pkcs12(export(authority, ExportFormat.P12, roots=lambda: PUBLIC), None)
    assert store.key is None
    found = [entry.certificate for entry in store.additional_certs]
    assert found == [x509.load_pem_x509_certificate(PUBLIC), authority.certificate]


def test_p12_passes_over_a_root_that_does_not_parse(authority: CertificateAuthority) -> None:
    damaged = encode_pem([b"\x30\x03\x02\x01\x00"])
    store = pkcs12.load_pkcs12(export(authority, ExportFormat.P12, roots=lambda: damaged), None)
    assert [entry.certificate for entry in store.additional_certs] == [authority.certificate]


@pytest.mark.parametrize("form", ExportFormat)
def test_no_format_holds_a_key(authority: CertificateAuthority, form: ExportFormat) -> None:
    exported = export(authority, form, roots=lambda: PUBLIC)
    secret = authority.private_key.private_numbers().private_value.to_bytes(32, "big")
    assert secret not in exported
    assert b"PRIVATE" not in exported
