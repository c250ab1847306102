from datetime import timedelta

import pytest

from admin.context import Session
from admin.operations import agents, connectors, tokens
from admin.operations.versions import StaleError
from config.errors import NotFoundError, UsageError
from tests.admin.operations.test_connectors import HUB, acts
from tests.support.command_line import NOW, CommandLine
from tests.support.places import interrupted, place_at


@pytest.fixture
def place(keyhatch: CommandLine) -> Session:
    place = place_at(keyhatch.home)
    connectors.create(place, "Hub", HUB)
    connectors.create(place, "Sales", HUB)
    return place


def test_an_agent_is_told_with_its_grants_and_tokens(place: Session) -> None:
    issued = agents.add(place, "Bot", ["hub"], expires_at=NOW + timedelta(days=1), by="ada")
    assert acts(place)[-1] == ("agent.add", "ada")
    state = agents.state(place, "bot")
    assert [(g.connector, g.words, dict(g.policy)) for g in state.grants] == [("hub", "", {})]
    assert [(t.id, t.agent) for t in state.tokens] == [(issued.id, "bot")]
    assert state.expires_at == NOW + timedelta(days=1)
    assert issued.token.reveal() not in repr((issued, state))


def test_a_grant_is_narrowed_widened_and_taken_away(place: Session) -> None:
    agents.add(place, "bot", ["hub"])
    agents.grant(place, "bot", ["hub", "sales"], policy={"read_only": True, "rate": ["1/second"]})
    [hub, _] = agents.state(place, "bot").grants
    assert hub.policy == {"read_only": True, "rate": ["1/second"]}
    assert "read only" in hub.words
    agents.grant(place, "bot", ["hub"], policy={"read_only": None, "rate": None})
    assert agents.state(place, "bot").grants[0].words == ""
    agents.revoke(place, "bot", ["hub"])
    assert [grant.connector for grant in agents.state(place, "bot").grants] == ["sales"]
    with pytest.raises(NotFoundError):
        agents.revoke(place, "bot", ["hub"])


def test_an_agent_that_was_changed_meanwhile_is_not_overwritten(place: Session) -> None:
    agents.add(place, "bot", ["hub"])
    seen = agents.state(place, "bot").tag
    agents.grant(place, "bot", ["sales"], expected=seen)
    for stale in (agents.grant, agents.revoke):
        with pytest.raises(StaleError):
            stale(place, "bot", ["hub"], expected=seen)
    with pytest.raises(StaleError):
        agents.delete(place, "bot", expected=seen)
    assert agents.delete(place, "bot") == "bot"
    assert agents.states(place) == ()
    assert tokens.listing(place) == ()


def test_a_further_token_is_narrowed_to_what_was_granted(place: Session) -> None:
    agents.add(place, "bot", ["hub"])
    issued = tokens.issue(place, "bot", expires_at=NOW + timedelta(hours=1), connectors=["hub"])
    known = {token.id: token for token in tokens.listing(place, "bot")}
    assert known[issued.id].connectors == ("hub",)
    with pytest.raises(UsageError, match="not granted sales"):
        tokens.issue(place, "bot", connectors=["sales"])
    assert tokens.revoke(place, "bot", [issued.id]) == 1
    assert tokens.revoke(place, "bot", None) == 1
    assert tokens.listing(place, "bot") == ()


def test_a_policy_that_comes_meanwhile_is_not_mixed_with_the_whole_one(place: Session) -> None:
    agents.add(place, "bot", ["hub"])
    policy = {"rate": ["1/second"]}
    busy = interrupted(place, "known", lambda: agents.grant(place, "bot", ["hub"], policy=policy))
    agents.narrow(busy, "bot", "hub", {"read_only": True})
    assert [grant.policy for grant in agents.state(place, "bot").grants] == [{"read_only": True}]
