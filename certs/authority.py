"""The local certificate authority of one installation.

One key for its whole life; the certificate over it is issued anew whenever the names that it
may speak for change, with the same subject and key identifier.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certs.bundle import certificate_path, write_bundle
from certs.ca_certificate import load_ca_certificate, require_pair
from certs.ca_key import KEY_FILE, create_ca_key, load_ca_key
from certs.constraints import constrained_names, covers, with_portal
from certs.profile import (
    AUTHORITY_RENEWAL,
    authority_extensions,
    authority_name,
    sign_authority,
    sign_leaf,
)
from config.errors import KeyhatchError, OperatorNeededError
from config.files import exclusive_lock, write_private
from config.home import Home

_LOCK_FILE: Final = "ca.lock"
_INITIALISE: Final = "run `keyhatch init` first"


class LeafRefusedError(KeyhatchError):
    """No certificate is made for a name that the CA may not speak for."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A server certificate for one host, with the key that it shares with the CA.

    Compared by identity, so that what is built from a leaf can be kept under it cheaply.
    Sharing saves a key generation per host, and what TLS has a server sign is never the content
    of a certificate (RFC 8446, 4.4.3; RFC 5246, 7.4.3).
    """

    host: str
    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        """The certificate alone; a server sends nothing more, as clients hold the CA's."""
        return self.certificate.public_bytes(Encoding.PEM)


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """One issue of the CA certificate with its key; `permitted` None means any DNS name."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    permitted: frozenset[str] | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "permitted", constrained_names(self.certificate))

    @property
    def pem(self) -> bytes:
        """The CA certificate, without its key."""
        return self.certificate.public_bytes(Encoding.PEM)

    def permits(self, host: str) -> bool:
        """Tell whether a leaf for a host would be accepted under the CA's name constraints."""
        return covers(self.permitted, host)

    def issue(self, host: str, *, now: datetime) -> Leaf:
        """Return a leaf of at most seven days for a canonical host.

        Raises LeafRefusedError for a name outside the constraints, an address or a wildcard,
        and KeyhatchError when the CA certificate itself has run out.
        """
        if not self.permits(host):
            raise LeafRefusedError(
                f"no certificate for {host!r}: it belongs to no connector",
                hint="`keyhatch connector list` shows the hosts that do",
            )
        if now >= self.certificate.not_valid_after_utc:
            raise KeyhatchError(
                "the CA certificate has expired", hint="restart `keyhatch serve` to renew it"
            )
        certificate = sign_leaf(host, self.certificate, self.private_key, now)
        return Leaf(host, certificate, self.private_key)


def ensure_authority(
    home: Home, permitted: frozenset[str] | None, *, now: datetime
) -> CertificateAuthority:
    """Return the home's CA, made or issued anew as needed, and its trust bundle written.

    `permitted` are the DNS names that connectors own (suffixes for wildcards), None for no
    constraints; the portal's name is always added and addresses are left out. The key is made
    once. The certificate is issued anew, over the same key and subject, when it does not say
    what it should or nears its end. Safe to call from several processes at once. Raises
    KeyhatchError for a key or certificate that is damaged, loose or not a pair.
    """
    names = None if permitted is None else with_portal(permitted)
    with _locked(home):
        key, certificate = _load_pair(home)
        if key is None:
            key = create_ca_key(home.ca / KEY_FILE)
        if certificate is None or not _is_current(certificate, key, names, now):
            certificate = sign_authority(key, names, now)
            write_private(certificate_path(home), certificate.public_bytes(Encoding.PEM))
        write_bundle(home, certificate)
    return CertificateAuthority(certificate, key)


def load_authority(home: Home) -> CertificateAuthority:
    """Return the home's CA as it stands, changing nothing.

    Raises OperatorNeededError where none was made yet, else as `ensure_authority`.
    """
    with _locked(home):
        key, certificate = _load_pair(home)
    if key is None or certificate is None:
        raise OperatorNeededError(f"{home.ca} holds no CA yet", hint=_INITIALISE)
    return CertificateAuthority(certificate, key)


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    try:
        with exclusive_lock(home.ca / _LOCK_FILE):
            yield
    except FileNotFoundError as error:
        raise OperatorNeededError(f"{home.ca} does not exist", hint=_INITIALISE) from error
    except OSError as error:
        raise KeyhatchError(f"cannot use {error.filename or home.ca}: {error.strerror}") from error


def _load_pair(
    home: Home,
) -> tuple[ec.EllipticCurvePrivateKey | None, x509.Certificate | None]:
    key = load_ca_key(home.ca / KEY_FILE)
    path = certificate_path(home)
    certificate = load_ca_certificate(path)
    if certificate is not None:
        require_pair(certificate, key, path)
    return key, certificate


def _is_current(
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    names: frozenset[str] | None,
    now: datetime,
) -> bool:
    end = certificate.not_valid_after_utc - AUTHORITY_RENEWAL
    return (
        certificate.not_valid_before_utc <= now < end
        and constrained_names(certificate) == names
        and certificate.subject == authority_name(key)
        and list(certificate.extensions) == list(authority_extensions(key, names))
    )
