"""Root acts by path only where every folder on the way is root's; elsewhere, by directory descriptors.

Two ways to see it. Python's audit events tell what the release engine and the module files open, make, rename
and delete while they work beside an application that owns its storage. And no task of a role gives such a
path to a module of Ansible's own: those act by path.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "roles/laravel_app/files"))

from andamio_release import applog, gate, maintenance, report  # noqa: E402
from andamio_release.errors import ReleaseError  # noqa: E402
from andamio_release.host import Host  # noqa: E402

from tests.integration.modules import run_module  # noqa: E402
from tests.unit.adversary import NOBODY, theirs, watching  # noqa: E402
from tests.unit.roles.release.world import World, app, install  # noqa: E402
from tests.unit.roles.render import DISTRIBUTIONS, evaluate  # noqa: E402

# Which arguments of an audit event are paths, each with the argument that is its folder's descriptor.
# https://docs.python.org/3/library/audit_events.html
PATHS: dict[str, list[tuple[int, int | None]]] = {
    "open": [(0, None)],
    "os.chdir": [(0, None)],
    "os.chmod": [(0, 2)],
    "os.chown": [(0, 3)],
    "os.link": [(0, 2), (1, 3)],
    "os.listdir": [(0, None)],
    "os.mkdir": [(0, 2)],
    "os.remove": [(0, 1)],
    "os.rename": [(0, 2), (1, 3)],
    "os.rmdir": [(0, 1)],
    "os.scandir": [(0, None)],
    "os.setxattr": [(0, None)],
    "os.symlink": [(1, 2)],
    "os.truncate": [(0, None)],
    "os.utime": [(0, 3)],
}


class Unsafe:
    """Gathers what is done by a path that another user could lead elsewhere."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.seen = 0
        self.on = True

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        for place, folder in PATHS.get(event, ()) if self.on else ():
            path = arguments[place]
            if isinstance(path, int) or path is None:
                continue
            self.seen += 1
            name = os.fsdecode(path)
            if not name.startswith("/"):
                by_descriptor = folder is not None and arguments[folder] >= 0
                by_descriptor |= event == "open" and bool(arguments[2] & os.O_NOFOLLOW)
                if "/" in name or not (by_descriptor or in_rmtree()):
                    self.found.append(f"{event} {name}, a relative path")
            elif wrong := not_roots(name):
                self.found.append(f"{event} {name}: {wrong} is not root's alone")


def in_rmtree() -> bool:
    """Whether it is Python's own deletion, which compares what it has opened with what it saw."""
    frame, names = sys._getframe(), set()
    while frame := frame.f_back:  # type: ignore[assignment]
        names.add(f"{Path(frame.f_code.co_filename).name} {frame.f_code.co_name}")
    return shutil.rmtree.avoids_symlink_attacks and "shutil.py rmtree" in names


def not_roots(name: str) -> str:
    """The folder above a path that another user may change; '' when there is none."""
    real = Path(os.path.realpath(Path(name).parent))
    for folder in {*Path(name).parents, real, *real.parents}:
        try:
            status = folder.lstat()
        except OSError:
            continue
        shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
        if status.st_uid != 0 or (shared and not stat.S_ISLNK(status.st_mode)):
            return str(folder)
    return ""


