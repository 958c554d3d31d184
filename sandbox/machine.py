"""A machine of the sandbox: a container that stands where an EC2 instance would."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from sandbox import config, lxcfs, podman

INIT = Path(__file__).parent / "init.sh"
# There once a machine is prepared; /run is emptied when it stops.
READY = "/run/sandbox-ready"
# Tells the neighbours that an address has moved here: a gratuitous ARP for each.
ANNOUNCE = """
import socket, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0x0806))
mac = link.getsockname()[4]
for address in map(socket.inet_aton, sys.argv[1:]):
    head = b"\\xff" * 6 + mac + bytes.fromhex("0806 0001 0800 06 04 0001")
    link.send(head + mac + address + b"\\0" * 6 + address)
"""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,61}")


@dataclass(frozen=True)
class Machine:
    """What a machine is to be. Memory is in MiB."""

    name: str
    address: str
    hostname: str
    memory: int
    cpus: int
    public_key: str
    kind: str = "instance"
    image: str = config.HOST_IMAGE
    elastic_addresses: tuple[str, ...] = ()
    user_data: str = ""


def run_command(machine: Machine) -> list[str]:
    """podman's arguments that start a machine for the first time."""
    return [
        *("run", "--detach", "--name", machine.name, "--hostname", machine.hostname),
        *("--label", f"andamio.kind={machine.kind}", "--label", f"andamio.address={machine.address}"),
        *("--network", podman.network(), "--ip", machine.address, "--dns", config.CLOUD_ADDRESS),
        *("--mac-address", config.mac_address(machine.address)),
        *limits(machine),
        *("--stop-timeout", "10", *podman.confinement()),
        *lxcfs.volumes(),
        *(machine.image, "sh", "-c", INIT.read_text()),
    ]


def limits(machine: Machine) -> list[str]:
    """podman's flags for a machine's size. No swap beyond the memory: what doesn't fit, doesn't on AWS."""
    memory = f"{machine.memory}m"
    return ["--memory", memory, "--memory-swap", memory, "--cpus", str(machine.cpus)]


def boot_script(machine: Machine, trust: str) -> str:
    """What a machine needs each time it starts: the way to the metadata, trust, keys and addresses."""
    user = config.HOST_USER
    lines = [
        "mkdir -p /run/sshd",
        *metadata_commands(),
        f"id {user} >/dev/null 2>&1 || useradd --create-home --shell /bin/bash {user}",
        f"install -d -m 0700 -o {user} -g {user} /home/{user}/.ssh",
        f"printf '%s\\n' {quote(machine.public_key.strip())} >/home/{user}/.ssh/authorized_keys",
        f"chown {user}: /home/{user}/.ssh/authorized_keys",
        f"chmod 0600 /home/{user}/.ssh/authorized_keys",
        f"printf '%s ALL=(ALL) NOPASSWD:ALL\\n' {user} >/etc/sudoers.d/90-cloud-init-users",
        *apt_commands(),
        *address_commands(machine),
        "mkdir -p /usr/local/share/ca-certificates",
        f"printf '%s' {quote(trust)} | "
        'awk \'/BEGIN/ {n++} {print > ("/usr/local/share/ca-certificates/sandbox-" n ".crt")}\'',
        "update-ca-certificates >/dev/null 2>&1",
        f"touch {READY}",
    ]
    return "\n".join(lines) + "\n"


def apt_commands() -> list[str]:
    """Shell lines that have apt ask the package cache, which answers once it has all of a file."""
    settings = {
        "Acquire::http::Proxy": config.APT_PROXY,
        "Acquire::https::Proxy": "DIRECT",
        "Acquire::http::Timeout": "300",
        "Acquire::Retries": "5",
    }
    lines = (quote(f'{name} "{value}";') for name, value in settings.items())
    return [f"printf '%s\\n' {' '.join(lines)} >/etc/apt/apt.conf.d/90sandbox"]


def metadata_commands() -> list[str]:
    """Shell lines that give the machine the metadata service's address, and pass on what that gets.

    Routed to the cloud's container instead, requests would lose who asks: where bridged packets go
    through iptables, podman's own rules give all that leaves the network the gateway's address.

    The socket listens in a network of its own: among the machine's sockets, it would keep a web server
    from port 80 of all addresses. What accepts there sends on from the machine's network.
    """
    address, gateway = config.METADATA_ADDRESS, "169.254.169.253"
    return [
        "until systemctl show --property Version >/dev/null 2>&1; do sleep 0.05; done",
        "if ! systemctl --quiet is-active sandbox-metadata.socket; then",
        "  [ -e /run/netns/metadata ] || ip netns add metadata",
        "  ip link show metadata >/dev/null 2>&1 ||",
        "    ip link add metadata type veth peer name eth0 netns metadata",
        f"  ip address replace {gateway} peer {address}/32 dev metadata",
        f"  ip -n metadata address replace {address} peer {gateway}/32 dev eth0",
        "  ip link set metadata up",
        "  ip -n metadata link set eth0 up",
        "  systemd-run --quiet --unit sandbox-metadata "
        "--socket-property NetworkNamespacePath=/run/netns/metadata "
        f"--socket-property ListenStream={address}:80 "
        f"/usr/lib/systemd/systemd-socket-proxyd {config.CLOUD_ADDRESS}:{config.METADATA_PORT}",
        "fi",
    ]


