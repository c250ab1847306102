"""The driver against real sockets: what it sends, what it takes, and what it says of the rest."""

import re
import socket
from pathlib import Path

import pytest
import trustme

from proxy.oauth.driver import MAX_BODY
from proxy.oauth.driver_interface import EndpointUnreachableError
from tests.support.endpoints import Ask, driver_to, send
from tests.support.scripted import Script, ScriptedOrigin

HOST = "api.example.com"
URL = f"https://{HOST}/token"
SECRET = "canary-0123456789"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def replies(answer: bytes) -> Script:
    """Return a script that reads the whole request: closing on unread octets resets a connection."""

    def script(stream: socket.socket, head: bytes) -> None:
        read_body(stream, head)
        stream.sendall(answer)

    return script


def read_body(stream: socket.socket, head: bytes) -> bytes:
    length = re.search(rb"content-length: (\d+)", head.lower())
    missing, body = int(length[1]) if length else 0, b""
    while len(body) < missing:
        body += stream.recv(missing - len(body))
    return body


def failure(script: Script, folder: Path, **options: float) -> EndpointUnreachableError:
    with ScriptedOrigin(script) as origin:
        driver = driver_to({HOST: origin.dial}, origin.ca_pem, folder, **options)  # type: ignore[arg-type]
        with pytest.raises(EndpointUnreachableError) as caught:
            send(driver, Ask(URL, headers=(("Authorization", SECRET),), body=SECRET.encode()))
    assert HOST in str(caught.value)
    assert SECRET not in repr(caught.value) + str(caught.value.__cause__)
    return caught.value


def test_a_request_goes_out_as_it_was_built(tmp_path: Path) -> None:
    bodies: list[bytes] = []

    def read(stream: socket.socket, head: bytes) -> None:
        bodies.append(read_body(stream, head))
        stream.sendall(OK)

    with ScriptedOrigin(read) as origin:
        driver = driver_to({HOST: origin.dial}, origin.ca_pem, tmp_path)
        answer = send(driver, Ask(f"{URL}?a=b", headers=(("X-Own", "1"),), body=b"a=%20&b"))
    head = origin.heads[0].lower()
    assert head.startswith(b"post /token?a=b http/1.1\r\n")
    for line in (b"host: api.example.com", b"x-own: 1", b"content-length: 7"):
        assert line + b"\r\n" in head
    assert bodies == [b"a=%20&b"]
    assert (answer.status, answer.content_type, answer.body) == (200, "application/json", b"{}")


def test_what_the_request_says_wins_over_the_defaults(tmp_path: Path) -> None:
    with ScriptedOrigin(replies(OK)) as origin:
        driver = driver_to({HOST: origin.dial}, origin.ca_pem, tmp_path)
        send(driver, Ask(URL, headers=(("accept", "text/plain"),)))
    assert origin.heads[0].lower().count(b"accept:") == 1
    assert b"accept: text/plain" in origin.heads[0].lower()


@pytest.mark.parametrize("status", [200, 204, 400, 401, 429, 500, 503])
def test_every_status_but_a_redirect_is_an_answer(tmp_path: Path, status: int) -> None:
    answer = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n" % status
    with ScriptedOrigin(replies(answer)) as origin:
        driver = driver_to({HOST: origin.dial}, origin.ca_pem, tmp_path)
        response = send(driver, Ask(URL))
    assert (response.status, response.header("retry-after")) == (status, "7")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(tmp_path: Path, status: int) -> None:
    answer = b"HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, URL.encode())
    assert f"redirects elsewhere (status {status})" in str(failure(replies(answer), tmp_path))


