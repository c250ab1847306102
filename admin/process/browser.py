"""Showing an address to the person at this machine."""

import os
import sys


def open_browser(url: str) -> bool:
    """Open an address in the operator's browser; False where there is none to be seen.

    Without a display the standard library would start a text browser in the terminal.
    """
    graphical = (
        sys.platform == "darwin" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    )
    if not graphical:
        return False
    import webbrowser

    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
