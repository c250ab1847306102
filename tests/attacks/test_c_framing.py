"""C: where one message ends and the next begins is never in doubt, in either direction."""

import pytest

from tests.attacks.harness.agents import h2_get
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.h2_upstream import h2_script
from tests.attacks.harness.upstream import Visit, script
from tests.attacks.harness.world import EVIL, HOST
from tests.support.raw_client import Reply

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HIDDEN = b"DELETE /hidden HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n\r\n"


def raw(arena: Arena, *lines: str, body: bytes = b"") -> Reply:
    """Send a head of exactly these lines in a tunnel; return the answer."""
    agent = arena.tunnel()
    agent.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    return agent.reply()


def post(arena: Arena, *fields: str, body: bytes = b"") -> Reply:
    return raw(arena, "POST / HTTP/1.1", f"Host: {HOST}", *fields, body=body)


def never_hidden(arena: Arena) -> None:
    """Hold that the service was not told of the request that was hidden in a body."""
    assert b"/hidden" not in b"".join(r.target.encode() for r in arena.own.requests)
    assert b"DELETE" not in {r.method.encode() for r in arena.own.requests}


CODED = b"0\r\n\r\n" + HIDDEN


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Content-Length: 4", "Transfer-Encoding: identity"),
        ("Content-Length: 4", "Transfer-Encoding: chunked, identity"),
        ("Content-Length: 4", "Transfer-Encoding : chunked"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: \x0bchunked",),
    ],
)
def test_C01_two_framings_are_refused(arena: Arena, fields: tuple[str, ...]) -> None:
    reply = post(arena, *fields, body=CODED)
    arena.refused(reply, "bad-request")
    arena.nothing_forwarded()


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 4", "Content-Length: 5"),
        ("Content-Length: 4, 5",),
        ("Content-Length: +4",),
        ("Content-Length: 0x4",),
        ("Content-Length: -4",),
        ("Content-Length: 4 4",),
        ("Content-Length: 4_0",),
        ("Content-Length:",),
        ("Content-Length: 99999999999999999999999999",),
    ],
)
def test_C02_a_length_that_is_none_is_refused(arena: Arena, fields: tuple[str, ...]) -> None:
    reply = post(arena, *fields, body=b"abcd")
    arena.refused(reply, "bad-request")
    arena.nothing_forwarded()


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\nHost: {host}\n\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nX-A: 1\rX-B: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nX-A: 1\0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nX-A: 1\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: {host}\r\nHost: {host}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nno colon at all\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\n: no name\r\n\r\n",
    ],
)
def test_C04_a_line_that_others_read_differently_is_refused(arena: Arena, head: str) -> None:
    agent = arena.tunnel()
    agent.send(head.format(host=HOST).encode("latin-1"))
    arena.refused(agent.reply(), "bad-request")
    arena.nothing_forwarded()
    assert agent.is_closed()


@pytest.mark.parametrize(
    "field", ["Authorization : x", "Authorization\t: x", "X A: x", "X-\xe9: x"]
)
def test_C05_a_name_that_is_no_token_is_refused(arena: Arena, field: str) -> None:
    reply = raw(arena, "GET / HTTP/1.1", f"Host: {HOST}", field)
    arena.refused(reply, "bad-request")
    arena.nothing_forwarded()


def test_C07_a_request_behind_another_is_decided_by_itself(arena: Arena) -> None:
    agent = arena.tunnel()
    first = f"GET /first HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    agent.send((first + f"GET /second HTTP/1.1\r\nHost: {EVIL}\r\n\r\n").encode())
    assert agent.reply().status == 200
    arena.refused(agent.reply(), "destination-mismatch")
    assert [request.target for request in arena.own.requests] == ["/first"]


