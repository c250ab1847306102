"""G, further: what is written down and shown has no secret, and no word of the agent's."""

import json
import signal
from pathlib import Path
from urllib.request import urlopen

import pytest

from config.errors import ConfigError
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.reflections import MARK, faulty, told
from tests.attacks.harness.upstream import Visit
from tests.attacks.harness.world import HOST
from tests.support.origin_wire import Reply as Answer
from tests.support.origin_wire import read_body, read_head
from tests.support.ports import free_port


def test_G29_mitmproxys_captures_cannot_be_switched_on(
    served: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options lie in a file of the user, which its own programs read."""
    own = tmp_path / "user"
    (own / ".mitmproxy").mkdir(parents=True)
    captures = {"save_stream_file": str(own / "flows"), "hardump": str(own / "flows.har")}
    scripts = {"scripts": [str(own / "addon.py")], "flow_detail": 4}
    (own / ".mitmproxy" / "config.yaml").write_text(json.dumps(captures | scripts))
    (own / "addon.py").write_text("def request(flow): print(flow.request.headers)\n")
    monkeypatch.setenv("HOME", str(own))
    before = sorted(own.rglob("*"))
    assert served.agent().get(f"http://{HOST}/echo?{MARK}").status == 200
    assert sorted(own.rglob("*")) == before
    assert MARK.encode() not in told(served)


@pytest.mark.parametrize("key", ["save_stream_file", "hardump", "debug", "flow_detail", "record"])
def test_G29_there_is_no_setting_for_captures(arena: Arena, key: str) -> None:
    arena.world.settings[key] = "flows"
    with pytest.raises(ConfigError, match="unknown key"):
        arena.agent()


def test_G30_no_query_is_put_on_record(arena: Arena) -> None:
    arena.connector("keyed", "keyed.example", placement={"query": "key"})
    for reply in arena.each_way(path=f"/a?b={MARK}"):
        assert reply.status == 200
    for reply in arena.each_way(f"Referer: https://x.example/?{MARK}", host="keyed.example"):
        assert reply.status == 200
    arena.tunnel().request("GET", f"/status?code=500&b={MARK}", f"Host: {HOST}")
    arena.tunnel().request("GET", f"/ HTTP/9?{MARK}", f"Host: {HOST}")
    arena.close()
    assert MARK.encode() not in told(arena)


def test_G31_nothing_that_an_agent_wrote_names_a_figure(served: Arena) -> None:
    metrics = f"127.0.0.1:{free_port()}"
    served.world.settings["metrics"] = metrics
    assert served.agent().get(f"http://{HOST}/{MARK}?{MARK}", f"User-Agent: {MARK}").status == 200
    served.agent().get(f"http://{MARK}.{HOST}/")
    served.agent().call(MARK.upper(), f"http://{HOST}/")
    served.agent(token=MARK).get(f"http://{HOST}/")
    with urlopen(f"http://{metrics}/metrics", timeout=20) as answer:
        figures = answer.read().decode()
    assert "keyhatch_requests_total{" in figures
    figures += json.dumps(served.process.service.status())
    for text in (MARK, MARK.upper(), HOST, served.hub.secret):
        assert text not in figures


@pytest.mark.parametrize(
    "hook", ["requestheaders", "server_connect", "tls_start_server", "responseheaders", "error"]
)
def test_G32_a_fault_is_told_without_values(arena: Arena, hook: str) -> None:
    """The message of the exception has the secret, and so have its frames."""
    arena.world.addons.append(faulty(arena, hook))
    for path in ("/echo", "/echo/broken"):
        agent = arena.agent()
        head = f"GET http://{HOST}{path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
        agent.send(f"{head}{arena.authorization}\r\n\r\n".encode())
        agent.read_to_end()
    log = told(arena)
    assert b"RuntimeError" in log
    assert b"a fault that knows" not in log
    assert b"Traceback" not in log


def test_G32_a_crash_tells_no_values(served: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    monkeypatch.setenv("KEYHATCH_DEBUG", "1")
    assert served.agent().get(f"http://{HOST}/echo").status == 200
    process = served.process.service.process
    process.send_signal(signal.SIGABRT)
    assert process.wait(30) == -signal.SIGABRT
    assert not list(served.process.home.root.rglob("core*"))


@pytest.mark.parametrize("error", ["invalid_client", "invalid_grant", "server_error"])
def test_G33_what_a_token_endpoint_says_is_not_repeated(served: Arena, error: str) -> None:
    """It echoes the client's secret in its error, and is asked again and again."""
    far = served.connector(
        "far",
        "api.far.example",
        type="oauth",
        grant="client_credentials",
        client_id="client",
        token_url="https://api.far.example/sign/in",
    )
    far.fields["token_dial"] = f"127.0.0.1:{far.upstream.port}"

    def behave(visit: Visit) -> None:
        while request := read_head(visit.stream, 0):
            visit.requests.append(request)
            read_body(visit.stream, request)
            said = f"{request.fields} {request.body.decode()} {far.secret}"
            document = {"error": error, "error_description": said, "error_uri": f"{MARK}:{said}"}
            Answer(visit.socket, head_only=False).whole(
                500 if error == "server_error" else 400,
                [
                    ("Content-Type", "application/json"),
                    ("X-Request-Id", said),
                    ("Retry-After", said),
                ],
                json.dumps(document).encode(),
            )

    far.upstream.behave = behave
    for _ in range(2):
        reply = served.agent().get("http://api.far.example/crm")
        assert (reply.status, reply.json["connector"]) == (503, "far")
    assert {request.target for request in far.upstream.requests} == {"/sign/in"}
    assert far.upstream.requests[0].all("authorization")[0].startswith("Basic ")
    assert MARK.encode() not in told(served)
