"""lxcfs: a host's own /proc/meminfo and the like, so that it sees the memory and CPUs it has."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from sandbox import config
from sandbox.sudo import root

FOLDER = config.STATE / "lxcfs"
FILES = ("cpuinfo", "meminfo", "stat", "swaps", "uptime")
# What lxcfs makes for itself in /run and leaves there.
LEFTOVERS = ("/run/lxcfs/controllers", "/run/lxcfs/root", "/run/lxcfs")


def mounts() -> list[str]:
    """Where lxcfs is mounted on this machine."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [line[1] for line in lines if line[2] == "fuse.lxcfs"]


def is_running() -> bool:
    """Whether it serves. When its process has died, the mount stays and answers with an error."""
    try:
        return str(FOLDER) in mounts() and (FOLDER / "proc" / "uptime").stat().st_mode > 0
    except OSError:
        return False


def start(seconds: float = 10) -> None:
    """Start it where it isn't running. Raises TimeoutError when it doesn't serve."""
    if is_running():
        return
    unmount()
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    program = shutil.which("lxcfs", path=path) or "lxcfs"
    pid_file = config.STATE / "lxcfs.pid"
    root(
        # Not of the terminal's session: what ends that would end the view that hosts have of their memory.
        "setsid",
        "sh",
        "-c",
        '"$0" --enable-cfs --pidfile="$1" "$2" >/dev/null 2>&1 &',
        program,
        str(pid_file),
        str(FOLDER),
    )
    deadline = time.monotonic() + seconds
    while not is_running():
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"lxcfs does not serve {FOLDER}; run it by hand to see why: {program} -f {FOLDER}"
            )
        time.sleep(0.02)


def unmount() -> None:
    """Unmount it where it is mounted, be it alive or dead."""
    if str(FOLDER) in mounts():
        root("umount", "--lazy", str(FOLDER))


def stop() -> None:
    """Stop it, and remove what it leaves unless another lxcfs runs."""
    unmount()
    if not mounts():
        root(
            "rmdir",
            "--ignore-fail-on-non-empty",
            *(path for path in LEFTOVERS if Path(path).exists()),
            check=False,
        )


def volumes() -> list[str]:
    """podman's flags that give a container its own view."""
    return [f"--volume={FOLDER}/proc/{name}:/proc/{name}" for name in FILES]
