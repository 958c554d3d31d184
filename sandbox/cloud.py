"""The container of the cloud's own services: edge, DNS and ACME."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import json
import re
import secrets
import ssl
import time
from pathlib import Path
from string import Template

import botocore.session

from sandbox import config, pki, podman

TEMPLATES = Path(__file__).parent / "templates"
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
PUBLIC_RESOLVERS = ("9.9.9.9", "1.1.1.1")


def edge_names() -> list[str]:
    """Every name and address that the edge answers for AWS.

    A wildcard stands for one label, so each region's endpoints have names of their own.
    """
    names = ["amazonaws.com", "*.amazonaws.com", "*.s3.amazonaws.com", "*.cloudfront.net"]
    for region in botocore.session.Session().get_available_regions("ec2"):
        suffix = f"{region}.amazonaws.com"
        names += [f"*.{suffix}", f"*.s3.{suffix}", f"*.dualstack.{suffix}", f"*.s3.dualstack.{suffix}"]
    return [*names, "localhost", "127.0.0.1", config.CLOUD_ADDRESS, config.GATEWAY]


def resolvers(*files: Path) -> list[str]:
    """The first file's name servers that a container can reach too, or public ones.

    systemd-resolved's stub listens on loopback; its own servers are in another file.
    """
    for file in files or (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf")):
        lines = file.read_text().splitlines() if file.exists() else []
        servers = [line.split()[1] for line in lines if line.startswith("nameserver ")]
        reachable = [server for server in servers if is_reachable(server)]
        if reachable:
            return reachable
    return list(PUBLIC_RESOLVERS)


def is_reachable(server: str) -> bool:
    """Whether an IPv4-only container can ask this name server."""
    try:
        address = ipaddress.ip_address(server)
    except ValueError:
        return False
    return address.version == 4 and not address.is_loopback


def write_if_new(path: Path, text: str) -> bool:
    """Write a file only when that changes it. Gives whether it did."""
    if path.exists() and path.read_text() == text:
        return False
    pki.write(path, text.encode())
    return True


def configure() -> bool:
    """Write what the services start from. Gives whether a running one has to be restarted."""
    pki.ensure_ca()
    files = config.CLOUD_FILES
    values = {
        "gateway": config.GATEWAY,
        "aws_port": str(config.AWS_PORT),
        "metadata": config.METADATA_ADDRESS,
        "metadata_port": str(config.METADATA_PORT),
        "subnet": config.SUBNET,
        "cloud": config.CLOUD_ADDRESS,
        "acme": config.ACME_NAME,
        "forwarders": "\n".join(f"  forward-addr: {server}" for server in resolvers()),
    }
    changed = False
    for target, template in (
        (files / "nginx" / "nginx.conf", "nginx.conf"),
        (files / "unbound" / "unbound.conf", "unbound.conf"),
        (files / "pebble" / "pebble.json", "pebble.json"),
    ):
        changed |= write_if_new(target, Template((TEMPLATES / template).read_text()).substitute(values))
    script = files / "nginx" / "edge.js"
    changed |= write_if_new(script, (TEMPLATES / "edge.js").read_text())
    for empty in (
        files / "nginx" / "sites.conf",
        files / "unbound" / "names.conf",
        files / "unbound" / "zones.conf",
    ):
        if not empty.exists():
            pki.write(empty, b"")
    tls = files / "tls"
    changed |= pki.ensure(tls / "edge.pem", tls / "edge.key", edge_names())
    changed |= pki.ensure(tls / "acme.pem", tls / "acme.key", [config.ACME_NAME, config.CLOUD_ADDRESS])
    return changed


def ensure_network() -> None:
    """Describe the network to podman, in a file, since only that can name the bridge before podman 4.4.

    Counting its own store's bridges, podman would take the name of another store's. And all stores
    share the list of addresses that are taken, by the network's name, so each has a name of its own.
    """
    if any(config.NETWORKS.glob("*.json")):
        return
    name = f"andamio-{secrets.token_hex(4)}"
    network = {
        "name": name,
        "id": hashlib.sha256(name.encode()).hexdigest(),
        "driver": "bridge",
        "network_interface": config.BRIDGE,
        "created": "2026-01-01T00:00:00Z",
        "subnets": [{"subnet": config.SUBNET, "gateway": config.GATEWAY}],
        "ipv6_enabled": False,
        "internal": False,
        "dns_enabled": False,
        "ipam_options": {"driver": "host-local"},
    }
    pki.write(config.NETWORKS / f"{name}.json", json.dumps(network, indent=2).encode())


def start() -> None:
    """Run the container, or run it anew when its image or configuration is another."""
    podman.remove(config.CLOUD, seconds=2)
    podman.run(
        *("run", "--detach", "--name", config.CLOUD, "--hostname", config.CLOUD),
        *("--label", "andamio.kind=cloud", "--network", podman.network(), "--ip", config.CLOUD_ADDRESS),
        *("--mac-address", config.mac_address(config.CLOUD_ADDRESS), "--dns", "127.0.0.1"),
        *podman.confinement(),
        *("--publish", f"127.0.0.1:{config.EDGE_TLS_PORT}:443"),
        *("--publish", f"127.0.0.1:{config.EDGE_PLAIN_PORT}:80"),
        *("--volume", f"{config.CLOUD_FILES}:/cloud:ro"),
        *(config.CLOUD_IMAGE, "/lib/systemd/systemd"),
    )


def is_running() -> bool:
    entry = podman.containers(**{"andamio.kind": "cloud"}).get(config.CLOUD)
    return entry is not None and entry["State"] == "running"


def fetch_pebble_root(seconds: float = 15) -> bytes:
    """Pebble's root certificate, new with each start of it. Raises TimeoutError when it doesn't answer."""
    context = ssl.create_default_context(cafile=str(config.CA))
    deadline = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPSConnection(config.CLOUD_ADDRESS, 15000, timeout=2, context=context)
        try:
            connection.request("GET", "/roots/0")
            return connection.getresponse().read()
        except OSError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Pebble does not answer at {config.CLOUD_ADDRESS}:15000: {error}"
                ) from error
            time.sleep(0.1)
        finally:
            connection.close()


def write_trust() -> bool:
    """Bundle what a client of the sandbox has to trust. Gives whether it changed.

    Pebble's earlier roots stay in it: certificates that it issued before it was restarted are still good.
    """
    before = config.TRUST.read_text() if config.TRUST.exists() else ""
    return write_if_new(config.TRUST, bundle(config.CA.read_text(), fetch_pebble_root().decode(), before))


def bundle(*texts: str) -> str:
    """The certificates of some PEM texts, each once."""
    found = [certificate for text in texts for certificate in CERTIFICATE.findall(text)]
    return "".join(f"{certificate}\n" for certificate in dict.fromkeys(found))


def reload_dns() -> None:
    """Have DNS read its files again; it answers by them on return."""
    podman.run("exec", config.CLOUD, "unbound-control", "-c", "/cloud/unbound/unbound.conf", "reload")


def reload_edge() -> None:
    """Have the edge read its files again. Raises PodmanError, the edge going on as it was, when it can't."""
    nginx = ("exec", config.CLOUD, "nginx", "-c", "/cloud/nginx/nginx.conf")
    podman.run(*nginx, "-t", "-q")
    podman.run(*nginx, "-s", "reload")
