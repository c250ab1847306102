from dataclasses import replace
from typing import Any

import pytest

from config.catalog import load_catalog
from config.connector import Settings
from config.destination import Destination
from config.errors import ConfigError
from config.load import load_registry
from config.policy import Egress, HostPattern, Policy, Rule
from proxy.policy.authority import RequestHead, TunnelHead
from proxy.policy.decision import (
    Caller,
    Decision,
    Forward,
    Inject,
    Intercept,
    Portal,
    Refuse,
    Tunnel,
    TunnelDecision,
    decide_tunnel,
)
from proxy.policy.snapshot import Snapshot, build_snapshot
from proxy.problems import ProblemCode, render_problem
from tests.support.registries import EVERYONE, decide, owning, plain, snapshot_of, tunnelled

HUB = owning("hub", "api.hubapi.com:443")
HUB_EU = owning("hub-eu", "api.hubapi.com:443")
LAN = owning("lan", "lan.example:8080", scheme="http")
SNAPSHOT = snapshot_of(HUB, LAN)
TWO = snapshot_of(HUB, HUB_EU)


def code_of(decision: Decision | TunnelDecision) -> ProblemCode:
    assert isinstance(decision, Refuse)
    assert decision.reason == decision.problem.code.value
    return decision.problem.code


def tunnel_to(host: str, port: int = 443, **kw: Any) -> TunnelDecision:
    caller, snapshot = kw.get("caller", EVERYONE), kw.get("snapshot", SNAPSHOT)
    return decide_tunnel(Destination("https", host, port), caller, snapshot)


class TestWhoMay:
    def test_a_connector_without_grant_is_refused_and_not_named(self) -> None:
        decision = decide(plain("api.hubapi.com"), Caller("a", frozenset()), SNAPSHOT)
        assert code_of(decision) is ProblemCode.CONNECTOR_NOT_GRANTED
        assert isinstance(decision, Refuse)
        assert b"hub" not in render_problem(decision.problem).body.replace(b"api.hubapi", b"")

    def test_a_disabled_connector_is_refused_with_the_command_that_mends_it(self) -> None:
        snapshot = snapshot_of(owning("hub", "api.hubapi.com:443", enabled=False))
        decision = decide(plain("api.hubapi.com"), EVERYONE, snapshot)
        assert code_of(decision) is ProblemCode.CONNECTOR_DISABLED
        assert isinstance(decision, Refuse)
        assert "keyhatch connector enable hub" in decision.problem.hint

    def test_a_disabled_connector_named_by_header_is_disabled_not_ungranted(self) -> None:
        snapshot = snapshot_of(HUB, owning("hub-eu", "api.hubapi.com:443", enabled=False))
        decision = decide(plain("api.hubapi.com", "/", "GET", "hub-eu"), EVERYONE, snapshot)
        assert code_of(decision) is ProblemCode.CONNECTOR_DISABLED

    def test_the_one_connector_that_grants_leave_is_taken(self) -> None:
        decision = decide(plain("api.hubapi.com"), Caller("a", frozenset({"hub-eu"})), TWO)
        assert isinstance(decision, Inject)
        assert decision.connector is HUB_EU

    def test_several_that_remain_are_listed_without_those_of_others(self) -> None:
        snapshot = snapshot_of(HUB, HUB_EU, owning("hub-us", "api.hubapi.com:443"))
        caller = Caller("a", frozenset({"hub", "hub-eu"}))
        decision = decide(plain("api.hubapi.com"), caller, snapshot)
        assert code_of(decision) is ProblemCode.AMBIGUOUS_CONNECTOR
        assert isinstance(decision, Refuse)
        assert "hub, hub-eu" in decision.problem.detail
        assert "hub-us" not in repr(decision.problem)


