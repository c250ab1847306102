"""J: other sites in the operator's browser, and agents, at the settings page."""

import json
import secrets
from base64 import b64encode
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from admin.web.access.tokens import PREFIX
from admin.web.serving import PageServer
from tests.attacks.harness.agents import Agent
from tests.attacks.harness.arena import Arena
from tests.attacks.harness.website import Website
from tests.attacks.harness.world import HOST
from tests.browser.person import LIST, Person
from tests.support.raw_client import Reply
from tests.support.web import api_token

LISTED: Final = "/api/v1/connectors"
REBOUND: Final = ("rebind.evil.example", "sub.localhost")
READS: Final = (LIST, LISTED, "/settings/mark", "/api/v1/openapi.json", "/")


def asked(page: PageServer, method: str, path: str, *fields: str, host: str = "") -> Reply:
    """Send any bytes to the page, as no browser would."""
    agent = Agent(page.front.port, None, 20.0)
    try:
        return agent.request(method, path, f"Host: {host or page.front.authority}", *fields)
    finally:
        agent.close()


def visit(operator: Person, address: str) -> Page:
    """Have the operator look at the attacker's site, in the browser with the open session."""
    tab = operator.context.new_page()
    tab.goto(address)
    return tab


def learnt(tab: Page, address: str, **options: object) -> str:
    """Return what a script of another site reads at an address; empty if nothing."""
    return str(
        tab.evaluate(
            """([address, options]) => fetch(address, {credentials: "include", ...options})
                 .then((answer) => answer.text(), () => "")""",
            [address, options],
        )
    )


@pytest.mark.parametrize("host", REBOUND)
def test_J10_a_rebound_name_gets_nothing(
    arena: Arena, page: PageServer, operator: Person, host: str
) -> None:
    """The script is of the name's first address; what it then fetches comes from the page itself."""
    cookie = f"Cookie: {page.front.cookie}={operator.context.cookies()[0]['value']}"
    for path in READS:
        assert asked(page, "GET", path, cookie, host=f"{host}:{page.front.port}").status == 421
    rebound = f"http://{host}:{page.front.port}"
    operator.context.route(f"{rebound}/evil", lambda route: route.fulfill(body="<title>evil"))
    tab = visit(operator, f"{rebound}/evil")
    for path in READS:
        assert "api.hub.example" not in learnt(tab, path)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_J10_a_session_is_good_at_no_other_name_of_the_machine(
    arena: Arena, page: PageServer, operator: Person, host: str
) -> None:
    cookie = f"Cookie: {page.front.cookie}={operator.context.cookies()[0]['value']}"
    statuses = {
        asked(page, "GET", p, cookie, host=f"{host}:{page.front.port}").status for p in READS
    }
    assert statuses <= {401, 421}


@pytest.mark.parametrize("host", ["127.0.0.1", "(same)", "sub.(same)"])
def test_J11_no_other_site_writes(
    arena: Arena, page: PageServer, operator: Person, site: Website, host: str
) -> None:
    """`(same)`: the page's own name at another port, had the attacker learnt it."""
    before = arena.lane.home.connectors.read_bytes()
    tab = visit(operator, site.origin(host.replace("(same)", page.front.host)))
    answers: list[int] = []
    operator.context.on(
        "response", lambda answer: answers.append(answer.status) if is_write(answer.url) else None
    )

    def is_write(url: str) -> bool:
        return url.startswith(f"{page.origin}/api/")

    body = json.dumps({"name": "Evil", "type": "api_key", "hosts": ["evil.example"]})
    for options in (
        {"method": "POST", "mode": "no-cors", "body": body},
        {"method": "POST", "body": body, "headers": {"Content-Type": "application/json"}},
        {"method": "POST", "body": body, "headers": {"Content-Type": "text/plain"}},
        {"method": "DELETE", "headers": {"X-CSRF-Token": "guess"}},
    ):
        assert learnt(tab, f"{page.origin}{LISTED}", **options) == ""
    with tab.expect_navigation():
        tab.evaluate(
            """([address, body]) => {
                 const form = document.createElement("form");
                 form.method = "post"; form.enctype = "text/plain"; form.action = address;
                 const field = document.createElement("input");
                 field.name = body; form.append(field); document.body.append(form); form.submit();
               }""",
            [f"{page.origin}{LISTED}", body],
        )
    assert set(answers) <= {401, 403}
    assert 403 in answers
    assert arena.lane.home.connectors.read_bytes() == before


