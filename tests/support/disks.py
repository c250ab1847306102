"""A file system that exists only in a test: for planning, which asks and changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class FakeDisk:
    """Paths by what they are: "folder", "file", "closed" (not for every user), or `-> target`."""

    known: Mapping[str, str]
    _all: dict[Path, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for text, what in self.known.items():
            path = Path(text)
            for parent in reversed(path.parents):
                self._all.setdefault(parent, "folder")
            self._all[path] = what

    def resolve(self, path: Path) -> Path | None:
        found = Path("/")
        for part in path.parts[1:]:
            step = found.parent if part == ".." else found / part
            what = self._all.get(step)
            if what is None:
                return None
            if what.startswith("-> "):
                target = self.resolve(step.parent / what[3:])
                if target is None:
                    return None
                step = target
            found = step
        return found

    def is_folder(self, path: Path) -> bool:
        found = self.resolve(path)
        if found is None:
            return False
        what = self._all[found]
        return what == "folder" or any(found in other.parents for other in self._all)

    def link(self, path: Path) -> Path | None:
        what = self._all.get(path, "")
        return Path(what[3:]) if what.startswith("-> ") else None

    def entries(self, folder: Path) -> Sequence[Path]:
        return [path for path in self._all if path.parent == folder and path != folder]

    def is_ours(self, folder: Path) -> bool:
        return not any(folder.is_relative_to(place) for place in ("/usr", "/etc", "/bin"))

    def not_public(self, folder: Path, depth: int, besides: int = 0) -> list[Path]:
        return [
            path
            for path, what in self._all.items()
            if what == "closed" and folder in (path.parents if besides else path.parents[:depth])
        ]
