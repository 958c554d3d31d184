"""The gate: what a probe may say, what is a right answer, and what a release must get past."""

from __future__ import annotations

import http.server
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from andamio_release import gate
from andamio_release.errors import ReleaseError, RequestError
from andamio_release.gate import Probe, judge, private, probe_from, public

from .fake_fpm import FakeFpm, page

NAME = "api.academia.test"
ROOT = Path("/srv/laravel/releases/v2")
UP = Probe("/up")


# -- what a probe may say --------------------------------------------------------------------------------


def test_a_probe_from_the_settings() -> None:
    assert probe_from({"path": "/up"}) == Probe("/up", 200, "", 10.0, {})
    given = {"path": "/a?b=1", "status": 302, "text": "ñ", "seconds": 2, "headers": {"Accept": "text/html"}}
    assert probe_from(given) == Probe("/a?b=1", 302, "ñ", 2, {"Accept": "text/html"})


PATH = "a path that begins with / (%20 for a space)"
STATUS = "an HTTP status, 100 to 599"
SECONDS = "a number of seconds above 0"
HEADERS = "a mapping of header names to texts"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("/up", "a probe is a mapping with a path, not '/up'"),
        ({}, "path is missing"),
        (
            {"path": "/", "code": 1},
            "there is no key 'code'; a probe has path, status, text, seconds, headers",
        ),
        ({"path": "up"}, f"path must be {PATH}, not 'up'"),
        ({"path": None}, f"path must be {PATH}, not None"),
        ({"path": "/a b"}, f"path must be {PATH}, not '/a b'"),
        ({"path": "/a\r\nX: y"}, f"path must be {PATH}, not '/a\\r\\nX: y'"),
        ({"path": "/ñ"}, f"path must be {PATH}, not '/ñ'"),
        ({"path": "/a#b"}, f"path must be {PATH}, not '/a#b'"),
        ({"path": "/", "status": "200"}, f"status must be {STATUS}, not '200'"),
        ({"path": "/", "status": True}, f"status must be {STATUS}, not True"),
        ({"path": "/", "status": 99}, f"status must be {STATUS}, not 99"),
        ({"path": "/", "status": 600}, f"status must be {STATUS}, not 600"),
        ({"path": "/", "text": 1}, "text must be a text, not 1"),
        ({"path": "/", "seconds": 0}, f"seconds must be {SECONDS}, not 0"),
        ({"path": "/", "seconds": "5"}, f"seconds must be {SECONDS}, not '5'"),
        ({"path": "/", "seconds": True}, f"seconds must be {SECONDS}, not True"),
        ({"path": "/", "seconds": float("nan")}, f"seconds must be {SECONDS}, not nan"),
        ({"path": "/", "seconds": float("inf")}, f"seconds must be {SECONDS}, not inf"),
        ({"path": "/", "headers": []}, f"headers must be {HEADERS}, not []"),
        ({"path": "/", "headers": {"A": 1}}, f"headers must be {HEADERS}, not {{'A': 1}}"),
        ({"path": "/", "headers": {"A": "b\nC: d"}}, f"headers must be {HEADERS}, not {{'A': 'b\\nC: d'}}"),
        ({"path": "/", "headers": {"A b": "c"}}, f"headers must be {HEADERS}, not {{'A b': 'c'}}"),
        ({"path": "/", "headers": {"A": "ñ"}}, f"headers must be {HEADERS}, not {{'A': 'ñ'}}"),
    ],
)
def test_a_probe_that_says_nonsense(given: object, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        probe_from(given, "probes[1]")
    assert str(caught.value) == f"probes[1]: {message}"


# -- what is a right answer ------------------------------------------------------------------------------


PAGE = """<!DOCTYPE html><html lang="en"><head><title>Server Error</title>
<style>/*! normalize.css v8 */html{line-height:1.15} a>b{color:red}</style><script>if (a < b) {}</script>
</head><body class="antialiased"><!-- none --><div>500</div> <svg><path d="M0 0"/>x</svg>
Server Error &amp; more</body></html>"""


@pytest.mark.parametrize(
    ("probe", "status", "body", "took", "says"),
    [
        (UP, 200, b"anything", 10, ""),
        (UP, 500, b"<h1>\n  Server  Error", 0, "/up answered 500, not 200: Server Error"),
        (UP, 500, PAGE.encode(), 0, "/up answered 500, not 200: Server Error 500 Server Error & more"),
        (UP, 500, b"a \x1b]0;title\x07 < b", 0, "/up answered 500, not 200: a ]0;title < b"),
        (UP, 500, b"<" * 4000000, 0, f"/up answered 500, not 200: {'<' * 300}"),
        (UP, 500, b"", 0, "/up answered 500, not 200: (nothing)"),
        (UP, 500, b"\xff", 0, "/up answered 500, not 200: \ufffd"),
        (UP, 302, b"x" * 400, 0, f"/up answered 302, not 200: {'x' * 300}"),
        (Probe("/a", status=404), 404, b"", 0, ""),
        (Probe("/a", status=404), 200, b"ok", 0, "/a answered 200, not 404: ok"),
        (Probe("/a", text="ñandú"), 200, "un ñandú".encode(), 0, ""),
        (Probe("/a", text="ñandú"), 200, b"none", 0, "/a answered 200 without 'ñandú': none"),
        (Probe("/a", seconds=1.5), 200, b"", 1.6, "/a took 1.6 s, more than 1.5 s"),
    ],
)
def test_judge(probe: Probe, status: int, body: bytes, took: float, says: str) -> None:
    assert judge(probe, status, body, took) == says


# -- on its own socket -----------------------------------------------------------------------------------


class Clock:
    """Time that passes when somebody sleeps, or when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def both(self) -> dict[str, Any]:
        return {"clock": self, "sleep": self.sleep}


Fpm = Callable[..., FakeFpm]


@pytest.fixture
def fpm(tmp_path: Path) -> Iterator[Fpm]:
    servers = []

    def start(*answers: Any) -> FakeFpm:
        servers.append(FakeFpm(tmp_path / f"{len(servers)}.sock", *answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_a_release_that_answers(fpm: Fpm) -> None:
    server, clock = fpm(page(b"fine")), Clock()
    probes = [UP, Probe("/a?b", text="fine", headers={"Accept": "application/json"})]
    results = private(server.path, ROOT, NAME, probes, 30, cookies="laravel_maintenance=abc", **clock.both)
    assert [(result.path, result.status, result.tries) for result in results] == [
        ("/up", 200, 1),
        ("/a?b", 200, 1),
    ]
    assert clock.slept == []
    asked = [request.params for request in server.requests]
    assert [values["REQUEST_URI"] for values in asked] == ["/up", "/a?b"]
    assert {values["SCRIPT_FILENAME"] for values in asked} == {"/srv/laravel/releases/v2/public/index.php"}
    assert {(values["HTTP_HOST"], values["HTTP_COOKIE"]) for values in asked} == {
        (NAME, "laravel_maintenance=abc")
    }
    assert [values["HTTP_ACCEPT"] for values in asked] == ["*/*", "application/json"]


def test_without_a_bypass_there_is_no_cookie(fpm: Fpm) -> None:
    server = fpm(page())
    private(server.path, ROOT, NAME, [UP], 30)
    assert "HTTP_COOKIE" not in server.requests[0].params


def test_a_probe_is_tried_until_it_passes_and_no_more(fpm: Fpm) -> None:
    server, clock = fpm(page(status=503), page(), page(status=500), page()), Clock()
    results = private(server.path, ROOT, NAME, [Probe("/a"), Probe("/b")], 30, **clock.both)
    assert [(result.path, result.tries) for result in results] == [("/a", 3), ("/b", 1)]
    assert [request.params["REQUEST_URI"] for request in server.requests] == ["/a", "/b", "/a", "/a"]
    assert clock.slept == [gate.PAUSE_SECONDS] * 2


def test_each_probe_that_fails_is_told_with_its_last_reason(fpm: Fpm) -> None:
    answers = [
        page(b"first", 500),
        page(b"first", 500),
        page(b"fine"),
        page(b"down", 503, b"PHP  Fatal:\nno db"),
    ]
    server, clock = fpm(*answers), Clock()
    with pytest.raises(ReleaseError) as caught:
        private(server.path, ROOT, NAME, [Probe("/a"), Probe("/b"), Probe("/c")], 2, **clock.both)
    reason = "answered 503, not 200: down (PHP: PHP Fatal: no db)"
    assert str(caught.value) == f"v2 doesn't pass its gate on its own socket in 2 s: /a {reason}; /b {reason}"
    assert not isinstance(caught.value, RequestError)
    # All in all 2 s, the pauses included.
    assert clock.slept == [0.5] * 3


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"/up gave no answer: .*fpm.sock: No such file or directory"):
        private(tmp_path / "fpm.sock", ROOT, NAME, [UP], 1, **Clock().both)


def test_fpm_that_starts_late(tmp_path: Path) -> None:
    clock, servers = Clock(), []

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        servers.append(FakeFpm(tmp_path / "fpm.sock", page()))

    assert private(tmp_path / "fpm.sock", ROOT, NAME, [UP], 5, clock=clock, sleep=sleep)[0].tries == 2
    servers[0].close()


def test_a_probe_has_its_own_seconds_and_no_more_than_are_left(fpm: Fpm) -> None:
    server = fpm(lambda _: time.sleep(1))
    with pytest.raises(ReleaseError, match=r"/up gave no answer: .*no whole answer within 0\.2 s"):
        private(server.path, ROOT, NAME, [Probe("/up", seconds=0.2)], 0.6)
    before = time.monotonic()
    with pytest.raises(ReleaseError, match=r"/b had no turn: the others took all the time$"):
        private(server.path, ROOT, NAME, [Probe("/a"), Probe("/b")], 0.3)
    assert time.monotonic() - before < 0.8


def test_an_answer_that_took_too_long(fpm: Fpm) -> None:
    server, clock = fpm(page()), Clock()
    real = gate.ask

    def slow(*given: Any, **more: Any) -> Any:
        clock.now += 3
        return real(*given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "ask", slow)
        with pytest.raises(ReleaseError, match=r"/up took 3\.0 s, more than 2 s"):
            private(server.path, ROOT, NAME, [Probe("/up", seconds=2)], 3, **clock.both)


def test_no_probes_no_gate(tmp_path: Path) -> None:
    assert private(tmp_path / "none", ROOT, NAME, [], 5) == []


# -- as visitors ask -------------------------------------------------------------------------------------


class Site:
    """An nginx of a few lines, with a certificate nobody knows; ``answers`` are for each path in turn."""

    def __init__(self, certificate: Path) -> None:
        self.answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.names: list[str | None] = []
        self.drip = 0.0
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.requests.append((self.path, dict(self.headers)))
                answers = site.answers[self.path]
                status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for byte in body if site.drip else b"":
                    self.wfile.write(bytes([byte]))
                    time.sleep(site.drip)
                if not site.drip:
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = ("127.0.0.1", self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def says(self, path: str, status: int = 200, body: bytes = b"ok", by: str = "v2", **headers: str) -> None:
        made = {
            **({"X-Release": by} if by else {}),
            **{name.replace("_", "-"): headers[name] for name in headers},
        }
        self.answers.setdefault(path, []).append((status, made, body))

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join(timeout=20)
        self.server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-subj", "/CN=somebody.else", "-days", "1", "-keyout", path, "-out", path.with_name("cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + path.with_name("cert.pem").read_text())
    return path


@pytest.fixture
def site(certificate: Path) -> Iterator[Site]:
    found = Site(certificate)
    yield found
    found.close()


def pass_gate(site: Site, *probes: Probe, seconds: float = 30, **more: Any) -> list[gate.Result]:
    return public(NAME, probes or [UP], "v2", seconds, address=site.address, **{**Clock().both, **more})


def failure(site: Site, *probes: Probe, seconds: float = 1, **more: Any) -> str:
    with pytest.raises(ReleaseError) as caught:
        pass_gate(site, *probes, seconds=seconds, **more)
    start = f"v2 doesn't pass its gate at https://{NAME} in {seconds:g} s: "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


def test_a_site_that_answers(site: Site) -> None:
    site.says("/up", body=b"fine")
    site.says("/a?b=1", 404, b"no such thing")
    wanted = [Probe("/up", text="fine"), Probe("/a?b=1", 404, headers={"Accept": "application/json"})]
    results = pass_gate(site, *wanted, cookies="laravel_maintenance=abc")
    assert [(result.path, result.status, result.tries) for result in results] == [
        ("/up", 200, 1),
        ("/a?b=1", 404, 1),
    ]
    assert site.names == [NAME, NAME]
    (first, headers), (second, others) = site.requests
    assert (first, second) == ("/up", "/a?b=1")
    assert headers == {
        "Host": NAME,
        "Accept-Encoding": "identity",
        "User-Agent": "andamio-release",
        "Accept": "*/*",
        "Cookie": "laravel_maintenance=abc",
        "Connection": "close",
    }
    assert others["Accept"] == "application/json"


def test_the_release_must_be_the_one(site: Site) -> None:
    site.says("/up", by="v1")
    assert failure(site) == "/up was answered (200) by v1, not by v2"


def test_a_site_that_does_not_say_which_release(site: Site) -> None:
    site.says("/up", 502, by="")
    assert failure(site) == "/up was answered (502) by an unknown release, not by v2"


def test_it_is_asked_again_until_the_release_is_there(site: Site) -> None:
    site.says("/up", by="v1")
    site.says("/up", 500)
    site.says("/up")
    assert pass_gate(site)[0].tries == 3
    assert "Cookie" not in site.requests[0][1]


def test_a_redirect_is_an_answer(site: Site) -> None:
    site.says("/up", 302, b"Redirecting to /login", Location=f"https://{NAME}/login")
    assert failure(site) == "/up answered 302, not 200: Redirecting to /login"
    assert {path for path, _headers in site.requests} == {"/up"}


def test_the_deadline_is_for_the_whole_answer(site: Site) -> None:
    site.says("/up", body=b"x" * 100)
    site.drip = 0.05
    before = time.monotonic()
    assert failure(site, Probe("/up", seconds=0.4)) == "/up gave no whole answer within 0.4 s"
    assert time.monotonic() - before < 2.5


def test_an_answer_that_is_too_long(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MOST", 1000)
    site.says("/up", body=b"x" * 2000)
    assert failure(site) == "/up gave no answer: the answer has more than 1000 bytes"


def test_an_answer_that_ends_too_early(site: Site) -> None:
    site.says("/up", body=b"half", Content_Length="8", Connection="close")
    assert failure(site) == "/up gave no answer: IncompleteRead(4 bytes read, 4 more expected)"


def test_nobody_answers() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ReleaseError, match=r"/up gave no answer: .*Connection refused"):
            public(NAME, [UP], "v2", 1, address=unused.getsockname(), **Clock().both)


def test_a_server_that_never_shakes_hands() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(ReleaseError, match=r"/up gave no whole answer within 0\.3 s"):
            public(NAME, [Probe("/up", seconds=0.3)], "v2", 1, address=silent.getsockname(), **Clock().both)


# -- how long ----------------------------------------------------------------------------------------------

LATE = gate.Seen(problem="/up gave no whole answer", late=True)
WRONG = gate.Seen(500, b"broken")
RIGHT = gate.Seen(200, b"ok")


def tried(clock: Clock, *answers: gate.Seen, takes: float = 4.0) -> list[gate.Result]:
    """What comes of answers, the last one for ever, each after so many seconds: 5 s, and 15 for late ones."""
    left = list(answers)

    def once(probe: Probe, most: float) -> gate.Seen:
        clock.now += takes
        return left.pop(0) if len(left) > 1 else left[0]

    return gate.until_passed(once, [UP], 5, "v2 fails", late_seconds=15, **clock.both)


def test_late_answers_are_waited_for_longer() -> None:
    clock = Clock()
    begun = clock.now
    assert [result.tries for result in tried(clock, LATE, LATE, RIGHT)] == [3]
    assert clock.now - begun == 13


def test_late_answers_are_not_waited_for_for_ever() -> None:
    with pytest.raises(ReleaseError, match=r"v2 fails in 15 s: /up gave no whole answer"):
        tried(Clock(), LATE)


def test_a_right_answer_that_took_too_long_is_a_late_one() -> None:
    with pytest.raises(ReleaseError, match=r"v2 fails in 15 s: /up took 12\.0 s, more than 10 s"):
        tried(Clock(), RIGHT, takes=12)


@pytest.mark.parametrize("answers", [(WRONG,), (LATE, WRONG), (LATE, LATE, WRONG)])
def test_wrong_answers_are_not_borne_longer_for_being_late(answers: tuple[gate.Seen, ...]) -> None:
    with pytest.raises(ReleaseError, match=r"v2 fails in 5 s: /up answered 500, not 200: broken"):
        tried(Clock(), *answers)