@pytest.mark.parametrize(
    "missing", ["Origin", "X-CSRF-Token", "nothing but the session", "another's token"]
)
def test_J11_a_write_needs_origin_and_token_and_session(
    arena: Arena, page: PageServer, operator: Person, missing: str
) -> None:
    tab = operator.context.pages[0]
    csrf = tab.locator('meta[name="csrf"]').get_attribute("content")
    fields = {
        "Origin": page.origin,
        "X-CSRF-Token": csrf,
        "Cookie": f"{page.front.cookie}={operator.context.cookies()[0]['value']}",
        "Content-Type": "application/json",
        "Content-Length": "2",
    }
    if missing == "another's token":
        fields["X-CSRF-Token"] = secrets.token_urlsafe(32)
    else:
        fields = {n: v for n, v in fields.items() if n != missing}
    if missing == "nothing but the session":
        del fields["Origin"], fields["X-CSRF-Token"]
    agent = Agent(page.front.port, None, 20.0)
    lines = [f"POST {LISTED} HTTP/1.1", f"Host: {page.front.authority}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    agent.send("\r\n".join([*lines, "", "{}"]).encode())
    reply = agent.reply()
    agent.close()
    assert (reply.status, reply.code) == (403, "stale-page")


@pytest.mark.parametrize("host", ["127.0.0.1", "(same)"])
def test_J12_no_other_site_reads(
    arena: Arena, page: PageServer, operator: Person, site: Website, host: str
) -> None:
    tab = visit(operator, site.origin(host.replace("(same)", page.front.host)))
    assert "api.hub.example" in learnt(operator.context.pages[0], LIST)  # as its own script does
    for path in READS:
        assert learnt(tab, page.origin + path) == ""
        assert learnt(tab, page.origin + path, mode="no-cors") == ""
    ways = tab.evaluate(
        """async ([origin, listed]) => {
             const ended = (thing, good, bad) => new Promise((done) => {
               thing.addEventListener(good, () => done(good));
               thing.addEventListener(bad, () => done(bad));
             });
             const script = document.createElement("script");
             script.src = origin + listed;
             const loaded = ended(script, "load", "error");
             document.head.append(script);
             return {
               stream: await ended(new EventSource(origin + "/settings/activity",
                                                   {withCredentials: true}), "open", "error"),
               socket: await ended(new WebSocket(origin.replace("http", "ws") + "/settings/mark"),
                                   "open", "error"),
               script: await loaded,
             };
           }""",
        [page.origin, LISTED],
    )
    assert ways == {"stream": "error", "socket": "error", "script": "error"}


def test_J13_nothing_that_opens_the_page_can_be_guessed(arena: Arena, page: PageServer) -> None:
    link = page.new_link()
    key = link.partition("key=")[2]
    token = api_token(arena.lane.home)
    assert len(key) == 43  # 256 bits in base64url
    assert len(token) == len(PREFIX) + 43
    for number in range(40):
        guess = f"{key[:-6]}{number:06}"
        assert asked(page, "GET", f"/enter?key={guess}").status == 410
        cookie = f"Cookie: {page.front.cookie}={guess}"
        assert asked(page, "GET", LIST, cookie).status == 401
        bearer = f"Authorization: Bearer {token[:-6]}{number:06}"
        assert asked(page, "GET", LISTED, bearer).status == 401
    assert asked(page, "GET", f"/enter?key={key}").status == 200
    kept = b"".join(path.read_bytes() for path in arena.lane.home.root.rglob("*") if path.is_file())
    assert token.encode() not in kept
    assert key.encode() not in kept


@pytest.mark.parametrize("scheme", ["Bearer", "Basic", "Proxy", "Cookie"])
def test_J14_an_agents_token_opens_nothing(arena: Arena, page: PageServer, scheme: str) -> None:
    token = arena.product.token
    fields = {
        "Bearer": f"Authorization: Bearer {token}",
        "Basic": "Authorization: Basic " + b64encode(f"agent:{token}".encode()).decode(),
        "Proxy": f"Proxy-Authorization: Bearer {token}",
        "Cookie": f"Cookie: {page.front.cookie}={token}",
    }
    for path in READS:
        for host in (page.front.authority, f"127.0.0.1:{page.front.port}"):
            for method in ("GET", "POST", "DELETE"):
                reply = asked(page, method, path, fields[scheme], host=host)
                assert reply.status in {401, 403, 421}
                assert b"api.hub.example" not in reply.body


def test_J15_no_agent_reaches_the_page_through_the_proxy(served: Arena) -> None:
    """Beside the proxy, where it is nearest; with a token of the API it would be let in."""
    from tests.support.web import settings_page

    token = api_token(served.process.home)
    with settings_page(served.process.home) as page:
        port = page.front.port
        for host in (
            f"127.0.0.1:{port}",
            f"[::1]:{port}",
            f"localhost:{port}",
            page.front.authority,
        ):
            reply = served.agent().connect(host)
            served.refused(reply, "egress-denied")
            bearer = f"Authorization: Bearer {token}"
            got = served.agent().get(f"http://{host}{LISTED}", bearer)
            served.refused(got, "egress-denied")
            assert b"api.hub.example" not in got.body


def test_J16_the_page_is_in_no_frame_and_no_window_of_another_site(
    arena: Arena, page: PageServer, operator: Person, site: Website
) -> None:
    site.page = f'<!doctype html><iframe src="{page.origin}{LIST}"></iframe>'
    for host in ("127.0.0.1", page.front.host):
        tab = visit(operator, site.origin(host))
        assert "api.hub.example" not in "".join(frame.content() for frame in tab.frames)
    with operator.context.expect_page() as opened:
        tab.evaluate("(address) => { window.opened = window.open(address) }", page.origin + LIST)
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("window.opener") is None
    assert tab.evaluate("window.opened.closed || window.opened.length") in {True, 0}


def test_J17_a_link_opens_one_session(arena: Arena, page: PageServer) -> None:
    link = page.new_link().removeprefix(page.origin)
    assert asked(page, "HEAD", link).status == 405  # a program that previews links uses none up
    first, second = asked(page, "GET", link), asked(page, "GET", link)
    assert (first.status, second.status) == (200, 410)
    assert [value for name, value in second.fields if name.lower() == "set-cookie"] == []


MARKUP: Final = '"><img src=/x onerror=alert(1)><script>alert(2)</script>{{7*7}}'


def test_J18_markup_is_text_on_every_page(arena: Arena, page: PageServer, operator: Person) -> None:
    arena.lane.home.connectors.write_text(
        arena.world.text().replace(
            '"type": "api_key"', f'"name": {json.dumps(MARKUP)}, "type": "api_key"'
        )
    )
    dialogs: list[str] = []
    for path in (LIST, f"{LIST}?q={MARKUP}", f"{LIST}?q=%22%3E%3Cscript%3Ealert(3)%3C/script%3E"):
        tab = operator.context.new_page()
        tab.on("dialog", lambda dialog: dialogs.append(dialog.message))
        operator.go(tab, path)
        expect(tab.locator("main")).to_contain_text("<script>alert(")
        assert tab.locator("main script, main img[onerror]").count() == 0
    assert dialogs == []


def test_J18_what_agents_send_is_text_in_the_log(
    arena: Arena, page: PageServer, operator: Person
) -> None:
    image = "<img/src=x/onerror=alert(1)>"
    arena.agent().get(f"http://{HOST}/{image}")
    arena.agent().get(f"http://{HOST}/%3Cimg%2Fsrc=x%20onerror=alert(2)%3E?q={image}")
    arena.agent().get(f"http://{HOST}/", f"Keyhatch-Connector: {image}")
    arena.agent().request(image, f"http://{HOST}/", f"Host: {HOST}", arena.authorization)
    dialogs: list[str] = []
    tab = operator.context.pages[0]
    tab.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for path in ("/settings/activity", f"/settings/activity?q={image}&agent={image}"):
        operator.go(tab, path)
        expect(tab.locator("main")).to_contain_text("Activity")
        assert tab.locator("main [onerror], main script").count() == 0
    assert dialogs == []


def test_J19_the_session_stays_with_the_pages_own_name(
    arena: Arena, page: PageServer, operator: Person, site: Website
) -> None:
    for host in ("127.0.0.1", "localhost", "evil.localhost", f"sub.{page.front.host}"):
        visit(operator, site.origin(host))
    assert site.cookies == []
    assert len(page.front.host.removeprefix("keyhatch-").partition(".")[0]) * 4 >= 32
