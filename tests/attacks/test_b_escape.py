"""B: there is no way around HTTP over verified TLS: no clear text, no raw pipe, no other protocol."""

import ssl
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from mitmproxy import tls
from OpenSSL import SSL, crypto

from config.errors import ConfigError
from tests.attacks.harness.agents import Agent
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.upstream import Visit, script, serving
from tests.attacks.harness.world import EVIL, HOST

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def connected(arena: Arena, target: str = f"{HOST}:443") -> Agent:
    """Return a connection with a tunnel in which nothing has been said."""
    agent = arena.agent()
    assert agent.connect(target).status == 200
    return agent


def test_B01_a_plain_call_goes_out_encrypted(arena: Arena) -> None:
    assert arena.agent().get(f"http://{HOST}/").status == 200
    assert arena.own.requests[0].all("authorization") == [f"Bearer {arena.hub.secret}"]
    assert [visit.secure for visit in arena.own.visits] == [True]


def test_B02_clear_text_in_a_tunnel_is_not_forwarded(arena: Arena) -> None:
    agent = connected(arena)
    agent.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    arena.nothing_forwarded()
    assert agent.is_closed()


NO_TLS = [
    b"SSH-2.0-OpenSSH_9.9\r\n",
    b"EHLO evil.example\r\n",
    bytes(range(256)),
    b"\x00" * 64,
    b"\x16\x03\x01\x00\x10\x01\x00\x00\x0c" + bytes(12),  # a ClientHello that is none
]


@pytest.mark.parametrize("octets", NO_TLS)
def test_B03_bytes_that_are_no_tls_go_nowhere(arena: Arena, octets: bytes) -> None:
    agent = connected(arena)
    agent.send(octets)
    arena.nothing_forwarded()
    assert agent.is_closed()


DNS_QUERY = b"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04data\x04evil\x07example\x00\x00\x10\x00\x01"


@pytest.mark.parametrize("port", [53, 5353, 853])
@pytest.mark.parametrize("host", [HOST, EVIL])
def test_B04_no_tunnel_leads_to_a_name_server(arena: Arena, host: str, port: int) -> None:
    arena.internet.route(host, port, arena.evil.port)
    agent = arena.agent()
    reply = agent.connect(f"{host}:{port}")
    if reply.status == 200:
        agent.send(DNS_QUERY)
    arena.nothing_forwarded()
    arena.refused(reply, "egress-denied")
    assert agent.is_closed()


H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")


def test_B05_an_upgrade_to_h2c_is_stripped(arena: Arena) -> None:
    for reply in arena.each_way(*H2C):
        assert reply.status == 200
        for name in ("upgrade", "http2-settings", "connection"):
            assert arena.own.requests[-1].all(name) == []


@pytest.mark.parametrize("tunnelled", [False, True])
def test_B06_http2_in_clear_is_not_spoken(arena: Arena, tunnelled: bool) -> None:
    agent = connected(arena) if tunnelled else arena.agent()
    agent.send(PREFACE)
    assert agent.is_closed()
    arena.nothing_forwarded()


def pipe(status_fields: bytes) -> Callable[[Visit, bytes], None]:
    """Return an upstream that switches protocols and then tells whatever it has been told."""

    def converse(visit: Visit, head: bytes) -> None:
        visit.send(b"HTTP/1.1 101 Switching Protocols\r\n" + status_fields + b"\r\n")
        visit.send(head)
        while octets := visit.recv():
            visit.send(octets)

    return converse


@pytest.mark.parametrize("asked", [(), ("Connection: Upgrade", "Upgrade: foo")])
@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: upgrade\r\nUpgrade: foo\r\n",
        b"",
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    ],
)
def test_B08_an_upstream_cannot_make_a_pipe(
    arena: Arena, asked: tuple[str, ...], fields: bytes
) -> None:
    arena.own.behave = script(pipe(fields))
    agent = arena.tunnel()
    reply = agent.request("GET", "/", f"Host: {HOST}", *asked)
    arena.refused(reply, "upstream-protocol-error")
    with suppress(OSError):
        agent.send(b"raw bytes")
    agent.is_closed()
    assert b"raw bytes" not in arena.own.received


def expired(authority: trustme.CA, host: str) -> ssl.SSLContext:
    now = datetime.now(UTC)
    return serving(
        authority.issue_cert(host, not_before=now - timedelta(9), not_after=now - timedelta(1))
    )


