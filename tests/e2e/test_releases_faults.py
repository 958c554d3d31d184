"""Whatever breaks during a deploy: visitors are answered by one whole release, and the next deploy works.

One test, run for each fault. A fault is a function that gets a scene, breaks something while the engine
runs, checks what the engine says, and mends it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import pytest

from sandbox import podman

from .answers import Answer
from .apps import App, build
from .host import Host, Run, until
from .load import Driver, Target

DEPLOY = (
    *("settle", "receive", "unpack", "env", "link", "check", "compile", "start", "dump", "migrate"),
    *("gate", "switch", "workers", "public_gate", "record", "prune"),
)
ROLLBACK = ("settle", "check", "start", "gate", "switch", "workers", "public_gate", "record")
RELEASES, STATE = "/srv/laravel/releases", "/var/lib/andamio/release"
HOSTS = "127.0.0.1 ssm.us-east-1.amazonaws.com"


@dataclass
class Scene:
    """A fault's surroundings: the host, a release with a migration, and what visitors were answered."""

    host: Host
    name: str
    app: App
    visitors: Driver
    # When the host was away altogether: who comes then can't be answered.
    away: tuple[float, float] = (0.0, 0.0)

    def refuse(self, app: App, *codes: int, content: bytes | None = None) -> str:
        """Have a deploy fail with one of these codes; give all that was said."""
        told = self.host.start("deploy", app.request(), app.bytes if content is None else content).end()
        assert told.code in codes, told.all
        return told.all


def killed_in_deploy(step: str, scene: Scene) -> None:
    told = scene.host.deploy(scene.app, kill_after=step)
    assert told.code == 137, told.all


def killed_in_rollback(step: str, scene: Scene) -> None:
    told = scene.host.rollback(kill_after=step)
    assert told.code == 137, told.all


def slow(scene: Scene) -> Run:
    """A deploy that is in its migration, which takes some seconds."""
    scene.app = build(scene.name, "slow_migration")
    run = scene.host.start("deploy", scene.app.request(), scene.app.bytes)
    until("the migration", lambda: migrating(scene))
    return run


def migrating(scene: Scene) -> str:
    """The number of the process that migrates."""
    return scene.host.sh("pgrep --uid laravel --full --oldest 'artisan migrate --force' || true").strip()


def host_restarted(scene: Scene) -> None:
    run = slow(scene)
    began = time.time()
    podman.run("restart", "--time", "0", scene.host.name)
    run.end()

    def answered() -> list[Answer]:
        return [one for one in scene.visitors.answers if one.sent > began + 0.5 and one.status == 200]

    back = until("the API after the restart", answered, seconds=60)
    scene.away = (began - 0.5, back[0].sent)


def migration_killed(scene: Scene) -> None:
    run = slow(scene)
    scene.host.sh(f"kill -9 {migrating(scene)}")
    assert run.end().code == 1


def engine_killed_as_it_migrates(scene: Scene) -> None:
    run = slow(scene)
    pid = scene.host.sh("cat /var/lib/andamio/release/lock").partition('"pid": "')[2].partition('"')[0]
    scene.host.sh(f"kill -9 {pid}")
    assert run.end().code == 137
    # What it has started goes on; nobody else may migrate beside it.
    told = scene.host.deploy(scene.app)
    assert told.code in (0, 3), told.all
    until("the end of the migration", lambda: not migrating(scene))


@contextmanager
def full(scene: Scene, folder: str) -> Iterator[None]:
    """A file system without a byte to spare over a folder, whose files are all there to be read."""
    scene.host.sh(
        "mkdir -p /mnt/full && mount -t tmpfs -o size=128k,nr_inodes=64 full /mnt/full\n"
        "mkdir /mnt/full/upper /mnt/full/work\n"
        f"chmod --reference={folder} /mnt/full/upper\n"
        f"mount -t overlay full {folder} -o "
        f"lowerdir={folder},upperdir=/mnt/full/upper,workdir=/mnt/full/work\n"
    )
    try:
        yield
    finally:
        scene.host.sh(f"umount --lazy {folder}; umount --lazy /mnt/full; rmdir /mnt/full")


def disk_full_and_seen(scene: Scene) -> None:
    with full(scene, RELEASES):
        assert "MiB free" in scene.refuse(scene.app, 1)


def disk_full_in_the_middle(scene: Scene) -> None:
    settings = "/etc/andamio/release.json"
    scene.host.sh(f"cp {settings} /root/kept.json")
    scene.host.sh(f"sed -i -E 's/(\"min_free_mb\": *)[0-9]+/\\10/' {settings}")
    try:
        with full(scene, RELEASES):
            assert "No space left" in scene.refuse(scene.app, 1)
    finally:
        scene.host.sh(f"cat /root/kept.json >{settings}; rm /root/kept.json")


