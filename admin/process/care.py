"""How much care a command takes of its own process."""

from enum import Enum, auto


class Care(Enum):
    """What a command has in its memory, from nothing to everything for as long as it runs."""

    NONE = auto()  # no secret: names, files that are no secret, help
    RUN = auto()  # a passphrase or an agent's token; starts a program for the caller
    VAULT = auto()  # secrets, for a moment
    SERVICE = auto()  # secrets, for days; starts no program
