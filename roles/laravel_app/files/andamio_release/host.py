"""The host's own parts: PHP-FPM, workers, the live link, space."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from andamio_release import preload
from andamio_release.build import remove_tree
from andamio_release.commands import Commands
from andamio_release.errors import ReleaseError
from andamio_release.settings import Settings


class Host:
    """What a run does to this host, one verb a method."""

    def __init__(self, settings: Settings, commands: Commands) -> None:
        self.settings = settings
        self.commands = commands

    def live(self) -> str:
        """The id of the live release, '' when there is none."""
        try:
            return self.settings.current.readlink().name
        except FileNotFoundError:
            return ""

    def switch(self, release: str) -> None:
        """Make a release the live one, by one rename."""
        link = self.settings.current
        partial = link.with_name(f".{link.name}.new")
        partial.unlink(missing_ok=True)
        partial.symlink_to(Path("releases") / release)
        partial.rename(link)
        sync_folder(link.parent)

    def start_fpm(self, release: str) -> None:
        """Start a release's PHP-FPM, or keep the one that runs. Raises ReleaseError that says why not."""
        retire = f"{retire_unit(release)}.timer"
        self.commands.root("systemctl", "stop", retire, check=False)
        try:
            self.commands.root("systemctl", "start", self.settings.unit(release))
        except ReleaseError as error:
            unit = self.settings.unit(release)
            why = self.commands.root(
                "journalctl", "--unit", unit, "--lines", "15", "--output", "cat", check=False
            )
            raise ReleaseError(f"PHP-FPM of {release} does not start:\n{why.strip() or error}") from error

    def restart_fpm(self, release: str) -> None:
        """Start a release's PHP-FPM anew. Raises ReleaseError with why it doesn't start."""
        self.commands.root("systemctl", "stop", *self.settings.units(release), check=False)
        self.start_fpm(release)

    def stop_fpm(self, release: str) -> None:
        """Stop a release's PHP-FPM; requests under way are finished first."""
        self.commands.root("systemctl", "stop", f"{retire_unit(release)}.timer", check=False)
        self.commands.root("systemctl", "stop", "--no-block", *self.settings.units(release), check=False)

    def retire_fpm(self, release: str) -> None:
        """Stop a release's PHP-FPM when no request can be on its way to it any more.

        nginx chooses a request's release when the request begins, and hands it over when all of it is here.
        """
        self.commands.root(
            *("systemd-run", "--quiet", f"--unit={retire_unit(release)}", "--collect"),
            *(f"--on-active={self.settings.request_seconds}s", "--timer-property=AccuracySec=1s"),
            *("systemctl", "stop", *self.settings.units(release)),
            check=False,
        )

    def running_fpm(self) -> list[str]:
        """The releases whose PHP-FPM runs, or would be started by a request."""
        listed = self.commands.root(
            *("systemctl", "list-units", "--plain", "--no-legend", "--state=active,activating,reloading"),
            *("php-fpm@*.socket", "php-fpm@*.service"),
        )
        names = [line.split()[0] for line in listed.splitlines() if line.strip()]
        return sorted({name.removeprefix("php-fpm@").rpartition(".")[0] for name in names})

    def restart_workers(self) -> None:
        """Have each worker finish its job and start anew, on what is live by then."""
        if self.settings.workers:
            self.commands.root("systemctl", "restart", "--no-block", *self.settings.workers)

    def wait_for_workers(self, release: str, seconds: float) -> None:
        """Wait until each worker works on a release, or is still at its last job. Raises ReleaseError."""
        deadline = time.monotonic() + seconds
        seen: dict[str, str] = {}
        while True:
            reasons = []
            for unit in self.settings.workers:
                pid, reason = self.worker(unit, release)
                # One that has died and was started anew within this moment isn't settled.
                if not reason and pid and seen.get(unit) not in (None, pid):
                    reason = f"{unit} does not stay up"
                if not reason and pid and unit not in seen:
                    reason = f"{unit} has only just started"
                if pid:
                    seen[unit] = pid
                if reason:
                    reasons.append(reason)
            if not reasons:
                return
            if time.monotonic() > deadline:
                raise ReleaseError("; ".join(reasons))
            time.sleep(0.2)

    def worker(self, unit: str, release: str) -> tuple[str, str]:
        """A worker's process, and what keeps it from working on a release ('' when nothing does)."""
        shown = self.commands.root("systemctl", "show", unit, "--property=ActiveState,MainPID,Result,Job")
        state = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        if state.get("ActiveState") == "deactivating":
            return "", ""  # It finishes its job; systemd starts it anew after that.
        pid = state.get("MainPID", "0")
        if state.get("ActiveState") != "active" or pid == "0":
            return (
                "",
                f"{unit} is {state.get('ActiveState')} ({state.get('Result')}); see journalctl -u {unit}",
            )
        try:
            folder = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            return "", f"{unit} has just ended"
        if folder != self.settings.release(release):
            return pid, f"{unit} works in {folder}"
        return pid, ""

    def scheduler_ticks(self) -> bool:
        """Whether the timer of the scheduler is set, where there is to be one."""
        if not self.settings.scheduler:
            return True
        state = self.commands.root("systemctl", "is-active", "laravel-scheduler.timer", check=False)
        return state.strip() == "active"

    def in_use(self) -> set[str]:
        """The releases that a process has its folder in, or that a PHP-FPM serves."""
        used = set(self.running_fpm())
        for process in Path("/proc").glob("[0-9]*/cwd"):
            try:
                folder = process.readlink()
            except OSError:
                continue
            if self.settings.releases in folder.parents:
                used.add(folder.relative_to(self.settings.releases).parts[0])
        return used

    def free_mb(self) -> int:
        """Free space for releases, in MiB."""
        return shutil.disk_usage(self.settings.releases).free // 2**20

    def remove_release(self, release: str) -> None:
        """Remove a release's folder and its PHP-FPM's options."""
        self.commands.root("systemctl", "reset-failed", self.settings.unit(release), check=False)
        preload.drop(self.settings, release)
        (Path(self.settings.fpm) / f"{release}.files").unlink(missing_ok=True)
        remove_tree(self.settings.release(release))


def retire_unit(release: str) -> str:
    """The timer that stops a release's PHP-FPM."""
    return f"php-fpm-retire-{release}"


def sync_folder(path: Path) -> None:
    """Have a folder's entries on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
