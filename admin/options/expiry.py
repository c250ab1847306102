"""How long a token lasts: the option, and how moments are shown."""

from datetime import datetime, timedelta

import click

from admin.context import Session
from config.duration import parse_duration
from config.errors import KeyhatchError


class Duration(click.ParamType[timedelta]):
    """A length of time, such as 30d."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(str(value))
        except KeyhatchError as error:
            self.fail(f"{error}: {error.hint}", param, ctx)


expires_option = click.option(
    "--expires",
    metavar="TIME",
    type=Duration(),
    help="End the token after so long, such as 30d (default: never).",
)


def expiry(session: Session, length: timedelta | None) -> datetime | None:
    """Return when something that begins now and lasts so long ends."""
    return None if length is None else session.now() + length


def as_moment(moment: datetime | None) -> str | None:
    """Return a time in UTC, to the second."""
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M:%SZ}"