BAD_H2 = [
    ("transfer-encoding", "chunked"),
    ("connection", "x-a"),
    ("Upper-Case", "x"),
    ("x-a", "1\r\nx-injected: 1"),
    ("x-a", "1\0"),
    ("x-a\r\nx-injected", "1"),
    ("content-length", "4, 5"),
    (":path", "/second"),
    ("x a", "1"),
]


@pytest.mark.parametrize("field", BAD_H2)
def test_C08_a_field_of_http2_does_not_become_another_of_http1(
    arena: Arena, field: tuple[str, str]
) -> None:
    """The upstream speaks HTTP/2 when the tunnel is opened, and HTTP/1.1 to what follows."""
    second = arena.connector("second", "h2.hub.example", behave=h2_script(), protocols=("h2",))
    reply = arena.tunnel_h2("h2.hub.example:443").call(h2_get("h2.hub.example", "/", field))
    assert reply.status in {0, 400}
    arena.nothing_forwarded(second.upstream)


@pytest.mark.parametrize(
    "pseudo",
    [
        {":path": "/ HTTP/1.1\r\nx-injected: 1\r\n\r\nGET /hidden"},
        {":path": "//evil.example/ x"},
        {":path": ""},
        {":path": "hidden"},
        {":method": "GET / HTTP/1.1\r\nx: "},
        {":method": "GET "},
        {":scheme": "gopher"},
    ],
)
def test_C08_a_request_line_cannot_be_written_in_a_pseudo_field(
    arena: Arena, pseudo: dict[str, str]
) -> None:
    second = arena.connector("second", "h2.hub.example", behave=h2_script(), protocols=("h2",))
    fields = [(n, pseudo.get(n, v)) for n, v in h2_get("h2.hub.example", "/")]
    reply = arena.tunnel_h2("h2.hub.example:443").call(fields)
    assert reply.status in {0, 400}
    arena.nothing_forwarded(second.upstream)


def test_C10_whoever_expects_to_continue_is_answered_before_a_body_is_due(arena: Arena) -> None:
    agent = arena.tunnel()
    head = f"POST /a HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    agent.send(head.encode())
    assert agent.reply().status == 100
    agent.send(b"body")
    assert agent.reply().status == 200
    assert arena.own.requests[-1].body_size == 4


def test_C10_a_refused_request_is_not_told_to_continue(arena: Arena) -> None:
    agent = arena.tunnel()
    head = f"POST /a HTTP/1.1\r\nHost: {EVIL}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    agent.send(head.encode())
    arena.refused(agent.reply(), "destination-mismatch")
    arena.nothing_forwarded()


@pytest.mark.parametrize(
    "line",
    [
        "GET /",
        "GET / HTTP/0.9",
        "GET / HTTP/2.0",
        "GET / HTTP/1.2",
        "GET / http/1.1",
        "GET\x0b/\x0bHTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET  / HTTP/1.1",
        "get / HTTP/1.1",
        "G@T / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET hub HTTP/1.1",
        " GET / HTTP/1.1",
    ],
)
def test_C11_a_request_line_of_another_form_is_refused(arena: Arena, line: str) -> None:
    agent = arena.tunnel()
    agent.send(f"{line}\r\nHost: {HOST}\r\n\r\n".encode("latin-1"))
    arena.refused(agent.reply(), "bad-request")
    arena.nothing_forwarded()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    ],
)
def test_C13_an_answer_with_two_framings_is_refused(arena: Arena, answer: bytes) -> None:
    arena.own.behave = script(lambda visit, _head: visit.send(answer))
    for reply in arena.each_way():
        arena.refused(reply, "upstream-protocol-error")


def test_C13_what_comes_behind_an_answer_is_not_the_next_one(arena: Arena) -> None:
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

    def converse(visit: Visit, _head: bytes) -> None:
        visit.send(OK + poison)
        visit.recv()

    arena.own.behave = script(converse)
    agent = arena.tunnel()
    for _ in range(2):
        reply = agent.request("GET", "/", f"Host: {HOST}")
        assert b"poison" not in reply.body
        if reply.status != 200:
            break
    assert all(bytes(visit.received).count(b"GET /") == 1 for visit in arena.own.visits)


