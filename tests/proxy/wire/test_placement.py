import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.connector import BasicPlacement, HeaderPlacement, PathPlacement, QueryPlacement
from config.template import Template
from proxy.wire.fields import Fields, get_all
from proxy.wire.placement import UnfitSecretError, place
from proxy.wire.target import TargetError
from tests.support.connectors import a_connector

SECRET = "sk-live-0123456789"
VALUES = {"secret": SECRET}
HOST = (b"Host", b"api.example.com")
BEARER = HeaderPlacement("authorization", Template("Bearer {secret}"))
API_KEY = HeaderPlacement("x-api-key", Template("{secret}"))
QUERY = QueryPlacement("key", Template("{secret}"))
PATH = PathPlacement(Template("/bot{secret}"))


def test_a_header_is_overwritten_in_every_spelling() -> None:
    sent = (HOST, (b"AUTHORIZATION", b"Bearer mine"), (b"authorization", b"again"))
    placed = place(a_connector(BEARER), VALUES, "/v1?a=1", sent)
    assert placed.fields == (HOST, (b"authorization", b"Bearer " + SECRET.encode()))
    assert placed.target == "/v1?a=1"


@pytest.mark.parametrize("placement", [API_KEY, QUERY, PATH])
def test_the_agents_authorization_goes_whatever_the_placement(
    placement: HeaderPlacement | QueryPlacement | PathPlacement,
) -> None:
    sent = (HOST, (b"Authorization", b"Bearer mine"), (b"X_Api_Key", b"mine"))
    placed = place(
        a_connector(placement, strip_headers=frozenset({"x-api-key"})), VALUES, "/", sent
    )
    assert b"mine" not in b"".join(value for _, value in placed.fields)


def test_two_secrets_go_into_two_headers() -> None:
    connector = a_connector(
        HeaderPlacement("dd-api-key", Template("{api_key}")),
        HeaderPlacement("dd-application-key", Template("{app_key}")),
    )
    placed = place(connector, {"api_key": "a" * 8, "app_key": "b" * 8}, "/", (HOST,))
    assert placed.fields == (HOST, (b"dd-api-key", b"a" * 8), (b"dd-application-key", b"b" * 8))


@pytest.mark.parametrize(
    ("username", "password", "pair"),
    [
        ("{secret}", "", f"{SECRET}:"),
        ("api", "{secret}", f"api:{SECRET}"),
        ("{secret}", "X", f"{SECRET}:X"),
        ("", "{secret}", f":{SECRET}"),
    ],
)
def test_basic_is_user_and_password_in_base64(username: str, password: str, pair: str) -> None:
    connector = a_connector(BasicPlacement(Template(username), Template(password)))
    placed = place(connector, VALUES, "/", (HOST, (b"authorization", b"Basic mine")))
    (value,) = get_all(placed.fields, b"authorization")
    assert value.startswith(b"Basic ")
    assert base64.b64decode(value[6:]) == pair.encode()
    assert value.decode() in placed.rendered
    assert value[6:].decode() in placed.rendered


def test_basic_is_in_utf_8() -> None:
    connector = a_connector(BasicPlacement(Template("{user}"), Template("{secret}")))
    placed = place(connector, {"user": "jürgen", "secret": "pässwörd"}, "/", ())
    (value,) = get_all(placed.fields, b"authorization")
    assert base64.b64decode(value[6:]).decode() == "jürgen:pässwörd"


def test_a_colon_in_the_user_name_is_refused() -> None:
    connector = a_connector(BasicPlacement(Template("{secret}"), Template("")))
    with pytest.raises(UnfitSecretError, match="colon"):
        place(connector, {"secret": "user:password"}, "/", ())


def test_a_query_parameter_is_overwritten_and_encoded() -> None:
    connector = a_connector(QUERY, strip_query=frozenset({"access_token"}))
    placed = place(connector, {"secret": "a&b=c#d+e f"}, "/p?key=mine&access_token=mine&q=1", ())
    assert placed.target == "/p?q=1&key=a%26b%3Dc%23d%2Be%20f"
    assert "a%26b%3Dc%23d%2Be%20f" in placed.rendered


