"""Make attempts one after the other, two at a time, where we are: inside the wall or not.

`driver.py LIST RESULTS`: both are files, of JSON. Each attempt has a time to live; what it prints
and how it ended is written down, nothing is judged here.
"""

import base64
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

LIMIT = 65536  # bytes kept of an output; a canary comes earlier


def attempt(made: dict[str, Any]) -> dict[str, Any]:
    """Make one, in a session of its own, so that nothing of it stays."""
    with subprocess.Popen(
        made["argv"],
        env={**os.environ, "ESCAPE_FLAG": made["flag"]},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as child:
        try:
            output, code = child.communicate(timeout=made["seconds"])[0], child.returncode
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, code = child.communicate()[0], 124
    return {"code": code, "output": base64.b64encode(output[:LIMIT]).decode()}


def main(listed: str, results: str) -> None:
    """Make all."""
    made = json.loads(Path(listed).read_text())
    with ThreadPoolExecutor(2) as pool:
        done = dict(zip([one["id"] for one in made], pool.map(attempt, made), strict=True))
    Path(results).write_text(json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:])
