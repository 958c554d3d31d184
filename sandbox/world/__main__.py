"""Follow the account: ``python -m sandbox.world``."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType

from sandbox import config
from sandbox.world import dns, edge, names
from sandbox.world.account import Account, Reader
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
    """Makes the machine match the account, part by part; what fails is tried again at the next look."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.machines = Machines()
        self.problems: dict[str, str] = {}

    def look(self) -> None:
        account: list[Account] = []
        if not self.attempt("account", lambda: account.append(self.reader.read())):
            return
        [now] = account
        self.attempt("dns", lambda: self.tell_if(dns.converge(now.zones), f"dns: {len(now.zones)} zones"))
        self.attempt(
            "edge",
            lambda: self.tell_if(
                edge.converge(now),
                f"edge: {len(now.distributions)} distributions, {len(now.websites)} websites",
            ),
        )
        self.attempt("names", lambda: self.tell_if(names.apply(), "dns: names set by hand"))
        self.attempt("machines", lambda: self.machines.converge(now.instances, say))

    def tell_if(self, changed: bool, text: str) -> None:
        if changed:
            say(text)

    def attempt(self, part: str, work: Callable[[], object]) -> bool:
        """Do one part and give whether it went well. A problem is told once, however long it lasts."""
        try:
            work()
        except Exception as error:
            problem = f"{part}: {type(error).__name__}: {error}"
            if problem != self.problems.get(part):
                say(problem)
            self.problems[part] = problem
            return False
        self.problems.pop(part, None)
        return True


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
