"""Follow the account: ``python -m sandbox.world``."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from types import FrameType

from sandbox import config
from sandbox.world import dns, names
from sandbox.world.account import Reader
from sandbox.world.machines import Machines

# The API tells of each change; looking by itself finds what happened to the containers.
LOOK_SECONDS = 5.0
# Calls come in bursts; one look serves them all.
SETTLE_SECONDS = 0.05


# What the API tells of calls that change what has a body here; others, such as S3's objects, come
# by the thousand and change nothing.
CONCERNS = re.compile(r"ec2:|route53:|cloudfront:|acm:|s3:\w*Bucket|names$|reset$")


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", flush=True)


class World:
    def __init__(self) -> None:
        self.reader = Reader()
        self.machines = Machines()
        self.problem = ""

    def look(self) -> None:
        """Read the account and make the machine match; what fails is tried again at the next look."""
        try:
            account = self.reader.read()
            if dns.converge(account.zones):
                say(f"dns: {len(account.zones)} zones")
            if names.apply():
                say("dns: names set by hand")
            for step in self.machines.converge(account.instances):
                say(f"{step.action} {step.name}")
            self.problem = ""
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            if problem != self.problem:
                say(problem)
            self.problem = problem


def wait(listener: socket.socket) -> None:
    """Return when something may have changed."""
    deadline = time.monotonic() + LOOK_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        listener.settimeout(left)
        try:
            told = listener.recv(4096).decode(errors="replace")
        except TimeoutError:
            return
        if CONCERNS.match(told):
            time.sleep(SETTLE_SECONDS)
            drain(listener)
            return


def drain(listener: socket.socket) -> None:
    """Drop what has been told by now; the look that follows sees it all."""
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.recv(4096)


def stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    config.WORLD_SOCKET.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(config.WORLD_SOCKET))
        say("the world follows the account")
        world = World()
        while True:
            world.look()
            wait(listener)


if __name__ == "__main__":
    main()