class TestByName:
    def test_the_header_picks_one_of_several(self) -> None:
        decision = decide(tunnelled("api.hubapi.com", "/", "GET", "hub-eu"), EVERYONE, TWO)
        assert isinstance(decision, Inject)
        assert decision.connector is HUB_EU

    @pytest.mark.parametrize(
        "names", [("lan",), ("hub", "hub-eu"), ("hub", "hub"), ("HUB",), ("",)]
    )
    def test_a_header_that_names_no_single_owner_is_refused(self, names: tuple[str, ...]) -> None:
        snapshot = snapshot_of(HUB, HUB_EU, LAN)
        decision = decide(plain("api.hubapi.com", "/", "GET", *names), EVERYONE, snapshot)
        assert code_of(decision) is ProblemCode.CONNECTOR_NOT_GRANTED

    def test_a_header_for_a_host_that_nobody_owns_is_refused(self) -> None:
        """D15: what is meant to go out with a credential never goes out without."""
        decision = decide(plain("evil.test", "/", "GET", "hub"), EVERYONE, SNAPSHOT)
        assert code_of(decision) is ProblemCode.DESTINATION_MISMATCH

    @pytest.mark.parametrize("head", [plain, tunnelled])
    def test_the_name_as_host_goes_to_the_base_address(self, head: Any) -> None:
        decision = decide(head("lan.connector.keyhatch.internal"), EVERYONE, SNAPSHOT)
        assert decision == Inject(LAN, Destination("http", "lan.example", 8080), "by-name", "/")

    def test_a_name_and_a_header_that_differ_are_refused(self) -> None:
        head = plain("hub.connector.keyhatch.internal", "/", "GET", "hub-eu")
        assert code_of(decide(head, EVERYONE, TWO)) is ProblemCode.DESTINATION_MISMATCH

    @pytest.mark.parametrize("name", ["nobody", "a.hub", "-", "hub.connector.keyhatch.internal"])
    def test_an_unknown_name_is_refused_like_an_ungranted_one(self, name: str) -> None:
        ungranted = decide(
            plain("hub.connector.keyhatch.internal"), Caller("a", frozenset()), SNAPSHOT
        )
        unknown = decide(plain(f"{name}.connector.keyhatch.internal"), EVERYONE, SNAPSHOT)
        assert unknown in (ungranted, Refuse(_malformed()))

    def test_a_connector_of_wildcards_has_no_base_address(self) -> None:
        snapshot = snapshot_of(owning("acme", "*.acme.example:443"))
        decision = decide(plain("acme.connector.keyhatch.internal"), EVERYONE, snapshot)
        assert code_of(decision) is ProblemCode.AMBIGUOUS_CONNECTOR


class TestUpgrade:
    """Plain HTTP in, TLS out; never the other way."""

    @pytest.mark.parametrize(
        ("asked", "port"), [("api.hubapi.com", 443), ("api.hubapi.com:80", 443)]
    )
    def test_plain_http_to_a_connector_of_https_leaves_under_tls(
        self, asked: str, port: int
    ) -> None:
        decision = decide(plain(asked), EVERYONE, SNAPSHOT)
        assert isinstance(decision, Inject)
        assert decision.destination == Destination("https", "api.hubapi.com", port)

    def test_https_to_a_connector_of_http_is_refused_inside_and_outside_a_tunnel(self) -> None:
        assert code_of(tunnel_to("lan.example", 8080)) is ProblemCode.DESTINATION_MISMATCH
        head = RequestHead("GET", "/", "lan.example:8080", (), "https")
        assert code_of(decide(head, EVERYONE, SNAPSHOT)) is ProblemCode.DESTINATION_MISMATCH

    def test_an_owned_place_is_never_reached_as_an_unmatched_one(self) -> None:
        """Its `dial` would lead an agent without grant into the operator's network."""
        head = RequestHead("GET", "/", "lan.example:8080", (), "https")
        decision = decide(head, Caller("a", frozenset()), SNAPSHOT)
        assert code_of(decision) is ProblemCode.DESTINATION_MISMATCH

    def test_other_ports_of_an_owned_host_carry_no_credential(self) -> None:
        assert isinstance(tunnel_to("api.hubapi.com", 80), Tunnel)
        assert code_of(tunnel_to("api.hubapi.com", 8443)) is ProblemCode.EGRESS_DENIED


