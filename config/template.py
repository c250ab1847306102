"""Templates: literal text with `{slot}` places that a credential fills."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from config.errors import UsageError

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True)
class Template:
    """Text such as `Bearer {secret}`; `render` fills each place."""

    text: str

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """The names in braces, each once, in order of appearance."""
        return tuple(dict.fromkeys(_PLACE.findall(self.text)))

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with every place filled. Raises KeyError for a slot without value."""
        return _PLACE.sub(lambda match: values[match[1]], self.text)

    def fill_known(self, values: Mapping[str, str]) -> "Template":
        """Return the template with the places that have a value filled and the others kept."""
        return Template(_PLACE.sub(lambda match: values.get(match[1], match[0]), self.text))


def parse_template(text: str) -> Template:
    """Return a template. Raises UsageError for stray braces and for line breaks or control bytes."""
    if "{" in _PLACE.sub("", text) or "}" in _PLACE.sub("", text):
        raise UsageError(
            f"template {text!r} has a brace that is no slot",
            hint="write slots as {secret}, in lower-case letters, digits and underscores",
        )
    if not text.isascii() or not text.isprintable():
        raise UsageError(f"template {text!r} has a character that no header can carry")
    return Template(text)