def early(authority: trustme.CA, host: str) -> ssl.SSLContext:
    return serving(authority.issue_cert(host, not_before=datetime.now(UTC) + timedelta(1)))


def unknown(_authority: trustme.CA, host: str) -> ssl.SSLContext:
    return serving(trustme.CA().issue_cert(host))


def of_a_leaf(authority: trustme.CA, host: str) -> ssl.SSLContext:
    """Let a leaf of another host sign one for this host."""
    leaf = authority.issue_cert("other.example")
    [certificate] = leaf.cert_chain_pems
    signer = trustme.CA.from_pem(certificate.bytes(), leaf.private_key_pem.bytes())
    return serving(signer.issue_cert(host))


CERTIFICATES = {"expired": expired, "early": early, "unknown": unknown, "of a leaf": of_a_leaf}


@pytest.mark.parametrize("made", CERTIFICATES)
def test_B10_a_certificate_that_does_not_verify_ends_the_call(arena: Arena, made: str) -> None:
    context = CERTIFICATES[made](arena.certificates.authority, "api.x.example")
    posing = arena.connector("posing", "api.x.example", context=context)
    for reply in arena.each_way(host="api.x.example"):
        arena.refused(reply, "upstream-tls-failed")
    arena.nothing_forwarded(posing.upstream)


@pytest.mark.parametrize(("bits", "digest"), [(2048, "sha256"), (1024, "sha256"), (2048, "sha1")])
def test_B10_a_weak_certificate_ends_the_call(arena: Arena, bits: int, digest: str) -> None:
    context = weak(arena.certificates.authority, "api.x.example", bits, digest)
    posing = arena.connector("posing", "api.x.example", context=context)
    reply = arena.tunnel("api.x.example:443").request("GET", "/", "Host: api.x.example")
    if (bits, digest) == (2048, "sha256"):
        assert reply.status == 200, "the strong one is refused too, for another reason"
        return
    arena.refused(reply, "upstream-tls-failed")
    arena.nothing_forwarded(posing.upstream)


def weak(authority: trustme.CA, host: str, bits: int, digest: str) -> ssl.SSLContext:
    """Return the context of a server whose valid certificate may be of a strength of the past."""
    key = rsa.generate_private_key(65537, bits)
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    signer = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(issuer.subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(1))
        .not_valid_after(now + timedelta(9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(signer, hashes.SHA256())  # type: ignore[arg-type] # trustme's keys can sign
    )
    signed = crypto.X509.from_cryptography(certificate)
    signed.sign(crypto.PKey.from_cryptography_key(signer), digest)  # type: ignore[arg-type] # as above
    leaf = trustme.LeafCert(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ),
        crypto.dump_certificate(crypto.FILETYPE_PEM, signed),
        [],
    )
    return serving(leaf, ciphers="ALL:@SECLEVEL=0")


def test_B11_the_proxys_own_ca_vouches_for_no_upstream(arena: Arena) -> None:
    stolen = trustme.CA.from_pem(
        arena.product.ca_file.read_bytes(), arena.product.ca_key.read_bytes()
    )
    posing = arena.foreign("posing.example", context=serving(stolen.issue_cert(HOST)))
    arena.internet.route(HOST, 443, posing.port)
    reply = arena.tunnel().request("GET", "/", f"Host: {HOST}")
    arena.refused(reply, "upstream-tls-failed")
    arena.nothing_forwarded(posing)


class NoLeaves:
    """A fault where leaves are issued."""

    def tls_start_client(self, _start: tls.TlsData) -> None:
        raise OSError("the disk is full")


def test_B12_without_a_leaf_there_is_no_tunnel(arena: Arena) -> None:
    arena.world.addons.append(NoLeaves())
    agent = arena.agent()
    agent.connect(f"{HOST}:443")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        agent.start_tls(arena.trust(), HOST)
    agent = arena.agent()
    agent.connect(f"{HOST}:443")
    agent.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert agent.is_closed()
    arena.nothing_forwarded()


