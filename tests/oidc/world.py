"""A home that knows the authorization server, and the person who consents there."""

import threading
from dataclasses import dataclass, field

from ruamel.yaml import YAML

from config.connector import binding_of
from config.home import Home
from config.load import read_registry
from config.oauth import TOKEN_SET
from proxy.oauth.token_set import TokenSet, load
from proxy.vault.open import open_vault
from tests.oidc.browser import Browser, Page
from tests.oidc.provider import HOST, ISSUER, AuthorizationServer
from tests.support.command_line import CommandLine
from tests.support.vaults import ask_nobody

SECRETS = {
    "code-basic": "basic-secret-000000000000000000",
    "code-post": "post-secret-0000000000000000000",
    "code-pasted": "pasted-secret-00000000000000000",
    "machine": "machine-secret-0000000000000000",
}


@dataclass
class Person:
    """Sits at the browser: consents in the background, as soon as it is opened."""

    browser: Browser
    pages: list[Page] = field(default_factory=list)
    visits: list[threading.Thread] = field(default_factory=list)

    def open(self, url: str) -> bool:
        """Begin to click through; what the browser ends at is in `pages` afterwards."""
        visit = threading.Thread(target=lambda: self.pages.append(self.browser.visit(url)))
        visit.start()
        self.visits.append(visit)
        return True

    def done(self) -> Page:
        """Return what the browser shows in the end."""
        for visit in self.visits:
            visit.join(30)
        return self.pages[-1]


@dataclass
class World:
    """A home, the provider, and the person who consents."""

    line: CommandLine
    provider: AuthorizationServer
    person: Person

    def add(
        self, name: str, client: str, *words: str, stdin: str | None = None, **keys: object
    ) -> None:
        """Add a connector to the provider's resource by one of its clients."""
        given = SECRETS.get(client, "") if stdin is None else stdin
        entered = ("--secret-stdin",) if given else ()
        outcome = self.line(
            "connector", "add", name, "--type", "oauth", "--host", HOST,
            "--dial", self.provider.dial, "--token-dial", self.provider.dial, "--issuer", ISSUER,
            "--client-id", client, "--scope", "openid", "--scope", "read", *words, *entered,
            stdin=given,
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        self.declare(name, test_path="/api/me", quirks={"test_account": "account"}, **keys)

    def stored(self, slug: str) -> TokenSet:
        """Return the tokens that the vault has of a connector."""
        home = Home(self.line.home)
        connector = read_registry(home).connectors[slug]
        with open_vault(home, environ={}, ask_passphrase=ask_nobody) as vault:
            return load(vault.get(connector.id, TOKEN_SET, binding_of(connector)))

    def declare(self, slug: str, **keys: object) -> None:
        """Set keys of a connector as an operator would in an editor."""
        yaml = YAML()
        path = self.line.home / "connectors.yaml"
        document = yaml.load(path)
        document["connectors"][slug].update(keys)
        with path.open("w") as file:
            yaml.dump(document, file)
