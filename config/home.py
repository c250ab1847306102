"""The one folder that holds everything of an installation, and its permissions."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.errors import KeyhatchError, OperatorNeededError
from config.private import require_private

DIR_MODE = 0o700
FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of one installation; nothing is read or created by naming them."""

    root: Path

    @property
    def connectors(self) -> Path:
        return self.root / "connectors.yaml"

    @property
    def vault(self) -> Path:
        return self.root / "vault.db"

    @property
    def vault_key(self) -> Path:
        """Where the key-encryption key lies when the key source is a file."""
        return self.root / "vault.key"

    @property
    def ca(self) -> Path:
        return self.root / "ca"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def run(self) -> Path:
        return self.root / "run"

    def create(self) -> None:
        """Create the folders that are missing, each 0700. Raises KeyhatchError where it may not."""
        for folder in (self.root, self.ca, self.audit, self.run):
            try:
                folder.mkdir(mode=DIR_MODE, parents=True, exist_ok=True)
            except OSError as error:
                raise KeyhatchError(
                    f"cannot create {folder}: {error.strerror}",
                    hint="choose another folder with --home",
                ) from error

    def require(self) -> None:
        """Raise OperatorNeededError unless the home is initialised, ours and closed to others."""
        _require_private(self.root, DIR_MODE)  # first: another user's folder cannot be looked into
        if not self.connectors.exists():
            raise OperatorNeededError(
                f"{self.root} is not initialised", hint="run `keyhatch init` first"
            )
        self.require_private()

    def require_private(self) -> None:
        """Raise KeyhatchError unless what exists of the home is ours and closed to others."""
        _require_no_open_way(self.root)
        for path in (self.root, self.ca, self.audit, self.run):
            _require_private(path, DIR_MODE)
        for path in (self.connectors, self.vault, self.vault_key, *self._side_files()):
            _require_private(path, FILE_MODE)

    def _side_files(self) -> tuple[Path, ...]:
        """Return the files beside those with names of their own that hold secrets or guard them."""
        names = (
            "vault-2.key",
            "vault.db-wal",
            "vault.db-shm",
            "ca/ca.key",
            "run/serve.lock",
            "api-tokens.json",
        )
        return tuple(self.root / name for name in names)


def locate_home(option: Path | None, environ: Mapping[str, str]) -> Home:
    """Return `--home`, else `$KEYHATCH_HOME`, else the platform's config folder."""
    if option is not None:
        return Home(option.absolute())
    if configured := environ.get("KEYHATCH_HOME"):
        return Home(Path(configured).absolute())
    import platformdirs  # noqa: PLC0415 - not needed when a home is named

    return Home(platformdirs.user_config_path("keyhatch"))


def _require_private(path: Path, mode: int) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise KeyhatchError(f"cannot read {path}: {error.strerror}") from error
    require_private(path, found, mode, folder=mode == DIR_MODE)


def _require_no_open_way(root: Path) -> None:
    """Raise KeyhatchError where anybody may put another folder in the place of a parent of the home.

    The sticky bit of /tmp keeps others from that.
    """
    for folder in root.parents:
        try:
            mode = folder.stat().st_mode
        except OSError as error:
            raise KeyhatchError(f"cannot read {folder}: {error.strerror}") from error
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise KeyhatchError(
                f"{root} lies below {folder}, in which everybody may replace it",
                hint=f"run `chmod o-w {folder}`, or choose another folder with --home",
            )
