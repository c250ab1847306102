"""The page as a server: who gets in, what every answer carries, what it never shows."""

import json
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from admin.web.access.guard import MAX_BODY
from admin.web.place import WebPlace
from admin.web.serving import Certificate, PageServer, Wish, own_name, require_closed
from config.errors import UsageError
from config.listen import TcpListen
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, Site, make_site
from tests.support.vaults import reopen
from tests.support.web import ANY, PATIENCE, Browser, api_token, settings_page, signed_in


def chunks(body: str) -> Iterator[bytes]:
    """Yield a body in parts, so that its length is not announced."""
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000].encode()


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Site:
    return make_site(tmp_path_factory.mktemp("page"), origin)


@pytest.fixture(scope="module")
def page(site: Site) -> Iterator[PageServer]:
    with settings_page(site.home) as page:
        yield page


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    with signed_in(site.home) as browser:
        yield browser


class TestTheWayIn:
    def test_a_link_leads_to_the_settings_once(self, page: PageServer) -> None:
        browser, link = Browser(page), page.new_link()
        answer = browser.enter(link)
        assert answer.status == 200
        assert 'url=/settings/connectors"' in answer.text
        assert browser.get("/settings/connectors").status == 200
        assert Browser(page).enter(link).status == 410

    @pytest.mark.parametrize(("method", "status"), [("HEAD", 405), ("OPTIONS", 401), ("POST", 401)])
    def test_who_only_looks_at_a_link_does_not_use_it_up(
        self, page: PageServer, method: str, status: int
    ) -> None:
        link = page.new_link()
        path = link.removeprefix(page.origin)
        answer = Browser(page).send(method, path, "", {})
        assert (answer.status, "set-cookie" in answer.headers) == (status, False)
        assert Browser(page).enter(link).status == 200

    def test_the_cookie_is_for_this_host_and_no_script(self, page: PageServer) -> None:
        given = Browser(page).enter(page.new_link()).headers["set-cookie"]
        words = {word.strip().lower() for word in given.split(";")[1:]}
        assert {"httponly", "samesite=strict", "path=/"} <= words
        assert not any(word.startswith("domain") for word in words)

    def test_a_redirect_is_not_used_for_a_strict_cookie_would_not_come_along(
        self, page: PageServer
    ) -> None:
        answer = Browser(page).get("/enter", **{"Sec-Fetch-Site": "cross-site"})
        assert (answer.status, "location" in answer.headers) == (410, False)

    def test_nothing_but_the_way_in_is_open(self, page: PageServer) -> None:
        stranger = Browser(page)
        found = {
            path: stranger.get(path).status
            for path in ("/", "/settings/connectors", "/settings/mark", "/api/v1/openapi.json")
        }
        assert set(found.values()) == {401}

    def test_two_pages_have_names_that_differ(self, page: PageServer, browser: Browser) -> None:
        assert page.front.host != browser.page.front.host
        assert re.fullmatch(r"keyhatch-[0-9a-f]{8}\.localhost", page.front.host)

    def test_a_program_reads_the_api_document_with_a_token(
        self, site: Site, page: PageServer
    ) -> None:
        token = api_token(site.home, "reader")
        program = Browser(page, extra={"Host": f"127.0.0.1:{page.front.port}"})
        answer = program.get("/api/v1/openapi.json", Authorization=f"Bearer {token}")
        assert (answer.status, answer.text[:1]) == (200, "{")

    def test_row_j09_an_agents_token_opens_nothing(self, site: Site, page: PageServer) -> None:
        program = Browser(page, extra={"Host": f"127.0.0.1:{page.front.port}"})
        answer = program.get("/api/v1/openapi.json", Authorization=f"Bearer {site.token}")
        assert answer.status == 401
        assert answer.headers["content-type"] == "application/problem+json"

    def test_a_damaged_file_of_tokens_lets_nobody_in_and_says_so(
        self, site: Site, page: PageServer
    ) -> None:
        path = site.home.root / "api-tokens.json"
        token, before = api_token(site.home, "damaged"), path.read_bytes()
        path.write_text("{")
        try:
            program = Browser(page, extra={"Host": f"127.0.0.1:{page.front.port}"})
            answer = program.get("/api/v1/openapi.json", Authorization=f"Bearer {token}")
        finally:
            path.write_bytes(before)
        assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
        assert "is damaged" in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


