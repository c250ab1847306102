"""A server's metadata are believed only of the issuer that was asked for, over https."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.oauth import Revocation
from proxy.oauth.discovery import (
    Metadata,
    MetadataFailure,
    metadata_urls,
    parse_metadata,
    with_metadata,
)
from tests.support.oauth_clients import client

ISSUER = "https://as.example/tenant"
DOCUMENT = {
    "issuer": ISSUER,
    "token_endpoint": "https://as.example/token",
    "authorization_endpoint": "https://as.example/authorize",
    "device_authorization_endpoint": "https://as.example/device",
    "revocation_endpoint": "https://as.example/revoke",
    "authorization_response_iss_parameter_supported": True,
    "jwks_uri": "http://never.looked.at/",
}


def parse(**changes: object) -> Metadata | MetadataFailure:
    return parse_metadata(json.dumps(DOCUMENT | changes).encode(), ISSUER)


class TestWhereToLook:
    def test_a_bare_issuer_has_two_places(self) -> None:
        assert metadata_urls("https://as.example") == (
            "https://as.example/.well-known/oauth-authorization-server",
            "https://as.example/.well-known/openid-configuration",
        )
        assert metadata_urls("https://as.example/") == metadata_urls("https://as.example")

    def test_with_a_path_the_well_known_part_goes_before_it_or_after(self) -> None:
        assert metadata_urls("https://as.example:8443/a/b/") == (
            "https://as.example:8443/.well-known/oauth-authorization-server/a/b",
            "https://as.example:8443/.well-known/openid-configuration/a/b",
            "https://as.example:8443/a/b/.well-known/openid-configuration",
            "https://as.example:8443/a/b/.well-known/oauth-authorization-server",
        )

    @pytest.mark.parametrize(
        "issuer",
        [
            "http://as.example",
            "as.example",
            "",
            "https://",
            "https://as.example/?a=b",
            "https://as.example/#f",
            "https://user@as.example",
            "https://as.example:99999",
            "https://[as.example",
            "https://as.exam ple",
            "https://as.example\\@evil.example",
        ],
    )
    def test_what_is_no_https_issuer_has_none(self, issuer: str) -> None:
        assert metadata_urls(issuer) == ()


class TestWhatItSays:
    def test_the_endpoints_are_read(self) -> None:
        assert parse() == Metadata(
            issuer=ISSUER,
            token_url="https://as.example/token",
            authorization_url="https://as.example/authorize",
            device_url="https://as.example/device",
            revocation_url="https://as.example/revoke",
            sends_issuer=True,
        )

    def test_only_the_token_endpoint_is_needed(self) -> None:
        body = json.dumps({"issuer": ISSUER, "token_endpoint": "https://as.example/token"})
        found = parse_metadata(body.encode(), ISSUER)
        assert found == Metadata(issuer=ISSUER, token_url="https://as.example/token")

    @pytest.mark.parametrize(
        "issuer", ["https://evil.example", ISSUER + "/", ISSUER.upper(), None, 7, [ISSUER]]
    )
    def test_another_issuer_is_refused(self, issuer: object) -> None:
        assert parse(issuer=issuer) == MetadataFailure("the metadata are of another issuer")

    @pytest.mark.parametrize("name", [name for name in DOCUMENT if name.endswith("_endpoint")])
    @pytest.mark.parametrize(
        "url", ["http://as.example/x", "", 7, "javascript:x", "https://a@b.example/", ["https://x"]]
    )
    def test_an_endpoint_that_is_not_https_is_refused(self, name: str, url: object) -> None:
        found = parse(**{name: url})
        assert found == MetadataFailure("an endpoint in the metadata is no https address")

    def test_without_a_token_endpoint_they_are_of_no_use(self) -> None:
        assert parse(token_endpoint=None) == MetadataFailure("the metadata name no token endpoint")

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b"[" * 100_000])
    def test_what_is_no_json_object_is_refused(self, body: bytes) -> None:
        assert isinstance(parse_metadata(body, ISSUER), MetadataFailure)

    @given(st.binary() | st.dictionaries(st.sampled_from([*DOCUMENT]), st.text()).map(json.dumps))
    def test_nothing_makes_it_raise(self, body: Any) -> None:
        raw = body if isinstance(body, bytes) else body.encode()
        assert isinstance(parse_metadata(raw, ISSUER), Metadata | MetadataFailure)


class TestWhatItFills:
    METADATA = Metadata(
        issuer=ISSUER,
        token_url="https://new.example/token",
        authorization_url="https://new.example/authorize",
        device_url="https://new.example/device",
        revocation_url="https://new.example/revoke",
    )

    def test_empty_endpoints_are_filled(self) -> None:
        bare = client(token_url="", authorization_url="", device_url="")
        filled = with_metadata(bare, self.METADATA)
        assert filled.token_url == "https://new.example/token"
        assert filled.authorization_url == "https://new.example/authorize"
        assert filled.device_url == "https://new.example/device"
        assert filled.revocation == Revocation("https://new.example/revoke")

    def test_what_the_operator_wrote_stays(self) -> None:
        own = client(revocation=Revocation("https://own.example/revoke"))
        assert with_metadata(own, self.METADATA) == own