def disk_full_for_the_engine(scene: Scene) -> None:
    with full(scene, STATE):
        scene.host.sh("dd if=/dev/zero of=/mnt/full/filler bs=4k 2>/dev/null || true")
        assert "No space left" in scene.refuse(scene.app, 1)


def mysql_down(scene: Scene) -> None:
    scene.host.sh("systemctl stop mysql")
    try:
        said = scene.refuse(scene.app, 1)
    finally:
        scene.host.sh("systemctl start mysql")
    assert "database" in said.lower() or "connection refused" in said.lower(), said


def parameter_store_unreachable(scene: Scene) -> None:
    # nginx is there, and refuses to be taken for AWS.
    scene.host.sh(f"echo '{HOSTS}' >>/etc/hosts")
    try:
        said = scene.refuse(scene.app, 1)
    finally:
        scene.host.sh("sed '/ssm[.]us-east-1/d' /etc/hosts >/root/hosts; cat /root/hosts >/etc/hosts")
    assert "ssm.us-east-1.amazonaws.com" in said, said


def artifact_cut_off(scene: Scene) -> None:
    half = scene.app.bytes[: len(scene.app.bytes) // 2]
    assert f"only {len(half)} of {len(scene.app.bytes)} bytes" in scene.refuse(scene.app, 2, content=half)


def artifact_half_written(scene: Scene) -> None:
    """It was cut off before it was hashed."""
    half = scene.app.bytes[: len(scene.app.bytes) // 2]
    path = scene.app.path.with_name("half.tar.gz")
    path.write_bytes(half)
    scene.refuse(App("half", path, hashlib.sha256(half).hexdigest()), 1, 2)


def artifact_of_another_hash(scene: Scene) -> None:
    assert "SHA-256" in scene.refuse(replace(scene.app, sha256="0" * 64), 2)


def two_at_once(scene: Scene) -> None:
    first = slow(scene)
    said = scene.refuse(build("second"), 3)
    assert "by e2e" in said, said
    told = first.end()
    assert (told.code, told.answer["release"]) == (0, scene.app.release), told.all


FAULTS: dict[str, Callable[[Scene], None]] = {
    **{f"killed_in_deploy_after_{step}": partial(killed_in_deploy, step) for step in DEPLOY},
    **{f"killed_in_rollback_after_{step}": partial(killed_in_rollback, step) for step in ROLLBACK},
    **{
        fault.__name__: fault
        for fault in (
            *(engine_killed_as_it_migrates, migration_killed, host_restarted),
            *(disk_full_and_seen, disk_full_in_the_middle, disk_full_for_the_engine),
            *(mysql_down, parameter_store_unreachable),
            *(artifact_cut_off, artifact_half_written, artifact_of_another_hash, two_at_once),
        )
    },
}


@pytest.fixture(scope="module")
def target(host: Host) -> Target:
    """Where visitors go. Two good releases are there, so that a rollback has where to go."""
    for name in ("before", "calm"):
        told = host.deploy(build(name))
        assert told.code == 0, told.all
    return Target(host.address)


@contextmanager
def visited(target: Target) -> Iterator[Driver]:
    """Ten visitors a second, who ask which release it is."""
    driver, over = Driver(target, 10, kind="alive"), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(driver.run(over.is_set)))
    thread.start()
    try:
        yield driver
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("fault", FAULTS)
def test_visitors_are_answered_and_the_next_deploy_works(host: Host, target: Target, fault: str) -> None:
    name = f"n{list(FAULTS).index(fault)}"
    before = host.live()
    with visited(target) as visitors:
        scene = Scene(host, name, build(name, "migration"), visitors)
        FAULTS[fault](scene)
        told = host.deploy(scene.app)
        assert told.code == 0, told.all
    assert host.live() == told.answer["release"], told.all
    assert host.live().startswith(scene.app.release)
    assert host.live() != before
    assert host.sql(f"SHOW TABLES LIKE 'mark_{scene.app.name}'") == [[f"mark_{scene.app.name}"]]
    start, end = scene.away
    failed = [one for one in visitors.answers if one.wrong and not start <= one.sent <= end]
    assert not failed, failed[:5]
    assert len(visitors.answers) >= 10
    # Nothing is left of what was cut off: neither a half-made release nor a PHP-FPM that serves nobody.
    known = {entry["id"] for entry in host.engine("status").answer["releases"]}
    assert set(host.releases()) == known
