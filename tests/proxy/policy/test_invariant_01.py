"""Invariant 1 over every combination of spellings: one authority, or nothing goes out."""

from dataclasses import dataclass

import idna
from hypothesis import given, settings
from hypothesis import strategies as st

from config.destination import DEFAULT_PORTS, Destination, Scheme
from config.errors import UsageError
from proxy.policy.authority import RequestHead, TunnelHead, named_destination
from proxy.policy.decision import (
    Caller,
    Decision,
    Inject,
    Intercept,
    Refuse,
    decide_tunnel,
)
from proxy.problems import ProblemCode
from tests.support.fuzzing import examples
from tests.support.registries import decide, owning, snapshot_of

# What each connector owns, as a table that knows nothing of the code under test.
OWNED: dict[str, Destination] = {
    "hub": Destination("https", "api.hubapi.com", 443),
    "billing": Destination("https", "billing.corp.example", 8443),
    "tenant": Destination("https", "eu.acme.example", 443),  # through *.acme.example
    "books": Destination("https", "xn--bcher-kva.example", 443),
    "intranet": Destination("http", "plain.example", 8080),
    "off": Destination("https", "off.example", 443),
}
SNAPSHOT = snapshot_of(
    owning("hub", "api.hubapi.com:443"),
    owning("billing", "billing.corp.example:8443"),
    owning("tenant", "*.acme.example:443"),
    owning("books", "xn--bcher-kva.example:443"),
    owning("intranet", "plain.example:8080", scheme="http"),
    owning("off", "off.example:443", enabled=False),
)
DISABLED = {"off"}
DOTS = st.sampled_from("．。｡")  # noqa: RUF001 - UTS-46 maps each of them to a full stop


@dataclass(frozen=True)
class Part:
    """One spelling of an authority, and what it means (None: nothing, it is malformed)."""

    text: str
    host: str | None
    port: int = 0


@st.composite
def spelled(draw: st.DrawFn, host: str, port: int, scheme: Scheme) -> Part:
    """A spelling that canonicalises to this host and port; in ASCII, for a request may not do else."""
    text = "".join(draw(st.sampled_from([c, c.upper()])) for c in host)
    text += draw(st.sampled_from(["", "", "."]))
    if port != DEFAULT_PORTS[scheme] or draw(st.booleans()):
        text += f":{port}"
    return Part(text, host, port)


@st.composite
def near_miss(draw: st.DrawFn, host: str, port: int, scheme: Scheme) -> Part:
    """A spelling that somebody could take for this host and port, and that is another or none."""
    foreign = st.sampled_from([idna.decode(host), _wide(host), host.replace(".", draw(DOTS))])
    twin = idna.decode(host).replace("a", "а", 1)  # noqa: RUF001 - a Cyrillic letter, on purpose
    others = [
        ("evil" + host, port),
        (host + ".evil.test", port),
        (host.partition(".")[2], port),
        (host.replace(".", "-", 1), port),
        ("evil.test", port),
        ("203.0.113.7", port),
        (host, port + 1),
        (host, 22),
        (host, 80 if port == 443 else 443),
        (idna.encode(twin).decode(), port),
        ("xn--" + host.replace(".", "-") + ".example", port),
        ("strasse." + host, port),
    ]
    broken = [
        "",
        f"{host}@evil.test",
        f"evil.test@{host}",
        f"user:pass@{host}",
        f"{host}:",
        f"{host}:0",
        f"{host}:0{port}",
        f"{host}:+{port}",
        f"{host}:-{port}",
        f"{host}: {port}",
        f"{host}:{port}:{port}",
        f"{host}:{65536 + port}",
        f"{host}..",
        f".{host}",
        f"{host}/",
        f"{host}?",
        f"{host}#",
        f"{host}\\",
        f"{host},evil.test",
        f"{host} evil.test",
        f" {host}",
        f"{host}\x00",
        f"{host}\r\nHost: evil.test",
        f"[{host}]",
        f"%61{host[1:]}",
        f"{host}\udcff",
        f"http://{host}",
        "2130706433",
        f"[{host}%25lo]",
        f"{host}%lo",
        f"{host}:４４３",  # noqa: RUF001 - full-width digits
        f"{host}:1e3",
        f"xn--.{host}",
        f"xn--a.{host}",
        f"{'a' * 64}.{host}",
        f"{'a.' * 130}{host}",
        f"-{host}",
        f"a\u200d.{host}",
        f"{host}\u00ad",
        f"{host}/ß",
        *([spelling] if not (spelling := draw(foreign)).isascii() else ()),
    ]
    if draw(st.booleans()):
        return Part(draw(st.sampled_from(broken)), None)
    other_host, other_port = draw(st.sampled_from(others))
    text = other_host if other_port == DEFAULT_PORTS[scheme] else f"{other_host}:{other_port}"
    return Part(text, other_host, other_port)


