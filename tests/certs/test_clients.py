"""What real clients make of our certificates, each told only by the variables that we set."""

import ipaddress
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import CertificateAuthority, Leaf, ensure_authority
from certs.bundle import client_environment
from certs.export import ExportFormat, export
from certs.profile import sign_leaf
from config.home import Home
from tests.certs.clients import CLIENTS, Client, call, call_java, find
from tests.certs.loopback import serve_tls

each_client = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)


@each_client
def test_a_permitted_host_is_accepted(
    client: Client, home: Home, authority: CertificateAuthority, now: datetime, tmp_path: Path
) -> None:
    leaf = authority.issue(client.host, now=now)
    assert accepts(client, leaf, tmp_path, client_environment(home))


@each_client
def test_a_host_outside_the_constraints_is_refused(
    client: Client, home: Home, now: datetime, tmp_path: Path
) -> None:
    """Even though the CA's own key signed for it, as a thief of the key would."""
    authority = ensure_authority(home, frozenset({"other.example"}), now=now)
    leaf = forged(authority, client.host, now)
    assert not accepts(client, leaf, tmp_path, client_environment(home))


@each_client
def test_thousands_of_permitted_names_are_no_trouble(
    client: Client, home: Home, now: datetime, tmp_path: Path
) -> None:
    """A client could bound the size of a certificate, or the names that it compares."""
    many = frozenset(f"h{n}.service{n % 97}.example" for n in range(12_500))
    authority = ensure_authority(home, many | {client.host}, now=now)
    leaf = authority.issue(client.host, now=now)
    assert accepts(client, leaf, tmp_path, client_environment(home))
    other = ensure_authority(home, many - {client.host}, now=now)
    assert not accepts(client, forged(other, client.host, now), tmp_path, client_environment(home))


@each_client
def test_without_our_variables_the_ca_is_unknown(
    client: Client, authority: CertificateAuthority, now: datetime, tmp_path: Path
) -> None:
    """So the other tests of this file are about the variables, not about a lax client."""
    leaf = authority.issue(client.host, now=now)
    assert not accepts(client, leaf, tmp_path, {})


@pytest.mark.parametrize("name", ["openssl", "python", "curl", "node"])
def test_without_constraints_any_host_is_accepted(
    name: str, home: Home, now: datetime, tmp_path: Path
) -> None:
    leaf = ensure_authority(home, None, now=now).issue("api.example.com", now=now)
    assert accepts(CLIENTS[name], leaf, tmp_path, client_environment(home))


def test_java_accepts_a_permitted_host_with_the_exported_trust_store(
    authority: CertificateAuthority, now: datetime, tmp_path: Path
) -> None:
    assert java_accepts(authority.issue("api.example.com", now=now), authority, tmp_path)


def test_java_refuses_a_leaf_of_an_authority_that_is_not_in_its_store(
    authority: CertificateAuthority, now: datetime, tmp_path: Path
) -> None:
    other = Home(tmp_path / "other")
    other.create()
    stranger = ensure_authority(other, None, now=now)
    assert not java_accepts(authority.issue("api.example.com", now=now), stranger, tmp_path)


@pytest.mark.parametrize("host", ["api.example.com", "below.api.example.com", "t1.tenant.example"])
def test_openssl_verifies_a_leaf_strictly(
    authority: CertificateAuthority, now: datetime, tmp_path: Path, host: str
) -> None:
    """An exact name in the constraints covers the names below it too (RFC 5280, 4.2.1.10)."""
    leaf = authority.issue(host, now=now)
    answer = openssl_verify(authority.pem, leaf.pem, tmp_path, "-verify_hostname", host)
    assert answer.endswith("leaf.pem: OK\n")


