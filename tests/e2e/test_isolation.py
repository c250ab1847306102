"""docs/isolation.md, run as it stands: the proxy under one user, its agents under others."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.docs.documents import blocks, read, section
from tests.support.machine import CHECKOUT, PATH, PYTHON, Machine, a_machine, why_there_is_none

WHY_NOT = why_there_is_none()
pytestmark = [
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT),
    pytest.mark.timeout(300),  # the first one boots the machine and runs the page
]

PAGE = section(read("docs/isolation.md"), "## Users of their own")
PROBES = CHECKOUT / "tests/e2e/isolation_probes.py"
KEY = "pat-eu1-canary-0123456789abcdef"
PORT = 9443
HOME = "/var/lib/keyhatch/.config/keyhatch"
UNITS = "/etc/systemd/system"
URL = "https://api.hubapi.com/crm/v3/objects/contacts"
# The one line that is not run as it stands: the key is piped in, and a stand-in answers.
ADD = re.compile(r"^(sudo -Hu keyhatch keyhatch connector add .*)$", re.MULTILINE)
STAND_IN = f"printf '%s\\\\n' '{KEY}' | \\1 --dial 127.0.0.1:{PORT} --secret-stdin"
TRUST_IT = """
from pathlib import Path
from tests.support.settings import declare_settings
declare_settings(Path.home() / ".config/keyhatch/connectors.yaml", upstream_ca="/etc/origin.pem")
"""
OTHER = """
sudo useradd --create-home other
sudo -Hu keyhatch keyhatch connector add Other --type api-key --host other.example --no-secret
sudo -Hu keyhatch keyhatch agent add other --connector other |
    sudo install -D -m 600 -o other /dev/stdin /etc/keyhatch/other.token
"""
PROBE_UNIT = """
cat > /etc/systemd/system/importer-probe.service <<'END'
[Unit]
JoinsNamespaceOf=importer-proxy.socket
[Service]
Type=oneshot
DynamicUser=yes
PrivateNetwork=yes
ExecStart=/usr/bin/curl -sS -k -m 20 --noproxy * {place}
StandardError=file:/var/log/probe.log
END
systemctl daemon-reload
"""
# crun knows only the unified hierarchy of control groups, which systemd may have mounted otherwise.
CONTAINER = """
exec unshare --mount sh -euc '
    umount -R /sys/fs/cgroup 2> /dev/null || mount -t tmpfs tmpfs /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    exec podman --runtime crun --events-backend none \\
        --storage-driver vfs --root /run/pods --runroot /run/pods-run \\
        run --rm --log-driver none --cgroups disabled \\
        --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \\
        --network host {options} --rootfs /:O {command}'
"""
# What the proxy's own user may do to it: its memory is closed to that user too, by the kernel.
CLOSED = {"proc environ", "proc mem", "proc maps", "proc auxv", "proc io", "proc fd"}
CLOSED |= {"proc exe", "proc cwd", "proc root", "ptrace", "process_vm_readv", "priority"}
TAKEN = {"port", "port shared"}


def commands() -> list[str]:
    """Return the page's commands, without the firewall's."""
    return [block.text for block in blocks(PAGE, "sh") if "nft" not in block.text]


@contextmanager
def a_service(machine: Machine) -> Iterator[None]:
    """Run the stand-in for HubSpot on the machine's loopback, until the block ends."""
    words = (str(PYTHON), "-m", "tests.support.origin", "--port", str(PORT))
    command = machine.words("env", "-C", str(CHECKOUT), *words, "--ca-out", "/etc/origin.pem")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as origin:
        assert origin.stdin is not None
        assert origin.stdout is not None
        origin.stdin.write(f"{KEY}\n")
        origin.stdin.close()
        assert origin.stdout.readline().startswith("https://")
        machine.output("chmod 644 /etc/origin.pem")
        try:
            yield
        finally:
            origin.kill()


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """The machine after every command of the page, but for the firewall's."""
    with a_machine() as made, a_service(made):
        for script in commands():
            changed, stands_in = ADD.subn(STAND_IN, script)
            made.output(changed)
            if stands_in:
                python = ("env", "-C", str(CHECKOUT), str(PYTHON), "-c", TRUST_IT)
                made.output_of("keyhatch", *python)
        made.output(OTHER)
        yield made


def main_pid(machine: Machine) -> int:
    return int(machine.output("systemctl show --property=MainPID --value keyhatch"))


def attempts(machine: Machine, user: str, pid: int) -> dict[str, bool]:
    """Return what a user succeeds with."""
    words = (str(PYTHON), str(PROBES), HOME, str(pid), "8321")
    told: dict[str, bool] = json.loads(machine.output_of(user, *words))
    return told


