"""Switch `current` between two releases while visitors ask, and say whether each got one whole answer.

A page names the release whose code ran and the PHP-FPM master that ran it; the header X-Release names the
release that nginx chose. Runs on the host, as root, with both releases' PHP-FPM up; that of `a` is stopped.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

NAME = "api.academia.test"
ROOT = "/srv/laravel"
VISITORS = 4
SWITCHES = 200
SECONDS = 5.0


class Connection(http.client.HTTPConnection):
    """A connection to this host's nginx, whose certificate nobody has signed."""

    def connect(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", 443), self.timeout)
        self.sock = context.wrap_socket(plain, server_hostname=self.host)


class Visitor(threading.Thread):
    """Asks on one connection until told to stop, and notes what was answered and what was wrong with it."""

    def __init__(self, masters: dict[str, int], over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.masters = masters
        self.over = over
        self.answers = dict.fromkeys(masters, 0)
        self.wrong: list[str] = []

    def run(self) -> None:
        connection = Connection(NAME, timeout=10)
        turn = 0
        while not self.over.is_set():
            turn += 1
            try:
                # Every eighth request takes longer than it takes to switch.
                connection.request("GET", f"/?ms={40 if turn % 8 == 0 else 0}")
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(f"no answer: {error!r}")
                connection.close()
                continue
            release = response.headers.get("X-Release", "")
            if complaint := whats_wrong(response.status, release, body, self.masters):
                self.wrong.append(complaint)
            else:
                self.answers[release] += 1


def whats_wrong(status: int, release: str, body: bytes, masters: dict[str, int]) -> str:
    """Why an answer isn't one release's own; empty when it is."""
    try:
        page = json.loads(body)
    except ValueError:
        page = {}
    if status == 200 and page == {"release": release, "master": masters.get(release)}:
        return ""
    return f"{status}, X-Release {release}: {body[:200]!r}"


def switch(release: str) -> None:
    """Make a release the live one as a deploy does, by one rename."""
    os.symlink(f"releases/{release}", f"{ROOT}/.current.new")
    os.rename(f"{ROOT}/.current.new", f"{ROOT}/current")


def master(release: str) -> int:
    """The process id of a release's PHP-FPM."""
    command = ["systemctl", "show", "--property=MainPID", "--value", f"php-fpm@{release}.service"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def under_load(masters: dict[str, int]) -> tuple[dict[str, int], list[str]]:
    """Switch to and fro while visitors ask: how many answers each release gave, and what was wrong."""
    over = threading.Event()
    visitors = [Visitor(masters, over) for _number in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    releases = sorted(masters)
    for turn in range(SWITCHES):
        switch(releases[turn % len(releases)])
        time.sleep(SECONDS / SWITCHES)
    over.set()
    for visitor in visitors:
        visitor.join()
    answers = {release: sum(visitor.answers[release] for visitor in visitors) for release in releases}
    return answers, [complaint for visitor in visitors for complaint in visitor.wrong]


def late_upload(masters: dict[str, int]) -> str:
    """What is wrong when a's PHP-FPM is stopped while a body for it is still arriving; empty: b answers."""
    switch("a")
    connection = Connection(NAME, timeout=20)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", "200000")
    connection.endheaders(b"x" * 100000)
    time.sleep(0.5)
    switch("b")
    subprocess.run(["systemctl", "stop", "php-fpm@a.socket", "php-fpm@a.service"], check=True)
    connection.send(b"x" * 100000)
    response = connection.getresponse()
    release = response.headers.get("X-Release", "")
    return whats_wrong(response.status, release, response.read(), {"b": masters["b"]})


def main() -> int:
    masters = {release: master(release) for release in ("a", "b")}
    answers, wrong = under_load(masters)
    late = late_upload(masters)
    print(json.dumps({"answers": answers, "wrong": len(wrong), "examples": wrong[:5], "late upload": late}))
    return 1 if wrong or late or not all(answers.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
