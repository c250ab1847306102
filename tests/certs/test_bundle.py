"""What clients are given to trust."""

from datetime import datetime

import trustme

from certs.authority import CertificateAuthority, ensure_authority
from certs.bundle import bundle_path, certificate_path, client_environment, write_bundle
from certs.roots import decode_pem, system_roots
from config.home import Home

PUBLIC = trustme.CA(organization_name="Public root").cert_pem.bytes()


def test_the_bundle_is_the_roots_and_our_ca(home: Home, authority: CertificateAuthority) -> None:
    assert decode_pem(bundle_path(home).read_bytes()) == decode_pem(system_roots() + authority.pem)


def test_an_older_issue_among_the_roots_gives_way(home: Home, now: datetime) -> None:
    """Two certificates of one subject and key would leave it to the client which names hold."""
    older = ensure_authority(home, frozenset(), now=now)
    newer = ensure_authority(home, frozenset({"api.example.com"}), now=now)
    path = write_bundle(home, newer.certificate, older.pem + PUBLIC)
    assert decode_pem(path.read_bytes()) == decode_pem(PUBLIC + newer.pem)


def test_an_unchanged_bundle_is_not_written(home: Home, authority: CertificateAuthority) -> None:
    before = write_bundle(home, authority.certificate, PUBLIC).stat()
    after = write_bundle(home, authority.certificate, PUBLIC).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_symbolic_link_in_its_place_is_replaced_and_its_target_left(
    home: Home, authority: CertificateAuthority
) -> None:
    target = home.root / "precious"
    target.write_bytes(b"mine")
    bundle_path(home).unlink()
    bundle_path(home).symlink_to(target)
    write_bundle(home, authority.certificate, PUBLIC)
    assert target.read_bytes() == b"mine"
    assert not bundle_path(home).is_symlink()


def test_the_bundle_holds_no_key(home: Home, authority: CertificateAuthority) -> None:
    assert b"PRIVATE" not in bundle_path(home).read_bytes()


def test_variables_that_replace_get_the_bundle_and_those_that_add_get_the_ca(home: Home) -> None:
    variables = client_environment(home)
    assert variables["SSL_CERT_FILE"] == str(bundle_path(home))
    assert variables["NODE_EXTRA_CA_CERTS"] == str(certificate_path(home))
    assert set(variables.values()) == {str(bundle_path(home)), str(certificate_path(home))}


def test_no_variable_makes_java_speak_on_standard_error(home: Home) -> None:
    assert not [name for name in client_environment(home) if "JAVA" in name or "JDK" in name]
