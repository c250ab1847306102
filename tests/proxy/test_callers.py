from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.connector import Registry
from proxy.callers import Callers, Lease, presented_digest
from proxy.policy.decision import Caller
from proxy.vault.tokens import PREFIX, TokenRecord, token_digest
from tests.support.registries import owning, registry_of

NOW = datetime(2026, 5, 9, tzinfo=UTC)
HUB, BOOKS = owning("hub", "api.hubapi.com:443"), owning("books", "books.example:443")
REGISTRY = registry_of([HUB, BOOKS], agents={"ada": ["hub"], "bob": ["hub", "books"]})
TOKEN = "kh_0123456789"
DIGEST = token_digest(TOKEN)


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


class TestPresentedDigest:
    @pytest.mark.parametrize(
        "value",
        [
            f"Bearer {TOKEN}",
            f"bearer  {TOKEN} ",
            basic(f"agent:{TOKEN}"),
            basic(f":{TOKEN}"),
            basic(f"agent:{TOKEN}").replace("Basic", "bASIC"),
        ],
    )
    def test_a_token_is_found_in_basic_and_bearer(self, value: str) -> None:
        assert presented_digest(value) == DIGEST

    @pytest.mark.parametrize(
        "value", ["", " ", TOKEN, f"Digest {TOKEN}", "Basic", "Basic ¡", "Basic a", "Basic /w=="]
    )
    def test_anything_else_is_nobody(self, value: str) -> None:
        callers = Callers(records={DIGEST: TokenRecord("ada", None)})
        digest = presented_digest(value)
        assert digest is None or callers.identify(digest, REGISTRY, NOW) is None

    def test_the_token_is_the_password_not_the_user_name(self) -> None:
        assert presented_digest(basic(f"{TOKEN}:")) != DIGEST

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_no_header_value_raises(self, value: str) -> None:
        for scheme in ("", "Basic ", "Bearer "):
            presented_digest(scheme + value)

    @given(st.binary())
    def test_no_bytes_of_a_field_raise(self, value: bytes) -> None:
        """Fields are decoded with surrogateescape."""
        for scheme in ("Basic ", "Bearer "):
            presented_digest(scheme + value.decode("utf-8", "surrogateescape"))


class TestIdentify:
    def test_a_token_stands_for_its_agent_with_its_grants(self) -> None:
        callers = Callers(records={DIGEST: TokenRecord("ada", None)})
        assert callers.identify(DIGEST, REGISTRY, NOW) == Caller("ada", frozenset({"hub"}))

    def test_grants_are_those_of_the_registry_of_the_moment(self) -> None:
        callers = Callers(records={DIGEST: TokenRecord("ada", None)})
        fewer = registry_of([HUB, BOOKS], agents={"ada": []})
        assert callers.identify(DIGEST, fewer, NOW) == Caller("ada", frozenset())

    def test_invariant_16_a_revoked_token_is_nobody(self) -> None:
        callers = Callers(records={DIGEST: TokenRecord("ada", None)})
        callers.records = {}
        assert callers.identify(DIGEST, REGISTRY, NOW) is None

    def test_invariant_16_the_token_of_a_deleted_agent_is_nobody(self) -> None:
        callers = Callers(records={DIGEST: TokenRecord("ada", None)})
        assert callers.identify(DIGEST, registry_of([HUB]), NOW) is None

    @pytest.mark.parametrize(("left", "valid"), [(1, True), (0, False), (-1, False)])
    def test_invariant_16_a_token_ends_at_its_time(self, left: int, valid: bool) -> None:
        callers = Callers(records={DIGEST: TokenRecord("ada", NOW + timedelta(seconds=left))})
        assert (callers.identify(DIGEST, REGISTRY, NOW) is not None) is valid


