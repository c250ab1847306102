"""The stage of one user: their home, their programs, who listens outside; and runs on it."""

import os
import pty
import re
import secrets
import shutil
import subprocess
import tempfile
import termios
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.escape.harness.canaries import Canaries
from tests.escape.harness.catalogue import User
from tests.escape.harness.estate import furnish
from tests.escape.harness.household import Household, Proxy, end, keyhatch, serve, speak, told
from tests.escape.harness.kernel import (
    block_of,
    bpf_map,
    file_handle,
    grant_capability,
    say_in_kernel_log,
)
from tests.escape.harness.people import Person, environment, person, stranger
from tests.escape.harness.services import Services, Witness
from tests.escape.harness.software import Software, install, root_only

BITS: Final = 64
STORE: Final = "import sys, keyring as k; k.set_password('keyhatch', sys.argv[1], sys.stdin.read())"
SYSTEM: Final = Path("/usr/local/lib")


@dataclass
class Stage:
    """Everything that is there when attempts are made; `facts` is what attempts are told of it.

    An attempt may know every path, port and process: what is hidden is not to be the protection.
    """

    who: User
    base: Path
    person: Person
    software: Software
    canaries: Canaries
    witness: Witness
    house: Household
    proxy: Proxy
    work: Path
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return self.house.environ

    def words(self, walled: bool, *options: str) -> list[str]:
        """Return the words that start a command of the agent's, behind the wall or not."""
        session = [*self.software.outside("session"), self.facts["shm_name"]]
        words = [*session, str(self.software.keyhatch), "run", "--agent", "ada"]
        if walled:
            words.append("--sandbox")
            shared = (*self.software.shared, self.facts["read_only"])
            words += [word for path in shared for word in ("--share", f"{path}:ro")]
            words += ["--hide", self.facts["hidden"]]
            words += options
        return [*words, "--"]

    def run(
        self,
        command: Sequence[str],
        *,
        walled: bool,
        options: Sequence[str] = (),
        before: Sequence[str] = (),
        **more: Any,
    ) -> "subprocess.Popen[bytes]":
        """Start a command of the agent's in the folder of its work."""
        keys = {"ESCAPE_SESSION_KEY": self.canaries["session-keyring"]}
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "env": {**self.environ, **keys},
            "cwd": self.work,
            **self.person.starting,
            **more,
        }
        words = [*before, *self.words(walled, *options), *command]
        return subprocess.Popen(words, **settings)

    def serve_again(self) -> None:
        """Start the proxy anew, in the place of one that was ended."""
        self.proxy = serve(self.house, self.software.keyhatch, self.proxy.home, self.proxy.port)
        self.facts.update(proxy_pid=str(self.proxy.process.pid), settings_port=str(self.proxy.page))

    @contextmanager
    def arranged(self) -> Iterator[None]:
        """Prepare what an attempt uses up: a program to crash, input that was typed, no signal yet."""
        Path(self.facts["signals"]).write_text("")
        crasher = self.house.start(
            [*self.software.outside("neighbour"), "crash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.facts["crash"],
        )
        speak(crasher, self.canaries["core"])
        self.facts["crasher"] = str(crasher.pid)
        self.type_ahead()
        try:
            yield
        finally:
            end(crasher)
            for core in Path(self.facts["crash"]).iterdir():
                core.unlink()

    def read_terminal(self) -> None:
        """Note what was written to the operator's other terminal."""
        with suppress(BlockingIOError):
            self.witness.note(os.read(int(self.facts["master_fd"]), 65536))

    def type_ahead(self) -> None:
        """Have a secret typed at the operator's other terminal, where nobody has read it yet."""
        termios.tcflush(int(self.facts["slave_fd"]), termios.TCIOFLUSH)
        os.write(int(self.facts["master_fd"]), f"{self.canaries['typed']}\n".encode())


@contextmanager
def stage(who: User) -> Iterator[Stage]:
    """Build the stage of a user, and take everything away again. Asks `person` to be there."""
    actor = person(who)
    assert actor is not None
    with ExitStack() as stack:
        base = Path(tempfile.mkdtemp(prefix="keyhatch-escape-"))
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        base.chmod(0o755)
        made = _build(stack, who, base, actor)
        _operator(made)
        _root(stack, made)
        yield made


def _build(stack: ExitStack, who: User, base: Path, actor: Person) -> Stage:
    canaries, witness = Canaries(), Witness()
    software = install(base / "opt")
    work = furnish(base / "home", canaries, actor)
    runtime = base / "run"
    runtime.mkdir(mode=0o700)
    actor.take(runtime)
    facts: dict[str, str] = {}
    house = Household(actor, environment(base / "home", runtime, {}), canaries)
    stack.enter_context(house.stack)
    services = stack.enter_context(Services(canaries, witness, actor.uid))
    _listen(services, base, runtime)
    facts["bus_abstract"] = f"keyhatch-escape-bus-{secrets.token_hex(8)}"
    has_bus = house.bus(runtime, facts["bus_abstract"])
    house.ssh_agent(runtime)
    proxy = keyhatch(house, software.keyhatch)
    if has_bus:
        python = software.keyhatch.with_name("python")
        house.command(python, "-c", STORE, canaries["keyring-label"], typed=canaries["keyring"])
    made = Stage(
        who,
        base,
        actor,
        software,
        canaries,
        witness,
        house,
        proxy,
        work,
        {**facts, **services.facts},
    )
    _environ(made)
    _describe(made)
    _terminal(stack, made)
    return made


def _listen(services: Services, base: Path, runtime: Path) -> None:
    services.on_network()
    for name, place in (
        ("docker-socket", "docker.sock"),
        ("systemd-socket", "systemd/private"),
        ("gpg-socket", "gnupg/S.gpg-agent"),
        ("wayland-socket", "wayland-0"),
        ("podman-socket", "podman/podman.sock"),
    ):
        services.on_path(name, runtime / place)
    services.abstract("abstract")
    desk = base / "home" / "desk"
    services.abstract("abstract-rights", desk / "handed-over-abstract.txt")
    services.hand_over("path-rights", runtime / "rights.sock", desk / "handed-over.txt")


def _environ(made: Stage) -> None:
    """Let the environment hold what it should not: a copy of a secret of the vault, and others."""
    secret = made.canaries["secret"]
    made.environ.update(
        LC_NOTE=secret,
        LC_NOTE_CODED=b64encode(secret.encode()).decode(),
        AWS_SECRET_ACCESS_KEY=made.canaries["variable"],
        DOCKER_HOST=f"unix://{made.facts['docker-socket']}",
    )


def _describe(made: Stage) -> None:
    """Tell where everything is, and take the octets of Keyhatch's own secrets for canaries."""
    home, facts, canaries = made.proxy.home, made.facts, made.canaries
    canaries.add("vault-key", (home / "vault.key").read_bytes().strip())
    canaries.add("ca-key", (home / "ca" / "ca.key").read_bytes().splitlines()[1])
    (audit,) = (home / "audit").glob("*.jsonl")
    canaries.add("audit", re.findall(rb'"mac":"([0-9a-f]{64})"', audit.read_bytes())[-1])
    vault = re.search(rb"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", (home / "vault.db").read_bytes())
    assert vault is not None
    canaries.add("vault", vault[0])
    facts.update(
        base=str(made.base), home=str(made.base / "home"), runtime=made.environ["XDG_RUNTIME_DIR"],
        work=str(made.work), keyhatch_home=str(home), desk=str(made.base / "home" / "desk"),
        keyhatch=str(made.software.keyhatch), packages=str(made.software.packages),
        tools=str(made.software.tools), proxy_port=str(made.proxy.port),
        proxy_pid=str(made.proxy.process.pid), shm_name=f"keyhatch-escape-{secrets.token_hex(6)}",
        signals=str(made.base / "run" / "signals"), crash=str(made.base / "home" / "crash"),
        control=str(home / "run" / "control.sock"), uid=str(made.person.uid),
        pid_namespace=os.readlink("/proc/self/ns/pid"), ssh_agent=made.environ.get("SSH_AUTH_SOCK", ""),
        mount_namespace=os.readlink("/proc/self/ns/mnt"), python=str(made.software.python),
        handle=file_handle(made.base / "home/desk/handle.txt"),
    )  # fmt: skip
    facts["settings_port"] = str(made.proxy.page)
    canaries.add("settings-page", b"content-security-policy")
    facts["hidden"] = str(made.work / "hidden")
    facts["read_only"] = str(made.base / "home" / "projects" / "read-only")
    facts["device"], facts["offset"] = block_of(made.base / "home/desk/block.txt")


def _operator(made: Stage) -> None:
    """Start the operator's own programs."""
    canaries, facts = made.canaries, made.facts
    kept = {
        name.replace("-", "_"): canaries[name]
        for name in (
            "memory",
            "unlinked-secret",
            "sysv-shm",
            "sysv-queue",
            "shm",
            "posix-queue",
            "user-keyring",
            "overheard",
        )
    }
    number = secrets.randbits(BITS)
    canaries.add("bits", f"{number:0{BITS // 4}x}".encode())
    canaries.add("comm", f"kh{secrets.token_hex(6)}".encode())
    folder = made.base / "run"
    child = made.house.start(
        [*made.software.outside("neighbour"), "--for", canaries["argument"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=facts["desk"],
        env={**made.environ, "OPERATOR_KEY": canaries["environ"]},
    )
    facts["ipc_key"] = str(secrets.randbits(30) + 1)
    asked = {
        **kept, "bits": f"{number:0{BITS}b}", "comm": canaries["comm"], "unlinked": str(folder / "unlinked"),
        "mapped": str(folder / f"mapped-{canaries['mapped']}"), "ipc_key": int(facts["ipc_key"]),
        "shm_name": facts["shm_name"], "control": facts["control"], "signals": facts["signals"],
    }  # fmt: skip
    Path(facts["signals"]).touch()
    made.person.take(Path(facts["signals"]))
    answer = told(child, asked)
    facts["operator"] = str(answer.pop("pid"))
    facts.update({name: str(value) for name, value in answer.items()})


def _terminal(stack: ExitStack, made: Stage) -> None:
    """Open another terminal of the operator's."""
    master, slave = pty.openpty()
    stack.callback(os.close, master)
    stack.callback(os.close, slave)
    path = os.ttyname(slave)
    made.person.take(Path(path))
    os.set_blocking(master, False)
    made.facts.update(terminal=path, master_fd=str(master), slave_fd=str(slave))


def _root(stack: ExitStack, made: Stage) -> None:
    """Arrange what only root can; where we are not root, nobody is told of it."""
    facts = made.facts
    none = ("stranger", "bpf_map", "system", "setuid", "capable", "root_only", "group")
    facts.update(dict.fromkeys(none, ""))
    if os.geteuid() != 0:
        return
    facts["bpf_map"] = stack.enter_context(bpf_map(made.canaries["bpf"].encode()))
    say_in_kernel_log(f"keyhatch escape suite: {made.canaries['kernel-log']}")
    _programs_of_roots(made)
    folder = Path(tempfile.mkdtemp(prefix="keyhatch-escape-", dir=SYSTEM))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    facts["system"] = str(folder)
    deep = folder / "deep" / "er" / "secret.txt"
    deep.parent.mkdir(parents=True)
    deep.write_text(made.canaries["system-secret"])
    deep.chmod(0o600)
    other = Household(stranger(), dict(made.environ), made.canaries)
    stack.enter_context(other.stack)
    child = other.start(
        [*made.software.outside("neighbour"), "crash", made.canaries["strangers-argument"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd="/",
        env={"STRANGERS_KEY": made.canaries["strangers-environ"]},
    )
    speak(child, "nothing")
    facts["stranger"] = str(child.pid)


def _programs_of_roots(made: Stage) -> None:
    """Make programs that have more rights than who starts them, for one file that only root reads."""
    programs = made.software.tools / "tests/escape/attempts"
    source = programs / "setid"
    if not source.exists():
        return
    secret = root_only(made.software.tools)
    secret.write_text(made.canaries["root-only"])
    secret.chmod(0o600)
    made.facts["root_only"] = str(secret)
    setuid = shutil.copy(source, programs / "setid-root")
    Path(setuid).chmod(0o4755)
    made.facts["setuid"] = str(setuid)
    capable = shutil.copy(source, programs / "setid-capable")
    Path(capable).chmod(0o755)
    if grant_capability(Path(capable)):
        made.facts["capable"] = str(capable)
