from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.agent_listen import parse_agent_listen
from config.catalog import load_catalog
from config.connector import Registry
from config.errors import ConfigError, UsageError
from config.listen import Listen, TcpListen, UnixListen
from config.load import load_registry

FOLDER = Path("home")


def load(*agents: str) -> Registry:
    text = "version: 1\nagents:\n" + "".join(f"  {agent}\n" for agent in agents)
    return load_registry(text, source="home/connectors.yaml", catalog=load_catalog())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:8401", TcpListen("127.0.0.1", 8401)),
        ("127.8.0.1:8401", TcpListen("127.8.0.1", 8401)),
        ("[::1]:8401", TcpListen("::1", 8401)),
        ("unix:./run/x.sock", UnixListen(FOLDER / "run" / "x.sock")),
        ("unix:x.sock", UnixListen(FOLDER / "x.sock")),
        ("./run/x.sock", UnixListen(FOLDER / "run" / "x.sock")),
        ("/srv/agents/x.sock", UnixListen(Path("/srv/agents/x.sock"))),
    ],
)
def test_a_loopback_port_or_a_path(text: str, place: Listen) -> None:
    assert parse_agent_listen(text, FOLDER) == place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.0.0.0:8401", "not on loopback"),
        ("[::]:8401", "not on loopback"),
        ("192.168.1.2:8401", "not on loopback"),
        ("localhost:8401", "not an address"),
        ("127.0.0.1", "not an address"),
        ("127.0.0.1:0", "port"),
        ("unix:", "not a path"),
        ("unix:run/", "not a path"),
        ("run/..", "not a path"),
        ("unix:a\nb", "not a path"),
        ("unix:" + "x" * 65, "too long"),
    ],
)
def test_anything_else_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_agent_listen(text, FOLDER)


@given(st.text())
def test_no_text_is_taken_for_an_address_that_others_reach(text: str) -> None:
    try:
        place = parse_agent_listen(text, FOLDER)
    except UsageError:
        return
    assert isinstance(place, UnixListen) or place.address.startswith(("127.", "::1"))


def test_each_agent_has_its_own() -> None:
    registry = load("a: {listen: '127.0.0.1:8401'}", "b: {listen: 'unix:b.sock'}", "c: {}")
    assert [agent.listen for agent in registry.agents.values()] == [
        TcpListen("127.0.0.1", 8401),
        UnixListen(FOLDER / "b.sock"),
        None,
    ]


@pytest.mark.parametrize(
    ("agents", "line"),
    [
        (("a: {listen: '127.0.0.1:8401'}", "b: {listen: '127.0.0.1:8401'}"), 4),
        (("a: {listen: x/s}", "b: {listen: 'unix:./x/s'}"), 4),
        (("a: {listen: '127.0.0.1:8321'}",), 3),
    ],
)
def test_two_at_one_place_are_an_error_at_the_second(agents: tuple[str, ...], line: int) -> None:
    with pytest.raises(ConfigError, match="listens at") as caught:
        load(*agents)
    assert caught.value.line == line


class TestMetrics:
    def test_they_have_a_port_on_loopback(self) -> None:
        registry = settings("metrics: 127.0.0.1:9464")
        assert registry.settings.metrics == TcpListen("127.0.0.1", 9464)
        assert settings("listen: 127.0.0.1:8400").settings.metrics is None

    @pytest.mark.parametrize("place", ["0.0.0.0:9464", "10.0.0.1:9464", "'[::]:9464'"])
    def test_no_other_address_is_taken(self, place: str) -> None:
        with pytest.raises(ConfigError, match="not on loopback"):
            settings(f"metrics: {place}")

    @pytest.mark.parametrize("place", ["9464", "localhost:9464", "unix:./m.sock"])
    def test_what_is_no_address_is_an_error(self, place: str) -> None:
        with pytest.raises(ConfigError):
            settings(f"metrics: {place}")

    def test_they_are_not_where_the_proxy_or_an_agent_listens(self) -> None:
        with pytest.raises(ConfigError, match="the proxy itself listens at"):
            settings("listen: 127.0.0.1:8400, metrics: 127.0.0.1:8400")
        agents = "agents: {ada: {listen: 127.0.0.1:9464}}\n"
        with pytest.raises(ConfigError, match="as the metrics listener does"):
            settings("metrics: 127.0.0.1:9464", agents)


def settings(text: str, more: str = "") -> Registry:
    whole = f"version: 1\nsettings: {{{text}}}\n{more}"
    return load_registry(whole, source="home/connectors.yaml", catalog=load_catalog())
