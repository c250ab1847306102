"""The loopback listener: who gets through, and what everyone else is shown."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConflictError
from proxy.oauth.connect_listener import MAX_HEAD, Arrival, Listener
from proxy.oauth.connect_page import Page

ANY = "http://127.0.0.1/callback"
DONE = Page(HTTPStatus.OK, "Connected", "You can close this window.")
RIGHT = "code=abc&state=right"

type Ask = Callable[[bytes], Awaitable[bytes]]


def right(query: str) -> str | None:
    return query if "state=right" in query else None


async def exchange(port: int, sent: bytes) -> bytes:
    """Send octets to loopback and return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        return await reader.read()
    finally:
        writer.close()


def request(listener: Listener[str], target: str, host: str | None = None) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: {host or netloc(listener)}\r\n\r\n".encode()


def netloc(listener: Listener[str]) -> str:
    return listener.redirect_uri.removeprefix("http://").partition("/")[0]


def port_of(listener: Listener[str]) -> int:
    return int(netloc(listener).rpartition(":")[2])


async def finish(listener: Listener[str]) -> tuple[Arrival[str], bytes]:
    """Send the right answer; return what arrived and what the browser was shown."""
    target = f"/callback?{RIGHT}"
    browser = asyncio.create_task(exchange(port_of(listener), request(listener, target)))
    arrival = await listener.arrival()
    await arrival.show(DONE)
    return arrival, await browser


def refused(make: Callable[[Listener[str]], bytes]) -> bytes:
    """Return what a stranger is answered; the right answer still gets through afterwards."""

    async def run() -> bytes:
        async with Listener(ANY, right) as listener:
            answer = await exchange(port_of(listener), make(listener))
            arrival, shown = await finish(listener)
            assert arrival.value == RIGHT
            assert shown.startswith(b"HTTP/1.1 200 ")
            return answer

    return asyncio.run(run())


def test_the_right_answer_is_taken_and_its_browser_shown_the_page() -> None:
    async def run() -> bytes:
        async with Listener(ANY, right) as listener:
            return (await finish(listener))[1]

    shown = asyncio.run(run())
    assert b"<h1>Connected</h1>" in shown
    for field in (
        b"Referrer-Policy: no-referrer",
        b"Cache-Control: no-store",
        b"default-src 'none'",
    ):
        assert field in shown


@pytest.mark.parametrize(
    "target",
    [
        "/callback",
        "/callback?code=attacker",
        "/callback?code=attacker&state=wrong",
        "/callback?error=access_denied",
    ],
)
def test_a_request_without_the_right_state_does_not_end_the_flow(target: str) -> None:
    assert refused(lambda listener: request(listener, target)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("target", ["/favicon.ico", "/", f"/other?{RIGHT}", f"/callback/?{RIGHT}"])
def test_another_path_does_not_end_the_flow(target: str) -> None:
    assert refused(lambda listener: request(listener, target)).startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_host_does_not_end_the_flow(host: str) -> None:
    """A name that an attacker points at loopback arrives with that name."""
    answer = refused(lambda _: f"GET /callback?{RIGHT} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "line",
    [
        f"POST /callback?{RIGHT} HTTP/1.1",
        f"HEAD /callback?{RIGHT} HTTP/1.1",
        f"GET http://127.0.0.1/callback?{RIGHT} HTTP/1.1",
        f"GET /callback?{RIGHT} HTTP/2",
        f"GET /callback?{RIGHT}",
        "\x16\x03\x01",
    ],
)
def test_another_form_of_request_does_not_end_the_flow(line: str) -> None:
    answer = refused(lambda listener: f"{line}\r\nHost: {netloc(listener)}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_head_without_end_does_not_end_the_flow() -> None:
    assert refused(lambda _: b"GET /" + b"a" * (MAX_HEAD + 10)).startswith(b"HTTP/1.1 400 ")


@given(sent=st.binary(max_size=200))
def test_any_octets_leave_the_flow_as_it_is(sent: bytes) -> None:
    refused(lambda _: sent + b"\r\n\r\n")


def test_a_silent_connection_holds_nobody_up() -> None:
    """Browsers open connections in reserve."""

    async def run() -> bytes:
        async with Listener(ANY, right) as listener:
            _, silent = await asyncio.open_connection("127.0.0.1", port_of(listener))
            shown = (await finish(listener))[1]
            silent.close()
            return shown

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200 ")


def test_whoever_is_silent_still_is_let_go_at_the_end() -> None:
    async def run() -> None:
        async with Listener(ANY, right) as listener:
            reader, silent = await asyncio.open_connection("127.0.0.1", port_of(listener))
            await finish(listener)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        silent.close()

    asyncio.run(run())


def test_after_the_right_answer_nobody_listens() -> None:
    async def run() -> None:
        async with Listener(ANY, right) as listener:
            await finish(listener)
            with pytest.raises(ConnectionRefusedError):
                await exchange(port_of(listener), request(listener, f"/callback?{RIGHT}"))

    asyncio.run(run())


def test_of_two_right_answers_at_once_one_is_taken() -> None:
    async def run() -> list[bytes | BaseException]:
        async with Listener(ANY, right) as listener:
            sent = request(listener, f"/callback?{RIGHT}")
            browsers = [asyncio.create_task(exchange(port_of(listener), sent)) for _ in range(2)]
            first = await listener.arrival()
            await first.show(DONE)
            return list(await asyncio.gather(*browsers, return_exceptions=True))

    shown = [answer for answer in asyncio.run(run()) if isinstance(answer, bytes)]
    assert [answer[:13] for answer in shown].count(b"HTTP/1.1 200 ") == 1


def test_a_taken_port_is_said_before_anything_is_opened() -> None:
    async def run(port: int) -> None:
        async with Listener(f"http://127.0.0.1:{port}/callback", right):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConflictError, match=f"port {port} on 127.0.0.1 is in use") as caught:
            asyncio.run(run(port))
    assert "--paste" in caught.value.hint


def test_a_redirect_to_localhost_leaves_no_loopback_to_others() -> None:
    """Of two loopback addresses the browser may take either."""

    async def run() -> None:
        async with Listener("http://localhost/oauth/return", right) as listener:
            port = port_of(listener)
            assert listener.redirect_uri == f"http://localhost:{port}/oauth/return"
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                with socket.socket(family) as other, pytest.raises(OSError):  # noqa: PT011
                    other.bind((address, port))

    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    asyncio.run(run())


@given(text=st.text() | st.text(alphabet="<>&\"'a/"))
def test_no_text_of_a_page_becomes_markup(text: str) -> None:
    def tags(page: Page) -> int:
        return page.render().partition(b"\r\n\r\n")[2].count(b"<")

    assert tags(Page(HTTPStatus.OK, text, text)) == tags(Page(HTTPStatus.OK, "", ""))
