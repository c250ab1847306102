"""The key under which a named thing stands in connectors.yaml."""

import re
import unicodedata

from config.errors import Fault, UsageError

MAX_SLUG = 63  # a slug is also a DNS label: NAME.connector.keyhatch.internal (RFC 1035)
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")  # no `--`: as a DNS label it could be an A-label


def slugify(name: str) -> str:
    """Return the slug of a display name: `Support inbox` becomes `support-inbox`.

    Raises UsageError when nothing of the name survives or it is too long for a DNS label.
    """
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")
    if not name.strip():
        raise _unfit("the name is empty", "give it one")
    if not slug:
        raise _unfit(f"name {name!r} has no letters or digits", "use at least one of a-z, 0-9")
    if len(slug) > MAX_SLUG:
        raise _unfit(f"name {name!r} is too long", f"use at most {MAX_SLUG} characters")
    return slug


def is_slug(text: str) -> bool:
    """Tell whether a text can stand as a key: letters, digits and single inner hyphens."""
    return len(text) <= MAX_SLUG and _SLUG.fullmatch(text) is not None


def _unfit(message: str, hint: str) -> UsageError:
    return UsageError(message, hint=hint, faults=(Fault(("name",), message, hint),))
