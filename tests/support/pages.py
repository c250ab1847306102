"""A settings page over a home that is written by hand; nothing runs beside it unless a test says so."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from config.connector import binding_of
from config.files import write_private
from config.home import Home
from config.load import read_registry
from proxy.secret import Secret
from proxy.vault.tokens import AgentTokens
from tests.support.vaults import create
from tests.support.web import Answer, Browser, signed_in

CANARY = "canary-51f0c2e97d3b4a68"
HOSTILE = "<script>alert(1)</script>\"'><img src=x>\x1b[2J\u202egnp\x00"
TEXT = """\
version: 1
settings: {listen: 127.0.0.1:8399}
connectors:
  hub: {name: "The <b>Hub</b>", type: api_key, hosts: [hub.example]}
  billing: {name: Billing, type: api_key, hosts: [billing.example], approve: [POST]}
agents:
  ada: {connectors: [hub, {connector: billing, read_only: true, rate: 5/minute}]}
  bob: {connectors: [], unmatched: deny, listen: "127.0.0.1:8401"}
"""


@dataclass
class Shown:
    """The page as a browser that has entered sees it."""

    home: Home
    browser: Browser

    def answer(self, path: str) -> Answer:
        return self.browser.get(f"/settings/{path}")

    def page(self, path: str) -> str:
        """Return a page that must be there."""
        answer = self.answer(path)
        assert answer.status == 200, answer.text
        return answer.text

    def words(self, path: str) -> str:
        """Return what a person reads on a page."""
        return words_of(self.page(path))

    def write(self, text: str) -> None:
        """Replace connectors.yaml by hand."""
        write_private(self.home.connectors, text.encode())

    def issue(self, agent: str) -> str:
        """Return a new token of an agent."""
        tokens = AgentTokens(self.home)
        try:
            return tokens.issue(agent).reveal()
        finally:
            tokens.close()


def words_of(text: str) -> str:
    """Return the text of a page, or of a part of one, on one line."""
    main = text.partition("<main")[2].partition(">")[2] or text
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main.replace("<wbr>", ""))).split())


def write_home(folder: Path, text: str = TEXT) -> Home:
    """Make a home whose connector `hub`, where there is one, has the canary as its key."""
    home = Home(folder / "home")
    home.create()
    write_private(home.connectors, text.encode())
    with create(home) as vault:
        hub = read_registry(home).connectors.get("hub")
        if hub is not None:
            vault.put(hub.id, "secret", binding_of(hub), Secret(CANARY))
    return home


@contextmanager
def shown(home: Home) -> Iterator[Shown]:
    """Serve the page of a home for the block."""
    with signed_in(home) as browser:
        yield Shown(home, browser)
