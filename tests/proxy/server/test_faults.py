"""Exceptions that nobody caught, as a running proxy tells them: by their type."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CANARY = "canary-5d1e90b7a6c34f28"
START = f"""
import asyncio, gc, sys, threading
sys.path.insert(0, {str(ROOT)!r})
from admin.process.service_log import configure_service_log
from proxy.server.faults import log_loop_fault, report_faults_by_type
configure_service_log()
report_faults_by_type()

class Odd(Exception):
    pass

def fail():
    secret = {CANARY!r}
    raise Odd(secret)

class Stubborn:
    def __repr__(self): return {CANARY!r}
    def __del__(self): fail()

async def forget():
    asyncio.get_running_loop().set_exception_handler(log_loop_fault)
    async def failing(): fail()
    task = asyncio.ensure_future(failing())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
"""


@pytest.mark.parametrize(
    "code",
    [
        "fail()",
        "thread = threading.Thread(target=fail); thread.start(); thread.join()",
        "one = Stubborn(); del one; gc.collect()",
        "asyncio.run(forget())",
    ],
    ids=["main", "thread", "destructor", "task"],
)
def test_g32_neither_text_nor_trace_of_an_uncaught_exception_is_printed(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", START + code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert "fault=Odd" in printed
    assert CANARY not in printed
    assert "Traceback" not in printed
