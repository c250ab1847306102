"""The seam between when tokens are renewed and how a grant asks for them."""

from typing import Protocol

from config.connector import Connector
from proxy.oauth.failure import TokenFailure
from proxy.oauth.token_set import TokenSet


class Renewal(Protocol):
    """Asks a connector's provider for a token set, once."""

    async def renew(
        self, connector: Connector, previous: TokenSet | None
    ) -> TokenSet | TokenFailure:
        """Return the tokens in place of `previous`, or what the provider's answer means.

        Raises KeyhatchError when nothing could be asked, such as for a secret that is missing.
        """
