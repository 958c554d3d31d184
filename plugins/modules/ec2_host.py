#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_host
short_description: One EC2 host with its disk and its address, as one thing
version_added: 0.1.0
description:
  - Manages one EC2 instance, its root volume and its Elastic IP, all found by one name, their tag C(Name).
  - The stock modules need the ids of images, groups and subnets first, which an empty account doesn't have
    in check mode. They have no credits, no volume repair, and no replacement that keeps the address.
  - What is in the way of a change is repaired in place where AWS can. A stop needs O(allow_stop), a
    termination of a protected instance O(force), and only O(replace) makes a new instance.
author: The Andamio authors (@andamio)
options:
  name:
    description: The tag C(Name) of the instance, its root volume and its Elastic IP.
    type: str
    required: true
  state:
    description:
      - V(present) is running, V(stopped) keeps the disk and the address.
      - V(absent) terminates the instance, and the disk goes with it. An instance or an address whose
        tags C(Project), C(Environment) and C(ManagedBy) aren't the given O(tags) is left.
    type: str
    choices: [present, stopped, absent]
    default: present
  instance_type:
    description:
      - The instance type. It decides the architecture, V(t4g.micro) is arm64 and V(t3.micro) x86_64.
      - Another type of the same architecture takes a stop, see O(allow_stop).
    type: str
    default: t4g.micro
  os:
    description:
      - Operating system of a new instance. The image is the newest that AWS's public parameter names.
      - An instance that exists isn't replaced because a newer image came out.
    type: str
    choices: [ubuntu-26.04, ubuntu-24.04, debian-13]
    default: ubuntu-26.04
  image_id:
    description: Image of a new instance, instead of the newest of O(os).
    type: str
  key_name:
    description: Key pair of a new instance.
    type: str
  security_groups:
    description: Names of the security groups. Without this option they are left alone.
    type: list
    elements: str
  vpc_id:
    description: VPC of a new instance. The default is the account's default VPC.
    type: str
  subnet_id:
    description:
      - Subnet of a new instance. The default is one that AWS chooses, or in O(vpc_id) the first that gives
        public addresses.
    type: str
  instance_profile:
    description: Name of the instance profile. Without this option it is left alone.
    type: str
  user_data:
    description:
      - Script or cloud-config that a new instance runs at its first boot.
      - Another text doesn't replace an instance that exists, nor does it change anything on it.
    type: str
  volume_size:
    description: Size of the root volume in GiB. It can grow in place, but never shrink.
    type: int
    default: 16
  volume_type:
    description: Type of the root volume.
    type: str
    choices: [gp3, gp2]
    default: gp3
  volume_encrypted:
    description: Whether a new instance's root volume is encrypted, with the account's default key.
    type: bool
    default: true
  metadata_hop_limit:
    description:
      - How many network hops an answer of the instance metadata service may travel. 1 keeps containers out.
      - Tokens (IMDSv2) are always required.
    type: int
    default: 1
  cpu_credits:
    description:
      - What a burstable instance does when its credits are used up. V(standard) makes it slow, V(unlimited)
        makes it cost.
      - Ignored for an O(instance_type) that has no credits.
    type: str
    choices: [standard, unlimited]
    default: standard
  monitoring:
    description: Metrics each minute instead of each five, at a price.
    type: bool
    default: false
  termination_protection:
    description: Whether AWS refuses to terminate the instance.
    type: bool
    default: true
  elastic_ip:
    description: Whether the host has an Elastic IP. It stays the same when the instance is replaced.
    type: bool
    default: true
  release_address:
    description:
      - Give the Elastic IP back when the host is absent or O(elastic_ip) is false. It can't be had again.
      - An address that is kept costs as much as one that is used.
    type: bool
    default: false
  delete_snapshots:
    description:
      - With O(state=absent), delete the snapshots that O(snapshot_replaced) has made, those that have the
        host's name and the O(tags). They may hold the only copy of the newest data.
    type: bool
    default: false
  replace:
    description:
      - The id of an instance to replace by a new one. The new one takes the Elastic IP, then the old one is
        terminated, protected or not, and its disk goes with it; see O(snapshot_replaced).
      - Once that instance is gone this option does nothing, so it may stay in place.
      - V(true) stands for whichever instance there is, so it makes a new one at each run.
    type: str
  snapshot_replaced:
    description:
      - Take a snapshot of the disk of an instance that is replaced. It may hold the only copy of the newest
        data. It costs by the month until somebody deletes it.
    type: bool
    default: true
  allow_stop:
    description: Stop a running instance for a change that needs it, such as another O(instance_type).
    type: bool
    default: false
  force:
    description: Terminate an instance although it is protected, with O(state=absent).
    type: bool
    default: false
  wait_timeout:
    description: How long to wait for an instance to be running, stopped or terminated, in seconds.
    type: int
    default: 300
  tags:
    description: Tags of the instance, its root volume and its Elastic IP, beside C(Name).
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Remove the tags that O(tags) doesn't name.
    type: bool
    default: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.converges
