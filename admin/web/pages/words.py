"""Words that several pages share: of types and of statuses."""

from typing import Final

from config.connector import ConnectorType

TYPES: Final = {
    ConnectorType.API_KEY: "API Key",
    ConnectorType.OAUTH: "OAuth",
    ConnectorType.INTERCOM: "Intercom",
}
# By the words of `admin.operations.view.status_of`.
STATUSES: Final = {
    "ready": ("Ready", "good"),
    "disabled": ("Disabled", "quiet"),
    "needs configuration": ("Not finished", "warn"),
    "needs credential": ("Needs a credential", "warn"),
    "needs connecting": ("Not connected", "warn"),
    "needs reauthorization": ("Needs reauthorization", "alert"),
    "configuration error": ("Configuration error", "alert"),
    "changed": ("Changed", "alert"),
}


def status_words(status: str) -> tuple[str, str]:
    """Return how a status reads and in which tone."""
    return STATUSES.get(status, (status.capitalize(), "warn"))