def test_strip_lists_apply_without_a_query_placement() -> None:
    connector = a_connector(BEARER, strip_query=frozenset({"access_token"}))
    assert place(connector, VALUES, "/p?access%5ftoken=mine", ()).target == "/p"


def test_a_path_credential_keeps_what_a_segment_may_have_and_escapes_the_rest() -> None:
    placed = place(a_connector(PATH), {"secret": "123:AB/C?D#E%F"}, "/botmine/getMe", ())
    assert placed.target == "/bot123:AB%2FC%3FD%23E%25F/getMe"


def test_default_headers_come_only_where_the_agent_sent_none() -> None:
    connector = a_connector(BEARER, headers=(("Api-Version", "1"), ("User-Agent", "keyhatch")))
    placed = place(connector, VALUES, "/", ((b"api-version", b"2"),))
    assert get_all(placed.fields, b"api-version") == (b"2",)
    assert get_all(placed.fields, b"user-agent") == (b"keyhatch",)


def test_a_default_header_never_doubles_a_placed_one() -> None:
    connector = a_connector(API_KEY, headers=(("X-Api-Key", "default"),))
    assert place(connector, VALUES, "/", ()).fields == ((b"x-api-key", SECRET.encode()),)


@pytest.mark.parametrize("placement", [QUERY, PATH])
@pytest.mark.parametrize("target", ["*", "http://evil.test/"])
def test_a_target_without_path_is_refused_for_path_and_query(
    placement: QueryPlacement | PathPlacement, target: str
) -> None:
    with pytest.raises(TargetError):
        place(a_connector(placement), VALUES, target, ())


def test_an_asterisk_target_is_no_hindrance_for_a_header() -> None:
    connector = a_connector(BEARER, strip_query=frozenset({"key"}))
    assert place(connector, VALUES, "*", ()).target == "*"


@pytest.mark.parametrize("placement", [BEARER, API_KEY, QUERY, PATH])
@pytest.mark.parametrize("value", ["", "secret\r\nX-Evil: 1", "secret\n", "secret\0", "sec\x7fret"])
def test_a_secret_with_a_control_character_is_never_placed(
    placement: HeaderPlacement | QueryPlacement | PathPlacement, value: str
) -> None:
    with pytest.raises(UnfitSecretError) as refused:
        place(a_connector(placement), {"secret": value}, "/", ())
    assert not value or value not in str(refused.value)


@pytest.mark.parametrize("value", ["pässwörd", " outer-space", "outer-space "])
def test_a_secret_that_a_header_would_garble_is_not_placed_there(value: str) -> None:
    with pytest.raises(UnfitSecretError):
        place(a_connector(API_KEY), {"secret": value}, "/", ())


def test_a_slot_without_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        place(a_connector(BEARER), {}, "/", ())


def test_what_was_rendered_is_told_with_and_without_its_scheme() -> None:
    connector = a_connector(HeaderPlacement("authorization", Template("Token token={secret}")))
    rendered = place(connector, VALUES, "/", ()).rendered
    assert rendered == (SECRET, f"token={SECRET}", f"Token token={SECRET}")


def test_a_placed_head_does_not_print_its_secret() -> None:
    assert SECRET not in repr(place(a_connector(BEARER), VALUES, "/", ()))


FIELDS = st.lists(
    st.tuples(
        st.sampled_from([b"Authorization", b"x-api-key", b"X_API_KEY", b"Cookie", b"Accept"]),
        st.sampled_from([b"mine", b"Bearer mine"]),
    ),
    max_size=8,
).map(tuple)
SECRETS = st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8)


@given(FIELDS, SECRETS)
def test_exactly_one_value_goes_out_whatever_the_agent_sent(fields: Fields, secret: str) -> None:
    connector = a_connector(API_KEY, strip_headers=frozenset({"cookie"}))
    placed = place(connector, {"secret": secret}, "/", fields)
    names = [name.lower().replace(b"_", b"-") for name, _ in placed.fields]
    assert names.count(b"x-api-key") == 1
    assert get_all(placed.fields, b"x-api-key") == (secret.encode(),)
    assert not {b"authorization", b"cookie"} & set(names)