@dataclass(frozen=True)
class Request:
    """Everything that names a destination, and who asks."""

    scheme: Scheme
    target: Part | None
    hosts: tuple[Part, ...]
    connect: Part | None
    sni: Part | None
    caller: Caller


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A request about one connector, in which up to two parts may be about something else."""
    meant = OWNED[draw(st.sampled_from(sorted(OWNED)))]
    tunnel = draw(st.booleans())
    scheme: Scheme = "https" if tunnel else draw(st.sampled_from(["http", "http", "https"]))
    upgrade = scheme == "http" and meant.scheme == "https" and meant.port == 443
    port = draw(st.sampled_from([80, 443])) if upgrade else meant.port
    wrong = draw(
        st.just(frozenset[str]())
        | st.frozensets(st.sampled_from(["target", "host", "connect", "sni"]), max_size=2)
    )

    def part(name: str) -> Part:
        kind = near_miss if name in wrong else spelled
        return draw(kind(meant.host, port, scheme))

    target = part("target") if not tunnel or draw(st.booleans()) else None
    hosts = tuple(part("host") for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))))
    connect = part("connect") if tunnel else None
    sni = _name_only(part("sni")) if tunnel else None
    granted = draw(st.none() | st.frozensets(st.sampled_from(sorted(OWNED))))
    return Request(scheme, target, hosts, connect, sni, Caller("tester", granted))


def outcome(request: Request) -> Decision | None:
    """What the engine says, tunnel first as on the wire; None when no request is reached."""
    through = None
    if request.connect is not None:
        try:
            destination = named_destination(request.connect.text, "https")
        except UsageError:
            return None
        if not isinstance(decide_tunnel(destination, request.caller, SNAPSHOT), Intercept):
            return None
        through = TunnelHead(destination, request.sni.text if request.sni else None)
    head = RequestHead(
        method="GET",
        target="/",
        authority=request.target.text if request.target else None,
        hosts=tuple(part.text for part in request.hosts),
        scheme=request.scheme,
        tunnel=through,
    )
    return decide(head, request.caller, SNAPSHOT)


def expected(request: Request) -> tuple[str, Destination] | None:
    """Who may be injected for, and where to: read off the meanings, not off the spellings."""
    named = [part for part in (request.target, *request.hosts) if part]
    if not named or len(request.hosts) > 1:
        return None
    if request.connect is not None:
        named.append(request.connect)
    meanings = {(part.host, part.port) for part in named}
    if request.sni is not None and request.connect is not None:
        meanings.add((request.sni.host, request.connect.port))
    if len(meanings) != 1:
        return None
    host, port = meanings.pop()
    for slug, owned in OWNED.items():
        scheme_fits = owned.scheme in {request.scheme, "https"}
        secure_port = 443 if request.scheme == "http" and port == 80 else port
        port_fits = owned.port == (secure_port if owned.scheme == "https" else port)
        below = slug == "tenant" and host is not None and host.endswith(".acme.example")
        if (host == owned.host or below) and scheme_fits and port_fits:
            granted = request.caller.connectors
            usable = slug not in DISABLED and (granted is None or slug in granted)
            return (slug, Destination(owned.scheme, host or "", owned.port)) if usable else None
    return None


@settings(max_examples=examples(600), deadline=None)
@given(requests())
def test_invariant_01_inject_if_and_only_if_every_part_names_one_owned_destination(
    request: Request,
) -> None:
    decision = outcome(request)
    injected = (
        (decision.connector.slug, decision.destination) if isinstance(decision, Inject) else None
    )
    assert injected == expected(request)


@settings(max_examples=examples(250), deadline=None)
@given(requests())
def test_invariant_01_parts_that_differ_are_421_and_parts_that_mean_nothing_are_400(
    request: Request,
) -> None:
    decision = outcome(request)
    parts = [p for p in (request.target, *request.hosts) if p]
    if request.connect:
        parts.append(Part("", request.connect.host, request.connect.port))
        parts.append(Part("", request.sni.host if request.sni else None, request.connect.port))
    if decision is None or len({(p.host, p.port) for p in parts}) <= 1:
        return
    assert isinstance(decision, Refuse)
    assert decision.problem.code in {ProblemCode.BAD_REQUEST, ProblemCode.DESTINATION_MISMATCH}
    assert decision.problem.http_status in {400, 421}


def test_the_requests_that_are_made_up_are_of_every_kind() -> None:
    """The property would hold of nothing if all requests were refused."""
    seen: set[str] = set()

    @settings(max_examples=examples(120), deadline=None, database=None)
    @given(requests())
    def collect(request: Request) -> None:
        seen.add("inject" if expected(request) else "refuse")
        seen.add("tunnel" if request.connect else "absolute-form")

    collect()
    assert seen == {"inject", "refuse", "tunnel", "absolute-form"}


def _wide(text: str) -> str:
    """The full-width form of the letters and digits of a text."""
    return "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in text)


def _name_only(part: Part) -> Part:
    """What a handshake says: a name without port."""
    if part.host is None:
        return part
    name, _, port = part.text.rpartition(":")
    return Part(name if port.isdigit() and name else part.text, _not_address(part.host))


def _not_address(host: str) -> str | None:
    return None if host == "203.0.113.7" else host
