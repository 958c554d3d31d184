"""A host in a folder: the engine's files are real; PHP-FPM, artisan and nginx do as a file says."""

from __future__ import annotations

import grp
import hashlib
import io
import json
import os
import pwd
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from andamio_release import cli, gate, maintenance, preload
from andamio_release import run as engine
from andamio_release.commands import Commands, KilledError
from andamio_release.errors import ReleaseError
from andamio_release.host import Host
from andamio_release.lock import lock
from andamio_release.records import Entry, Record, Records
from andamio_release.settings import Settings, request_from, settings_from

KILLED = 9


class World:
    """The host, its engine, and what goes wrong on it: ``breaks`` holds words like ``gate v2``."""

    def __init__(self, root: Path, user: str = "", group: str = "") -> None:
        self.root = root
        user = user or pwd.getpwuid(os.getuid()).pw_name
        group = group or grp.getgrgid(os.getgid()).gr_name
        self.settings: Settings = settings_from(
            {
                **{"root": str(root / "srv"), "state": str(root / "state"), "fpm": str(root / "fpm")},
                "maintenance": str(root / "maintenance"),
                **{"user": user, "group": group, "php": "/bin/false", "server_name": "api.test"},
                **{
                    "workers": ["laravel-worker@1.service"],
                    "env_source": "file",
                    "keep": 3,
                    "min_free_mb": 1,
                },
                **{"cache_commands": ["config:cache", "view:cache"], "probes": [{"path": "/up"}]},
            },
            "here",
        )
        for folder in ("srv/releases", "srv/shared/storage/framework", "fpm", "running", "migrated", "state"):
            (root / folder).mkdir(parents=True)
        (root / "srv/shared/.env").write_text("APP_NAME=one\n")
        self.records = Records(Path(self.settings.state))
        self.records.prepare()

    @property
    def live(self) -> str:
        return self.settings.current.readlink().name if self.settings.current.is_symlink() else ""

    @property
    def running(self) -> list[str]:
        return sorted(path.name for path in (self.root / "running").iterdir())

    @property
    def there(self) -> list[str]:
        return sorted(path.name for path in self.settings.releases.iterdir())

    @property
    def states(self) -> dict[str, str]:
        return {name: record.state for name, record in self.records.all().items()}

    @property
    def journal(self) -> list[Entry]:
        return self.records.entries()

    def record(self, release: str) -> Record:
        found = self.records.get(release)
        assert found is not None
        return found

    def breaks(self, *words: str) -> None:
        """From now on these go wrong, and nothing else."""
        (self.root / "breaks").write_text("\n".join(words))

    def is_broken(self, what: str) -> bool:
        file = self.root / "breaks"
        return file.exists() and any(what.startswith(word) for word in file.read_text().splitlines() if word)

    def act(self, action: str, content: bytes = b"", **request: Any) -> tuple[int, dict[str, Any]]:
        """Let the engine do one run, as its command does."""
        if content:
            sha256 = hashlib.sha256(content).hexdigest()
            request["artifact"] = {"source": "stdin", "sha256": sha256, "bytes": len(content)}
        wanted = request_from(action, {"owner": "ana@laptop", **request})
        log = self.records.logs / "run.log"
        who = {"action": action, "owner": "ana@laptop"}
        with lock(Path(self.settings.state) / "lock", who) as held, log.open("w") as out:
            run = engine.Run(
                *(self.settings, wanted, self.records), lock=held, log=out, stream=io.BytesIO(content)
            )
            return cli.carry_out(run), run.as_json()

    def killed_after(self, step: str, action: str, content: bytes = b"", **request: Any) -> bool:
        """Let the engine do one run in a process that kills itself after a step; whether it came to that."""
        child = os.fork()
        if not child:
            os.environ[engine.KILL_AFTER] = step
            try:
                self.act(action, content, **request)
            finally:
                os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -KILLED

    def deploy(self, word: str, **request: Any) -> str:
        """Deploy a release that must go live; its id."""
        code, answer = self.act("deploy", app(word), name=word, **request)
        assert (code, answer["outcome"]) == (0, "live"), answer
        return str(answer["release"])


def app(word: str, *migrations: str) -> bytes:
    """An application's artifact."""
    files = {
        "artisan": word,
        "vendor/autoload.php": "",
        "public/index.php": word,
        "bootstrap/app.php": "",
        "composer.json": "{}",
        **{f"database/migrations/{name}.php": "" for name in migrations},
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content.encode()))
    return buffer.getvalue()


