"""What a person should know on every page before going on: is the proxy there, is the file sound."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from admin.operations.place import Place
from admin.web.place import WebPlace
from config.errors import ConfigError, KeyhatchError, OperatorNeededError
from proxy.server.control_client import request

PATIENCE: Final = 1.0  # seconds; a page must not wait for a proxy that hangs


class Running(Enum):
    """How the proxy of a home is doing, as far as its control socket tells."""

    YES = "yes"
    NO = "no"
    SILENT = "silent"  # something holds the socket and does not answer


@dataclass(frozen=True, slots=True)
class Banner:
    """One thing that is wrong, and the command that mends it, where there is one."""

    tone: str
    title: str
    text: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class ProxyState:
    """Whether the proxy runs, how many requests wait for a yes, and at which version of them."""

    running: Running
    waiting: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What the frame of every page shows."""

    proxy: ProxyState
    banners: tuple[Banner, ...]

    @property
    def waiting(self) -> int:
        return self.proxy.waiting


def standing_of(place: WebPlace, proxy: ProxyState | None = None) -> Standing:
    """Return how things stand; raises nothing, for the page that says so has to be drawn."""
    proxy = proxy or proxy_state(place)
    found = (_proxy_banner(proxy), _file_banner(place), _vault_banner(place))
    return Standing(proxy, tuple(banner for banner in found if banner is not None))


def mark_of(place: WebPlace, proxy: ProxyState) -> str:
    """Return a text that is another one after every change that an open page should show."""
    return f"{place.mark()}.{proxy.running.value}.{proxy.version}"


def proxy_state(place: Place) -> ProxyState:
    """Return how the proxy is doing."""
    try:
        reply = request(place.home, {"op": "approvals"}, timeout=PATIENCE)
    except KeyhatchError:
        return ProxyState(Running.SILENT)
    if reply is None:
        return ProxyState(Running.NO)
    return ProxyState(Running.YES, len(reply["pending"]), reply["version"])


def sentence(text: str) -> str:
    """Return the words of an error as a sentence."""
    text = text.strip()
    stop = "" if text[-1:] in {"", ".", "!", "?", "`"} else "."
    return f"{text[:1].upper()}{text[1:]}{stop}"


def _proxy_banner(proxy: ProxyState) -> Banner | None:
    if proxy.running is Running.NO:
        text = "Agents reach no service until it runs. Start it in a terminal with"
        return Banner("warn", "The proxy is not running", text, "keyhatch serve")
    if proxy.running is Running.SILENT:
        text = "It may be busy or ending. Look at it in a terminal with"
        return Banner("warn", "The proxy does not answer", text, "keyhatch status")
    return None


def _file_banner(place: WebPlace) -> Banner | None:
    try:
        place.registry()
    except ConfigError as error:
        where = f"line {error.line}, column {error.column}"
        what = str(error).removeprefix(f"{error.source}:{error.line}:{error.column}: ")
        text = (
            f"{sentence(f'{error.source}, {where}: {what}')} {sentence(error.hint)} Until it is "
            "mended, nothing can be changed, and what was read before counts. Check it with"
        )
        return Banner("alert", "connectors.yaml has a mistake", text, "keyhatch config check")
    except KeyhatchError as error:
        return Banner("alert", sentence(str(error)), sentence(error.hint))
    return None


def _vault_banner(place: WebPlace) -> Banner | None:
    try:
        with place.vault():
            return None
    except OperatorNeededError as error:
        text = f"{sentence(error.hint)} Credentials cannot be stored or tested until then."
        return Banner("warn", sentence(str(error)), text)
    except KeyhatchError as error:
        return Banner("alert", sentence(str(error)), sentence(error.hint))
