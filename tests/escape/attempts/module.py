"""Plant code into Keyhatch's own folders: `module.py FOLDER`."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # A comment: whoever starts Keyhatch in the control runs it.
    Path(sys.argv[1], "zz-escape.pth").write_text(f"# {os.environ['ESCAPE_FLAG']}\n")
    sys.exit(1)  # whether it is the folder outside, others judge