class TestUnmatched:
    def test_hosts_of_nobody_are_tunnelled_and_never_intercepted(self) -> None:
        assert tunnel_to("evil.test") == Tunnel(Destination("https", "evil.test", 443))

    def test_hosts_of_nobody_are_forwarded_as_they_are(self) -> None:
        decision = decide(plain("evil.test"), EVERYONE, SNAPSHOT)
        assert decision == Forward(Destination("http", "evil.test", 80))

    def test_deny_refuses_both(self) -> None:
        snapshot = snapshot_of(HUB, unmatched="deny")
        assert code_of(tunnel_to("evil.test", snapshot=snapshot)) is ProblemCode.EGRESS_DENIED
        decision = decide(plain("evil.test"), EVERYONE, snapshot)
        assert code_of(decision) is ProblemCode.EGRESS_DENIED

    @pytest.mark.parametrize(
        ("host", "port"),
        [
            ("169.254.169.254", 80),  # F01
            ("metadata.google.internal", 80),
            ("fd00:ec2::254", 443),  # F02
            ("100.100.100.200", 443),
            ("168.63.129.16", 80),
            ("::ffff:127.0.0.1", 443),  # F05
            ("64:ff9b::7f00:1", 443),  # F06
            ("0.0.0.0", 443),  # F07
            ("192.168.1.1", 443),  # F10
            ("127.0.0.1", 8321),  # F11, A29
            ("localhost", 443),
            ("evil.test", 22),  # F20
            ("evil.test", 6443),
            ("evil.test", 53),
            ("intranet", 443),  # F21
            ("printer.local", 443),
            ("kubernetes.default.svc.cluster.local", 443),
        ],
    )
    def test_invariant_12_local_names_addresses_and_ports_are_refused_by_the_decision_alone(
        self, host: str, port: int
    ) -> None:
        assert code_of(tunnel_to(host, port)) is ProblemCode.EGRESS_DENIED
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        decision = decide(plain(authority), EVERYONE, SNAPSHOT)
        assert code_of(decision) is ProblemCode.EGRESS_DENIED

    @pytest.mark.parametrize("port", [1, 21, 22, 25, 53, 1024, 2222, 5353, 8080, 8443, 65535])
    def test_only_the_ports_of_the_web_are_open(self, port: int) -> None:
        """F20."""
        assert code_of(tunnel_to("evil.test", port)) is ProblemCode.EGRESS_DENIED
        decision = decide(plain(f"evil.test:{port}"), EVERYONE, SNAPSHOT)
        assert code_of(decision) is ProblemCode.EGRESS_DENIED

    @pytest.mark.parametrize(
        ("pattern", "host", "port", "is_open"),
        [
            (HostPattern("a.example", 8443), "a.example", 8443, True),
            (HostPattern("a.example", 8443), "a.example", 8444, False),
            (HostPattern("a.example", 8443), "b.example", 8443, False),
            (HostPattern("example", 8443, True), "a.example", 8443, True),
            (HostPattern("a.example"), "a.example", 8443, False),
            (HostPattern("a.example", 22), "a.example", 22, False),
            (HostPattern("a.example", 5432), "a.example", 5432, False),
        ],
    )
    def test_another_port_is_open_where_a_list_allows_it(
        self, pattern: HostPattern, host: str, port: int, *, is_open: bool
    ) -> None:
        lists = Egress(allow=frozenset({pattern}))
        registry = replace(SNAPSHOT.registry, settings=Settings(egress=lists))
        snapshot = build_snapshot(registry, 1)
        assert isinstance(tunnel_to(host, port, snapshot=snapshot), Tunnel) is is_open

    def test_a_connector_may_own_what_is_refused_otherwise(self) -> None:
        snapshot = snapshot_of(owning("nas", "nas.local:22"))
        assert isinstance(tunnel_to("nas.local", 22, snapshot=snapshot), Intercept)


class TestPortal:
    @pytest.mark.parametrize("head", [plain, tunnelled])
    def test_our_own_host_is_answered_by_ourselves(self, head: Any) -> None:
        assert decide(head("keyhatch.internal"), EVERYONE, SNAPSHOT) == Portal()

    @pytest.mark.parametrize("host", ["keyhatch.internal", "hub.connector.keyhatch.internal"])
    def test_tunnels_to_it_are_intercepted(self, host: str) -> None:
        assert isinstance(tunnel_to(host), Intercept)

    def test_names_below_ours_that_are_no_connectors_are_local(self) -> None:
        assert code_of(tunnel_to("x.keyhatch.internal")) is ProblemCode.EGRESS_DENIED


class TestMethods:
    @pytest.mark.parametrize("method", ["TRACE", "trace", "TRACK", "DEBUG", "CONNECT", "connect"])
    def test_a_method_that_echoes_is_never_sent_with_a_credential(self, method: str) -> None:
        decision = decide(plain("api.hubapi.com", "/", method), EVERYONE, SNAPSHOT)
        assert code_of(decision) is ProblemCode.METHOD_OR_PATH_NOT_ALLOWED

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", "/v1/x?y=/../z", True),
            ("get", "/v1/x", False),  # E07
            ("PROPFIND", "/v1/x", False),
            ("GET", "/v1/../admin", False),  # E01
            ("GET", "/v2/x", False),
            ("GET", "*", False),
        ],
    )
    def test_rules_hold_for_the_path_without_its_query(
        self, method: str, path: str, allowed: bool
    ) -> None:
        rule = Rule(frozenset({"GET"}), ("/v1/**",))
        snapshot = snapshot_of(owning("hub", "api.hubapi.com:443", policy=Policy(allow=(rule,))))
        decision = decide(plain("api.hubapi.com", path, method), EVERYONE, snapshot)
        assert isinstance(decision, Inject) is allowed

    def test_a_connector_without_rules_takes_every_path(self) -> None:
        decision = decide(plain("api.hubapi.com", "/a/../b"), EVERYONE, SNAPSHOT)
        assert isinstance(decision, Inject)


