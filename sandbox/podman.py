"""Run podman: the one place that starts it and knows its flags."""

from __future__ import annotations

import json
import resource
import subprocess
import time
from pathlib import Path
from typing import Any

from sandbox import config

CAP_SYS_RESOURCE = 24
# What systemd and the programs of a machine may do, and no more. None makes a device or opens a file by its
# handle (MKNOD, DAC_READ_SEARCH), loads a module, sets the clock or raises a limit.
CAPABILITIES = (
    # Root among the container's own users and files, as podman gives it.
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETFCAP", "SETGID", "SETPCAP", "SETUID"),
    *("NET_BIND_SERVICE", "SYS_CHROOT"),
    # Mount namespaces: systemd's own, and those of units (PrivateTmp=, ProtectSystem=); network ones.
    "SYS_ADMIN",
    # Addresses, nftables and sysctl's net; raw sockets, to announce an address.
    *("NET_ADMIN", "NET_RAW"),
    # Logins are audited (PAM); Nice= of units; root sees the programs of other users in /proc.
    *("AUDIT_WRITE", "SYS_NICE", "SYS_PTRACE"),
)
# Where the kernel tells of the machine's disks.
HIDDEN = ("/proc/diskstats", "/proc/partitions", "/sys/block", "/sys/class/block", "/sys/dev/block")


class PodmanError(Exception):
    """A podman command failed; the message is the command and what it printed."""


def run(*arguments: str, stdin: str | None = None, check: bool = True) -> str:
    """Run podman and give what it printed. Raises PodmanError with its error output."""
    result = subprocess.run(
        [str(config.PODMAN), *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    if check and result.returncode != 0:
        command = " ".join(arguments[:3])
        raise PodmanError(f"podman {command} …: {(result.stderr or result.stdout).strip()}")
    return result.stdout


def remove(*names: str, seconds: int = 0, tries: int = 4) -> None:
    """Remove containers, running or not, ``seconds`` after they were asked to stop.

    One that ends just as podman kills it is an error to podman: then again. Raises PodmanError.
    """
    for left in range(tries, 0, -1):
        try:
            run("rm", "--force", "--ignore", "--volumes", "--time", str(seconds), *names)
            return
        except PodmanError:
            if left == 1:
                raise
            time.sleep(0.5)


def query(*arguments: str) -> Any:
    """Run podman with ``--format json`` and give the parsed answer."""
    return json.loads(run(*arguments, "--format", "json") or "null")


def containers(**labels: str) -> dict[str, dict[str, Any]]:
    """All containers with these labels, running or not, by name."""
    filters = [f"--filter=label={name}={value}" for name, value in labels.items()]
    return {entry["Names"][0]: entry for entry in query("ps", "--all", *filters) or []}


def exists(kind: str, name: str) -> bool:
    """Whether a thing of this kind (``container``, ``image``, ``network``) is there."""
    command = [str(config.PODMAN), kind, "exists", name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def shell(container: str, script: str) -> str:
    """Run a shell script as root in a container. Raises PodmanError when it fails."""
    return run("exec", "--interactive", container, "sh", "-eu", stdin=script)


def network() -> str:
    """The name of the sandbox's network in this store."""
    return next(config.NETWORKS.glob("*.json")).stem


def confinement() -> list[str]:
    """The flags of a container whose first process is systemd. It has podman's few devices, and no disk.

    Kernel settings can be written; sandbox/init.sh keeps from the machine what isn't of the network.
    podman's profiles for AppArmor and SELinux are for containers that mount nothing, and systemd does.
    """
    return [
        *("--systemd", "always", "--cap-drop", "all", "--cap-add", ",".join(CAPABILITIES)),
        *("--security-opt", "unmask=/proc/sys", "--security-opt", f"mask={':'.join(HIDDEN)}"),
        *("--security-opt", "apparmor=unconfined", "--security-opt", "label=disable"),
        *limits(),
    ]


def limits() -> list[str]:
    """The ulimit flags a container needs here.

    podman asks for limits of its own choosing, which a machine without CAP_SYS_RESOURCE refuses.
    """
    status = Path("/proc/self/status").read_text().splitlines()
    bounding = next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))
    if bounding >> CAP_SYS_RESOURCE & 1:
        return []
    flags = []
    for name, number in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(number)[1]
        value = 10000 if hard == resource.RLIM_INFINITY else min(hard, 10000)
        flags.append(f"--ulimit={name}={value}:{value}")
    return flags
