"""Reading the CA certificate back, and holding it against its key."""

import errno
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from certs.ca_key import KEY_FILE
from certs.constraints import constrained_names
from config.errors import KeyhatchError
from config.files import read_private

_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises for one flipped bit or another; each was seen."""


def load_ca_certificate(path: Path) -> x509.Certificate | None:
    """Return the certificate, None where there is no file.

    Raises KeyhatchError for a symbolic link or for content that is not a certificate in PEM.
    """
    try:
        content = read_private(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise KeyhatchError(
                f"{path} is a symbolic link", hint="put the file itself there"
            ) from error
        raise KeyhatchError(f"cannot read {path}: {error.strerror}") from error
    try:
        certificate = x509.load_pem_x509_certificate(content)
        # Loading leaves these for later.
        constrained_names(certificate)
        certificate.public_key()
    except _UNREADABLE as error:
        raise _damaged(path) from error
    return certificate


def require_pair(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | None, path: Path
) -> None:
    """Raise KeyhatchError unless the certificate read from `path` is the key's own, unchanged."""
    if key is None:
        raise KeyhatchError(
            f"{path.with_name(KEY_FILE)} is missing while {path.name} is there",
            hint=f"restore the key from a backup, or delete {path} to start with a new CA",
        )
    if certificate.public_key() != key.public_key():
        raise KeyhatchError(
            f"{path} does not belong to {KEY_FILE}",
            hint=f"restore both from one backup, or delete {path}: it is made again from the key",
        )
    try:
        certificate.verify_directly_issued_by(certificate)
    except _UNREADABLE as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> KeyhatchError:
    return KeyhatchError(
        f"{path} is damaged", hint=f"delete {path}: it is made again from the key beside it"
    )
