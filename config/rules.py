"""Rules of what agents may do: methods and path globs."""

import re

from config.errors import UsageError
from config.models import RuleSection
from config.paths import canonical_path
from config.place import Place
from config.policy import EVERY_PATH, Rule

_METHOD = re.compile(r"[A-Z][A-Z0-9_-]*")


def build_rule(section: RuleSection, place: Place) -> Rule:
    """Return one rule; without `paths` it is every path. Raises ConfigError."""
    if not section.methods and not section.paths:
        raise place.error(
            "a rule needs methods or paths", hint="write {methods: [GET]} or {paths: [/v1/**]}"
        )
    methods = [
        place.at("methods", index).read(parse_method, text)
        for index, text in enumerate(section.methods)
    ]
    paths = [
        place.at("paths", index).read(parse_glob, text) for index, text in enumerate(section.paths)
    ]
    return Rule(frozenset(methods), tuple(paths) or EVERY_PATH)


def parse_method(text: str) -> str:
    """Return a method as it stands in a request line. Raises UsageError."""
    if not _METHOD.fullmatch(text):
        raise UsageError(
            f"{text!r} is not a method", hint=f"write it in upper case, like {text.upper()}"
        )
    return text


def parse_glob(text: str) -> str:
    """Return a glob in the spelling that paths are compared in. Raises UsageError."""
    if not text.startswith("/"):
        raise UsageError(f"path {text!r} does not start with /", hint=f"write /{text}")
    if not text.isascii() or not text.isprintable() or re.search(r"[?# \\]", text):
        raise UsageError(
            f"path {text!r} has a character that no path has",
            hint="leave out the query and percent-encode the rest",
        )
    if re.search(r"//|/\.{1,2}(?:/|$)", text):
        raise UsageError(
            f"path {text!r} has an empty or a dot segment", hint="such paths are never allowed"
        )
    if re.search(r"\*\*[^/]|[^/]\*\*", text):
        raise UsageError(
            f"path {text!r} has a ** that is not a whole segment",
            hint="write * within a segment, and /**/ or a final /** for any number of segments",
        )
    canonical = canonical_path(text)
    if canonical is None:
        raise UsageError(
            f"path {text!r} has a character that servers read in different ways",
            hint="requests for such paths are refused; put * where it stands",
        )
    return canonical.text
