# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Connections to AWS that outlive a task: a process beside the server sends the requests of all tasks.

A connection takes as long to open as two requests to answer, and each task is a process of its own. Here a
task's botocore signs its requests as ever, and hands them over whole; what comes back is the answer, or
botocore's error. A body that is large or comes piece by piece, either way, is sent by the task itself, and so
is everything where that process isn't there.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import secrets
import select
import socket
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

from . import task
from .current import fingerprint

LARGEST = 1 << 18  # bytes of a request's body
# Seconds without a request, after which connections are given up: something on the way may have lost them.
QUIET = float(os.environ.get("ANDAMIO_PRELOAD_QUIET") or 5)
# These change what a session does, and are the task's own.
ALONE = ("SSLKEYLOGFILE", "BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER")


def share() -> None:
    """Start the process, and have botocore send by it from now on, in this process's forks."""
    if "botocore.endpoint" not in sys.modules:
        return
    try:
        name = start()
    except OSError:
        return  # each task has its own connections then
    creator = sys.modules["botocore.endpoint"].EndpointCreator
    create = creator.create_endpoint

    def create_endpoint(maker: Any, *words: Any, **named: Any) -> Any:
        named.setdefault("http_session_cls", lambda **settings: Session(name, settings))
        return create(maker, *words, **named)

    creator.create_endpoint = create_endpoint


def start() -> bytes:
    """Start the process and return where it listens. It ends when this one does."""
    name = b"\0andamio-" + secrets.token_hex(16).encode()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(name)
    listener.listen(128)
    ends, lives = os.pipe()  # the other end is this process's alone: tasks let go of it
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            with contextlib.suppress(Exception):
                task.forget_server(keep=[listener.fileno(), ends])
                os.setsid()
                Sender(listener).serve(ends)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(ends)
    os.set_inheritable(lives, False)
    listener.close()
    return name


class Session:
    """What botocore takes for its HTTP session. Threads may share one."""

    def __init__(self, name: bytes, settings: dict[str, Any]) -> None:
        self._name = name
        self._settings = settings
        self._threads = threading.local()
        self._own: Any = None
        self._lock = threading.Lock()

    def send(self, request: Any) -> Any:
        """Send a request and return the answer. Raises botocore's errors."""
        connection = self._connection() if suits(request) else None
        if connection is None:
            return self._alone().send(request)
        errors = sys.modules["botocore.exceptions"]
        words = (self._settings, request.method, request.url, list(request.headers.items()), request.body)
        whole = False
        try:
            write(connection, words)
            kind, *said = read(connection)
            whole = True
        except (OSError, EOFError) as error:
            # Nobody knows whether it was sent; botocore tries again what may be tried again.
            raise errors.ConnectionClosedError(endpoint_url=request.url, error=error) from error
        finally:
            if not whole:  # a signal can cut it short too; the next question must not get this one's answer
                self._threads.known = None
        if kind == "error":
            name, details = said
            raise getattr(errors, name)(**details)
        status, headers, content = said
        body = SimpleNamespace(stream=lambda *_words, **_named: [content])
        return sys.modules["botocore.awsrequest"].AWSResponse(request.url, status, headers, body)

    def close(self) -> None:
        """Close the connections that are this task's own."""
        if self._own is not None:
            self._own.close()

    def _connection(self) -> socket.socket | None:
        """Return this thread's way to the process, None where it isn't there."""
        known: tuple[int, socket.socket] | None = getattr(self._threads, "known", None)
        if known and known[0] == os.getpid():  # a fork of the task has another
            return known[1]
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self._name)
        except OSError:
            connection.close()
            return None
        if task.peer(connection)[1] != os.geteuid():
            connection.close()
            return None
        self._threads.known = os.getpid(), connection
        return connection

    def _alone(self) -> Any:
        with self._lock:
            if self._own is None:
                self._own = sys.modules["botocore.httpsession"].URLLib3Session(**self._settings)
            return self._own


def suits(request: Any) -> bool:
    """Whether a request can be handed over: it and its answer are whole, and nothing about it is unusual."""
    body, context = request.body, getattr(request, "context", None) or {}
    return (
        not request.stream_output
        and (body is None or (isinstance(body, bytes | bytearray | str) and len(body) <= LARGEST))
        and "read_timeout" not in context
        and os.environ.keys().isdisjoint(ALONE)
    )


class Sender:
    """The process that has the connections: a thread for each thread of a task that sends something."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._sessions: dict[str, tuple[Any, float]] = {}
        self._lock = threading.Lock()

    def serve(self, ends: int) -> None:
        """Serve until the server has ended."""
        poll = select.poll()
        poll.register(ends, 0)  # its end is told anyway
        poll.register(self._listener, select.POLLIN)
        while all(descriptor != ends for descriptor, _event in poll.poll()):
            connection, _address = self._listener.accept()
            if task.peer(connection)[1] != os.geteuid():
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            while True:
                settings, method, url, headers, body = read(connection)
                write(connection, self._answer(settings, method, url, headers, body))

    def _answer(
        self, settings: dict[str, Any], method: str, url: str, headers: Any, body: Any
    ) -> tuple[Any, ...]:
        made = sys.modules["botocore.awsrequest"].HeadersDict(headers)
        request = SimpleNamespace(method=method, url=url, headers=made, body=body, stream_output=False)
        try:
            answer = self._session(settings).send(request)
        except sys.modules["botocore.exceptions"].BotoCoreError as error:
            details = {name: str(value) for name, value in error.kwargs.items()}
            return "error", type(error).__name__, details
        except Exception as error:
            return "error", "HTTPClientError", {"error": f"{type(error).__name__}: {error}"}
        return "answer", answer.status_code, dict(answer.headers.items()), answer.content

    def _session(self, settings: dict[str, Any]) -> Any:
        """Return the session of these settings; a new one where the last was not used for long."""
        files = (settings.get("verify"), settings.get("client_cert"))
        key = repr((settings, [fingerprint(file) for file in files if isinstance(file, str)]))
        now = time.monotonic()
        with self._lock:
            session, used = self._sessions.get(key, (None, 0.0))
            if session is None or now - used > QUIET:
                session = sys.modules["botocore.httpsession"].URLLib3Session(**settings)
            self._sessions[key] = session, now
        return session


def write(connection: socket.socket, words: tuple[Any, ...]) -> None:
    """Send something, its length first."""
    data = pickle.dumps(words, pickle.HIGHEST_PROTOCOL)
    connection.sendall(len(data).to_bytes(8, "big") + data)


def read(connection: socket.socket) -> Any:
    """Return what was sent. Raises EOFError at the connection's end."""
    size = int.from_bytes(task.exactly(connection, 8), "big")
    return pickle.loads(task.exactly(connection, size))  # noqa: S301 - of a process of this user's