@pytest.fixture
def unsafe() -> Unsafe:
    return Unsafe()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A host whose application is another user and owns its storage."""
    made = World(tmp_path, "nobody", "nogroup")
    install(monkeypatch, made)
    theirs(made.settings.shared, "framework", "logs", "app", "app/public")
    made.settings.public_links["storage"] = "../storage/app/public"
    return made


def test_the_engine_acts_by_path_where_all_is_roots(
    world: World, unsafe: Unsafe, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = world.settings.shared / "storage"

    def writes() -> None:
        """As the application does meanwhile."""
        unsafe.on = False
        for path in world.settings.releases.glob("*/bootstrap/cache"):
            (path / "config.php").touch()
            os.chown(path / "config.php", NOBODY, NOBODY)
        unsafe.on = True

    def private(_socket: Path, release_root: Path, *_rest: object, **_more: object) -> None:
        if world.is_broken(f"gate {release_root.name}"):
            raise ReleaseError("/up answered 500")

    (storage / "framework/down").write_text('{"secret": "x"}')
    (storage / "logs/laravel.log").write_text("[2026-12-01 02:03:04] production.ERROR: x\n")
    monkeypatch.setattr(gate, "private", private)
    with watching(unsafe):
        first = world.deploy("v1")
        writes()
        world.deploy("v2", maintenance=True)
        world.act("deploy", name="v2")
        (storage.parent / ".env").write_text("APP_NAME=two\n")
        world.act("deploy", name="v2")
        world.breaks("gate v3")
        world.act("deploy", app("v3"), name="v3")
        world.breaks("compile v4")
        world.act("deploy", app("v4"), name="v4")
        world.breaks("public v5")
        world.act("deploy", app("v5"), name="v5", maintenance=True)
        world.breaks()
        writes()
        world.act("rollback", release=first, maintenance=True)
        world.act("settle")
        report.status(world.settings, engine_host(world), world.records)
        maintenance.bypass(world.settings)
        applog.last_error(world.settings, first, applog.sizes(world.settings))
        for number in range(5):
            world.act("deploy", app(f"w{number}"), name=f"w{number}")
            writes()
    assert unsafe.found == []
    assert unsafe.seen > 500


def engine_host(world: World) -> Host:
    from andamio_release import run as engine  # noqa: PLC0415

    return engine.Host(world.settings, engine.Commands(world.settings, (world.root / "log").open("w")))


def test_the_module_files_acts_by_descriptor_on_what_the_role_asks_for(
    tmp_path: Path, unsafe: Unsafe
) -> None:
    root = tmp_path / "laravel"
    own = {"laravel_app_root": str(root), "laravel_app_user": "nobody", "laravel_app_group": "nogroup"}
    entries = evaluate("laravel_app", "__laravel_app_storage_folders", DISTRIBUTIONS["Debian-13"], **own)
    assert len(entries) == 10
    log = {"owner": "nobody", "group": "nogroup", "mode": "0640"}
    more = [
        {"path": f"{root}/shared/storage/logs/a.log", "content": "", "once": True, **log},
        {"path": f"{root}/shared/storage/logs/b.log", "content": "b", **log},
        {"path": f"{root}/shared/storage/app/link", "link": "public"},
    ]
    gone = [{"path": entry["path"], "state": "absent"} for entry in more]
    with watching(unsafe):
        run_module("files", files=[*entries, *more])
    for folder, _folders, files in os.walk(root / "shared/storage"):
        for name in files:
            os.chown(Path(folder, name), 0, 0)
        Path(folder).chmod(0o777)
    with watching(unsafe):
        run_module("files", files=[*entries, *more])
        run_module("files", files=gone)
    assert unsafe.found == []
    assert unsafe.seen > 100


# Modules that act by path, with the names of their options that are one.
BY_PATH = {
    "acl": ["path"],
    "assemble": ["dest"],
    "blockinfile": ["path"],
    "copy": ["dest"],
    "file": ["path", "src"],
    "get_url": ["dest"],
    "lineinfile": ["path"],
    "replace": ["path"],
    "slurp": ["src"],
    "template": ["dest"],
    "unarchive": ["dest"],
}

# Words of paths below which others than root own folders.
THEIRS = ("storage", "/tmp", "/var/lib/mysql", "/run/")  # noqa: S108


def tasks(content: Any) -> Iterator[dict[str, Any]]:
    for entry in content or []:
        yield entry
        for inner in ("block", "rescue", "always"):
            yield from tasks(entry.get(inner))


def all_tasks() -> Iterator[tuple[str, dict[str, Any]]]:
    files = [*ROOT.glob("roles/*/tasks/**/*.yml"), *ROOT.glob("roles/*/handlers/*.yml")]
    for file in files:
        for task in tasks(yaml.safe_load(file.read_text())):
            yield f"{file.relative_to(ROOT)}: {task.get('name')}", task


def test_no_task_acts_by_path_below_what_another_user_owns() -> None:
    """A folder of another user's is made by the module files, and nothing else goes there."""
    wrong, seen = [], 0
    for where, task in all_tasks():
        for name, keys in BY_PATH.items():
            given = task.get(f"ansible.builtin.{name}") or task.get(f"ansible.posix.{name}") or {}
            paths = [str(given[key]) for key in keys if key in given]
            seen += len(paths)
            if given.get("owner", "root") != "root" or any(word in path for path in paths for word in THEIRS):
                wrong.append(where)
    assert wrong == []
    assert seen > 5