def trust_commands(trust: str) -> list[str]:
    """Shell lines that make the machine trust the sandbox.

    The certificates are where ``update-ca-certificates`` finds them when it is next run, and are put by
    hand where it would put them: that takes it seconds for the sake of a hundred others.
    """
    folder, bundle = "/usr/local/share/ca-certificates", "/etc/ssl/certs/ca-certificates.crt"
    return [
        f"mkdir -p {folder}",
        f"printf '%s' {quote(trust)} >/run/sandbox-trust.pem",
        f"if ! cmp -s /run/sandbox-trust.pem {folder}/sandbox.pem; then",
        f"  cp /run/sandbox-trust.pem {folder}/sandbox.pem",
        f'  awk \'/BEGIN/ {{n++}} {{print > ("{folder}/sandbox-" n ".crt")}}\' {folder}/sandbox.pem',
        f"  cat {folder}/sandbox.pem >>{bundle}",
        f"  for file in {folder}/sandbox-*.crt; do",
        '    ln -sf "$file" "/etc/ssl/certs/$(openssl x509 -noout -hash -in "$file").0"',
        "  done",
        "fi",
    ]


def address_commands(machine: Machine) -> list[str]:
    """Shell lines that leave the interface with the machine's addresses and no other."""
    wanted = " ".join(machine.elastic_addresses)
    return [
        f"wanted={quote(f' {wanted} ')}",
        "have=$(ip -4 -o address show dev eth0 secondary | awk '{split($4, a, \"/\"); print a[1]}')",
        'for address in $have; do case "$wanted" in *" $address "*) ;; '
        '*) ip address delete "$address/24" dev eth0 ;; esac; done',
        'for address in $wanted; do ip address replace "$address/24" dev eth0; done',
        f"python3 -c {quote(ANNOUNCE)} $wanted",
    ]


def user_data_script(user_data: str) -> str:
    """Run user data once, as cloud-init does: a script, by root, its output in cloud-init's log.

    A failure is the log's and the unit's to tell; the machine is up all the same.
    """
    return (
        "[ ! -e /var/lib/cloud/instance/user-data.txt ] || exit 0\n"
        "mkdir -p /var/lib/cloud/instance\n"
        f"printf '%s' {quote(user_data)} >/var/lib/cloud/instance/user-data.txt\n"
        "chmod 0700 /var/lib/cloud/instance/user-data.txt\n"
        "systemd-run --quiet --unit cloud-final --property RemainAfterExit=yes "
        "--property StandardOutput=append:/var/log/cloud-init-output.log "
        "--property StandardError=append:/var/log/cloud-init-output.log "
        "/var/lib/cloud/instance/user-data.txt\n"
    )


def boot(machine: Machine) -> None:
    """Prepare a running machine, and run its user data the first time."""
    podman.shell(machine.name, boot_script(machine, config.TRUST.read_text()))
    if machine.user_data.startswith("#!"):
        podman.shell(machine.name, user_data_script(machine.user_data))


def is_ready(name: str) -> bool:
    """Whether a running machine has been prepared since it started."""
    return podman.run("exec", name, "sh", "-c", f"test ! -e {READY} || echo ready", check=False) == "ready\n"


def renew_trust() -> None:
    """Have the plain machines trust an ACME server that started anew; the world does it for instances."""
    script = "\n".join(trust_commands(config.TRUST.read_text()))
    for name, entry in podman.containers(**{"andamio.kind": "machine"}).items():
        if entry["State"] == "running":
            podman.shell(name, script)


def forget_host_key(name: str) -> None:
    """Drop what ssh remembers of a machine of this name: the next one has a key of its own."""
    known = config.MACHINE_KEY.parent / "known_hosts"
    if known.exists():
        subprocess.run(["ssh-keygen", "-q", "-R", name, "-f", str(known)], check=False, capture_output=True)


def proxy_command() -> str:
    """The ssh option that reaches a machine by its name, without a port."""
    return f"{config.PODMAN} exec -i %h /usr/sbin/sshd -i"


def ensure_key() -> str:
    """The public key of the machines that no key pair of the account names."""
    if not config.MACHINE_KEY.exists():
        config.MACHINE_KEY.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sandbox", "-f", str(config.MACHINE_KEY)],
            check=True,
        )
    return config.MACHINE_KEY.with_suffix(".pub").read_text()


def free_address(taken: set[str]) -> str:
    """The first address of the machines' range that none has. Raises ValueError when all are taken."""
    prefix = config.GATEWAY.rpartition(".")[0]
    for number in config.MACHINE_ADDRESSES:
        address = f"{prefix}.{number}"
        if address not in taken:
            return address
    raise ValueError(f"all {len(config.MACHINE_ADDRESSES)} machine addresses are taken; remove a machine")


def megabytes(size: str) -> int:
    """``1g`` or ``512m`` in MiB. Raises ValueError for anything else."""
    match = re.fullmatch(r"(\d+)([mg])", size.lower())
    if not match:
        raise ValueError(f"{size!r} is not a size such as 512m or 1g")
    return int(match[1]) * (1024 if match[2] == "g" else 1)


def create(name: str, image: str, memory: str) -> dict[str, Any]:
    """Make a plain machine, as a test scenario wants one, and say how to reach it."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a host name: lower-case letters, digits and hyphens")
    have = podman.containers(**{"andamio.kind": "machine"})
    taken = {entry["Labels"]["andamio.address"] for entry in have.values()}
    address = have[name]["Labels"]["andamio.address"] if name in have else free_address(taken)
    machine = Machine(name, address, name, megabytes(memory), 2, ensure_key(), kind="machine", image=image)
    if name not in have:
        podman.run(*run_command(machine))
    elif have[name]["State"] != "running":
        podman.run("start", name)
    boot(machine)
    return {
        "name": name,
        "address": address,
        "user": config.HOST_USER,
        "private_key": str(config.MACHINE_KEY),
        "proxy_command": proxy_command(),
    }


def remove(name: str) -> None:
    """Remove a machine and all that is on it."""
    podman.remove(name, seconds=1)
    forget_host_key(name)
