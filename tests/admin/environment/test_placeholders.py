from admin.environment.placeholders import with_placeholders
from config.placeholders import Placeholders, placeholders_of
from tests.support.registries import owning

DUMMY = "sk-kh-placeholder-0000"
OPENAI = owning("openai", "api.openai.com:443", env=(("OPENAI_API_KEY", DUMMY),))
SECOND = owning("openai-eu", "api.openai.com:443", env=(("OPENAI_API_KEY", DUMMY),))
DATADOG = owning(
    "dog", "api.datadoghq.eu:443", env=(("DD_API_KEY", "kh-placeholder"), ("DD_SITE", "eu"))
)
CLOUD = owning("cloud", "www.googleapis.com:443", env=(("GOOGLE_APPLICATION_CREDENTIALS", ""),))
ALL = [OPENAI, SECOND, DATADOG, CLOUD]
REAL = "sk-canary-5f0c1d2e3b4a"


def found(*usable: str) -> Placeholders:
    return placeholders_of(ALL, lambda connector: connector.slug in usable)


def test_the_connectors_of_a_command_give_its_placeholders() -> None:
    made, words = with_placeholders({"PATH": "/bin"}, found("openai", "dog"))
    assert made == {
        "PATH": "/bin",
        "OPENAI_API_KEY": DUMMY,
        "DD_API_KEY": "kh-placeholder",
        "DD_SITE": "eu",
    }
    assert words == []


def test_a_real_key_is_replaced_and_named_but_never_shown() -> None:
    made, words = with_placeholders({"OPENAI_API_KEY": REAL}, found("openai"))
    assert made["OPENAI_API_KEY"] == DUMMY
    assert words == ["OPENAI_API_KEY: replaced by a placeholder; the proxy adds the credential"]
    assert REAL not in " ".join(words)


def test_what_no_placeholder_can_stand_for_is_taken_out() -> None:
    given = {"GOOGLE_APPLICATION_CREDENTIALS": "key.json"}
    made, words = with_placeholders(given, found("cloud"))
    assert made == {}
    assert words == ["GOOGLE_APPLICATION_CREDENTIALS: taken out; the proxy adds the credential"]


def test_a_key_of_a_connector_that_it_may_not_use_is_taken_out() -> None:
    made, words = with_placeholders({"OPENAI_API_KEY": REAL, "DD_SITE": "us"}, found("dog"))
    assert "OPENAI_API_KEY" not in made
    assert words == ["OPENAI_API_KEY: taken out; this command may not use openai"]


def test_one_of_two_connectors_of_a_service_is_enough() -> None:
    made, _words = with_placeholders({"OPENAI_API_KEY": REAL}, found("openai-eu"))
    assert made["OPENAI_API_KEY"] == DUMMY


def test_a_public_value_of_the_callers_stays() -> None:
    made, words = with_placeholders({"DD_SITE": "us3"}, found("dog"))
    assert (made["DD_SITE"], words) == ("us3", [])


def test_nothing_is_said_of_what_was_empty_or_a_placeholder_already() -> None:
    for before in ("", DUMMY):
        made, words = with_placeholders({"OPENAI_API_KEY": before}, found("openai"))
        assert (made["OPENAI_API_KEY"], words) == (DUMMY, [])
        made, words = with_placeholders({"OPENAI_API_KEY": before}, found())
        assert ("OPENAI_API_KEY" in made, words) == (False, [])


def test_the_callers_environment_is_left_alone() -> None:
    given = {"OPENAI_API_KEY": REAL}
    with_placeholders(given, found("openai"))
    assert given == {"OPENAI_API_KEY": REAL}
