"""What a decision costs does not grow: counted in calls, not in time."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from bench.registries import registry_text, ruled_host
from config.catalog import load_catalog
from config.destination import Destination
from config.load import load_registry
from config.marks import parse_yaml
from proxy.policy.authority import RequestHead, TunnelHead
from proxy.policy.decision import Caller, Inject, Refuse, decide, decide_tunnel
from proxy.policy.snapshot import Snapshot, build_snapshot
from proxy.problems import ProblemCode
from tests.support.registries import NOON, owning, registry_of, snapshot_of


def calls(work: Callable[[], Any]) -> int:
    """Return how many calls a piece of work makes, into C as well; it is done once before."""
    work()
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def snapshot(connectors: int, agents: int) -> Snapshot:
    text = registry_text(connectors, agents)
    return build_snapshot(load_registry(text, source="f", catalog=load_catalog()), 1)


def request(state: Snapshot, number: int) -> Callable[[], Any]:
    host = ruled_host(number)
    slug = host.partition(".")[0].replace("h", "c")
    agent = next(iter(state.registry.agents.values()))
    caller = Caller(agent.slug, agent.connectors | {slug}, agent)
    through = TunnelHead(Destination("https", host, 443), host)
    head = RequestHead("GET", f"/v1/{slug[1:]}/x", None, (host,), "https", through)
    assert isinstance(decide(head, caller, state, NOON), Inject)
    return lambda: decide(head, caller, state, NOON)


@pytest.fixture(scope="module")
def small() -> Snapshot:
    return snapshot(10, 5)


@pytest.fixture(scope="module")
def large() -> Snapshot:
    return snapshot(3000, 300)


def test_a_decision_makes_the_same_calls_among_3000_connectors_as_among_10(
    small: Snapshot, large: Snapshot
) -> None:
    assert calls(request(large, 2998)) == calls(request(small, 2))


def test_an_unmatched_host_too(small: Snapshot, large: Snapshot) -> None:
    place = Destination("https", "a.b.c.elsewhere.example", 443)
    counts = {
        calls(lambda state=state: decide_tunnel(place, Caller("run", None), state))  # type: ignore[misc]
        for state in (small, large)
    }
    assert len(counts) == 1


def test_a_host_of_many_accounts_costs_as_much_as_the_agent_has_grants() -> None:
    def asking(accounts: int) -> Callable[[], Any]:
        owners = [owning(f"c{n}", "api.example.com:443") for n in range(accounts)]
        state = snapshot_of(*owners)
        head = RequestHead("GET", "/", "api.example.com", (), "http")
        caller = Caller("ada", frozenset({"c1", "elsewhere"}))
        assert isinstance(decide(head, caller, state, NOON), Inject)
        return lambda: decide(head, caller, state, NOON)

    assert calls(asking(2000)) == calls(asking(20))


def test_a_named_connector_among_many_accounts_is_looked_up() -> None:
    def asking(accounts: int) -> Callable[[], Any]:
        state = snapshot_of(*[owning(f"c{n}", "api.example.com:443") for n in range(accounts)])
        head = RequestHead("GET", "/", "api.example.com", (), "http", None, ("c7",))
        return lambda: decide(head, Caller("run", None), state, NOON)

    assert calls(asking(2000)) == calls(asking(20))


def test_a_refusal_does_not_list_thousands_of_names() -> None:
    state = snapshot_of(*[owning(f"c{n}", "api.example.com:443") for n in range(2000)])
    head = RequestHead("GET", "/", "api.example.com", (), "http")
    decision = decide(head, Caller("run", None), state, NOON)
    assert isinstance(decision, Refuse)
    assert decision.problem.code is ProblemCode.AMBIGUOUS_CONNECTOR
    assert len(decision.problem.detail) < 300
    assert decision.problem.hint.endswith(", …")


def test_indexing_is_linear() -> None:
    def indexing(accounts: int) -> Callable[[], Any]:
        registry = registry_of([owning(f"c{n}", "api.example.com:443") for n in range(accounts)])
        return lambda: build_snapshot(registry, 1)

    assert calls(indexing(2000)) <= 2.1 * calls(indexing(1000))


def test_loading_is_linear() -> None:
    def loading(connectors: int) -> Callable[[], Any]:
        text = registry_text(connectors, connectors // 10)
        return lambda: load_registry(text, source="f", catalog=load_catalog())

    assert calls(loading(1000)) <= 2.2 * calls(loading(500))


def test_the_large_file_is_what_it_says() -> None:
    value = parse_yaml(registry_text(40, 7), source="f").value
    assert (len(value["connectors"]), len(value["agents"])) == (40, 7)
    assert all(len(agent["connectors"]) == 10 for agent in value["agents"].values())