@pytest.mark.parametrize("host", ["example.com", "evilapi.example.com", "x.test"])
def test_openssl_refuses_a_forged_leaf(
    authority: CertificateAuthority, now: datetime, tmp_path: Path, host: str
) -> None:
    forgery = forged(authority, host, now)
    answer = openssl_verify(authority.pem, forgery.pem, tmp_path)
    assert "permitted subtree violation" in answer


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "2001:db8::1"])
def test_openssl_refuses_a_forged_leaf_for_an_address(
    authority: CertificateAuthority, now: datetime, tmp_path: Path, address: str
) -> None:
    forgery = forged_for_address(authority, address, now)
    answer = openssl_verify(authority.pem, forgery, tmp_path, "-verify_ip", address)
    assert "excluded subtree violation" in answer


def test_the_leaf_is_no_authority(
    authority: CertificateAuthority, now: datetime, tmp_path: Path
) -> None:
    """It shares the CA's key, so that what it must not be is a matter of its content alone."""
    leaf = authority.issue("api.example.com", now=now)
    below = sign_leaf("api.example.com", leaf.certificate, leaf.private_key, now)
    answer = openssl_verify(leaf.pem, below.public_bytes(Encoding.PEM), tmp_path, "-partial_chain")
    assert "leaf.pem: verification failed" in answer


def test_a_client_that_holds_an_older_issue_accepts_the_hosts_of_that_issue(
    home: Home, authority: CertificateAuthority, now: datetime, tmp_path: Path
) -> None:
    newer = ensure_authority(home, frozenset({"api.example.com", "late.example"}), now=now)
    known, late = (newer.issue(host, now=now) for host in ("api.example.com", "late.example"))
    assert openssl_verify(authority.pem, known.pem, tmp_path).endswith("OK\n")
    assert "permitted subtree" in openssl_verify(authority.pem, late.pem, tmp_path)


def accepts(client: Client, leaf: Leaf, folder: Path, variables: Mapping[str, str]) -> bool:
    """Tell whether a client sent its request to a server with a leaf; prints what it said."""
    with serve_tls(leaf, folder) as server:
        print(call(client, server.port, folder, variables))
    return bool(server.heads)


def java_accepts(leaf: Leaf, trusted: CertificateAuthority, folder: Path) -> bool:
    """Like `accepts`, for a JVM with the trust store that we export of an authority."""
    store = folder / "truststore.p12"
    store.write_bytes(export(trusted, ExportFormat.P12))
    with serve_tls(leaf, folder) as server:
        print(call_java(leaf.host, server.port, folder, store))
    return bool(server.heads)


def forged(authority: CertificateAuthority, host: str, now: datetime) -> Leaf:
    """Return a leaf that `issue` would refuse, signed with the authority's key all the same."""
    certificate = sign_leaf(host, authority.certificate, authority.private_key, now)
    return Leaf(host, certificate, authority.private_key)


def forged_for_address(authority: CertificateAuthority, address: str, now: datetime) -> bytes:
    """Return a leaf in PEM like `forged`, for an IP address."""
    name = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    model = sign_leaf("api.example.com", authority.certificate, authority.private_key, now)
    builder = x509.CertificateBuilder(
        model.issuer,
        model.subject,
        model.public_key(),
        x509.random_serial_number(),
        now - timedelta(hours=1),
        now + timedelta(hours=1),
    )
    for each in model.extensions:
        replaced = isinstance(each.value, x509.SubjectAlternativeName)
        builder = builder.add_extension(name if replaced else each.value, each.critical)
    return builder.sign(authority.private_key, hashes.SHA256()).public_bytes(Encoding.PEM)


def openssl_verify(roots: bytes, leaf: bytes, folder: Path, *options: str) -> str:
    """Return what `openssl verify` says of a leaf under the strictest rules that it has."""
    (folder / "roots.pem").write_bytes(roots)
    (folder / "leaf.pem").write_bytes(leaf)
    strict = ["-x509_strict", "-purpose", "sslserver", *options]
    only_these = ["-no-CApath", "-no-CAstore", "-CAfile", "roots.pem"]
    done = subprocess.run(
        [find("openssl"), "verify", *strict, *only_these, "leaf.pem"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout
