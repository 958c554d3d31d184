"""A longer way to a host: runs a command and passes bytes to and from it, each some milliseconds later.

As ssh's ProxyCommand: ``python -m benchmarks.delay 15 COMMAND …`` adds 30 ms to each round trip. What
follows within that time is as late, and no later: the way is longer, not narrower.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time

CHUNK = 65536


def carry(source: int, target: int, seconds: float) -> threading.Thread:
    """Pass on from one descriptor to another, later, until the first one's end; a thread to wait for."""
    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def read() -> None:
        while True:
            try:
                data = os.read(source, CHUNK)
            except OSError:
                data = b""
            waiting.put((time.monotonic() + seconds, data))
            if not data:
                return

    def write() -> None:
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                os.close(target)
                return
            try:
                while data:
                    data = data[os.write(target, data) :]
            except OSError:
                return

    threading.Thread(target=read, daemon=True).start()
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def relay(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Stand between a command and this process's own input and output, until it ends; its exit code."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("the command must have pipes")
    # A descriptor of its own: Popen closes its files itself.
    carry(0, os.dup(process.stdin.fileno()), seconds)
    process.stdin.close()
    carry(process.stdout.fileno(), 1, seconds).join()
    return process.wait()


def main() -> int:
    seconds, command = float(sys.argv[1]) / 1000, sys.argv[2:]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        return relay(process, seconds)


if __name__ == "__main__":
    sys.exit(main())
