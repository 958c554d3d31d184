"""Where everything in the sandbox is: addresses, names and paths."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = CHECKOUT / ".cache"
# It may be a link to another work tree's sandbox: a machine has one, and its processes run from that tree.
STATE = (CACHE / "sandbox").resolve()
HOME = STATE.parent.parent
IMAGES = CACHE / "images"
APT_CACHE = CACHE / "apt"

# The network. The gateway is this machine, as its containers see it.
BRIDGE = "andamio0"
SUBNET = "10.97.0.0/24"
GATEWAY = "10.97.0.1"
CLOUD_ADDRESS = "10.97.0.2"
METADATA_ADDRESS = "169.254.169.254"
METADATA_PORT = 8169
# EC2 takes .20 to .99 for private and .100 to .199 for elastic addresses.
MACHINE_ADDRESSES = range(200, 250)

AWS_PORT = 4566
AWS_URL = f"http://{GATEWAY}:{AWS_PORT}"
# The edge, published on this machine's loopback.
EDGE_TLS_PORT = 4566
EDGE_PLAIN_PORT = 4567
# The account owner's key, as the inventory gives it too, and the file with its secret.
ACCESS_KEY = "sandbox"
SECRET = STATE / "secret"
REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")


def mac_address(address: str) -> str:
    """The hardware address that goes with an IPv4 address.

    Always the same one: a new container at an old address is then reached at once, whatever its
    neighbours remember.
    """
    return ":".join(["02:61", *(f"{int(part):02x}" for part in address.split("."))])


CLOUD = "andamio-cloud"
ACME_NAME = "acme.test"
ACME_URL = f"https://{ACME_NAME}:14000/dir"
PACKAGES_PORT = 3142
APT_PROXY = f"http://{GATEWAY}:{PACKAGES_PORT}"

# What a host is made of: a Debian cloud image, or any systemd image that MOLECULE_IMAGE names.
HOST_IMAGE = os.environ.get("MOLECULE_IMAGE", "andamio/debian:13")
CLOUD_IMAGE = "andamio/cloud:13"
DEBIAN_RELEASE = "trixie"
# An image is built anew when its package lists are older than this, and the mirror answers.
IMAGE_SECONDS = 3 * 24 * 3600.0
DEBIAN_MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
DEBIAN_SECURITY_MIRROR = os.environ.get("DEBIAN_SECURITY_MIRROR", "http://deb.debian.org/debian-security")
HOST_USER = "admin"

PODMAN = CHECKOUT / "sandbox" / "bin" / "podman"
CONTAINERS = STATE / "containers"
NETWORKS = CONTAINERS / "networks"
CLOUD_FILES = STATE / "cloud"
CA = STATE / "ca.pem"
CA_KEY = STATE / "ca.key"
TRUST = STATE / "trust.pem"
NAMES = STATE / "names.json"
MACHINE_KEY = STATE / "ssh" / "id_ed25519"
WORLD_SOCKET = STATE / "world.sock"
