"""Names that are refused before DNS is asked (invariant 12), for hosts that no connector owns."""

from typing import Final

# Names that never mean a host on the public Internet: special-use names (RFC 6761, 6762, 8375,
# ICANN's 2024 reservation of `internal`) and the suffixes that home and office resolvers answer.
LOCAL_SUFFIXES: Final = frozenset(
    {"corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost", "private"}
    | {"home.arpa", "invalid", "onion"}
)


def refused_name(host: str) -> bool:
    """Tell whether a canonical DNS name is local by its form: one label, or a local suffix."""
    labels = host.split(".")
    if len(labels) == 1:
        return True
    return labels[-1] in LOCAL_SUFFIXES or ".".join(labels[-2:]) in LOCAL_SUFFIXES