class TestEveryAnswer:
    @pytest.mark.parametrize(
        "path", ["/settings/connectors", "/nothing", "/enter", "/static/latest/keyhatch.css"]
    )
    def test_lets_no_other_page_frame_or_feed_it(self, browser: Browser, path: str) -> None:
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers

    def test_is_kept_by_nobody_but_for_the_static_ones(self, browser: Browser) -> None:
        text = browser.get("/settings/connectors").text
        assert browser.get("/settings/connectors").headers["cache-control"] == "no-store"
        found = re.search(r'href="(/static/[0-9a-f]{16}/keyhatch\.css)"', text)
        assert found
        assert "immutable" in browser.get(found[1]).headers["cache-control"]
        assert browser.get("/static/latest/keyhatch.css").headers["cache-control"] == "no-cache"

    def test_a_page_asks_nothing_of_other_hosts_and_has_no_script_of_its_own(
        self, browser: Browser
    ) -> None:
        text = browser.get("/settings/connectors").text
        assert re.findall(r'(?:src|href|action)="(?!/|#)', text) == []
        assert re.findall(r"<script(?![^>]* src=)", text) == []
        assert re.findall(r'\son[a-z]+="|\sstyle="', text) == []

    @pytest.mark.parametrize("announced", [True, False])
    def test_a_body_without_end_is_cut_off(self, browser: Browser, *, announced: bool) -> None:
        body = "x" * (MAX_BODY + 1)
        answer = browser.send("POST", "/api/v1/connectors", body if announced else chunks(body), {})
        assert (answer.status, json.loads(answer.text)["code"]) == (413, "too-large")
        assert "frame-ancestors" in answer.headers["content-security-policy"]

    def test_a_body_of_the_full_length_is_read(self, browser: Browser) -> None:
        answer = browser.send("POST", "/api/v1/connectors", chunks("x" * MAX_BODY), {})
        assert (answer.status, json.loads(answer.text)["code"]) == (422, "invalid")


class TestThePages:
    def test_the_list_has_the_connector_and_not_its_key(self, browser: Browser) -> None:
        text = browser.get("/settings/connectors").text
        assert "api.hubapi.com" in text
        assert KEY not in text

    def test_what_is_typed_into_the_search_is_shown_as_text(self, browser: Browser) -> None:
        answer = browser.get("/settings/connectors?q=%3Cscript%3E%22x")
        assert "<script>&" not in answer.text
        assert "&lt;script&gt;" in answer.text

    def test_a_change_by_hand_changes_the_mark(self, browser: Browser, site: Site) -> None:
        before = browser.get("/settings/mark").text
        site.write(site.text.replace("hub:", "hub-two:").replace("[hub]", "[hub-two]"))
        try:
            assert browser.get("/settings/mark").text != before
            assert "hub-two" in browser.get("/settings/connectors").text
        finally:
            site.write(site.text)


class TestWhereItListens:
    def test_other_machines_reach_it_by_tls_only(self) -> None:
        wish = Wish(TcpListen("0.0.0.0", 0))
        with pytest.raises(UsageError, match="other machines"):
            require_closed(wish)

    def test_with_a_name_and_a_certificate_they_may(self) -> None:
        certificate = Certificate(Path("chain.pem"), Path("key.pem"))
        require_closed(Wish(TcpListen("0.0.0.0", 0), "keys.corp.example", certificate))

    @pytest.mark.parametrize(
        "name", ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "0.0.0.0"]
    )
    def test_under_a_name_that_others_here_have_too_it_is_not_served(self, name: str) -> None:
        with pytest.raises(UsageError, match="every other server"):
            own_name(name)

    @pytest.mark.parametrize("name", ["", "a b", "keys.corp.example:8322", "a/b", "127.1"])
    def test_nor_under_what_is_no_name(self, name: str) -> None:
        with pytest.raises(UsageError, match="is not a host name"):
            own_name(name)

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("Keys.Corp.Example", "keys.corp.example"),
            ("keyhatch.localhost", "keyhatch.localhost"),
            ("2001:DB8::1", "[2001:db8::1]"),
        ],
    )
    def test_a_name_of_its_own_is_written_as_browsers_write_it(self, name: str, told: str) -> None:
        assert own_name(name) == told

    def test_over_https_the_cookie_is_bound_to_the_host(self, site: Site, tmp_path: Path) -> None:
        name, authority = "keys.corp.example", trustme.CA()
        chain, key, trusted = (tmp_path / file for file in ("chain.pem", "key.pem", "ca.pem"))
        leaf = authority.issue_cert(name)
        leaf.cert_chain_pems[0].write_to_path(chain)
        leaf.private_key_pem.write_to_path(key)
        authority.cert_pem.write_to_path(trusted)
        with reopen(site.home) as vault:
            wish = Wish(ANY, "Keys.Corp.Example", Certificate(chain, key))
            page = PageServer(WebPlace(site.home, {}, vault), wish)
            page.start()
            try:
                link = page.new_link()
                given = set_cookie(link, page.front.port, trusted)
            finally:
                page.stop()
        assert link.startswith(f"https://{name}:{page.front.port}/enter?")
        assert given.startswith("__Host-keyhatch=")
        words = {word.strip().lower() for word in given.split(";")[1:]}
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= words
        assert not any(word.startswith("domain") for word in words)


def set_cookie(link: str, port: int, trusted: Path) -> str:
    """Follow a link over https at its name, wherever that leads, and return the cookie that it gives."""
    parts = urlsplit(link)
    plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    context = ssl.create_default_context(cafile=str(trusted))
    with context.wrap_socket(plain, server_hostname=parts.hostname) as line:
        line.sendall(
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        with line.makefile("rb") as file:
            head = file.read().partition(b"\r\n\r\n")[0].decode()
    given = re.search(r"(?im)^set-cookie: (.*?)\r?$", head)
    assert given
    return given[1]
