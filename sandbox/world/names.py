"""DNS names set by hand, beside those of the account's zones."""

from __future__ import annotations

import ipaddress
import json
import re
import socket

from sandbox import cloud, config, pki

NAME = re.compile(r"[a-z0-9*_-]+(\.[a-z0-9_-]+)*")


def load() -> dict[str, str]:
    """The names and their addresses."""
    loaded: dict[str, str] = json.loads(config.NAMES.read_text()) if config.NAMES.exists() else {}
    return loaded


def render(names: dict[str, str]) -> str:
    """The names as lines of unbound's ``server:`` clause."""
    return "".join(f'  local-data: "{name}. 60 IN A {address}"\n' for name, address in sorted(names.items()))


def change(name: str, address: str | None) -> None:
    """Set a name, or forget it when there is no address; DNS answers so on return."""
    name = name.lower().rstrip(".")
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a DNS name")
    names = load()
    if address is None:
        names.pop(name, None)
    else:
        names[name] = str(ipaddress.IPv4Address(address))
    pki.write(config.NAMES, json.dumps(names, indent=2, sort_keys=True).encode())
    apply()
    wake()


def apply() -> bool:
    """Make DNS answer for the names. Gives whether that changed anything."""
    path = config.CLOUD_FILES / "unbound" / "names.conf"
    text = render(load())
    if path.exists() and path.read_text() == text:
        return False
    pki.write(path, text.encode())
    cloud.reload_dns()
    return True


def wake() -> None:
    """Tell the world that something may have changed; one that is down will see by itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        if config.WORLD_SOCKET.exists():
            sender.sendto(b"names", str(config.WORLD_SOCKET))
