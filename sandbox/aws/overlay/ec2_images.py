"""EC2's images: Ubuntu's and Debian's beside those moto brings, with the small gp3 disk of today's."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.amis import Ami, AmiBackend

from sandbox.aws.overlay.images import images

ROOT_DISK = {"VolumeSize": 8, "VolumeType": "gp3", "DeleteOnTermination": True, "Encrypted": False}

_load_amis = AmiBackend._load_amis


def _load(backend: Any) -> None:
    _load_amis(backend)
    for image in images(backend.region_name):
        backend.amis[image.ami_id] = Ami(
            backend,
            image.ami_id,
            name=image.name,
            description=image.description,
            owner_id=image.owner,
            public=True,
            virtualization_type="hvm",
            architecture=image.architecture,
            hypervisor="xen",
            image_location=f"{image.owner}/{image.name}",
            root_device_type="ebs",
            root_device_name=image.root_device,
            boot_mode="uefi-preferred",
        )


def _block_device_mappings(image: Any) -> list[dict[str, Any]]:
    return [{"DeviceName": image.root_device_name, "Ebs": {"SnapshotId": image.ebs_snapshot.id, **ROOT_DISK}}]


AmiBackend._load_amis = _load
Ami.block_device_mappings = property(_block_device_mappings)
