"""What a connector lets pass besides its credential, on the command line."""

import pytest

from tests.support.command_line import CommandLine

NEW = ("connector", "add", "Forge", "--type", "api-key", "--host", "a.example", "--no-secret")


def facts(line: CommandLine) -> dict[str, object]:
    shown = line("connector", "show", "forge", "--json").json
    names = ("cookies", "token_fields", "allow_minting", "keep")
    return {name: shown[name] for name in names}


def test_options_say_what_passes(keyhatch: CommandLine) -> None:
    added = keyhatch(
        *NEW, "--cookies", "keep", "--token-fields", "keep",
        "--allow-minting", "/v1/keys", "--allow-minting", "/v2/**",
    )  # fmt: skip
    assert added.code == 0
    assert facts(keyhatch) == {
        "cookies": "keep",
        "token_fields": "keep",
        "allow_minting": ["/v1/keys", "/v2/**"],
        "keep": [],
    }


def test_set_changes_what_passes(keyhatch: CommandLine) -> None:
    keyhatch(*NEW, "--cookies", "keep")
    assert keyhatch("connector", "set", "forge", "--cookies", "drop").code == 0
    assert facts(keyhatch)["cookies"] == "drop"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--cookies", "maybe"), "maybe"),
        (("--token-fields", "off"), "off"),
        (("--allow-minting", "v1/keys"), "does not start with /"),
        (("--header", "X-A", "--template", "{client_secret}"), "no request carries"),
    ],
)
def test_a_mistake_is_told_and_nothing_written(
    keyhatch: CommandLine, options: tuple[str, ...], says: str
) -> None:
    outcome = keyhatch(*NEW, *options)
    assert outcome.code == 2
    assert says in outcome.err
    assert keyhatch("connector", "show", "forge").code == 3


def test_the_catalog_shows_what_is_refused_at_a_service(keyhatch: CommandLine) -> None:
    shown = keyhatch("catalog", "show", "stripe", "--json").json
    assert "POST /v1/ephemeral_keys (an API key)" in shown["forms"]["api_key"]["refused"]
