"""The nearest valid word to one that is not known."""

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` most likely meant, or None when none is close."""
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for an error

    folded = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], *, what: str = "") -> str:
    """Return a hint: the nearest known word, else the first few of them, else nothing."""
    names = sorted(known)
    match = nearest(word, names)
    if match is not None:
        return f"did you mean {match!r}?"
    if not names:
        return ""
    listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")  # noqa: PLR2004
    return f"{what or 'known'}: {listed}"
