"""A cursor in a document, to which errors are pinned."""

from collections.abc import Callable
from typing import NamedTuple

from config.document import Document, Path
from config.errors import ConfigError, NotFoundError, UsageError


class Place(NamedTuple):
    """A path in a document; it may name keys that are not there, then the nearest above counts.

    A tuple, as there are twenty for each connector.
    """

    document: Document
    path: Path = ()
    on_key: bool = False

    @property
    def key(self) -> "Place":
        """The key here instead of its value."""
        return Place(self.document, self.path, on_key=True)

    def at(self, *steps: str | int) -> "Place":
        return Place(self.document, (*self.path, *steps))

    def read[**P, T](self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `read` makes of a text; its UsageError becomes this place's ConfigError."""
        try:
            return read(*args, **kwargs)
        except ConfigError:
            raise
        except (UsageError, NotFoundError) as error:
            raise self.error(str(error), hint=error.hint) from None

    def error(self, message: str, *, hint: str = "") -> ConfigError:
        """Return the error that points here."""
        return self.document.error(self.path, message, key=self.on_key, hint=hint)
