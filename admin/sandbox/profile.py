"""Profiles: what a kind of program needs of the home folder, one YAML file for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from admin.sandbox.made import MadeFile
from config.marks import parse_yaml
from config.oauth_models import Texts
from config.section import NOTHING, May, Section
from config.shape import read_section

FOLDER: Final = Path(__file__).parent / "profiles"
PLAIN: Final = "script"


class MadeSection(Section):
    text: Annotated[str, "the JSON object that it is"]
    keep: Annotated[Texts, May.BE_BLANK, "what it takes over of the operator's own, dotted"] = ()
    needs: Annotated[str, May.BE_BLANK, "a variable; it is made where that has a placeholder"] = ""


class ProfileSection(Section):
    about: Annotated[str, "what it is for"]
    commands: Annotated[Texts, May.BE_BLANK, "programs that it fits"] = ()
    read: Annotated[Texts, May.BE_BLANK, "what is opened for reading, where it is there"] = ()
    write: Annotated[Texts, May.BE_BLANK, "what is opened for writing, where it is there"] = ()
    env: Annotated[Texts, May.BE_BLANK, "variables that go in"] = ()
    make: Annotated[Mapping[str, MadeSection], "files that are made, of the home folder"] = NOTHING
    arguments: Annotated[Texts, May.BE_BLANK, "what stands before the arguments of a command"] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What is opened and made for a kind of program, beside the working directory and its tools."""

    name: str
    about: str
    commands: frozenset[str]
    read: tuple[str, ...]
    write: tuple[str, ...]
    env: tuple[str, ...]
    made: tuple[MadeFile, ...] = ()
    arguments: tuple[str, ...] = ()

    def words(self, command: Sequence[str]) -> list[str]:
        """Return the words of a command, with the profile's own where it is one of its programs."""
        program, *rest = command
        own = self.arguments if Path(program).name in self.commands else ()
        return [program, *own, *rest]


def profile_names() -> list[str]:
    """Return the names of all profiles."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_profile(name: str) -> Profile:
    """Return a profile that is known."""
    path = FOLDER / f"{name}.yaml"
    section = read_section(ProfileSection, parse_yaml(path.read_text(), source=path.name))
    return Profile(
        name,
        section.about,
        frozenset(section.commands),
        tuple(section.read),
        tuple(section.write),
        tuple(section.env),
        tuple(MadeFile(p, m.text, tuple(m.keep), m.needs) for p, m in section.make.items()),
        tuple(section.arguments),
    )


def profile_for(command: str, name: str) -> Profile:
    """Return the profile of a name; where it is empty, the one that fits the command."""
    if name:
        return load_profile(name)
    program = Path(command).name
    profiles = map(load_profile, profile_names())
    return next((p for p in profiles if program in p.commands), load_profile(PLAIN))
