"""What an answer of the service says about the credential, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from config.connector import Connector
from proxy.probe import ProbeResult

DONE, FAILED, OPERATOR = 0, 1, 5  # exit codes

_ANOTHER: Final = "try another path, in a terminal with --path"
_OTHER: Final = ("does not take the request for {path}", _ANOTHER)
_REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    HTTPStatus.FORBIDDEN: (
        "does not let the credential read {path}",
        "compare the scopes or rights that it was given with what the path needs",
    ),
    HTTPStatus.NOT_FOUND: (
        "has nothing at {path}, which says nothing about the credential",
        _ANOTHER,
    ),
    HTTPStatus.TOO_MANY_REQUESTS: ("takes no more requests for now", "try again later"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sentence, what to do about it (or empty), and the exit code that goes with it."""

    sentence: str
    hint: str = ""
    exit_code: int = DONE


def verdict_of(connector: Connector, result: ProbeResult) -> Verdict:
    """Return what an answer means; nothing of its text is repeated but the account."""
    host, path, status = result.host, result.path, result.status
    if result.is_good:
        return Verdict(
            f"{host} accepts the credential (status {status}){_account(connector, result)}"
        )
    if status == HTTPStatus.UNAUTHORIZED:
        command = "connect" if connector.oauth else "set"
        return Verdict(
            f"{host} does not accept the credential (status {status})",
            f"run `keyhatch connector {command} {connector.slug}`",
            OPERATOR,
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict(f"{host} is in trouble (status {status})", "try again later", FAILED)
    said, hint = _REFUSALS.get(status, _OTHER)
    return Verdict(f"{host} {said.format(path=path)} (status {status})", hint, FAILED)


def _account(connector: Connector, result: ProbeResult) -> str:
    client = connector.oauth
    account = result.tell(client.quirks.test_account) if client else ""
    return f", account {account}" if account else ""