class TestNarrowed:
    CALLED = owning("tube", "tube.example:443", id="renamed-once")
    REGISTRY = registry_of([HUB, BOOKS, CALLED], agents={"bob": ["hub", "books", "tube"]})

    def caller(self, *ids: str, registry: Registry = REGISTRY) -> Caller | None:
        callers = Callers(records={DIGEST: TokenRecord("bob", None, frozenset(ids))})
        return callers.identify(DIGEST, registry, NOW)

    def test_it_stands_for_less_than_its_agent(self) -> None:
        assert self.caller("books") == Caller("bob", frozenset({"books"}))
        assert self.caller() == Caller("bob", frozenset())

    def test_it_never_reaches_more_than_its_agent_may(self) -> None:
        fewer = registry_of([HUB, BOOKS], agents={"bob": ["hub"]})
        assert self.caller("hub", "books", registry=fewer) == Caller("bob", frozenset({"hub"}))

    def test_it_follows_a_connector_through_a_rename_and_no_namesake(self) -> None:
        assert self.caller("renamed-once") == Caller("bob", frozenset({"tube"}))
        assert self.caller("tube") == Caller("bob", frozenset())

    def test_what_changes_is_in_effect_at_the_next_request(self) -> None:
        callers = Callers(records={DIGEST: TokenRecord("bob", None, frozenset({"hub", "books"}))})
        fewer = registry_of([HUB, BOOKS], agents={"bob": ["hub"]})
        for _ in range(2):
            found = callers.identify(DIGEST, self.REGISTRY, NOW)
            assert found == Caller("bob", frozenset({"hub", "books"}))
        assert callers.identify(DIGEST, fewer, NOW) == Caller("bob", frozenset({"hub"}))
        callers.records = {DIGEST: TokenRecord("bob", None, frozenset({"books"}))}
        assert callers.identify(DIGEST, fewer, NOW) == Caller("bob", frozenset())
        callers.records = {}
        assert callers.identify(DIGEST, fewer, NOW) is None


class TestUses:
    def test_the_last_use_of_each_token_is_handed_over_once(self) -> None:
        callers = Callers(records={DIGEST: TokenRecord("ada", None)})
        callers.identify(DIGEST, REGISTRY, NOW)
        callers.identify(DIGEST, REGISTRY, NOW + timedelta(seconds=5))
        callers.identify(token_digest("wrong"), REGISTRY, NOW)
        assert callers.take_uses() == {DIGEST: NOW + timedelta(seconds=5)}
        assert callers.take_uses() == {}

    def test_an_expired_token_is_told_from_an_unknown_one(self) -> None:
        callers = Callers(records={DIGEST: TokenRecord("ada", NOW)})
        assert callers.has_expired(DIGEST, NOW)
        assert not callers.has_expired(DIGEST, NOW - timedelta(seconds=1))
        assert not callers.has_expired(token_digest("other"), NOW)
        callers.identify(DIGEST, REGISTRY, NOW)
        assert callers.take_uses() == {}


class TestLeases:
    def test_a_lease_without_agent_may_use_every_connector(self) -> None:
        callers = Callers()
        token = callers.open_lease(Lease(None, None))
        caller = callers.identify(token_digest(token.reveal()), REGISTRY, NOW)
        assert caller == Caller("run", None)

    @pytest.mark.parametrize(
        ("agent", "narrowed", "left"),
        [
            ("ada", None, {"hub"}),
            ("bob", {"books"}, {"books"}),
            ("ada", {"books"}, set()),
            ("bob", set(), set()),
        ],
    )
    def test_a_lease_only_ever_narrows_its_agents_grants(
        self, agent: str, narrowed: set[str] | None, left: set[str]
    ) -> None:
        callers = Callers()
        lease = Lease(agent, None if narrowed is None else frozenset(narrowed))
        token = callers.open_lease(lease)
        caller = callers.identify(token_digest(token.reveal()), REGISTRY, NOW)
        assert caller == Caller(agent, frozenset(left))

    def test_invariant_16_a_closed_lease_is_nobody(self) -> None:
        callers = Callers()
        token = callers.open_lease(Lease(None, None))
        callers.close_lease(token)
        callers.close_lease(token)
        assert callers.identify(token_digest(token.reveal()), REGISTRY, NOW) is None

    def test_invariant_16_a_lease_dies_with_its_agent(self) -> None:
        callers = Callers()
        token = callers.open_lease(Lease("ada", None))
        assert callers.identify(token_digest(token.reveal()), registry_of([HUB]), NOW) is None

    def test_lease_tokens_differ_and_are_long(self) -> None:
        callers = Callers()
        tokens = {callers.open_lease(Lease(None, None)).reveal() for _ in range(50)}
        assert len(tokens) == 50
        assert all(len(token) == len(PREFIX) + 43 for token in tokens)  # 256 bits

    def test_invariant_07_no_token_shows_in_what_callers_print(self) -> None:
        callers = Callers(records={DIGEST: TokenRecord("ada", None)})
        token = callers.open_lease(Lease("ada", None)).reveal()
        assert token not in repr(callers)
        assert TOKEN not in repr(callers)
