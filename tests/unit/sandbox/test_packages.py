"""The package cache: what it keeps, what it asks for again, and what it does in an outage."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import packages
from sandbox.packages import Refused, Store, Unavailable

DEB = "http://deb.test/debian/pool/main/n/nginx/nginx_1.26-3%2bdeb13u1_amd64.deb"
LIST = "http://deb.test/debian/dists/trixie/InRelease"
BY_HASH = "http://deb.test/debian/dists/trixie/main/binary-amd64/by-hash/SHA256/0123"


class Mirror:
    """Stands where the outside would: gives what it was told to, and counts."""

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.failures = 0
        self.asked: list[str] = []
        self.body = b"first"

    def __call__(self, url: str, target: Path) -> None:
        self.asked.append(url)
        if self.failures:
            self.failures -= 1
            raise Unavailable("no answer")
        if self.problem:
            target.write_bytes(b"half of")
            raise self.problem
        target.write_bytes(self.body)


@pytest.fixture
def mirror() -> Mirror:
    return Mirror()


@pytest.fixture
def store(tmp_path: Path, mirror: Mirror) -> Store:
    return Store(tmp_path, mirror, sleep=lambda _seconds: None)


def age(path: Path, seconds: float = packages.FRESH_SECONDS + 60) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.mark.parametrize("url", [DEB, LIST, BY_HASH])
def test_what_was_fetched_is_not_asked_for_again(store: Store, mirror: Mirror, url: str) -> None:
    assert store.get(url).read_bytes() == b"first"
    assert store.get(url).read_bytes() == b"first"
    assert mirror.asked == [url]


def test_an_old_list_is_fetched_anew_and_an_old_package_is_not(store: Store, mirror: Mirror) -> None:
    for url in (DEB, BY_HASH, LIST):
        age(store.get(url))
    mirror.body = b"second"
    assert store.get(LIST).read_bytes() == b"second"
    assert store.get(DEB, anew=True).read_bytes() == store.get(BY_HASH, anew=True).read_bytes() == b"first"


def test_a_fresh_list_is_fetched_anew_for_who_asks_for_that(store: Store, mirror: Mirror) -> None:
    store.get(LIST)
    mirror.body = b"second"
    assert store.get(LIST, anew=True).read_bytes() == b"second"


@pytest.mark.parametrize("problem", [Unavailable("no route"), Refused(404, "gone")])
def test_in_an_outage_the_old_list_will_do(store: Store, mirror: Mirror, problem: Exception) -> None:
    age(store.get(LIST))
    mirror.problem = problem
    assert store.get(LIST).read_bytes() == b"first"
    # And the mirror is left alone for a while: each question may cost the time until it isn't answered.
    assert store.get(LIST, anew=True).read_bytes() == b"first"
    assert len(mirror.asked) == 2


def test_a_mirror_that_stumbles_is_asked_again(store: Store, mirror: Mirror) -> None:
    mirror.failures = packages.TRIES - 1
    assert store.get(DEB).read_bytes() == b"first"


def test_a_mirror_that_is_silent_is_told(store: Store, mirror: Mirror) -> None:
    mirror.problem = Unavailable("deb.test does not answer this machine")
    with pytest.raises(Unavailable, match=r"deb\.test"):
        store.get(DEB)
    assert len(mirror.asked) == packages.TRIES
    mirror.problem = None
    assert store.get(DEB).read_bytes() == b"first"


def test_a_no_is_passed_on_at_once(store: Store, mirror: Mirror) -> None:
    mirror.problem = Refused(404, "no such file")
    with pytest.raises(Refused):
        store.get(DEB)
    assert len(mirror.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "https://deb.test/debian/dists/trixie/InRelease",
        "http://10.97.0.1:4566/documents/secret",
        "http://deb.test/debian/dists/../../../etc/pool/passwd",
        "http://deb.test/debian/dists/%2e%2e/%2e%2e/pool/x.deb",
        "http://deb.test/debian/dists/trixie/",
        "http:///dists/trixie/InRelease",
        "http://../dists/trixie/InRelease",
    ],
)
def test_what_is_no_archives_file_is_refused(store: Store, mirror: Mirror, url: str) -> None:
    with pytest.raises(Refused) as refused:
        store.get(url)
    assert refused.value.status == 403
    assert mirror.asked == []


@pytest.fixture
def client(store: Store) -> Iterator[http.client.HTTPConnection]:
    """A connection to a running cache."""
    server = packages.serve("127.0.0.1", 0, store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    yield connection
    connection.close()
    server.shutdown()
    server.server_close()


def ask(
    client: http.client.HTTPConnection, url: str, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    client.request("GET", url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = client.getresponse()
    return answer, answer.read()


def test_one_connection_serves_many_files(client: http.client.HTTPConnection, mirror: Mirror) -> None:
    mirror.body = b"x" * 3_000_000
    for url in (LIST, DEB, BY_HASH):
        answer, body = ask(client, url)
        assert (answer.status, body) == (200, mirror.body)


def test_who_has_the_list_is_told_so(client: http.client.HTTPConnection, mirror: Mirror) -> None:
    first, _body = ask(client, LIST)
    seen = first.headers["Last-Modified"]
    again, body = ask(client, LIST, If_Modified_Since=seen)
    assert (again.status, body) == (304, b"")
    mirror.body = b"second"
    forced, body = ask(client, LIST, Cache_Control="no-cache")
    assert (forced.status, body) == (200, b"second")


def test_a_date_that_is_none_is_passed_over(client: http.client.HTTPConnection) -> None:
    answer, _body = ask(client, LIST, If_Modified_Since="yesterday")
    assert answer.status == 200


@pytest.mark.parametrize(("problem", "status"), [(Refused(404, "gone"), 404), (Unavailable("silent"), 504)])
def test_a_problem_is_the_answers_reason(
    client: http.client.HTTPConnection, mirror: Mirror, problem: Exception, status: int
) -> None:
    mirror.problem = problem
    answer, _body = ask(client, DEB)
    assert (answer.status, answer.reason) == (status, str(problem))


def test_the_fetcher_tells_which_host_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 does not answer this machine"):
        packages.fetcher()("http://127.0.0.1:9/debian/dists/trixie/InRelease", tmp_path / "x")
