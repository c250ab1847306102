"""A consent at a terminal."""

from dataclasses import dataclass

import click

from admin.context import Session
from admin.notes import note
from admin.operations.guide import EnterCode, Visit


@dataclass(slots=True)
class ConsoleGuide:
    """Opens the browser, if it may, and takes what is pasted at the terminal or piped in."""

    session: Session
    opens_browser: bool = True
    _is_over: bool = False

    def begin(self) -> None:
        """Nothing can be cancelled here but by ending the command."""

    def show(self, step: Visit | EnterCode) -> None:
        """Show an address, or a code and where to enter it."""
        if isinstance(step, EnterCode):
            note(f"open {step.verification_url} on any machine and enter the code {step.user_code}")
            if step.complete_url:
                note(f"or open {step.complete_url} and compare the code")
            return
        if self.opens_browser and self.session.open_browser(step.url):
            note("waiting for the consent in your browser; if it did not open, go to:")
        else:
            note("open this address in a browser:")
        note(step.url)
        if step.redirect_uri:
            note(f"afterwards the browser is sent to {step.redirect_uri}, which may not load")

    async def pasted(self) -> str | None:
        """Return what is typed; of what is piped in there is one."""
        if self._is_over:
            return None
        terminal = self.session.terminal
        self._is_over = not terminal.interactive()
        try:
            return terminal.ask("paste the whole address from its address bar")
        except click.Abort:
            if terminal.interactive():
                raise
            return ""  # the end of what was piped in

    def misfit(self) -> None:
        """Say that it was another address."""
        note("that is not the address that this consent leads to")
