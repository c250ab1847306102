"""Signed assertions (RFC 7515, 7523), from whatever form the operator's private key has."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from config.errors import OperatorNeededError
from proxy.secret import Secret

_SMALLEST_RSA: Final = 2048  # bits, RFC 7518, 3.3
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

_NOT_A_KEY: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,  # joserfc, of members that are no text
    RecursionError,
    JoseError,
    UnsupportedAlgorithm,
)

type _Key = RSAKey | ECKey | OKPKey


class PrivateKeyError(OperatorNeededError):
    """What was stored as a private key cannot sign."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with what its file says of its owner; both texts may be empty."""

    algorithm: str
    key_id: str
    issuer: str
    _key: _Key = field(repr=False)

    def sign(self, claims: Mapping[str, Any], *, key_id: str = "") -> Secret:
        """Return a JWT in compact form; `key_id` instead of the file's own."""
        header = {"alg": self.algorithm}
        if kid := key_id or self.key_id:
            header["kid"] = kid
        registry = _SigningRegistry(algorithms=[self.algorithm])
        return Secret(jwt.encode(header, dict(claims), self._key, registry=registry))


def load_signer(stored: Secret, algorithm: str) -> Signer:
    """Return the signer of a PEM or JWK private key or of a Google service account's JSON file.

    `algorithm` is taken where the key can do it, else the one that belongs to the key. Raises
    PrivateKeyError, without a word of the key, for anything that is not such a key.
    """
    try:
        return _load(stored.reveal().strip(), algorithm)
    except _NOT_A_KEY:
        pass  # the error may hold a part of the key
    raise PrivateKeyError(
        "the private key cannot be used",
        hint="store a PEM or JWK key (RSA of 2048 bits or more, EC, Ed25519) without a passphrase, "
        "or a service account's JSON file",
    )


class _SigningRegistry(JWSRegistry):
    """Knows "EdDSA" without a warning: what RFC 9864 would rather see, servers do not know yet."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


def _load(text: str, algorithm: str) -> Signer:
    if not text.startswith("{"):
        return _signer(_from_pem(text), algorithm)
    document = json.loads(text)
    if "kty" in document:
        return _signer(_from_jwk(document), algorithm, key_id=document.get("kid", ""))
    return _signer(
        _from_pem(document["private_key"]),
        algorithm,
        key_id=document.get("private_key_id", ""),
        issuer=document.get("client_email", ""),
    )


def _signer(key: _Key, algorithm: str, *, key_id: Any = "", issuer: Any = "") -> Signer:
    if not isinstance(key_id, str) or not isinstance(issuer, str):
        raise TypeError
    able = _algorithms(key.private_key)
    return Signer(algorithm if algorithm in able else able[0], key_id, issuer, key)


def _from_pem(text: str) -> _Key:
    # A PEM that came through an environment or a JSON value often has its line ends written out.
    pem = text.replace("\\n", "\n").encode()
    match load_pem_private_key(pem, password=None):
        case rsa.RSAPrivateKey(key_size=bits) if bits >= _SMALLEST_RSA:
            return RSAKey.import_key(pem)
        case ec.EllipticCurvePrivateKey():
            return ECKey.import_key(pem)
        case ed25519.Ed25519PrivateKey():
            return OKPKey.import_key(pem)
        case _:
            raise ValueError


def _from_jwk(document: dict[str, Any]) -> _Key:
    kinds: dict[str, type[_Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    return kinds[document["kty"]].import_key(document)


def _algorithms(key: Any) -> tuple[str, ...]:
    """Return what a key can sign with, the usual one first."""
    match key:
        case rsa.RSAPrivateKey() if key.key_size >= _SMALLEST_RSA:
            return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
        case ec.EllipticCurvePrivateKey():
            return (_CURVES[key.curve.name],)
        case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
            return ("EdDSA",)
        case _:
            raise ValueError