def as_agent(machine: Machine, script: str) -> "subprocess.CompletedProcess[str]":
    return machine.run(f"sudo -Hu researcher sh -c '. ~/keyhatch.env && {script}'")


def contain(machine: Machine, options: str, command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a container, if Podman can make one here."""
    return machine.run(CONTAINER.format(options=options, command=command))


@pytest.fixture
def settled(machine: Machine) -> Machine:
    """The machine with the agent's file made anew: the page's last step ended the token in it."""
    [script] = [one for one in commands() if "keyhatch.env" in one]
    machine.output(script)
    return machine


class TestUse:
    def test_the_unit_got_its_answer_and_no_key(self, machine: Machine) -> None:
        machine.output("sudo systemctl restart researcher")
        assert '"Ada"' in machine.output("cat ~researcher/answer.json")
        assert KEY not in machine.output("cat ~researcher/answer.json ~researcher/keyhatch.env")

    def test_the_user_reaches_its_connector_from_a_shell(self, settled: Machine) -> None:
        for url in (URL, URL.replace("https", "http")):
            done = as_agent(settled, f"curl -sS {url}")
            assert '"Ada"' in done.stdout, done.stderr

    def test_a_connector_that_it_was_not_granted_is_refused(self, settled: Machine) -> None:
        done = as_agent(settled, "curl -sS http://other.example/")
        assert json.loads(done.stdout)["code"] == "connector-not-granted"

    def test_the_certificates_follow_a_new_host(self, settled: Machine) -> None:
        """An agent that starts later accepts it, without anybody copying a file."""
        settled.output(
            "sudo -Hu keyhatch keyhatch connector add Late --type api-key --host late.example"
            f" --dial 127.0.0.1:{PORT} --no-secret; sudo -Hu keyhatch keyhatch agent grant"
            " researcher late"
        )
        done = as_agent(settled, "curl -sS https://late.example/")
        assert json.loads(done.stdout)["code"] == "credential-missing", done.stderr

    def test_no_token_and_no_key_is_in_an_argument_or_a_journal_of_the_unit(
        self, machine: Machine
    ) -> None:
        lines = machine.output("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        assert "kh_" not in lines
        assert KEY not in lines


class TestAServiceWithNothingButTheProxy:
    def test_it_got_its_answer_without_any_token(self, machine: Machine) -> None:
        machine.output("sudo systemctl restart importer")
        assert '"Ada"' in machine.output("cat /var/lib/private/importer/answer.json")
        assert "kh_" not in machine.output("cat /etc/keyhatch/importer.env")
        listed = machine.output("sudo -Hu keyhatch keyhatch agent tokens importer --json")
        assert json.loads(listed) == []

    @pytest.mark.parametrize(
        "place", [f"https://127.0.0.1:{PORT}/", f"https://[::1]:{PORT}/", "https://192.0.2.1/"]
    )
    def test_there_is_no_other_way_out(self, machine: Machine, place: str) -> None:
        machine.output(PROBE_UNIT.format(place=place))
        done = machine.run("sudo systemctl start importer-probe")
        said = machine.output("cat /var/log/probe.log")
        assert done.returncode != 0
        assert "connect" in said.lower()

    def test_the_same_probe_succeeds_on_the_machines_own_network(self, machine: Machine) -> None:
        unit = PROBE_UNIT.format(place=f"https://127.0.0.1:{PORT}/")
        machine.output(unit.replace("PrivateNetwork=yes", "PrivateNetwork=no"))
        machine.output("sudo systemctl start importer-probe")

    def test_another_user_does_not_reach_the_socket(self, machine: Machine) -> None:
        words = f"curl -sS --unix-socket {HOME}/run/importer.sock http://keyhatch.internal/"
        assert machine.run(f"sudo -Hu researcher {words}").returncode == 7


class TestAContainer:
    """One of Podman's, over the machine's own programs and on its loopback: no image is needed."""

    def test_it_reaches_its_connector_by_what_env_printed(self, machine: Machine) -> None:
        probe = contain(machine, "", "true")
        if probe.returncode != 0:
            pytest.skip(f"no container here: {probe.stderr.strip().splitlines()[-1][:200]}")
        machine.output(
            "sudo -Hu keyhatch keyhatch env --agent researcher --format docker"
            " --ca-folder /keyhatch > /run/agent.env"
        )
        options = "--env-file /run/agent.env --volume /run/keyhatch:/keyhatch:ro"
        done = contain(machine, options, f"curl -sS {URL}")
        assert '"Ada"' in done.stdout, done.stderr
        # What of the proxy's home it would see, had it been given more than the folder.
        seen = contain(machine, options, f"ls /keyhatch {HOME}").stdout.split()
        assert seen == ["/keyhatch:", "bundle.pem", "ca.pem"]


class TestTheAgentsUser:
    def test_it_succeeds_with_nothing(self, machine: Machine) -> None:
        for pid in (main_pid(machine), *children(machine)):
            done = attempts(machine, "researcher", pid)
            assert [name for name, worked in done.items() if worked] == []

    def test_the_proxys_own_user_succeeds_with_the_same_attempts(self, machine: Machine) -> None:
        """So that they fail for the other user's sake, not because they are wrong."""
        done = attempts(machine, "keyhatch", main_pid(machine))
        failed = {name for name, worked in done.items() if not worked}
        assert failed - CLOSED - TAKEN == {"other token", "own unit's token"}

    def test_root_succeeds_with_those_that_the_kernel_closes_to_both(
        self, machine: Machine
    ) -> None:
        words = (str(PYTHON), str(PROBES), HOME, str(main_pid(machine)), "8321")
        done = json.loads(machine.output(" ".join(words)))
        assert [name for name in CLOSED - {"ptrace"} if not done[name]] == []

    @pytest.mark.parametrize(
        "command",
        [
            "connector list",
            "stop",
            "approvals list",
            "agent rotate researcher",
            "serve",
            "doctor",
        ],
    )
    def test_it_administrates_nothing(self, machine: Machine, command: str) -> None:
        name, *rest = command.split(" ", 1)
        second, dashes, words = (rest[0] if rest else "").partition("-- ")
        line = f"keyhatch {name} {second} --home {HOME} {dashes}{words}"
        done = machine.run(f"sudo -Hu researcher {line}")
        assert done.returncode != 0
        assert "permission denied" in (done.stdout + done.stderr).lower()
        assert machine.output("systemctl is-active keyhatch") == "active\n"

    def test_its_own_commands_know_of_no_home(self, machine: Machine) -> None:
        done = machine.run("sudo -Hu researcher keyhatch connector list")
        assert done.returncode == 5
        assert "not initialised" in done.stderr


class TestThePage:
    def test_units_are_what_systemd_expects(self, machine: Machine) -> None:
        for unit in ("keyhatch.service", "researcher.service", "importer.service"):
            done = machine.run(f"systemd-analyze verify {UNITS}/{unit}")
            assert (done.returncode, done.stdout + done.stderr) == (0, "")

    def test_the_proxys_unit_is_closed_as_far_as_units_go(self, machine: Machine) -> None:
        done = machine.run(
            f"systemd-analyze security --offline=true --threshold=25 {UNITS}/keyhatch.service"
        )
        assert done.returncode == 0, done.stdout

    def test_doctor_finds_the_installation_sound(self, machine: Machine) -> None:
        said = machine.output("sudo -Hu keyhatch keyhatch doctor --json")
        about = [one for one in json.loads(said)["findings"] if one["about"] == "installation"]
        assert {one["grade"] for one in about if one["topic"] != "connector"} == {"ok"}

    def test_a_token_that_was_replaced_ends(self, settled: Machine) -> None:
        [script] = [one for one in commands() if "agent rotate" in one]
        settled.output(script)
        done = as_agent(settled, f"curl -sS {URL.replace('https', 'http')}")
        assert json.loads(done.stdout)["code"] == "proxy-authentication-required"

    def test_an_agent_that_is_there_already_is_said_by_both_ends_of_the_pipe(
        self, machine: Machine
    ) -> None:
        [script] = [one for one in commands() if "agent add researcher" in one]
        script = script.replace("/etc/keyhatch/researcher.env", "/tmp/not-it.env")
        done = machine.run(script.replace("sudo useradd", "true"))
        assert "error: " in done.stderr
        assert "no agent token" in done.stderr

    @pytest.mark.skipif(shutil.which("nft", path=PATH) is None, reason="nft is not installed")
    def test_the_firewall_leaves_the_proxy_alone(self, settled: Machine) -> None:
        [rule] = [block.text for block in blocks(PAGE, "sh") if "nft" in block.text]
        direct = f"sudo -Hu researcher curl -sS -k --noproxy '*' https://127.0.0.1:{PORT}/"
        assert settled.run(direct).returncode == 0
        settled.output(rule)
        try:
            assert settled.run(direct).returncode == 7
            done = as_agent(settled, f"curl -sS {URL}")
            assert '"Ada"' in done.stdout, done.stderr
            assert settled.run(direct.replace("researcher", "other")).returncode == 0
        finally:
            settled.output("nft delete table inet keyhatch")


def children(machine: Machine) -> list[int]:
    """Return the processes that the proxy forked: its token keeper."""
    pid = main_pid(machine)
    return [int(word) for word in machine.output(f"cat /proc/{pid}/task/*/children").split()]