def install(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Have the engine find this world instead of systemd, PHP and nginx."""

    class WorldsCommands(Commands):
        def root(self, *command: str, seconds: float = 120, check: bool = True, given: str = "") -> str:
            if "andamio-db" in command[0]:
                return f"s3://dumps/laravel/{command[command.index('--label') + 1]}.sql.gz: 9 bytes\n"
            return ""

        def artisan(
            self, release: Path, *arguments: str, seconds: float = 900, pass_fds: Sequence[int] = ()
        ) -> str:
            if world.is_broken(f"kill {release.name}"):
                raise KilledError("`artisan migrate` was killed by signal 9")
            if world.is_broken(f"{arguments[0]} {release.name}"):
                raise ReleaseError(f"`artisan {arguments[0]}` ended with 1:\nno such table")
            for path in (release / "database/migrations").glob("*.php"):
                (world.root / "migrated" / path.stem).touch()
            return ""

        def laravel(
            self, release: Path, *commands: str, migrations: bool = False, unlock: bool = False
        ) -> dict[str, Any]:
            if unlock:
                (world.root / "unlocked").touch()
            if world.is_broken(f"compile {release.name}"):
                raise ReleaseError("`artisan (several commands)` ended with 1")
            (world.root / "compiled").write_text(json.dumps(commands))
            known = sorted(path.stem for path in (release / "database/migrations").glob("*.php"))
            return {"known": known, "ran": sorted(path.name for path in (world.root / "migrated").iterdir())}

    class WorldsHost(Host):
        def start_fpm(self, release: str) -> None:
            if (
                world.is_broken(f"preload-start {release}")
                and preload.options_file(world.settings, release).exists()
            ):
                raise ReleaseError("PHP-FPM does not start: a class is there twice")
            if world.is_broken(f"start {release}"):
                raise ReleaseError(f"PHP-FPM of {release} does not start")
            (world.root / "running" / release).touch()

        def stop_fpm(self, release: str) -> None:
            (world.root / "running" / release).unlink(missing_ok=True)

        def restart_fpm(self, release: str) -> None:
            self.start_fpm(release)

        def retire_fpm(self, release: str) -> None:
            self.stop_fpm(release)

        def running_fpm(self) -> list[str]:
            return world.running

        def restart_workers(self) -> None:
            rest = maintenance.is_ours(world.settings)
            (world.root / "workers").write_text("" if rest else self.live())

        def worker(self, unit: str, release: str) -> tuple[str, str]:
            at = (world.root / "workers").read_text() if (world.root / "workers").exists() else ""
            return "1", "" if at == release else f"{unit} works in {at}"

        def wait_for_workers(self, release: str, seconds: float) -> None:
            if reason := self.worker(self.settings.workers[0], release)[1]:
                raise ReleaseError(reason)

        def scheduler_ticks(self) -> bool:
            return not world.is_broken("scheduler")

        def in_use(self) -> set[str]:
            return set(world.running)

    def private(
        socket: Path, release_root: Path, *rest: Any, cookies: str = "", request_id: str = ""
    ) -> None:
        release = release_root.name
        preloads = preload.options_file(world.settings, release).exists()
        if preloads and world.is_broken(f"preload {release}"):
            raise ReleaseError("/up answered 500: a class is there twice")
        if release not in world.running or world.is_broken(f"gate {release}"):
            raise ReleaseError(f"/up answered 500 of {release}")

    def public(
        server_name: str,
        probes: Any,
        release: str,
        seconds: float,
        *,
        late_seconds: float,
        cookies: str = "",
        request_id: str = "",
    ) -> None:
        (world.root / "patience").write_text(f"{release} {seconds:g} {late_seconds:g}")
        if world.live != release or release not in world.running or world.is_broken(f"public {release}"):
            raise ReleaseError(f"/up answered 500 of {world.live}")
        if maintenance.is_down(world.settings) and not cookies:
            raise ReleaseError("/up answered 503")

    monkeypatch.setattr(engine, "Commands", WorldsCommands)
    monkeypatch.setattr(engine, "Host", WorldsHost)
    monkeypatch.setattr(gate, "private", private)
    monkeypatch.setattr(gate, "public", public)
    monkeypatch.setattr(preload, "compiled", lambda settings, release: [])
    monkeypatch.setattr("andamio_release.dumps.why_not", lambda: "")