@pytest.mark.parametrize("content", [b"", b"not a key"])
def test_B12_without_a_ca_nothing_starts(served: Arena, content: bytes) -> None:
    site = served.process.service.site
    served.close()
    served.product.ca_key.write_bytes(content)
    done = site.keyhatch("serve", "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "ca.key" in done.stderr


def test_B13_a_client_that_distrusts_the_ca_gets_no_pipe(arena: Arena) -> None:
    agent = connected(arena)
    with pytest.raises(ssl.SSLCertVerificationError):
        agent.start_tls(ssl.create_default_context(), HOST)
    agent.close()
    arena.nothing_forwarded()
    if arena.on_keyhatch:
        [outcome] = arena.lane.lane.outcomes()
        assert (outcome["reason"], outcome["host"]) == ("client-tls-failed", HOST)


EXEMPTIONS = ["ignore_hosts", "tls", "passthrough", "verify", "ssl_insecure", "insecure"]


@pytest.mark.parametrize("key", EXEMPTIONS)
@pytest.mark.parametrize("section", ["settings", "connector"])
def test_B14_no_configuration_exempts_a_host(arena: Arena, section: str, key: str) -> None:
    place = arena.world.settings if section == "settings" else arena.hub.fields
    place[key] = [HOST]
    with pytest.raises(ConfigError, match="unknown key"):
        arena.agent()


def test_B15_a_stolen_ca_key_is_of_no_use_for_other_hosts(arena: Arena) -> None:
    product = arena.product
    stolen = trustme.CA.from_pem(product.ca_file.read_bytes(), product.ca_key.read_bytes())
    posing = arena.foreign("bank.example", context=serving(stolen.issue_cert("bank.example")))
    client = ssl.create_default_context(cafile=str(product.ca_file))
    direct = Agent(posing.port, None, product.patience)
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
        direct.start_tls(client, "bank.example")
    direct.close()
    assert product.ca_key.stat().st_mode & 0o077 == 0
    assert product.ca_key.parent.stat().st_mode & 0o077 == 0


def test_B16_leaves_are_for_the_tunnels_host_alone(arena: Arena) -> None:
    for number in range(24):
        agent = connected(arena)
        agent.start_tls(arena.trust(verify=False), f"flood-{number}.hub.example")
        octets = agent.tls.getpeercert(binary_form=True)
        assert octets is not None
        names = x509.load_der_x509_certificate(octets).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        assert names.value.get_values_for_type(x509.DNSName) == [HOST]
        agent.close()
    arena.nothing_forwarded()


ALTERNATIVES = b'Alt-Svc: h3=":443"; ma=86400, h2="evil.example:443"\r\nAlt-Svc: clear\r\n'


def test_B17_no_other_way_to_a_service_is_advertised(arena: Arena) -> None:
    arena.own.behave = script(
        lambda visit, _head: visit.send(
            b"HTTP/1.1 200 OK\r\n" + ALTERNATIVES + b"Content-Length: 2\r\n\r\nok"
        )
    )
    for reply in arena.each_way():
        assert (reply.status, reply.body) == (200, b"ok")
        assert reply.all("alt-svc") == []


@pytest.mark.parametrize("host", ["mitm.it", "MITM.it"])
@pytest.mark.parametrize("path", ["/", "/cert/pem"])
def test_B18_there_is_no_onboarding_page(arena: Arena, host: str, path: str) -> None:
    reply = arena.agent().get(f"http://{host}{path}")
    arena.refused(reply, "upstream-unreachable")


def old_tls(arena: Arena) -> ssl.SSLContext:
    context = arena.certificates.context("api.x.example")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def test_B19_an_upstream_of_old_tls_is_refused(arena: Arena) -> None:
    posing = arena.connector("old", "api.x.example", context=old_tls(arena))
    reply = arena.tunnel("api.x.example:443").request("GET", "/", "Host: api.x.example")
    arena.refused(reply, "upstream-tls-failed")
    arena.nothing_forwarded(posing.upstream)


def test_B19_an_agent_of_old_tls_is_refused(arena: Arena) -> None:
    agent = connected(arena)
    with pytest.raises(ConnectionError):
        agent.start_tls_as(HOST.encode(), newest=SSL.TLS1_1_VERSION)
    arena.nothing_forwarded()


def test_B19_nothing_is_renegotiated(arena: Arena) -> None:
    agent = connected(arena)
    stream = agent.start_tls_as(HOST.encode(), newest=SSL.TLS1_2_VERSION)
    assert agent.request("GET", "/", f"Host: {HOST}").status == 200
    stream.connection.renegotiate()
    with pytest.raises(ConnectionError):
        stream.handshake()
