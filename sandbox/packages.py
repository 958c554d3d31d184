"""The package cache, a proxy for apt that keeps what it has fetched: ``python -m sandbox.packages``.

It is a process of this machine, and not a container's: a host gets packages wherever this machine does,
whatever becomes of the way from the containers to the outside. What was fetched once is there in an outage.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3

from sandbox import config

# What an archive is made of. Nothing else is fetched: this machine's own services are no archive.
ARCHIVE = re.compile(r"/(dists|pool)/.*[^/]$")
# Never changed under its name.
IMMUTABLE = re.compile(r"/by-hash/|\.(deb|udeb|ddeb|dsc|tar\.\w+)$")
# Lists are as old as the hosts' image at most, so that they name packages that are kept.
FRESH_SECONDS = config.IMAGE_SECONDS
# A mirror that did not answer isn't asked again for what is kept.
SILENT_SECONDS = 60.0
TRIES = 6

# Fetches an address to a file, or raises Refused or Unavailable.
Fetch = Callable[[str, Path], None]


class Refused(Exception):
    """The answer is no; ``status`` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Unavailable(Exception):
    """The mirror does not answer, or not as it should."""


class Store:
    """Files by their address. A list that is old is fetched anew; when that fails, the old one will do."""

    def __init__(self, folder: Path, fetch: Fetch, sleep: Callable[[float], None] = time.sleep) -> None:
        self.folder = folder
        self.fetch = fetch
        self.sleep = sleep
        self.silent: dict[str, float] = {}
        self._locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def path(self, url: str) -> Path:
        """Where the file of an address is kept. Raises Refused for what is no archive's file."""
        parts = urlsplit(url)
        name = parts.netloc + unquote(parts.path)
        if parts.scheme != "http" or not parts.netloc or not ARCHIVE.search(name) or ".." in name.split("/"):
            raise Refused(403, f"{url} is no file of a package archive")
        return self.folder / name

    def get(self, url: str, anew: bool = False) -> Path:
        """The file of an address; ``anew`` asks for a list even when the one there is fresh.

        Raises Refused when the mirror says no, Unavailable when it doesn't answer and nothing is kept.
        """
        path = self.path(url)
        with self._guard:
            lock = self._locks[path]
        with lock:
            kept = path.is_file()
            if not kept or self.is_due(url, path, anew):
                self.renew(url, path, kept)
        return path

    def is_due(self, url: str, path: Path, anew: bool) -> bool:
        """Whether a kept file is to be fetched again."""
        if IMMUTABLE.search(url):
            return False
        if time.monotonic() - self.silent.get(urlsplit(url).netloc, float("-inf")) < SILENT_SECONDS:
            return False
        return anew or time.time() - path.stat().st_mtime > FRESH_SECONDS

    def renew(self, url: str, path: Path, kept: bool) -> None:
        """Fetch a file, patiently when there is no other. Raises as ``get`` does."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        for left in range(1 if kept else TRIES, 0, -1):
            try:
                self.fetch(url, partial)
                partial.rename(path)
                return
            except (Refused, Unavailable) as error:
                partial.unlink(missing_ok=True)
                say(f"{url}: {error}")
                if kept:
                    self.silent[urlsplit(url).netloc] = time.monotonic()
                    return
                if isinstance(error, Refused) or left == 1:
                    raise
                self.sleep(2.0 ** (TRIES - left))


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def fetcher() -> Fetch:
    """Fetches over HTTP, through the proxy of this machine's environment where it names one."""
    options: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=10, read=60),
        "retries": urllib3.Retry(connect=0, read=0, status=0, other=0, redirect=5),
        "maxsize": 8,
    }
    direct = urllib3.PoolManager(**options)
    named = urllib.request.getproxies().get("http")
    proxied = urllib3.ProxyManager(named, **options) if named else direct

    def fetch(url: str, target: Path) -> None:
        host = urlsplit(url).hostname or ""
        pool = direct if urllib.request.proxy_bypass(host) else proxied
        try:
            response = pool.request("GET", url, preload_content=False, decode_content=False)
            try:
                if response.status == 429 or response.status >= 500:
                    raise Unavailable(f"{host} answered {response.status}")
                if response.status != 200:
                    raise Refused(response.status, f"{host} answered {response.status}")
                with target.open("wb") as file:
                    shutil.copyfileobj(response, file, 1 << 18)
            finally:
                response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"{host} does not answer this machine: {error}") from error

    return fetch


class Handler(BaseHTTPRequestHandler):
    """Answers a proxy's GET from the store."""

    protocol_version = "HTTP/1.1"
    store: Store

    def do_GET(self) -> None:
        try:
            path = self.store.get(self.path, anew="no-cache" in self.headers.get("Cache-Control", ""))
        except Refused as error:
            self.send_error(error.status, str(error))
            return
        except Unavailable as error:
            self.send_error(504, str(error))
            return
        with path.open("rb") as file:
            changed = int(path.stat().st_mtime)
            fresh = changed > self.seen()
            self.send_response(200 if fresh else 304)
            self.send_header("Last-Modified", formatdate(changed, usegmt=True))
            if fresh:
                self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            if fresh:
                self.connection.sendfile(file)

    def seen(self) -> float:
        """Of when the client's own copy is; long ago when it has none."""
        try:
            return parsedate_to_datetime(self.headers.get("If-Modified-Since", "")).timestamp()
        except ValueError:
            return 0

    def log_message(self, *_arguments: object) -> None:
        """Only what could not be fetched is worth a line."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away is no news; anything else is told with its traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def serve(host: str, port: int, store: Store) -> Server:
    """The server, listening."""
    return Server((host, port), type("Handler", (Handler,), {"store": store}))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.packages")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    serve(options.host, options.port, Store(options.folder, fetcher())).serve_forever()


if __name__ == "__main__":
    main()
