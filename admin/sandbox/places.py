"""Places of a machine that the wall treats in a way of their own: data, without any decision."""

from pathlib import Path
from typing import Final

# Read-only inside, as they are; where one is a link (/bin on most systems), the link is made.
SYSTEM: Final = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt",
    "/nix/store", "/gnu/store",
)  # fmt: skip

# Never shared in order to be written: whoever writes there is the machine's owner soon.
NOT_WRITABLE: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/boot", "/opt")
# Never shared at all: the kernel's own, and where programs leave their sockets.
NOT_SHARED: Final = ("/proc", "/sys", "/dev", "/run", "/var/run")
# Not shared as a whole, for the same reason; what lies in them may be.
NOT_WHOLE: Final = (
    "/tmp", "/var", "/var/tmp", "/var/lib", "/home", "/mnt", "/media", "/srv",  # noqa: S108 - not ours
)  # fmt: skip

# Of a proc file system of our own: not for any program, the superuser's least of all.
PROC_FILES: Final = ("kcore", "keys", "kmsg", "latency_stats", "sched_debug", "sysrq-trigger",
                     "timer_list", "kallsyms", "kpagecgroup", "kpagecount", "kpageflags", "vmallocinfo")  # fmt: skip
PROC_FOLDERS: Final = ("acpi", "asound", "scsi", "driver")
PROC_READ_ONLY: Final = ("sys", "fs", "irq", "bus", "pressure")

# Where tools that people install for themselves lie, relative to the home folder.
TOOLS: Final = (
    ".asdf", ".bun/bin", ".bun/install/global", ".cargo/bin", ".deno/bin", ".dotnet",
    ".local/bin", ".local/lib", ".local/pipx/venvs", ".local/share/claude", ".local/share/fnm",
    ".local/share/mise/installs", ".local/share/mise/shims", ".local/share/pipx/venvs",
    ".local/share/pnpm", ".local/share/uv/python", ".local/share/uv/tools", ".nix-profile",
    ".npm-global/bin", ".npm-global/lib", ".nvm/versions", ".pyenv", ".rbenv", ".rustup/toolchains",
    ".sdkman/candidates", ".volta/bin", ".volta/tools", "anaconda3", "go/bin", "miniconda3",
    "miniforge3",
)  # fmt: skip
# What of an installation below a folder named `bin` is opened with it.
TOOL_PARTS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libexec", "share", "include",
                     "pyvenv.cfg")  # fmt: skip

# Credentials, keys, sessions and histories, relative to a home folder or to a folder that is shared.
CREDENTIALS: Final = (
    # keys and password stores
    ".ssh", ".gnupg", ".password-store", ".local/share/keyrings", ".local/share/kwalletd",
    ".local/share/pass", ".config/op", ".config/1Password", ".config/Bitwarden", ".config/keepassxc",
    ".config/sops", ".config/age", ".vault-token", ".authinfo", ".authinfo.gpg", ".netrc", "_netrc",
    ".pki", ".step", ".config/keyhatch",
    # clouds and their tools
    ".aws", ".azure", ".config/gcloud", ".boto", ".s3cfg", ".config/rclone", ".oci", ".aliyun",
    ".config/doctl", ".config/hcloud", ".config/linode-cli", ".config/scw", ".config/fly", ".fly",
    ".config/heroku", ".config/netlify", ".netlify", ".wrangler", ".config/.wrangler", ".cloudflared",
    ".config/ngrok", ".ngrok2", ".config/stripe", ".config/vercel", ".local/share/com.vercel.cli",
    ".databrickscfg", ".snowsql", ".kaggle", ".huggingface", ".cache/huggingface/token",
    ".terraform.d", ".terraformrc", ".pulumi", ".config/pulumi", ".chef", ".config/configstore",
    # containers
    ".kube", ".docker", ".config/containers", ".minikube", ".helm", ".config/helm",
    # forges and package registries
    ".config/gh", ".config/hub", ".config/glab-cli", ".config/tea", ".git-credentials",
    ".config/git/credentials", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".config/pip",
    ".pip", ".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".bundle/config",
    ".m2/settings.xml", ".m2/settings-security.xml", ".gradle/gradle.properties",
    ".composer/auth.json", ".config/composer/auth.json", ".nuget/NuGet/NuGet.Config", ".config/NuGet",
    ".local/share/uv/credentials", ".config/pypoetry",
    # databases
    ".pgpass", ".my.cnf", ".mylogin.cnf", ".mongorc.js", ".dbshell",
    # agents and models
    ".claude.json", ".claude/.credentials.json", ".codex/auth.json", ".gemini", ".config/openai",
    ".openai", ".anthropic", ".config/github-copilot", ".config/io.datasette.llm", ".aider.conf.yml",
    # browsers, mail, chat
    ".mozilla", ".config/google-chrome", ".config/chromium", ".config/BraveSoftware",
    ".config/microsoft-edge", ".config/vivaldi", ".config/opera", ".thunderbird", ".config/Signal",
    ".config/Slack", ".config/discord", ".config/Element", ".local/share/evolution", ".config/evolution",
    ".mutt", ".msmtprc", ".mbsyncrc", ".fetchmailrc", ".purple", ".weechat", ".irssi",
    ".var/app", "snap", ".config/Code/User/globalStorage", ".config/remmina", ".local/share/remmina",
    ".vnc", ".Xauthority", ".ICEauthority",
    # histories, and what a login starts
    ".bash_history", ".zsh_history", ".zhistory", ".histfile", ".local/share/fish/fish_history",
    ".local/share/atuin", ".python_history", ".node_repl_history", ".psql_history",
    ".mysql_history", ".sqlite_history", ".rediscli_history", ".lesshst", ".viminfo", ".wget-hsts",
    ".config/systemd", ".config/autostart", ".env",
)  # fmt: skip
# In a folder that is shared, these are the project's own and stay.
PROJECTS_OWN: Final = frozenset(
    {
        ".env",
        ".npmrc",
        ".yarnrc",
        ".yarnrc.yml",
        ".bundle/config",
        ".aider.conf.yml",
        ".pip",
        "snap",
    }
)


def is_within(path: Path, folder: Path) -> bool:
    """Tell whether a path is a folder or lies in it; ten times as quick as `is_relative_to`."""
    inner, outer = str(path), str(folder)
    return inner == outer or inner.startswith(outer if outer == "/" else f"{outer}/")