class TestOpenTunnels:
    """Invariant 16: each request is decided anew, whatever was decided of its tunnel."""

    def test_invariant_16_a_deleted_connector_is_refused_inside_its_tunnel(self) -> None:
        assert isinstance(tunnel_to("api.hubapi.com"), Intercept)
        decision = decide(tunnelled("api.hubapi.com"), EVERYONE, snapshot_of(LAN))
        assert code_of(decision) is ProblemCode.CONNECTOR_NOT_GRANTED

    def test_invariant_16_a_revoked_grant_is_refused_inside_its_tunnel(self) -> None:
        decision = decide(tunnelled("api.hubapi.com"), Caller("a", frozenset()), SNAPSHOT)
        assert code_of(decision) is ProblemCode.CONNECTOR_NOT_GRANTED

    def test_invariant_16_a_disabled_connector_is_refused_inside_its_tunnel(self) -> None:
        snapshot = snapshot_of(owning("hub", "api.hubapi.com:443", enabled=False))
        decision = decide(tunnelled("api.hubapi.com"), EVERYONE, snapshot)
        assert code_of(decision) is ProblemCode.CONNECTOR_DISABLED


class TestServerName:
    @pytest.mark.parametrize("sni", [None, "", "203.0.113.7", "evil.test", "api.hubapi.com:443"])
    def test_invariant_01_a_handshake_without_the_same_name_is_refused(
        self, sni: str | None
    ) -> None:
        """A03, A11."""
        through = TunnelHead(Destination("https", "api.hubapi.com", 443), sni)
        head = RequestHead("GET", "/", None, ("api.hubapi.com",), "https", through)
        assert code_of(decide(head, EVERYONE, SNAPSHOT)) is ProblemCode.DESTINATION_MISMATCH

    def test_invariant_01_two_host_fields_are_refused_even_when_they_agree(self) -> None:
        through = TunnelHead(Destination("https", "api.hubapi.com", 443), "api.hubapi.com")
        hosts = ("api.hubapi.com", "api.hubapi.com")
        head = RequestHead("GET", "/", None, hosts, "https", through)
        assert code_of(decide(head, EVERYONE, SNAPSHOT)) is ProblemCode.BAD_REQUEST


class TestSnapshot:
    def test_an_exact_host_comes_before_a_wildcard_and_a_longer_suffix_before_a_shorter(
        self,
    ) -> None:
        snapshot = snapshot_of(
            owning("wide", "*.acme.example:443"),
            owning("narrow", "*.eu.acme.example:443"),
            owning("exact", "a.eu.acme.example:443"),
        )
        owners = {
            host: list(snapshot.owners_of(Destination("https", host, 443)))
            for host in ("a.eu.acme.example", "b.eu.acme.example", "b.acme.example", "acme.example")
        }
        assert owners == {
            "a.eu.acme.example": ["exact"],
            "b.eu.acme.example": ["narrow"],
            "b.acme.example": ["wide"],
            "acme.example": [],
        }

    @pytest.mark.parametrize("host", ["evilacme.example", "acme.example.evil.test", "example"])
    def test_a_suffix_is_matched_at_labels_only(self, host: str) -> None:
        """A19."""
        snapshot = snapshot_of(owning("wide", "*.acme.example:443"))
        assert not snapshot.is_owned(host, 443)
        assert not snapshot.owners_of(Destination("https", host, 443))

    def test_two_connectors_of_one_place_cannot_dial_two_addresses(self) -> None:
        """The address is looked up by host and port: a credential could go to the other one's."""
        text = """\
version: 1
connectors:
  a: {type: api_key, hosts: ["lan.example:8080"], scheme: http, dial: "10.0.0.1:80"}
  b: {type: api_key, hosts: ["lan.example:8080"], dial: "10.0.0.2:80"}
"""
        with pytest.raises(ConfigError, match="different `dial`"):
            load_registry(text, source="connectors.yaml", catalog=load_catalog())

    def test_deciding_costs_the_same_with_many_connectors(self) -> None:
        """Owners are found by look-ups, as many as the name has labels."""
        looked_up: list[object] = []

        class Counting(dict[Any, Any]):
            def get(self, key: Any, default: Any = None) -> Any:
                looked_up.append(key)
                return super().get(key, default)

        many = [owning(f"c{n}", f"h{n}.example:443", f"*.w{n}.example:443") for n in range(500)]
        built = snapshot_of(*many)
        counting = Snapshot(1, built.registry, Counting(built._exact), Counting(built._suffixes))
        assert list(counting.owners_of(Destination("https", "x.w499.example", 443))) == ["c499"]
        assert len(looked_up) <= 3


def _malformed() -> Any:
    head = RequestHead("GET", "/", "", ())
    decision = decide(head, EVERYONE, SNAPSHOT)
    assert isinstance(decision, Refuse)
    return decision.problem
