"""The machine's root certificates, found without asking the network.

Environment variables are not consulted: under `keyhatch run` they point at a bundle that holds
our own CA, and two processes with different environments would write different bundles.
"""

import base64
import binascii
import contextlib
import re
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.errors import KeyhatchError
from config.files import read_private, write_private
from config.home import Home

ROOT_FILES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Gentoo, Arch, NixOS
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",  # RHEL 6 and its kin
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS, OpenBSD
    "/usr/local/etc/ssl/cert.pem",  # FreeBSD
)
_BLOCK: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----\s(.+?)-----END CERTIFICATE-----", re.DOTALL
)


def root_files() -> Iterator[Path]:
    """Yield the files that may hold the machine's roots, the best first."""
    yield from map(Path, ROOT_FILES)
    yield Path(ssl.get_default_verify_paths().openssl_cafile)
    import certifi  # noqa: PLC0415 - only where the system has no roots of its own

    yield Path(certifi.where())


def system_roots(candidates: Iterable[Path] | None = None) -> bytes:
    """Return the machine's root certificates in PEM, from the first file that holds any.

    Raises KeyhatchError when none of the candidates does.
    """
    for path in root_files() if candidates is None else candidates:
        try:
            blocks = decode_pem(path.read_bytes())
        except OSError:
            continue
        if blocks:
            return encode_pem(blocks)
    raise KeyhatchError(
        "no root certificates found on this machine",
        hint="install the ca-certificates package",
    )


def upstream_roots(
    extra: Path | None, *, own: x509.Certificate, roots: bytes | None = None
) -> bytes:
    """Return the PEM roots that upstreams are verified against: `roots` and those of `extra`.

    `roots` None means the machine's. Certificates over our own CA's key are left out, even if
    someone put one into the system's store: a leaf that this proxy made proves nothing about an
    upstream. Raises KeyhatchError when `extra` cannot be read or holds no certificate.
    """
    blocks = decode_pem(system_roots() if roots is None else roots)
    if extra is not None:
        blocks += _load_extra(extra)
    return encode_pem(without_key(blocks, own))


def write_upstream_roots(
    home: Home, extra: Path | None, *, own: x509.Certificate, roots: bytes | None = None
) -> Path:
    """Write `upstream_roots` to `ca/upstream.pem` and return that path."""
    path = upstream_roots_path(home)
    write_if_changed(path, upstream_roots(extra, own=own, roots=roots))
    return path


def upstream_roots_path(home: Home) -> Path:
    """Return where the roots lie that upstreams are verified against."""
    return home.ca / "upstream.pem"


def write_if_changed(path: Path, content: bytes) -> None:
    """Replace a private file unless it holds just this: a reload then costs no fsync."""
    with contextlib.suppress(OSError, KeyhatchError):
        if read_private(path) == content:
            return
    write_private(path, content)


def without_key(blocks: Iterable[bytes], own: x509.Certificate) -> list[bytes]:
    """Return the DER certificates that do not carry the key of `own`.

    The key's point is looked for as octets: roots that no strict parser reads stay usable.
    """
    public = own.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError("the CA's key is an EC key")
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return [der for der in blocks if point not in der]


def decode_pem(text: bytes) -> list[bytes]:
    """Return the DER certificates of a PEM text, each once, in order; other text is passed over."""
    found: dict[bytes, None] = {}
    for match in _BLOCK.finditer(text):
        try:
            found[base64.b64decode(b"".join(match[1].split()), validate=True)] = None
        except binascii.Error:
            continue
    return list(found)


def encode_pem(blocks: Iterable[bytes]) -> bytes:
    """Return DER certificates as one PEM text."""
    return "".join(ssl.DER_cert_to_PEM_cert(der) for der in blocks).encode("ascii")


def _load_extra(path: Path) -> list[bytes]:
    try:
        blocks = decode_pem(path.read_bytes())
    except OSError as error:
        raise KeyhatchError(
            f"cannot read {path}: {error.strerror}",
            hint="settings.upstream_ca names a PEM file of CA certificates",
        ) from error
    try:
        for der in blocks:
            x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise KeyhatchError(f"{path} holds a damaged certificate") from error
    if not blocks:
        raise KeyhatchError(
            f"{path} holds no certificate in PEM form",
            hint="convert DER with `openssl x509 -inform der -in FILE -out FILE.pem`",
        )
    return blocks
