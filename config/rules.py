"""What agents may do with a connector: methods and path globs."""

import re

from config.connector import Rule
from config.errors import UsageError
from config.models import RuleSection
from config.place import Place

_METHOD = re.compile(r"[A-Z][A-Z0-9_-]*")
_EVERY_PATH = ("/**",)


def build_rule(section: RuleSection, place: Place) -> Rule:
    """Return one rule; without `paths` it is every path. Raises ConfigError."""
    if not section.methods and not section.paths:
        raise place.error(
            "a rule needs methods or paths", hint="write {methods: [GET]} or {paths: [/v1/**]}"
        )
    methods = [
        place.at("methods", index).read(_parse_method, text)
        for index, text in enumerate(section.methods)
    ]
    paths = [
        place.at("paths", index).read(_parse_glob, text) for index, text in enumerate(section.paths)
    ]
    return Rule(frozenset(methods), tuple(paths) or _EVERY_PATH)


def _parse_method(text: str) -> str:
    if not _METHOD.fullmatch(text):
        raise UsageError(
            f"{text!r} is not a method", hint=f"write it in upper case, like {text.upper()}"
        )
    return text


def _parse_glob(text: str) -> str:
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
    return text
