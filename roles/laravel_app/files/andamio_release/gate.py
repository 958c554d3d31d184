"""A release's gate: the questions it must answer, on its own socket first, then as visitors ask them."""

from __future__ import annotations

import html
import http.client
import math
import re
import socket as sockets
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from andamio_release.errors import ReleaseError, RequestError
from andamio_release.fastcgi import MOST, FastCgiError, ask

PAUSE_SECONDS = 0.5
NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# Of an answer, so much is looked at for the message.
EXCERPT_FROM = 64 * 1024
PAGE = re.compile(r"\s*<[!a-zA-Z]")
TAG_OR_TEXT = re.compile(r"(<(/?[a-zA-Z][a-zA-Z0-9]*|!)[^<>]*>)|(<|[^<]+)")
HIDDEN = ("style", "script", "svg")
VISITOR = {"User-Agent": "andamio-release", "Accept": "*/*"}


@dataclass(frozen=True)
class Probe:
    """One question: a path, and the answer that is right.

    ``text`` must be in the answer's body; ``seconds`` is how long an answer may take; ``headers`` are sent.
    """

    path: str
    status: int = 200
    text: str = ""
    seconds: float = 10.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A probe that passed: in how many seconds, and at which try."""

    path: str
    status: int
    seconds: float
    tries: int


@dataclass(frozen=True)
class Seen:
    """An answer, or in ``problem`` why there is none or not the right one; ``late``: it took too long."""

    status: int = 0
    body: bytes = b""
    problem: str = ""
    errors: str = ""
    late: bool = False


def probe_from(given: object, name: str = "probes") -> Probe:
    """A probe as the settings have it. Raises RequestError, which names the key, ``name`` before it."""
    if not isinstance(given, dict):
        raise RequestError(f"{name}: a probe is a mapping with a path, not {given!r}")
    known = [entry.name for entry in fields(Probe)]
    for key in given:
        if key not in known:
            raise RequestError(f"{name}: there is no key {key!r}; a probe has {', '.join(known)}")
    for key, (right, what) in CHECKS.items():
        if key in given and not right(given[key]):
            raise RequestError(f"{name}: {key} must be {what}, not {given[key]!r}")
    if "path" not in given:
        raise RequestError(f"{name}: path is missing")
    return Probe(**given)


def is_path(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"/[!-~]*", value)) and "#" not in value


def is_status(value: object) -> bool:
    return isinstance(value, int) and 100 <= value <= 599


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_seconds(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(seconds := float(str(value))) and seconds > 0


def is_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and NAME.fullmatch(name) and isinstance(text, str) and is_header_value(text)
        for name, text in value.items()
    )


def is_header_value(text: str) -> bool:
    return text.isascii() and text.isprintable()


CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "path": (is_path, "a path that begins with / (%20 for a space)"),
    "status": (is_status, "an HTTP status, 100 to 599"),
    "text": (is_text, "a text"),
    "seconds": (is_seconds, "a number of seconds above 0"),
    "headers": (is_headers, "a mapping of header names to texts"),
}


def judge(probe: Probe, status: int, body: bytes, took: float) -> str:
    """What is wrong with an answer that took so many seconds; '' when it is right."""
    text = body.decode(errors="replace")
    if status != probe.status:
        return f"{probe.path} answered {status}, not {probe.status}: {excerpt(text)}"
    if probe.text not in text:
        return f"{probe.path} answered {status} without {probe.text!r}: {excerpt(text)}"
    if took > probe.seconds:
        return f"{probe.path} took {took:.1f} s, more than {probe.seconds:g} s"
    return ""


def excerpt(text: str) -> str:
    """The first of a text, on one line; of a page, what a person would read."""
    return " ".join(readable(text[:EXCERPT_FROM]).split())[:300] or "(nothing)"


def readable(page: str) -> str:
    """The words of an HTML page; another text is left as it is, but for what a terminal would act on."""
    words = []
    hidden = ""
    for tag, name, text in TAG_OR_TEXT.findall(page if PAGE.match(page) else ""):
        if hidden:
            hidden = "" if name.lower() == f"/{hidden}" else hidden
        elif tag:
            hidden = name.lower() if name.lower() in HIDDEN else ""
            words.append(" ")
        else:
            words.append(html.unescape(text))
    shown = "".join(words) if PAGE.match(page) else page
    return "".join(character if character.isprintable() else " " for character in shown)


def private(
    socket: Path,
    release_root: Path,
    server_name: str,
    probes: Sequence[Probe],
    seconds: float,
    *,
    cookies: str = "",
    request_id: str = "",
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Result]:
    """Ask a release on its own socket, where no visitor sees it, until each probe has passed once.

    ``seconds`` is for all of it. Raises ReleaseError with the last reason of each probe that didn't pass.
    """
    script = release_root / "public/index.php"

    def once(probe: Probe, most: float) -> Seen:
        headers = request_headers(probe, cookies, request_id)
        try:
            answer = ask(socket, script, uri=probe.path, host=server_name, headers=headers, seconds=most)
        except FastCgiError as error:
            return Seen(problem=f"{probe.path} gave no answer: {error}")
        return Seen(answer.status, answer.body, errors=answer.errors)

    where = f"{release_root.name} doesn't pass its gate on its own socket"
    return until_passed(once, probes, seconds, where, clock=clock, sleep=sleep)


def public(
    server_name: str,
    probes: Sequence[Probe],
    release: str,
    seconds: float,
    *,
    late_seconds: float = 0,
    cookies: str = "",
    request_id: str = "",
    address: tuple[str, int] = ("127.0.0.1", 443),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Result]:
    """Ask as a visitor does, through this host's nginx and TLS; each answer must be the release's own.

    ``seconds`` is for all of it; ``late_seconds``, if that is more, as long as no answer is wrong and they
    only come late: a host that is busy isn't the release's fault. Raises ReleaseError with the last reason of
    each probe that didn't pass.
    """

    def once(probe: Probe, most: float) -> Seen:
        try:
            status, headers, body = fetch(
                address, server_name, probe.path, request_headers(probe, cookies, request_id), most
            )
        except TimeoutError:
            return Seen(problem=f"{probe.path} gave no whole answer within {most:.3g} s", late=True)
        except (OSError, http.client.HTTPException) as error:
            return Seen(problem=f"{probe.path} gave no answer: {error or type(error).__name__}")
        by = headers.get("X-Release", "")
        problem = f"{probe.path} was answered ({status}) by {by or 'an unknown release'}, not by {release}"
        return Seen(status, body, problem="" if by == release else problem)

    where = f"{release} doesn't pass its gate at https://{server_name}"
    return until_passed(once, probes, seconds, where, late_seconds=late_seconds, clock=clock, sleep=sleep)


def request_headers(probe: Probe, cookies: str, request_id: str) -> dict[str, str]:
    own = {"Cookie": cookies, "X-Request-ID": request_id}
    return {**VISITOR, **{name: value for name, value in own.items() if value}, **probe.headers}


def until_passed(
    once: Callable[[Probe, float], Seen],
    probes: Sequence[Probe],
    seconds: float,
    where: str,
    *,
    late_seconds: float = 0,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> list[Result]:
    """Try each probe until it passes or the time is up. Raises ReleaseError, which begins with ``where``."""
    start = clock()
    results: dict[int, Result] = {}
    reasons: dict[int, str] = {}
    wrong: set[int] = set()
    tries = 0

    def limit() -> float:
        return seconds if wrong else max(seconds, late_seconds)

    while len(results) < len(probes):
        tries += 1
        for number, probe in enumerate(probes):
            begun = clock()
            if number in results or begun >= start + limit():
                continue
            seen = once(probe, min(probe.seconds, start + limit() - begun))
            took = clock() - begun
            reason = seen.problem or judge(probe, seen.status, seen.body, took)
            wrong.discard(number)
            if not seen.late and (seen.problem or judge(probe, seen.status, seen.body, 0)):
                wrong.add(number)
            if reason:
                reasons[number] = reason + (f" (PHP: {excerpt(seen.errors)})" if seen.errors.strip() else "")
            else:
                results[number] = Result(probe.path, seen.status, took, tries)
        if len(results) < len(probes):
            if clock() + PAUSE_SECONDS >= start + limit():
                missing = (number for number in range(len(probes)) if number not in results)
                never = "{} had no turn: the others took all the time".format
                said = (reasons.get(number) or never(probes[number].path) for number in missing)
                raise ReleaseError(f"{where} in {limit():g} s: {'; '.join(said)}")
            sleep(PAUSE_SECONDS)
    return [results[number] for number in range(len(probes))]


def fetch(
    address: tuple[str, int], server_name: str, path: str, headers: Mapping[str, str], seconds: float
) -> tuple[int, Any, bytes]:
    """GET over TLS from an address: status, headers, body. Raises OSError, TimeoutError, HTTPException."""
    deadline = time.monotonic() + seconds

    def left() -> float:
        if (more := deadline - time.monotonic()) <= 0:
            raise TimeoutError
        return more

    # The certificate isn't verified: this is the host's own loopback, and before the name is delegated
    # to this host there is only a certificate made here.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        sockets.create_connection(address, timeout=seconds) as plain,
        context.wrap_socket(plain, server_hostname=server_name) as connection,
    ):
        # Connected already; the name is for the header Host, and 80 is the port that isn't added to it.
        client = http.client.HTTPConnection(server_name, 80)
        client.sock = connection
        connection.settimeout(left())
        client.request("GET", path, headers={**headers, "Connection": "close"})
        connection.settimeout(left())
        answer = client.getresponse()
        body = bytearray()
        while block := answer.read1(65536):
            body += block
            if len(body) > MOST:
                raise http.client.HTTPException(f"the answer has more than {MOST} bytes")
            connection.settimeout(left())
        if answer.length:
            raise http.client.IncompleteRead(bytes(body), answer.length)
        return answer.status, answer.headers, bytes(body)
