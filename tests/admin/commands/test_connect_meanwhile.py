"""A connector that somebody renames or deletes while a person consents for it."""

from admin.operations import connectors
from tests.admin.commands.test_connector_connect import INTERCOM, SECRET, TOKEN, connect, service
from tests.support.command_line import CommandLine
from tests.support.fake_services import Rule
from tests.support.places import place_at


def test_one_that_is_renamed_during_its_consent_is_moved_by_its_new_name(
    keyhatch: CommandLine,
) -> None:
    def tell(_seen: object) -> tuple[int, object]:
        connectors.rename(place_at(keyhatch.home), "support", "Inbox")
        return 200, {"email": "ada@example.com", "app": {"region": "EU"}}

    rules: dict[str, Rule] = {
        "POST api.intercom.io/auth/eagle/token": (200, {"access_token": TOKEN}),
        "GET api.intercom.io/me": tell,
    }
    with service(keyhatch, rules, *INTERCOM) as services:
        dial = ("--dial", services.dial, "--token-dial", services.dial)
        words = ("connector", "add", "Support", "--type", "intercom", *dial)
        assert keyhatch(*words, typed=["app-1", SECRET]).code == 0
        outcome = connect(keyhatch, slug="support")
    assert outcome.code == 0, outcome.err
    assert keyhatch("connector", "show", "inbox", "--json").json["destinations"] == [
        "https://api.eu.intercom.io"
    ]


def test_of_one_that_is_deleted_during_its_consent_nothing_goes_to_another_of_its_name(
    keyhatch: CommandLine,
) -> None:
    def tell(_seen: object) -> tuple[int, object]:
        place = place_at(keyhatch.home)
        connectors.remove(place, place.registry().connectors["support"])
        connectors.rename(place, "other", "Support")
        return 200, {"email": "ada@example.com", "app": {"region": "EU"}}

    rules: dict[str, Rule] = {
        "POST api.intercom.io/auth/eagle/token": (200, {"access_token": TOKEN}),
        "GET api.intercom.io/me": tell,
    }
    with service(keyhatch, rules, *INTERCOM) as services:
        dial = ("--dial", services.dial, "--token-dial", services.dial)
        for name in ("Support", "Other"):
            words = ("connector", "add", name, "--type", "intercom", *dial)
            assert keyhatch(*words, typed=["app-1", SECRET]).code == 0
        outcome = connect(keyhatch, slug="support")
    assert outcome.code != 0
    assert "deleted meanwhile" in outcome.err
    shown = keyhatch("connector", "show", "support", "--json").json
    assert (shown["id"], shown["status"]) == ("other", "needs connecting")
    assert shown["destinations"] == ["https://api.intercom.io"]
