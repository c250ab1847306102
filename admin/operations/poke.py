"""Tells a running proxy that something changed, so that it need not wait for its next look."""

from admin.notes import note
from config.errors import KeyhatchError
from config.home import Home

TIMEOUT_S = 1.0  # the change itself is done; a proxy that does not answer looks by itself


def poke(home: Home) -> None:
    """Ask the proxy of this home to reload; without one this does nothing.

    A proxy that does not answer is only reported: what was asked for is done.
    """
    if not home.run.is_dir():
        return
    from proxy.server.control_client import request

    try:
        request(home, {"op": "reload"}, timeout=TIMEOUT_S)
    except KeyhatchError as error:
        note(f"warning: the running proxy has not taken this up yet: {error}")
