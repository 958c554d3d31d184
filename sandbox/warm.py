"""Fetch ahead what hosts will install: their packages then come from the cache, whatever the mirror does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sandbox import config, image, machine, podman

LIST = Path(__file__).parent / "warm.txt"
MYSQL_VARS = config.CHECKOUT / "roles" / "mysql" / "vars" / "main.yml"
MYSQL = ("mysql-server", "python3-pymysql")
SOURCE = "/etc/apt/sources.list.d/andamio-mysql.sources"
# Which image the packages were fetched for.
MARK = config.APT_CACHE / "warmed"


def packages() -> list[str]:
    """The packages of ``warm.txt``."""
    lines = (line.partition("#")[0].strip() for line in LIST.read_text().splitlines())
    return [line for line in lines if line]


def sid() -> dict[str, Any]:
    """How role mysql takes MySQL from Debian sid."""
    found: dict[str, Any] = yaml.safe_load(MYSQL_VARS.read_text())["__mysql_repositories"]["debian_sid"]
    return found


def script() -> str:
    """Shell lines for a host that is thrown away. Lists are asked for anew, packages are only fetched."""
    mysql = sid()
    install = "apt-get -qq -y --no-install-recommends --download-only install"
    update = "apt-get -qq -o Acquire::http::No-Cache=true --error-on=any update"
    lines = [
        "export DEBIAN_FRONTEND=noninteractive",
        *machine.apt_commands(),
        update,
        f"{install} {' '.join(packages())} >/dev/null",
        f"cat >{SOURCE} <<'EOF'",
        "Types: deb",
        # The mirror that hosts would ask, which is the role's own default.
        "URIs: http://deb.debian.org/debian",
        f"Suites: {mysql['suite']}",
        f"Components: {mysql['component']}",
        f"Signed-By: {mysql['keyring']}",
        "Check-Valid-Until: no",
        "Languages: none",
        "EOF",
        "cat >/etc/apt/preferences.d/andamio-mysql <<'EOF'",
        f"Package: {' '.join(mysql['packages'])}",
        f"Pin: {mysql['pin']}",
        "Pin-Priority: 600",
        "",
        "Package: *",
        f"Pin: {mysql['pin']}",
        "Pin-Priority: -1",
        "EOF",
        f"{update} -o Dir::Etc::SourceList=/dev/null -o APT::Get::List-Cleanup=0",
        # The others once more: beside sid, some of what they need comes from there too.
        f"{install} {' '.join((*MYSQL, *packages()))} >/dev/null",
    ]
    return "\n".join(lines) + "\n"


def state() -> str:
    """What the cache is warm for: an image, as it was built, and the packages."""
    archive = image.HOST.archive
    return f"{archive.name} {archive.stat().st_mtime_ns if archive.exists() else 0}\n{script()}"


def is_due() -> bool:
    """Whether there are packages to fetch; only for the sandbox's own image is it known which."""
    if image.HOST.name != config.HOST_IMAGE:
        return False
    return not MARK.exists() or MARK.read_text() != state()


def fetch() -> None:
    """Fetch them all into the package cache. Raises PodmanError when some can't be had."""
    podman.run(
        *("run", "--rm", "--interactive", "--network", "host", *podman.limits(), config.HOST_IMAGE),
        *("sh", "-eu"),
        stdin=script(),
    )
    MARK.write_text(state())
