"""The limits of invariant 13 with their defaults, and their reading from `settings: limits:`."""

from dataclasses import dataclass, fields
from typing import Final

from config.duration import parse_duration
from config.models import LimitsSection
from config.place import Place

_LEAST_HEAD: Final = 1024  # bytes; less than any client sends
_MOST_HEAD: Final = 1024 * 1024  # a head is held until it is whole


@dataclass(frozen=True, slots=True)
class Limits:
    """What agents and services may take of the proxy; durations are in seconds.

    Heads are of requests and of answers. `connections` are open ones of one agent, `unidentified`
    those that have shown no valid token yet, `connections_total` all that agents have open;
    `streams` are requests at a time on one HTTP/2 connection.

    `head_timeout` is for the first request of a connection, its TLS handshake included, and from
    then on for each head that has begun; `body_timeout` for silence in a request's body,
    `idle_timeout` for silence where no answer is awaited: between requests, in tunnels and
    WebSockets; `connect_timeout` for each of resolving, connecting and the TLS handshake of a
    service; `upstream_timeout` for its silence before and within an answer.

    `decode_ratio` bounds what a compressed answer decodes to.
    """

    head_bytes: int = 64 * 1024
    head_fields: int = 200
    connections: int = 256
    unidentified: int = 128
    connections_total: int = 4096
    streams: int = 100
    head_timeout: float = 30
    body_timeout: float = 120
    idle_timeout: float = 600
    connect_timeout: float = 10
    upstream_timeout: float = 600
    decode_ratio: int = 200


DEFAULT_LIMITS: Final = Limits()


def build_limits(section: LimitsSection, place: Place) -> Limits:
    """Return the limits of a section; what it leaves out has its default."""
    given: dict[str, int | float] = {}
    for limit in fields(Limits):
        value: int | str | None = getattr(section, limit.name)
        if isinstance(value, str) and value:
            given[limit.name] = place.at(limit.name).read(parse_duration, value).total_seconds()
        elif isinstance(value, int):
            given[limit.name] = value
    limits = Limits(**given)  # type: ignore[arg-type] # fields and keys are the same
    if not _LEAST_HEAD <= limits.head_bytes <= _MOST_HEAD:
        raise place.at("head_bytes").error(
            f"head_bytes is from {_LEAST_HEAD} to {_MOST_HEAD}", hint="the default is 65536"
        )
    return limits
