"""`keyhatch stop`: end the running proxy."""

import click

from admin.context import Session
from admin.options.command import PrintingCommand, pass_session
from admin.process.care import Care
from admin.terminal.output import print_done
from config.errors import KeyhatchError
from proxy.server.control_client import request
from proxy.server.home_lock import holder, is_held

POLL = 0.05
LOOKS = 1200  # a minute: requests and a token's renewal under way have ten seconds each


@click.command(
    cls=PrintingCommand,
    care=Care.NONE,
    epilog="""
examples:
  keyhatch stop
""",
)
@pass_session
def stop(session: Session) -> None:
    """Stop the running proxy; requests under way have ten seconds to end.

    Done when it has ended. Where none runs there is nothing to do.
    """
    home = session.home
    home.require()
    pid = holder(home)
    if request(home, {"op": "stop"}) is None and not is_held(home):
        print_done(session, "no proxy is running", {"stopped": None})
        return
    for _ in range(LOOKS):
        if not is_held(home):
            print_done(session, f"stopped the proxy (pid {pid})", {"stopped": pid})
            return
        session.wait(POLL)
    raise KeyhatchError(
        "the proxy has been told to stop and has not ended yet",
        hint=f"wait, or end it with `kill -9 {pid}`; no token is lost by that",
    )
