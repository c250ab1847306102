"""One request with a connector's credential, the way an agent's would go."""

from dataclasses import dataclass

from admin.lookup import find_connector
from admin.operations.place import Place
from admin.operations.verdict import Verdict, verdict_of
from config.connector import Connector
from config.errors import UsageError
from proxy.probe import ProbeResult


@dataclass(frozen=True, slots=True)
class Tested:
    """Who was asked for what, the status of the answer, and what that means."""

    connector: str
    result: ProbeResult
    verdict: Verdict


def check(place: Place, name: str, path: str | None = None) -> Tested:
    """Ask the service for something harmless; tokens are refreshed first where that is due.

    Raises UsageError without a path, OperatorNeededError for a credential that is not there,
    EndpointUnreachableError.
    """
    from admin.operations.desk import open_desk
    from admin.process.vetted import run_vetted

    registry = place.registry()
    connector = find_connector(registry, name)
    asked = _path(connector, path)
    with open_desk(place, registry, connector) as desk:

        async def ask() -> ProbeResult:
            return await desk.probe(asked, await desk.values())

        result = run_vetted(ask())
    return Tested(connector.slug, result, verdict_of(connector, result))


def _path(connector: Connector, given: str | None) -> str:
    path = connector.test_path if given is None else given
    if not path:
        raise UsageError(
            f"connector {connector.slug} has no path to test with",
            hint="name one that only reads with --path, or set `test_path` in connectors.yaml",
        )
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise UsageError(f"{path!r} is not a path", hint="write it like /v1/me")
    return path
