"""What podman's network leaves on this machine, and how ``down`` takes away what ``up`` did not find.

netavark leaves the chains that its networks share, and the kernel as a router; the runtimes leave folders.
What was there before stays, and so does what another network of podman's uses. Nothing here is run by
itself: commands go through a runner, which the tests give too.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha512
from pathlib import Path
from typing import Any

from sandbox import config

# Runs a command as root and gives what it printed; nothing when it fails.
Run = Callable[..., str]

FILE = config.STATE / "traces.json"
# The last is umount's own.
FOLDERS = ("/run/crun", "/run/runc", "/run/netns", "/run/mount")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Of all networks; a network's own chain ends in a part of its name's hash.
SHARED = re.compile(r"NETAVARK[_-](FORWARD|INPUT|HOSTPORT-\w+|ISOLATION_\d+)")
OF_A_NETWORK = re.compile(r"NETAVARK-(DN-)?([0-9A-F]{13})")
# What netavark's nftables driver calls a network's chains there.
NFT_TABLE = "inet netavark"
NFT_CHAIN = re.compile(r"chain (nv_\w+?_nm\d+)")


@dataclass(frozen=True)
class Before:
    """What there was before the sandbox came up."""

    boot: str
    chains: tuple[str, ...]
    tables: tuple[str, ...]
    folders: tuple[str, ...]
    forwarding: str


@dataclass(frozen=True)
class Rule:
    """A rule of iptables' as it saves them."""

    table: str
    chain: str
    words: tuple[str, ...]

    def value(self, *flags: str) -> str:
        """What follows the first of these flags, or nothing."""
        return next((b for a, b in zip(self.words, self.words[1:], strict=False) if a in flags), "")


def parse(saved: str) -> tuple[list[tuple[str, str]], list[Rule]]:
    """The chains, as (table, chain), and the rules in the text of ``iptables-save``."""
    table, chains, rules = "", [], []
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            chains.append((table, line[1:].split()[0]))
        elif line.startswith("-A "):
            words = shlex.split(line)
            rules.append(Rule(table, words[1], tuple(words[2:])))
    return chains, rules


def digest(network: str) -> str:
    """How netavark names a network in its chains."""
    return sha512(network.encode()).hexdigest()[:13].upper()


def is_ours(rule: Rule, network: str) -> bool:
    """Whether a rule in a shared chain was made for the sandbox's network."""
    return (
        config.SUBNET in (rule.value("-s"), rule.value("-d"))
        or config.BRIDGE in (rule.value("-i"), rule.value("-o"))
        or rule.value("--comment").startswith(f"dnat name: {network} ")
    )


def others(saved: str, network: str) -> bool:
    """Whether another network of podman's has rules here."""
    chains, rules = parse(saved)
    names = [match[2] for _table, chain in chains if (match := OF_A_NETWORK.fullmatch(chain))]
    if any(name != digest(network) for name in names):
        return True
    return any(
        SHARED.fullmatch(rule.chain) and rule.value("-s", "-d", "-i", "-o") and not is_ours(rule, network)
        for rule in rules
    )


def removal(saved: str, network: str, before: Before | None) -> list[tuple[str, ...]]:
    """The commands that remove what is the sandbox's from the rules that ``iptables-save`` printed.

    Without a record of what was there before, chains that networks share stay.
    """
    chains, rules = parse(saved)
    keep_shared = before is None or others(saved, network)
    doomed = []
    for table, chain in chains:
        own = OF_A_NETWORK.fullmatch(chain)
        shared = SHARED.fullmatch(chain) and not keep_shared
        new = before is None or f"{table} {chain}" not in before.chains
        if (own and own[2] == digest(network)) or (shared and new):
            doomed.append((table, chain))
    commands = [
        ("iptables", "-w", "-t", rule.table, "-D", rule.chain, *rule.words)
        for rule in rules
        if (rule.table, rule.chain) not in doomed
        and (
            (rule.table, rule.value("-j", "-g")) in doomed
            or (SHARED.fullmatch(rule.chain) and is_ours(rule, network))
        )
    ]
    for flag in ("-F", "-X"):
        commands += [("iptables", "-w", "-t", table, flag, chain) for table, chain in doomed]
    return commands


def empty_tables(saved: str, before: Before) -> list[tuple[str, ...]]:
    """The commands that remove the tables that came with the sandbox and have nothing left in them."""
    table, present, used = "", [], set()
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
            present.append(table)
        # A rule, a chain of somebody's, or one that turns away what no rule lets through.
        elif line.startswith("-A ") or (line.startswith(":") and line.split()[1] != "ACCEPT"):
            used.add(table)
    return [
        ("nft", "delete", "table", *name.split())
        for name in (f"ip {table}" for table in present if table not in used)
        if name not in before.tables
    ]


def nft_table(listed: str, before: Before) -> list[tuple[str, ...]]:
    """The command that removes netavark's table from what ``nft list table inet netavark`` printed."""
    subnet = config.SUBNET.replace(".", "_").replace("/", "_nm")
    foreign = [name for name in NFT_CHAIN.findall(listed) if not name.endswith(f"_{subnet}")]
    if not listed.strip() or foreign or NFT_TABLE in before.tables:
        return []
    return [("nft", "delete", "table", *NFT_TABLE.split())]


def tables(listed: str) -> tuple[str, ...]:
    """The tables in the text of ``nft list tables``."""
    return tuple(
        line.removeprefix("table ").strip() for line in listed.splitlines() if line.startswith("table ")
    )


def record(run: Run) -> None:
    """Write down what there is, unless that was done since this machine's last boot, or the sandbox is up."""
    boot = BOOT_ID.read_text().strip()
    before = recorded()
    if before is None and (config.CONTAINERS / "storage").exists():
        return
    if before is not None and before.boot == boot:
        return
    chains, _rules = parse(run("iptables-save"))
    now = Before(
        boot,
        tuple(f"{table} {chain}" for table, chain in chains),
        tables(run("nft", "list", "tables")),
        tuple(folder for folder in FOLDERS if Path(folder).exists()),
        FORWARDING.read_text().strip(),
    )
    FILE.write_text(json.dumps(asdict(now), indent=2))


def recorded() -> Before | None:
    """What was written down, if it was."""
    try:
        loaded: dict[str, Any] = json.loads(FILE.read_text())
        chains, tables_, folders = (tuple(loaded[name]) for name in ("chains", "tables", "folders"))
        return Before(loaded["boot"], chains, tables_, folders, loaded["forwarding"])
    except (OSError, ValueError, KeyError):
        return None


def remove(run: Run, network: str) -> None:
    """Remove what the sandbox's network left, once its containers are gone."""
    before = recorded()
    saved = run("iptables-save")
    for command in removal(saved, network, before):
        run(*command)
    if before is None:
        return
    alone = not others(saved, network)
    for command in nft_table(run("nft", "list", "table", *NFT_TABLE.split()), before):
        run(*command)
    for command in empty_tables(run("iptables-save"), before):
        run(*command)
    for folder in FOLDERS:
        if folder not in before.folders:
            remove_folder(run, folder)
    if alone and before.forwarding == "0":
        run("sh", "-c", f"echo 0 >{FORWARDING}")
    FILE.unlink(missing_ok=True)


def remove_folder(run: Run, folder: str) -> None:
    """Remove a folder that is empty, though it be mounted on itself, as netavark does with its own."""
    path = Path(folder)
    if not path.is_dir() or any(path.iterdir()):
        return
    if any(line.split()[1] == folder for line in Path("/proc/self/mounts").read_text().splitlines()):
        run("umount", folder)
    run("rmdir", folder)
