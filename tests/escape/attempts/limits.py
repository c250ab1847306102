"""Change another process's limits: `limits.py PID`."""

import resource
import sys

if __name__ == "__main__":
    pid = int(sys.argv[1])
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (777, hard))
    sys.exit(1)  # whether it was that process, others judge
