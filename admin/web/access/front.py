"""Under which names the page is reached: its origin for people, its addresses for programs."""

from dataclasses import dataclass
from typing import Final

_LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Front:
    """`host` is what people's browsers ask for, as it stands in the Host field but for the port.

    Cookies know no ports: a page at 127.0.0.1 would send its cookie to whatever else listens there,
    such as an agent's own web server. So people are given a name below `localhost` (RFC 6761) that
    nobody else uses or knows, and sessions are good there alone.
    """

    host: str
    port: int
    is_secure: bool = False

    @property
    def authority(self) -> str:
        """What the Host field of a person's browser says."""
        usual = 443 if self.is_secure else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """The origin of our own pages (RFC 6454)."""
        return f"{'https' if self.is_secure else 'http'}://{self.authority}"

    @property
    def cookie(self) -> str:
        """The session cookie's name; the prefix binds it to this host where TLS allows it."""
        return "__Host-keyhatch" if self.is_secure else "keyhatch"

    @property
    def program_hosts(self) -> frozenset[str]:
        """Further Host values, at which only programs with a token are answered."""
        return frozenset(f"{name}:{self.port}" for name in _LOOPBACK_NAMES)
