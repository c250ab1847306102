"""Finding the machine's roots and keeping our own CA out of them."""

import ssl
from datetime import datetime
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from certs.authority import CertificateAuthority, ensure_authority
from certs.roots import (
    decode_pem,
    encode_pem,
    root_files,
    system_roots,
    upstream_roots,
    write_upstream_roots,
)
from config.errors import KeyhatchError
from config.home import Home

PUBLIC = trustme.CA(organization_name="Public root").cert_pem.bytes()
CORPORATE = trustme.CA(organization_name="Corporate root").cert_pem.bytes()


def test_this_machine_has_roots_that_a_client_can_load() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=system_roots().decode())
    assert context.cert_store_stats()["x509_ca"] > 10


def test_the_last_candidate_needs_no_system_store() -> None:
    *_, last = root_files()
    assert decode_pem(last.read_bytes())


def test_the_first_file_with_certificates_wins(tmp_path: Path) -> None:
    empty, first, second = tmp_path / "empty", tmp_path / "first", tmp_path / "second"
    empty.write_text("# none here\n")
    first.write_bytes(b"# Public root\n" + PUBLIC)
    second.write_bytes(CORPORATE)
    candidates = [tmp_path / "absent", tmp_path, empty, first, second]
    assert decode_pem(system_roots(candidates)) == decode_pem(PUBLIC)


def test_a_machine_without_roots_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(KeyhatchError) as caught:
        system_roots([tmp_path / "absent"])
    assert "ca-certificates" in caught.value.hint


def test_upstreams_are_verified_by_the_roots_and_the_extra_file(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    extra = tmp_path / "corporate.pem"
    extra.write_bytes(CORPORATE)
    found = upstream_roots(extra, own=authority.certificate, roots=PUBLIC)
    assert decode_pem(found) == decode_pem(PUBLIC + CORPORATE)
    alone = upstream_roots(None, own=authority.certificate, roots=PUBLIC)
    assert decode_pem(alone) == decode_pem(PUBLIC)


def test_attack_b11_our_own_ca_is_never_an_upstream_root(home: Home, now: datetime) -> None:
    """Whichever issue of it stands in the system's store or the extra file, and beside what."""
    older = ensure_authority(home, frozenset(), now=now)
    newer = ensure_authority(home, frozenset({"api.example.com"}), now=now)
    extra = home.root / "extra.pem"
    extra.write_bytes(newer.pem + CORPORATE)
    found = upstream_roots(extra, own=newer.certificate, roots=PUBLIC + older.pem)
    assert decode_pem(found) == decode_pem(PUBLIC + CORPORATE)


def test_a_leaf_of_ours_is_no_upstream_root_either(
    authority: CertificateAuthority, now: datetime
) -> None:
    leaf = authority.issue("api.example.com", now=now)
    assert upstream_roots(None, own=authority.certificate, roots=PUBLIC + leaf.pem) == PUBLIC


def test_the_upstream_file_is_private_and_holds_the_roots(
    home: Home, authority: CertificateAuthority
) -> None:
    path = write_upstream_roots(home, None, own=authority.certificate, roots=PUBLIC)
    assert path.read_bytes() == PUBLIC
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        (b"", "holds no certificate"),
        (x509.load_pem_x509_certificate(PUBLIC).public_bytes(Encoding.DER), "holds no certificate"),
        (encode_pem([b"\x30\x03\x02\x01\x00"]), "holds a damaged certificate"),
    ],
    ids=["absent", "empty", "DER", "damaged"],
)
def test_an_extra_file_without_certificates_is_an_error(
    authority: CertificateAuthority, tmp_path: Path, content: bytes | None, message: str
) -> None:
    extra = tmp_path / "extra.pem"
    if content is not None:
        extra.write_bytes(content)
    with pytest.raises(KeyhatchError, match=message):
        upstream_roots(extra, own=authority.certificate, roots=PUBLIC)


def test_decoding_passes_over_comments_keys_and_damage() -> None:
    text = b"# Root\r\n" + PUBLIC.replace(b"\n", b"\r\n") + b"-----BEGIN PRIVATE KEY-----\nAAAA\n"
    damaged = b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"
    assert decode_pem(damaged + text) == decode_pem(PUBLIC)


@given(st.lists(st.binary(min_size=1, max_size=200), unique=True, max_size=5))
def test_encoding_and_decoding_are_inverse(blocks: list[bytes]) -> None:
    assert decode_pem(encode_pem(blocks) * 2) == blocks


@given(st.binary(max_size=300))
def test_decoding_never_fails(text: bytes) -> None:
    assert decode_pem(b"-----BEGIN CERTIFICATE-----\n" + text) == []