"""

EXAMPLES = r"""
- name: Have one small host with an address that stays
  andamio.laravel_aws.ec2_host:
    name: academia-production-host
    key_name: academia-production-host
    security_groups: [academia-production-host]
    instance_profile: academia-production-host
    tags:
      Project: academia

- name: Move it to a bigger type of the same architecture
  andamio.laravel_aws.ec2_host:
    name: academia-production-host
    instance_type: t4g.small
    allow_stop: true

- name: Replace a broken instance and keep the address
  andamio.laravel_aws.ec2_host:
    name: academia-production-host
    replace: i-0123456789abcdef0
"""

RETURN = r"""
resource:
  description: The host as it is after the run. In check mode an unknown is V((known after apply\)).
  returned: always
  type: dict
  contains:
    instance_id:
      description: The instance's id.
      type: str
      sample: i-0123456789abcdef0
    state:
      description: The instance's state.
      type: str
      sample: running
    private_ip_address:
      description: The address inside the VPC.
      type: str
    public_ip_address:
      description: The Elastic IP, or the address AWS lent if there is none.
      type: str
    allocation_id:
      description: The Elastic IP's id, if there is one.
      type: str
    image_id:
      description: The image it was made of.
      type: str
    architecture:
      description: V(arm64) or V(x86_64).
      type: str
    user:
      description: The first user of O(os), who may become root.
      type: str
      sample: ubuntu
    volume_id:
      description: The root volume's id.
      type: str
calls:
  description: The AWS calls that were made, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [ec2.allocate_address, ec2.run_instances, ec2.associate_address]
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _aws, _ec2_host, _ec2_host_plan
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import Refused, State
from ansible_collections.andamio.laravel_aws.plugins.module_utils._instance_types import (
    SYSTEMS,
    image_parameter,
    is_burstable,
    is_instance_type,
)

# Until it is terminated, an instance still holds its security group.
ENDING = (*_ec2_host.ALIVE, "shutting-down")


