"""Reading the catalog: the list of ids costs a folder listing, a provider one small file."""

from functools import cache
from pathlib import Path

from config.catalog.model import Form, Provider, ProviderSection
from config.connector import ConnectorType
from config.errors import NotFoundError
from config.marks import decode_text, parse_yaml
from config.shape import read_section
from config.suggest import did_you_mean


class Catalog:
    """The providers in a folder; each file is read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._providers: dict[str, Provider] = {}
        self._ids: tuple[str, ...] | None = None

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all providers, sorted."""
        if self._ids is None:
            self._ids = tuple(sorted(path.stem for path in self._folder.glob("*.yaml")))
        return self._ids

    def provider(self, id_: str) -> Provider:
        """Return one provider. Raises NotFoundError with the nearest id."""
        if id_ not in self._providers:
            if id_ not in self.ids():
                raise NotFoundError(
                    f"provider {id_!r} is not in the catalog",
                    hint=did_you_mean(id_, self.ids(), what="providers"),
                )
            self._providers[id_] = _read_provider(id_, self._folder / f"{id_}.yaml")
        return self._providers[id_]


@cache
def load_catalog() -> Catalog:
    """Return the catalog that comes with the program."""
    return Catalog(Path(__file__).parent / "providers")


def _read_provider(id_: str, path: Path) -> Provider:
    source = path.name
    document = parse_yaml(decode_text(path.read_bytes(), source=source), source=source)
    section = read_section(ProviderSection, document)
    found: dict[ConnectorType, Form | None] = {
        ConnectorType.API_KEY: section.api_key,
        ConnectorType.OAUTH: section.oauth,
        ConnectorType.INTERCOM: section.intercom,
    }
    return Provider(id_, section.name, {kind: form for kind, form in found.items() if form})
