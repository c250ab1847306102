"""What an operator has lying about: a secret in every place where programs keep some."""

from pathlib import Path
from typing import Final

from tests.escape.harness.canaries import Canaries
from tests.escape.harness.people import Person

# By the name of its secret: where it lies below the operator's home, and what surrounds it.
FILES: Final[dict[str, tuple[str, str]]] = {
    "aws": (".aws/credentials", "[default]\naws_secret_access_key = {}\n"),
    "netrc": (".netrc", "machine api.example login operator password {}\n"),
    "gh": (".config/gh/hosts.yml", "github.com:\n    oauth_token: {}\n"),
    "docker": (".docker/config.json", '{{"auths": {{"registry.example": {{"auth": "{}"}}}}}}\n'),
    "kube": (".kube/config", "users:\n- name: operator\n  user: {{token: {}}}\n"),
    "ssh": (".ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n"),
    "gnupg": (".gnupg/private-keys-v1.d/KEY.key", "(private-key {})\n"),
    "firefox": (".mozilla/firefox/x.default/logins.json", '{{"logins": ["{}"]}}\n'),
    "chrome": (".config/google-chrome/Default/Login Data", "SQLite format 3\n{}\n"),
    "history": (".bash_history", "export API_KEY={}\n"),
    "git": (".git-credentials", "https://operator:{}@git.example\n"),
    "npm": (".npmrc", "//registry.example/:_authToken={}\n"),
    "pypi": (".pypirc", "[pypi]\npassword = {}\n"),
    "gcloud": (
        ".config/gcloud/application_default_credentials.json",
        '{{"refresh_token": "{}"}}\n',
    ),
    "keyring-file": (".local/share/keyrings/old.keyring", "{}\n"),
    "dotenv": ("projects/other/.env", "STRIPE_KEY={}\n"),
    "home-dotenv": (".env", "DATABASE_URL=postgres://operator:{}@db\n"),
    "operators-folder": ("desk/note.txt", "{}\n"),
    "handed-over": ("desk/handed-over.txt", "{}\n"),
    "handed-over-abstract": ("desk/handed-over-abstract.txt", "{}\n"),
    "inherited": ("desk/inherited.txt", "{}\n"),
    "folder-inherited": ("desk/beside.txt", "{}\n"),
    "linked": ("desk/linked.txt", "{}\n"),
    "hard-linked": ("desk/hard-linked.txt", "{}\n"),
    "planted": ("desk/planted/secret.txt", "{}\n"),
    "raced": ("desk/raced/secret.txt", "{}\n"),
    "handle": ("desk/handle.txt", "{}\n"),
    "ring": ("desk/ring.txt", "{}\n"),
    "block": ("desk/block.txt", "{}\n"),
    "namespace": ("desk/namespace.txt", "{}\n"),
    "bound": ("desk/bound.txt", "{}\n"),
    "pivoted": ("desk/pivoted.txt", "{}\n"),
    "chrooted": ("desk/chrooted.txt", "{}\n"),
    "through-root": ("desk/through-root.txt", "{}\n"),
    "unmounted": ("desk/unmounted.txt", "{}\n"),
    "planted-tool": ("desk/tools/secret.txt", "{}\n"),
    "planted-wall": ("desk/wall.txt", "{}\n"),
    "log": ("desk/log.txt", "{}\n"),
    "input": ("desk/input.txt", "read me\n"),
    "hidden": ("projects/work/hidden/secret.txt", "{}\n"),
    "given": ("projects/read-only/given.txt", "given to read\n"),
}
# Written to, not read; and folders that programs look into.
TARGETS: Final = (".bashrc", ".profile", ".gitconfig")
FOLDERS: Final = (
    ".local/bin",
    ".config/autostart",
    ".config/systemd/user",
    "crash",
    "projects/work",
)


def furnish(home: Path, canaries: Canaries, person: Person) -> Path:
    """Make the operator's home; return the folder in which they work."""
    home.mkdir(mode=0o700)
    for name, (place, words) in FILES.items():
        path = home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words.format(canaries[name]))
        path.chmod(0o600)
    for place in TARGETS:
        (home / place).write_text("# the operator's\n")
    for place in FOLDERS:
        (home / place).mkdir(parents=True, exist_ok=True)
    person.take_all(home)
    return home / "projects" / "work"
