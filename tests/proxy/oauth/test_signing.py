"""Assertions are signed with the right algorithm, whatever form the key came in."""

import json
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from proxy.oauth.signing import PrivateKeyError, Signer, load_signer
from proxy.secret import Secret
from tests.support.signing_keys import ec_key, ed25519_key, pem, rsa_key, service_account


class Quiet(JWSRegistry):
    """Verifies any algorithm, without a warning about EdDSA's name."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


def verified(signer: Signer, key: RSAKey | ECKey | OKPKey, **options: str) -> tuple[Any, Any]:
    token = jwt.decode(signer.sign({"sub": "x"}, **options).reveal(), key, registry=Quiet())
    return token.header, token.claims


@pytest.mark.parametrize(
    ("text", "key", "asked", "used"),
    [
        (pem(rsa_key()), RSAKey.import_key(pem(rsa_key())), "RS256", "RS256"),
        (pem(rsa_key(), traditional=True), RSAKey.import_key(pem(rsa_key())), "PS256", "PS256"),
        (pem(rsa_key()), RSAKey.import_key(pem(rsa_key())), "ES256", "RS256"),
        (pem(ec_key()), ECKey.import_key(pem(ec_key())), "RS256", "ES256"),
        (pem(ec_key(), traditional=True), ECKey.import_key(pem(ec_key())), "ES256", "ES256"),
        (pem(ed25519_key()), OKPKey.import_key(pem(ed25519_key())), "RS256", "EdDSA"),
        (service_account(), RSAKey.import_key(pem(rsa_key())), "RS256", "RS256"),
        (
            json.dumps(ECKey.import_key(pem(ec_key())).as_dict(private=True)),
            ECKey.import_key(pem(ec_key())),
            "RS256",
            "ES256",
        ),
        (pem(rsa_key()).replace("\n", "\\n"), RSAKey.import_key(pem(rsa_key())), "", "RS256"),
    ],
    ids=["pkcs8", "pkcs1", "family", "ec", "sec1", "ed25519", "google", "jwk", "escaped"],
)
def test_a_key_signs_with_an_algorithm_of_its_kind(
    text: str, key: RSAKey | ECKey | OKPKey, asked: str, used: str
) -> None:
    header, claims = verified(load_signer(Secret(text), asked), key)
    assert header["alg"] == used
    assert claims == {"sub": "x"}


def test_a_service_account_tells_its_issuer_and_key_id() -> None:
    signer = load_signer(Secret(service_account()), "RS256")
    assert signer.issuer == "robot@acme.iam.gserviceaccount.com"
    header, _ = verified(signer, RSAKey.import_key(pem(rsa_key())))
    assert header["kid"] == "kid-1"


def test_the_key_id_that_is_asked_for_goes_first() -> None:
    signer = load_signer(Secret(service_account()), "RS256")
    header, _ = verified(signer, RSAKey.import_key(pem(rsa_key())), key_id="mine")
    assert header["kid"] == "mine"


UNUSABLE = {
    "empty": "",
    "words": "hunter2-hunter2",
    "short rsa": pem(rsa_key(1024)),
    "passphrase": pem(ec_key(), passphrase=b"hunter2"),
    "public": RSAKey.import_key(pem(rsa_key())).as_pem(private=False).decode(),
    "public jwk": json.dumps(ECKey.import_key(pem(ec_key())).as_dict(private=False)),
    "symmetric jwk": '{"kty": "oct", "k": "aHVudGVyMi1odW50ZXIy"}',
    "other json": '{"client_email": "a@b.example"}',
    "key of a kind": '{"private_key": 7}',
    "cut json": '{"private_key": "hunter2',
    "deep": '{"a":' * 100_000,
    "damaged": pem(ec_key()).replace("A", "B"),
    "odd issuer": json.dumps({"private_key": pem(ec_key()), "client_email": ["x"]}),
}


@pytest.mark.parametrize("text", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_cannot_sign_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(PrivateKeyError) as caught:
        load_signer(Secret(text), "RS256")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


members = st.sampled_from(["kty", "crv", "d", "x", "y", "n", "e", "p", "q", "kid", "private_key"])
values = st.none() | st.integers() | st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "AQAB"])


@given(st.dictionaries(members, values | st.lists(values) | st.text()))
def test_no_json_makes_it_fail_in_another_way(document: dict[str, object]) -> None:
    with pytest.raises(PrivateKeyError):
        load_signer(Secret(json.dumps(document)), "RS256")


def test_a_signer_does_not_print_its_key() -> None:
    assert repr(load_signer(Secret(pem(ec_key())), "")).count("PRIVATE") == 0
    assert "_key" not in repr(load_signer(Secret(pem(ec_key())), ""))