class Reader:
    """Reads a host, and once, what a plan for it refers to by name."""

    def __init__(self, params: dict[str, Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode
        self.replace = params["replace"]
        self.references: _ec2_host.References | None = None

    def read(self, aws: _aws.Aws) -> State | None:
        """Return the host's normal form. Raises Refused when a name has two things, or nothing."""
        if self.params["state"] == "absent":
            return self._leaving(aws)
        instances, addresses = _aws.together(lambda: self._instances(aws), lambda: self._addresses(aws))
        if self.replace == "true":  # the one there is now; not the new one, when the plan is made again
            answer, _old = _ec2_host.choose(instances, None)
            self.replace = answer and answer["InstanceId"]
        answer, old = _ec2_host.choose(instances, self.replace)
        address = _ec2_host.choose_address(addresses, self.params["name"])
        instance = self._instance(aws, answer) if answer else None
        if self.references is None:
            self.references = self._references(aws, instance)
        given = {"name": self.params["name"], "user": SYSTEMS[self.params["os"]].user}
        return _ec2_host.assemble(
            instance and instance | given,
            address and _ec2_host.normalise_address(address),
            old and self._instance(aws, old) | given,
        )

    def _leaving(self, aws: _aws.Aws) -> State | None:
        """Return what is ours of a host that should be absent, and a sentence for each part that isn't."""
        tags, named = self.params["tags"], _ec2_host.named(self.params["name"])
        instances, theirs = _ec2_host.own(self._instances(aws), "InstanceId", tags)
        # Both go, if a replacement was cut off.
        spare = instances[-1]["InstanceId"] if len(instances) > 1 else None
        answer, old = _ec2_host.choose(instances, spare)
        addresses: list[dict[str, Any]] = []
        if self.params["release_address"]:
            addresses, more = _ec2_host.own(self._addresses(aws), "PublicIp", tags)
            theirs += more
        address = _ec2_host.choose_address(addresses, self.params["name"])
        snapshots = []
        if self.params["delete_snapshots"]:
            mine = aws.pages("ec2.describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=named)
            snapshots = _ec2_host.own(mine, "SnapshotId", tags)[0]
        state = _ec2_host.assemble(
            answer and self._instance(aws, answer) | {"name": self.params["name"]},
            address and _ec2_host.normalise_address(address),
            old and self._instance(aws, old),
            [each["SnapshotId"] for each in snapshots],
        )
        left = [_aws.left_alone(f"{self.params['name']} ({each})") for each in theirs]
        return {**(state or {}), "_left": left} if left else state

    def plan(self, current: State | None, goal: State | None) -> list[Any]:
        references = self.references or _ec2_host.References()
        return _ec2_host_plan.plan(current, goal, _ec2_host.terms(self.params, references))

    def _instances(self, aws: _aws.Aws) -> list[dict[str, Any]]:
        states = ENDING if self.params["state"] == "absent" else _ec2_host.ALIVE
        filters = [*_ec2_host.named(self.params["name"]), _ec2_host.in_states(states)]
        found = list(aws.pages("ec2.describe_instances", "Reservations.*.Instances", Filters=filters))
        if self.replace not in (None, "true") and self.replace not in [item["InstanceId"] for item in found]:
            self._check_replaced(aws)
        return found

    def _addresses(self, aws: _aws.Aws) -> list[dict[str, Any]]:
        filters = _ec2_host.named(self.params["name"])
        found: list[dict[str, Any]] = aws.call("ec2.describe_addresses", Filters=filters)["Addresses"]
        return found

    def _check_replaced(self, aws: _aws.Aws) -> None:
        """Make sure that an id which isn't the host's is one that is gone, and no slip of the pen."""
        filters = [
            {"Name": "instance-id", "Values": [self.replace]},
            _ec2_host.in_states(_ec2_host.ALIVE),
        ]
        if list(aws.pages("ec2.describe_instances", "Reservations.*.Instances", Filters=filters)):
            raise Refused(
                f"replace: instance {self.replace} exists, but its name is another. Nothing was done."
            )

    def _instance(self, aws: _aws.Aws, answer: dict[str, Any]) -> dict[str, Any]:
        instance_id = answer["InstanceId"]

        def is_protected() -> bool:
            asked = {"InstanceId": instance_id, "Attribute": "disableApiTermination"}
            return bool(
                aws.call("ec2.describe_instance_attribute", **asked)["DisableApiTermination"]["Value"]
            )

        def cpu_credits() -> str | None:
            if not is_burstable(answer["InstanceType"]):
                return None
            found = aws.call("ec2.describe_instance_credit_specifications", InstanceIds=[instance_id])
            return str(found["InstanceCreditSpecifications"][0]["CpuCredits"])

        volume, *others = _aws.together(lambda: self._volume(aws, answer), is_protected, cpu_credits)
        form = _ec2_host.normalise(answer, volume, *others)
        if self.params["instance_profile"] not in (None, form["instance_profile"]):
            associations = aws.call(
                "ec2.describe_iam_instance_profile_associations",
                Filters=[{"Name": "instance-id", "Values": [instance_id]}],
            )["IamInstanceProfileAssociations"]
            living = [item for item in associations if item["State"] in ("associating", "associated")]
            form["profile_association_id"] = living[0]["AssociationId"] if living else None
        return form

    def _volume(self, aws: _aws.Aws, answer: dict[str, Any]) -> dict[str, Any] | None:
        root = [
            mapping["Ebs"]["VolumeId"]
            for mapping in answer.get("BlockDeviceMappings", ())
            if mapping["DeviceName"] == answer.get("RootDeviceName")
        ]
        if not root:
            return None
        volume = aws.call("ec2.describe_volumes", VolumeIds=root)["Volumes"][0]
        wanted = (self.params["volume_size"], self.params["volume_type"])
        if (volume["Size"], volume["VolumeType"]) == wanted:
            return volume
        # A volume shows its old size until the modification is well under way.
        under_way = aws.call(
            "ec2.describe_volumes_modifications", Filters=[{"Name": "volume-id", "Values": root}]
        )["VolumesModifications"]
        targets = [item for item in under_way if item["ModificationState"] in ("modifying", "optimizing")]
        if targets:
            volume |= {"Size": targets[-1]["TargetSize"], "VolumeType": targets[-1]["TargetVolumeType"]}
        return volume

    def _references(self, aws: _aws.Aws, instance: dict[str, Any] | None) -> _ec2_host.References:
        groups = self.params["security_groups"]
        if instance:
            same = groups is None or sorted(set(groups)) == instance["security_groups"]
            known = {} if same else self._groups(aws, instance["vpc_id"])
            return _ec2_host.References(groups=known)
        vpc_id, subnet_id = self._network(aws)
        image_id = self.params["image_id"] or self._newest_image(aws)
        self._check_names(aws)
        return _ec2_host.References(
            image_id, self._root_device(aws, image_id), self._groups(aws, vpc_id), subnet_id
        )

    def _groups(self, aws: _aws.Aws, vpc_id: str) -> dict[str, str]:
        names = sorted(set(self.params["security_groups"] or ()))
        if not names:
            return {}
        filters = [{"Name": "group-name", "Values": names}, {"Name": "vpc-id", "Values": [vpc_id]}]
        found = aws.pages("ec2.describe_security_groups", "SecurityGroups", Filters=filters)
        known = {group["GroupName"]: group["GroupId"] for group in found}
        missing = ", ".join(sorted(set(names) - set(known)))
        if missing and not self.check_mode:
            raise Refused(f"security_groups: {vpc_id} has no group named {missing}. Make it first.")
        return known

    def _network(self, aws: _aws.Aws) -> tuple[str, str | None]:
        """Return the VPC of a new instance, and its subnet unless AWS may choose one."""
        if self.params["subnet_id"]:
            subnet = aws.call("ec2.describe_subnets", SubnetIds=[self.params["subnet_id"]])["Subnets"][0]
            return subnet["VpcId"], subnet["SubnetId"]
        vpc_id = self.params["vpc_id"]
        if vpc_id:
            return vpc_id, self._public_subnet(aws, vpc_id)
        filters = [{"Name": "is-default", "Values": ["true"]}]
        default = list(aws.pages("ec2.describe_vpcs", "Vpcs", Filters=filters))
        if not default:
            raise Refused(
                "this region has no default VPC. Set 'vpc_id' or 'subnet_id', or have AWS make one: "
                "aws ec2 create-default-vpc"
            )
        return default[0]["VpcId"], None

    def _public_subnet(self, aws: _aws.Aws, vpc_id: str) -> str:
        filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
        subnets = list(aws.pages("ec2.describe_subnets", "Subnets", Filters=filters))
        public = sorted(
            (subnet["AvailabilityZone"], subnet["SubnetId"])
            for subnet in subnets
            if subnet["MapPublicIpOnLaunch"]
        )
        if not public:
            raise Refused(f"vpc_id: {vpc_id} has no subnet that gives public addresses. Set 'subnet_id'.")
        return str(public[0][1])

    def _newest_image(self, aws: _aws.Aws) -> str:
        name = image_parameter(self.params["os"], self.params["instance_type"])
        found = aws.call("ssm.get_parameter", missing=("ParameterNotFound",), Name=name)
        if not found:
            raise Refused(f"os: this region has no parameter {name}, which names the image. Set 'image_id'.")
        return str(found["Parameter"]["Value"])

    def _root_device(self, aws: _aws.Aws, image_id: str) -> str:
        found = aws.call("ec2.describe_images", missing=("InvalidAMIID.NotFound",), ImageIds=[image_id])
        images = found["Images"] if found else []
        if not images:
            raise Refused(f"image_id: this region has no image {image_id}.")
        wanted = _ec2_host.architecture(self.params["instance_type"])
        if images[0]["Architecture"] != wanted:
            raise Refused(
                f"image_id: {image_id} is for {images[0]['Architecture']}, "
                f"instance_type {self.params['instance_type']} is {wanted}."
            )
        return str(images[0]["RootDeviceName"])

    def _check_names(self, aws: _aws.Aws) -> None:
        """Say which name is wrong, where RunInstances would only say that one is. Check mode lets it pass."""
        if self.check_mode:
            return
        key, profile = self.params["key_name"], self.params["instance_profile"]
        if key and not aws.call(
            "ec2.describe_key_pairs", missing=("InvalidKeyPair.NotFound",), KeyNames=[key]
        ):
            raise Refused(f"key_name: there is no key pair {key}. Make it first.")
        if profile and not aws.call(
            "iam.get_instance_profile", missing=("NoSuchEntity",), InstanceProfileName=profile
        ):
            raise Refused(f"instance_profile: there is no instance profile {profile}. Make it first.")


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=_aws.argument_spec(
            name={"required": True},
            state={"choices": ["present", "stopped", "absent"], "default": "present"},
            instance_type={"default": "t4g.micro"},
            os={"choices": list(SYSTEMS), "default": "ubuntu-26.04"},
            image_id={},
            key_name={"no_log": False},
            security_groups={"type": "list", "elements": "str"},
            vpc_id={},
            subnet_id={},
            instance_profile={},
            user_data={},
            volume_size={"type": "int", "default": 16},
            volume_type={"choices": ["gp3", "gp2"], "default": "gp3"},
            volume_encrypted={"type": "bool", "default": True},
            metadata_hop_limit={"type": "int", "default": 1},
            cpu_credits={"choices": ["standard", "unlimited"], "default": "standard"},
            monitoring={"type": "bool", "default": False},
            termination_protection={"type": "bool", "default": True},
            elastic_ip={"type": "bool", "default": True},
            release_address={"type": "bool", "default": False},
            delete_snapshots={"type": "bool", "default": False},
            replace={},
            snapshot_replaced={"type": "bool", "default": True},
            allow_stop={"type": "bool", "default": False},
            force={"type": "bool", "default": False},
            wait_timeout={"type": "int", "default": 300},
        ),
        supports_check_mode=True,
    )
    if not is_instance_type(module.params["instance_type"]):
        module.fail_json(msg=f"instance_type: {module.params['instance_type']!r} is no instance type")
    try:
        module.params["replace"] = _ec2_host.replacement(module.params["replace"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    reader = Reader(module.params, module.check_mode)
    _aws.run(
        module,
        f"host {module.params['name']}",
        desired=_ec2_host.desired(module.params),
        read=reader.read,
        plan=reader.plan,
        predicted=_ec2_host.predicted(module.params),
        maker="ec2.run_instances",
        told=_ec2_host.told,
        paid=_ec2_host.paid,
    )


if __name__ == "__main__":
    main()
