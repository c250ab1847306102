"""A machine of its own for a test that makes users and services: namespaces, and systemd in them.

Nothing of it is left on the machine underneath: `/etc`, `/usr/local` and `/var` are copied on
writing, homes, `/run` and `/tmp` are empty, the network has only loopback, and when the first
process ends all others end with it. Keyhatch lies in `/opt/keyhatch`, where every user can read it
and none can write, as after an installation by root.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 60.0
SYSTEMD: Final = Path("/lib/systemd/systemd")
TOOLS: Final = ("unshare", "nsenter", "setpriv", "useradd", "systemctl")
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

OPT: Final = Path("/opt/keyhatch")
CHECKOUT: Final = OPT / "checkout"
PYTHON: Final = OPT / "venv/bin/python"

# Positional: the folder of Python's programs, then folders each with where it is mounted.
BOOT = """
set -eu
programs=$1; shift
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /mnt
mount -t tmpfs -o mode=755 tmpfs /opt
while [ $# -gt 0 ]; do
    mkdir -p "$2"; mount --bind "$1" "$2"; mount -o remount,bind,ro "$2"; shift 2
done
for folder in etc usr/local var; do
    mkdir -p "/mnt/up/$folder" "/mnt/work/$folder"
    mount -t overlay overlay "/$folder" \
        -o "lowerdir=/$folder,upperdir=/mnt/up/$folder,workdir=/mnt/work/$folder"
done
for folder in /home /root /run; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -m 700 /var/lib/operator
mkdir {opt}/venv/bin
ln -s "$programs/{python}" {opt}/venv/bin/python
printf 'home = %s\\n' "$programs" > {opt}/venv/pyvenv.cfg
printf '#!/bin/sh\\nexec {opt}/venv/bin/python {opt}/checkout/keyhatch.py "$@"\\n' \\
    > /usr/local/bin/keyhatch
cp /usr/local/bin/keyhatch {opt}/venv/bin/keyhatch
cat > /usr/local/bin/sudo
chmod 755 {opt}/venv/bin/keyhatch /usr/local/bin/keyhatch /usr/local/bin/sudo
echo "${programs%/bin}/lib" > /etc/ld.so.conf.d/keyhatch-test.conf
/sbin/ldconfig  # of a Python that was built to lie elsewhere
rm -rf /etc/systemd/system
mkdir -p /etc/systemd/system /run/lock
cd /etc/systemd/system
for target in basic sysinit shutdown multi-user network-online network sockets timers paths slices
do printf '[Unit]\\nDescription=%s\\n' "$target" > "$target.target"; done
export SYSTEMD_UNIT_PATH=/etc/systemd/system container=lxc
exec {systemd} --system --unit=basic.target --show-status=0
"""
# As its manual says of env_reset and -H, for an operator who may do everything.
SUDO = """#!/bin/sh
set -eu
user=root
while getopts Hu: option; do case $option in u) user=$OPTARG;; *) ;; esac; done
shift $((OPTIND - 1))
home=$(getent passwd "$user" | cut -d: -f6)
exec env -i PATH="$PATH" HOME="$home" USER="$user" LOGNAME="$user" \\
    setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- "$@"
"""


def why_there_is_none() -> str:
    """Return why no such machine can be made here, or nothing."""
    if sys.platform != "linux" or os.getuid() != 0:
        return "only root on Linux can make users"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]
    if missing or not SYSTEMD.exists():
        return f"not installed: {', '.join(missing) or 'systemd'}"
    probe = subprocess.run(
        ["unshare", "-mpnCf", "--mount-proc", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        check=False,
    )
    return "" if probe.returncode == 0 else "namespaces are not granted here"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that runs; `pid` is its first process."""

    pid: int

    def words(self, *command: str) -> list[str]:
        """Return what starts a command on it, as root."""
        inside = ("--mount", "--pid", "--net", "--uts", "--cgroup")
        enter = ["nsenter", "--target", str(self.pid), *inside, "--"]
        return [*enter, "env", "-C", "/var/lib/operator", *command]

    def run(
        self, script: str, *, stdin: str = "", environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a shell script as root, who stands in a folder that no other user may enter."""
        return subprocess.run(
            self.words("/bin/sh", "-eu", "-c", script),
            env={"PATH": PATH, "HOME": "/root", **(environ or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def output(self, script: str, *, stdin: str = "") -> str:
        """Run a shell script that must succeed; return what it printed."""
        done = self.run(script, stdin=stdin)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def output_of(self, user: str, *command: str, patience: float = PATIENCE) -> str:
        """Run a command as a user of the machine, for at most so many seconds; return its output."""
        done = subprocess.run(
            self.words("sudo", "-Hu", user, *command),
            env={"PATH": PATH},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def a_machine() -> Iterator[Machine]:
    """Boot a machine for the block; `keyhatch` is installed on it and `sudo` asks nobody."""
    flags = ["--mount", "--pid", "--net", "--uts", "--cgroup", "--fork", "--mount-proc"]
    boot = BOOT.replace("{systemd}", str(SYSTEMD)).replace("{opt}", str(OPT))
    boot = boot.replace("{python}", Path(sys.executable).resolve().name)
    with subprocess.Popen(
        ["unshare", *flags, "--kill-child", "/bin/sh", "-c", boot, "sh", *_installed()],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"PATH": PATH},
    ) as outer:
        try:
            assert outer.stdin is not None
            outer.stdin.write(SUDO.encode())
            outer.stdin.close()
            machine = Machine(_first_child(outer))
            _wait_for_boot(machine, outer)
            yield machine
        finally:
            outer.kill()


def _installed() -> list[str]:
    """Return the words of BOOT: a Python that lies in somebody's home is mounted in /opt as well."""
    base = Path(sys.base_prefix).resolve()
    packages = Path(sysconfig.get_path("purelib"))
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    mounts = [(ROOT, CHECKOUT), (packages, OPT / "venv/lib" / name / "site-packages")]
    if not base.is_relative_to("/usr"):
        mounts.append((base, OPT / "python"))
        base = OPT / "python"
    return [str(base / "bin"), *(str(path) for pair in mounts for path in pair)]


def _first_child(outer: "subprocess.Popen[bytes]") -> int:
    listed = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and outer.poll() is None:
        if words := listed.read_text().split():
            return int(words[0])
        time.sleep(0.01)
    raise AssertionError(outer.stderr and outer.stderr.read().decode())


def _wait_for_boot(machine: Machine, outer: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while machine.run("systemctl is-active --quiet basic.target").returncode != 0:
        assert outer.poll() is None, outer.stderr and outer.stderr.read().decode()
        assert time.monotonic() < deadline, "systemd did not start"
        time.sleep(0.05)
