"""The machine images of Ubuntu and Debian that AWS announces in Parameter Store, as of autumn 2026."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

CANONICAL = "099720109477"
DEBIAN = "136693071363"
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}


@dataclass(frozen=True)
class Image:
    """One image of one region. ``parameter`` is the public parameter that names it."""

    parameter: str
    name: str
    description: str
    owner: str
    architecture: str
    root_device: str
    region: str

    @property
    def ami_id(self) -> str:
        """An id that is the same on every machine, and another in every region, as on AWS."""
        return f"ami-{hashlib.sha256(f'{self.region} {self.parameter}'.encode()).hexdigest()[:17]}"


def images(region: str) -> Iterator[Image]:
    """Return the images that a region offers."""
    for (release, codename), (arch, machine) in product(
        (("24.04", "noble"), ("26.04", "resolute")), ARCHITECTURES.items()
    ):
        yield Image(
            parameter=f"/aws/service/canonical/ubuntu/server/{release}/stable/current/{arch}/hvm/ebs-gp3/ami-id",
            name=f"ubuntu/images/hvm-ssd-gp3/ubuntu-{codename}-{release}-{arch}-server-20261020",
            description=f"Canonical, Ubuntu, {release}, {arch} {codename} image",
            owner=CANONICAL,
            architecture=machine,
            root_device="/dev/sda1",
            region=region,
        )
    for arch, machine in ARCHITECTURES.items():
        yield Image(
            parameter=f"/aws/service/debian/release/13/latest/{arch}",
            name=f"debian-13-{arch}-20261019-2276",
            description="Debian 13 (20261019-2276)",
            owner=DEBIAN,
            architecture=machine,
            root_device="/dev/xvda",
            region=region,
        )
