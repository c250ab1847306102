import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.audit.template import (
    MAX_SEGMENT,
    MAX_SEGMENTS,
    host_template,
    method_template,
    path_template,
)

PATHS = {
    "/": "/",
    "": "",
    "*": "*",
    "/crm/v3/objects/contacts/12345": "/crm/v3/objects/contacts/{id}",
    "/crm/v3/objects/contacts/": "/crm/v3/objects/contacts/",
    "/v1beta/properties/1234:runReport": "/v1beta/properties/{id}:runReport",
    "/v1/models/gemini-pro:generateContent": "/v1/models/gemini-pro:generateContent",
    "/users/ada@corp.example/messages": "/users/{id}/messages",
    "/users/@me": "/users/@me",
    "/repos/acme/widgets/issues/12": "/repos/acme/widgets/issues/{id}",
    "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json": (
        "/2010-04-01/Accounts/{id}/Messages.json"
    ),
    "/services/data/v59.0/sobjects/Account/0015g00000XyZAbCAAV": (
        "/services/data/v59.0/sobjects/Account/{id}"
    ),
    "/admin/api/2024-10/products.json": "/admin/api/2024-10/products.json",
    "/oauth2/v3/token": "/oauth2/v3/token",
    "/items/3f2504e0-4f89-11d3-9a0c-0305e82c3301": "/items/{id}",
    "/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe": "/{id}/getMe",
    "/a%2e%2e%2fb/c;x=1": "/{id}/{id}",
    "/../etc/./x": "/../etc/./x",
    "/chat.postMessage": "/chat.postMessage",
    "/s/aVeryRandomLookingTokenWithManyHumpsInIt": "/s/{id}",
    "/x/" + "a" * 65: "/x/{id}",
}


@pytest.mark.parametrize(("path", "told"), PATHS.items())
def test_a_path_keeps_its_words_and_nothing_that_names_one_thing(path: str, told: str) -> None:
    assert path_template(path) == told


SECRETS = [
    "sk_live_51H8xYzAbCdEfGhIj",
    "canary-5f0c1d2e/3b4a+5968=7786950413",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "xoxb-2345678901-abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "0af7651916cd43dd8448eb211c80319c",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("path", ["/{}", "/v1/{}/items", "/{}:run", "/x:{}", "/a.{}", "/%41{}"])
def test_what_looks_like_a_secret_does_not_stay(secret: str, path: str) -> None:
    told = path_template(path.format(secret))
    assert all(part not in told for part in re.split("[/.]", secret) if len(part) > 4)


@given(st.text(max_size=400))
def test_a_template_is_bounded_plain_and_its_own_template(path: str) -> None:
    told = path_template(path)
    assert len(told) <= (MAX_SEGMENTS + 1) * (MAX_SEGMENT + 2)
    assert re.fullmatch(r"[A-Za-z0-9._:@*{}/-]*", told)
    assert told == path_template(path)


def test_a_path_of_many_segments_ends_in_a_word_that_says_so() -> None:
    assert path_template("/a" * 40) == "/a" * MAX_SEGMENTS + "/{more}"


@pytest.mark.parametrize(
    "host", ["api.hubapi.com", "10.1.2.3", "2606:4700::1111", "", "xn--bcher-kva.example"]
)
def test_a_host_is_told_as_it_is(host: str) -> None:
    assert host_template(host) == host


def test_a_label_that_could_carry_something_away_is_not_told() -> None:
    assert host_template("5f0c1d2e3b4a59687786950413aa.evil.example") == "{id}.evil.example"
    assert host_template("a" * 300) == "{other}"
    assert host_template("my-own-long-bucket-name.s3.amazonaws.example") == (
        "my-own-long-bucket-name.s3.amazonaws.example"
    )


@pytest.mark.parametrize("method", ["GET", "PROPFIND", "VERSION-CONTROL", "M-SEARCH"])
def test_a_method_is_told(method: str) -> None:
    assert method_template(method) == method


@pytest.mark.parametrize("method", ["", "get", "A" * 17, "GET /x", "SK_LIVE_1", "G\x00T"])
def test_what_is_no_method_is_not(method: str) -> None:
    assert method_template(method) == "{other}"
