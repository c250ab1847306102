"""Requests are encoded the way the endpoint reads them, and do not print what they hold."""

import pytest

from proxy.oauth.request import build_request, with_extras
from tests.support.oauth_clients import document, fields

URL = "https://as.example/token"


def test_parameters_are_form_encoded_in_order_and_repeatable() -> None:
    request = build_request("POST", URL, parameters=(("b", "1 +&é"), ("a", "2"), ("b", "3")))
    assert fields(request) == [("b", "1 +&é"), ("a", "2"), ("b", "3")]


def test_in_json_a_repeated_parameter_is_a_list() -> None:
    parameters = (("a", "1"), ("b", "2"), ("a", "3"), ("a", "4"))
    request = build_request("POST", URL, parameters=parameters, body="json")
    assert document(request) == {"a": ["1", "3", "4"], "b": "2"}


def test_an_empty_parameter_is_not_sent() -> None:
    assert fields(build_request("POST", URL, parameters=(("a", ""), ("b", "1")))) == [("b", "1")]


def test_without_parameters_there_is_no_body() -> None:
    request = build_request("DELETE", URL)
    assert request.body == b""
    assert "content-type" not in dict(request.headers)


def test_json_is_asked_for_unless_a_header_says_otherwise() -> None:
    assert dict(build_request("POST", URL).headers)["accept"] == "application/json"
    request = build_request("POST", URL, headers=(("accept", "text/x"),))
    assert [value for name, value in request.headers if name == "accept"] == ["text/x"]


def test_extras_never_replace_what_is_there() -> None:
    own = (("state", "s"), ("empty", ""))
    extras = (("state", "evil"), ("empty", "now"), ("more", "1"), ("more", "2"))
    assert with_extras(own, extras) == (
        ("state", "s"),
        ("empty", "now"),
        ("more", "1"),
        ("more", "2"),
    )


@pytest.mark.parametrize("body", ["form", "json"])
def test_a_request_does_not_print_what_may_be_secret(body: str) -> None:
    request = build_request(
        "POST",
        URL,
        parameters=(("code", "hunter2"),),
        body="json" if body == "json" else "form",
        headers=(("authorization", "Basic hunter2"),),
    )
    assert "hunter2" not in repr(request)