@pytest.mark.parametrize("framing", ["length", "chunked", "until the end"])
def test_an_answer_has_a_size_limit(tmp_path: Path, framing: str) -> None:
    body = b"x" * (MAX_BODY + 1)
    head, body = {
        "length": (b"Content-Length: %d\r\n" % len(body), body),
        "chunked": (
            b"Transfer-Encoding: chunked\r\n",
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        ),
        "until the end": (b"", body),
    }[framing]
    script = replies(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body)
    assert "longer than 1 MiB" in str(failure(script, tmp_path))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x01\x02",
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n" + SECRET.encode(),
    ],
)
def test_what_is_not_a_whole_answer_is_a_broken_off_connection(
    tmp_path: Path, answer: bytes
) -> None:
    assert "broke off" in str(failure(replies(answer), tmp_path))


def test_an_endpoint_that_keeps_silent_is_given_up(tmp_path: Path) -> None:
    def wait_for_the_end(stream: socket.socket, _head: bytes) -> None:
        while stream.recv(4096):
            continue

    error = failure(wait_for_the_end, tmp_path, time_limit=0.2)
    assert "did not answer in time" in str(error)


def test_an_endpoint_that_drips_is_given_up(tmp_path: Path) -> None:
    """Each octet comes in time; the whole never does."""

    def drip(stream: socket.socket, _head: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        stream.settimeout(0.01)
        while True:
            stream.sendall(b".")
            try:
                if not stream.recv(1):
                    return
            except TimeoutError:
                continue

    assert "did not answer in time" in str(failure(drip, tmp_path, time_limit=0.3))


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    with ScriptedOrigin(replies(OK), hosts=("other.example.com",)) as origin:
        driver = driver_to({HOST: origin.dial}, origin.ca_pem, tmp_path)
        with pytest.raises(EndpointUnreachableError, match="certificate is not trusted") as caught:
            send(driver, Ask(URL))
    assert "upstream_ca" in caught.value.hint
    assert origin.heads == []


def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    with ScriptedOrigin(replies(OK)) as origin:
        driver = driver_to({HOST: origin.dial}, trustme.CA().cert_pem.bytes(), tmp_path)
        with pytest.raises(EndpointUnreachableError, match="certificate is not trusted"):
            send(driver, Ask(URL))
    assert origin.heads == []


@pytest.mark.parametrize(
    "url", ["http://api.example.com/token", "ftp://api.example.com/", "token", "https:///x", ""]
)
def test_only_https_is_sent(tmp_path: Path, url: str) -> None:
    driver = driver_to({}, trustme.CA().cert_pem.bytes(), tmp_path)
    with pytest.raises(EndpointUnreachableError, match="not an https URL"):
        send(driver, Ask(url))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"])
def test_a_private_address_is_not_connected_to(tmp_path: Path, address: str) -> None:
    driver = driver_to({}, trustme.CA().cert_pem.bytes(), tmp_path, resolved=address)
    with pytest.raises(EndpointUnreachableError, match="not a public one"):
        send(driver, Ask(URL))


def test_the_environments_proxies_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text(f"machine {HOST} login stray password stray-password\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere")
    with ScriptedOrigin(replies(OK)) as origin:
        driver = driver_to({HOST: origin.dial}, origin.ca_pem, tmp_path)
        assert send(driver, Ask(URL)).status == 200
    assert b"authorization" not in origin.heads[0].lower()


def test_every_request_has_a_connection_of_its_own(tmp_path: Path) -> None:
    """An origin of one request per connection would otherwise leave the second unanswered."""
    with ScriptedOrigin(replies(OK)) as origin:
        driver = driver_to({HOST: origin.dial}, origin.ca_pem, tmp_path)
        assert [send(driver, Ask(URL)).status for _ in range(2)] == [200, 200]
    assert len(origin.heads) == 2


def test_a_value_that_no_header_can_carry_is_not_quoted(tmp_path: Path) -> None:
    with ScriptedOrigin(replies(OK)) as origin:
        driver = driver_to({HOST: origin.dial}, origin.ca_pem, tmp_path)
        with pytest.raises(EndpointUnreachableError) as caught:
            send(driver, Ask(URL, headers=(("Authorization", f"{SECRET}\r\nX: y"),)))
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__
    assert origin.heads == []