def test_C13_agents_do_not_share_a_connection_to_a_service(arena: Arena) -> None:
    for _ in range(2):
        assert arena.tunnel().request("GET", "/", f"Host: {HOST}").status == 200
    assert len([visit for visit in arena.own.visits if visit.requests]) == 2


def test_C14_what_comes_before_an_answer_is_not_passed_on(arena: Arena) -> None:
    def converse(visit: Visit, head: bytes) -> None:
        key = head.lower().partition(b"authorization: ")[2].partition(b"\r\n")[0]
        real = head[head.lower().index(key) :][: len(key)] if key else b""
        for status in (b"103 Early Hints", b"102 Processing", b"100 Continue", b"199 Odd"):
            visit.send(b"HTTP/1.1 " + status + b"\r\nLink: <" + real + b">\r\nX-Echo: " + real)
            visit.send(b"\r\n\r\n")
        visit.send(OK)

    arena.own.behave = script(converse)
    for reply in arena.each_way():
        assert (reply.status, reply.body) == (200, b"ok")


def test_C14_a_flood_of_interim_answers_is_cut_off(arena: Arena) -> None:
    def converse(visit: Visit, _head: bytes) -> None:
        for _ in range(100_000):
            visit.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 50)

    arena.own.behave = script(converse)
    reply = arena.tunnel().request("GET", "/", f"Host: {HOST}")
    arena.refused(reply, "upstream-protocol-error")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_C15_a_body_where_none_belongs_stays_a_body(arena: Arena, method: str) -> None:
    agent = arena.tunnel()
    head = f"{method} /first HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(HIDDEN)}\r\n\r\n"
    agent.send(head.encode() + HIDDEN)
    reply = agent.reply(head_only=method == "HEAD")
    if reply.status == 200:
        assert arena.own.requests[-1].body_size == len(HIDDEN)
        assert agent.request("GET", "/next", f"Host: {HOST}").status == 200
    assert [r.target for r in arena.own.requests if "hidden" in r.target] == []


def test_C15_a_body_on_connect_is_not_read_as_what_is_in_the_tunnel(arena: Arena) -> None:
    agent = arena.agent()
    inner = f"GET /hidden HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    head = (
        f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n{arena.authorization}\r\n"
        f"Content-Length: {len(inner)}\r\n\r\n"
    )
    agent.send((head + inner).encode())
    agent.read_to_end()
    arena.nothing_forwarded()


def test_C16_trailers_and_what_announces_them_are_stripped(arena: Arena) -> None:
    agent = arena.tunnel()
    head = (
        f"POST /a HTTP/1.1\r\nHost: {HOST}\r\nTE: trailers\r\nTrailer: Authorization\r\n"
        "Connection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    agent.send(head.encode() + b"2\r\nok\r\n0\r\nAuthorization: Bearer mine\r\nX-T: 1\r\n\r\n")
    assert agent.reply().status == 200
    for name in ("te", "trailer"):
        assert arena.own.requests[-1].all(name) == []
    assert b"mine" not in arena.own.received
    assert b"X-T" not in arena.own.received


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nX-Echo: %s",
        b"HTTP/1.1 200 %s",
        b"HTTP/1.1 200 OK\r\n%s: 1\r\n\r\n",
        b"%s",
        b"HTTP/1.1 2%s OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
    ],
)
def test_C18_no_byte_of_a_broken_answer_is_shown(arena: Arena, start: bytes) -> None:
    echo = script(lambda visit, head: visit.send(start.replace(b"%s", head.replace(b"\r\n", b" "))))
    arena.own.behave = echo
    agent = arena.tunnel()
    agent.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    answer = agent.read_to_end()
    assert b" 502 " in answer.split(b"\r\n")[0] or b"chunked" in start
    assert b"User-Agent" not in answer
