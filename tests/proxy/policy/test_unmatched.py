"""Hosts that no connector owns: lists and defaults, the agent's and the settings'."""

import pytest

from config.connector import Agent, Settings
from config.destination import Destination
from config.policy import Egress, HostPattern
from config.policy_build import parse_host_pattern
from proxy.policy.unmatched import EgressGround, Passage, passage_of


def listed(*texts: str) -> frozenset[HostPattern]:
    return frozenset(map(parse_host_pattern, texts))


def agent(
    *, allow: tuple[str, ...] = (), deny: tuple[str, ...] = (), unmatched: object = None
) -> Agent:
    egress = Egress(listed(*allow), listed(*deny))
    return Agent("ada", frozenset(), unmatched=unmatched, egress=egress)  # type: ignore[arg-type]


def settings(allow: str = "", deny: str = "", unmatched: object = "tunnel") -> Settings:
    egress = Egress(listed(*allow.split()), listed(*deny.split()))
    return Settings(unmatched=unmatched, egress=egress)  # type: ignore[arg-type]


def passage(host: str, who: Agent | None, rules: Settings, port: int = 443) -> Passage:
    return passage_of(Destination("https", host, port), who, rules)


@pytest.mark.parametrize(
    ("who", "rules", "passes", "part"),
    [
        (None, settings(), True, "unmatched: tunnel"),
        (None, settings(unmatched="deny"), False, "unmatched: deny"),
        (agent(), settings(unmatched="deny"), False, "unmatched: deny"),
        (agent(unmatched="tunnel"), settings(unmatched="deny"), True, "unmatched: tunnel"),
        (agent(unmatched="deny"), settings(), False, "unmatched: deny"),
        (agent(allow=("a.example",), unmatched="deny"), settings(), True, "allow"),
        (agent(unmatched="deny"), settings(allow="*.example"), True, "allow"),
        (agent(allow=("a.example",)), settings(deny="a.example"), False, "deny"),
        (agent(deny=("*.example",)), settings(allow="a.example"), False, "deny"),
        (agent(deny=("a.example",), allow=("a.example",)), settings(), False, "deny"),
        (None, settings(allow="a.example", deny="*.example"), False, "deny"),
    ],
)
def test_the_first_match_decides(
    who: Agent | None, rules: Settings, passes: bool, part: str
) -> None:
    found = passage("a.example", who, rules)
    assert (found.problem is None) is passes
    assert found.ground is not None
    assert found.ground.part == part


@pytest.mark.parametrize(
    ("pattern", "host", "port", "fits"),
    [
        ("a.example", "a.example", 443, True),
        ("a.example", "b.a.example", 443, False),
        ("a.example", "a.example", 80, True),
        ("a.example", "a.example", 8443, False),
        ("a.example:8443", "a.example", 8443, True),
        ("a.example:8443", "a.example", 443, False),
        ("*.a.example", "x.y.a.example", 443, True),
        ("*.a.example", "a.example", 443, False),
        ("*.a.example", "xa.example", 443, False),
        ("*.a.example:8443", "x.a.example", 443, False),
        ("*.a.example:8443", "x.a.example", 8443, True),
        ("A.Example.", "a.example", 443, True),
        ("93.184.215.14", "93.184.215.14", 443, True),
    ],
)
def test_hosts_fit_whole_or_below_a_suffix(pattern: str, host: str, port: int, fits: bool) -> None:
    found = passage(host, None, settings(allow=pattern, unmatched="deny"), port)
    assert (found.problem is None) is fits


@pytest.mark.parametrize("host", ["printer.local", "10.0.0.1", "intranet", "x.internal"])
def test_an_allowed_host_is_still_no_inner_one(host: str) -> None:
    found = passage(host, agent(allow=(host,)), settings(allow=host))
    assert found.problem is not None
    assert found.ground is None


def test_an_allowed_host_is_not_open_at_every_port() -> None:
    assert passage("a.example", None, settings(allow="a.example"), 22).problem


def test_what_decided_is_told() -> None:
    ground = passage("x.a.example", agent(deny=("*.a.example",)), settings()).ground
    assert ground == EgressGround(True, "deny", HostPattern("a.example", None, True))


def test_a_long_list_is_not_searched() -> None:
    """Look-ups, as many as the name has labels."""
    many = frozenset(HostPattern(f"h{n}.example", None, n % 2 == 0) for n in range(5000))
    seen: list[object] = []

    class Counting(frozenset[HostPattern]):
        def __contains__(self, item: object) -> bool:
            seen.append(item)
            return super().__contains__(item)

    rules = Settings(egress=Egress(allow=Counting(many)))
    assert passage("x.h4998.example", None, rules).ground == EgressGround(
        False, "allow", HostPattern("h4998.example", None, True)
    )
    assert len(seen) <= 6
