"""What RunInstances takes and moto forgets, and the refusals that AWS would give."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend
from moto.core.responses import ActionResult
from moto.ec2.models.instances import Instance, MetadataOptions
from moto.ec2.responses.instances import InstanceResponse

from sandbox.aws.errors import AwsError
from sandbox.aws.overlay.ec2_images import ROOT_DISK
from sandbox.aws.overlay.operations import Context, Parameters, answers, guards

Disk = dict[str, Any]

GP3_THROUGHPUT = 125

_run_instances = InstanceResponse.run_instances
_STOPPED_ONLY = ("InstanceType", "UserData", "EbsOptimized", "Kernel", "Ramdisk")


@guards("ec2:RunInstances")
def check_instances(parameters: Parameters, context: Context) -> None:
    backend = get_backend("ec2")[context.account][context.region]
    image = backend.amis.get(parameters.get("ImageId", ""))
    if image is None and "LaunchTemplate" not in parameters:
        raise AwsError(
            "InvalidAMIID.NotFound", f"The image id '[{parameters.get('ImageId')}]' does not exist"
        )
    kind = parameters.get("InstanceType")
    types = {item.name: item for item in backend.instance_types}
    if kind is not None and kind not in types:
        raise AwsError("InvalidParameterValue", f"Invalid value '{kind}' for InstanceType.")
    if image and kind and image.architecture not in types[kind]["ProcessorInfo"]["SupportedArchitectures"]:
        have = types[kind]["ProcessorInfo"]["SupportedArchitectures"][0]
        raise AwsError(
            "InvalidParameterValue",
            f"The architecture '{have}' of the specified instance type does not match the architecture "
            f"'{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have "
            "matching architectures, and try again.",
        )
    key = parameters.get("KeyName")
    if key is not None and key not in backend.key_pairs:
        raise AwsError("InvalidKeyPair.NotFound", f"The key pair '{key}' does not exist")


def _run(response: Any) -> Any:
    parameters = response.params
    backend = response.ec2_backend
    earlier = _of_token(backend, parameters.get("ClientToken"))
    if earlier is not None:
        return ActionResult(earlier)
    image = backend.amis.get(parameters.get("ImageId", ""))
    disks = {item["DeviceName"]: item.get("Ebs", {}) for item in parameters.get("BlockDeviceMappings", [])}
    if image is not None:
        parameters["BlockDeviceMappings"] = _with_root(disks, image.root_device_name)
    _place(backend, parameters)
    answer = _run_instances(response)
    for instance in answer.result.instances:
        _complete(instance, parameters, disks)
    return answer


def _of_token(backend: Any, token: str | None) -> Any:
    """The reservation that an earlier try with this token made."""
    for reservation in backend.reservations.values():
        if token and any(item.client_token == token for item in reservation.instances):
            return reservation
    return None


def _place(backend: Any, parameters: dict[str, Any]) -> None:
    """Choose a subnet of the default VPC where the call names none, as AWS does."""
    nics = parameters.get("NetworkInterfaces", [])
    if "SubnetId" in parameters or any("SubnetId" in nic or "NetworkInterfaceId" in nic for nic in nics):
        return
    subnets = backend.get_default_subnets()
    zone = parameters.get("Placement", {}).get("AvailabilityZone")
    subnet = subnets.get(zone) if zone else next(iter(subnets.values()), None)
    if subnet is not None:
        (nics[0] if nics else parameters)["SubnetId"] = subnet.id


def _with_root(disks: dict[str, Disk], root: str) -> list[dict[str, Any]]:
    """All disks, the root's among them, and what the image says of it where the call doesn't."""
    every: dict[str, Disk] = {root: {}, **disks}
    return [{"DeviceName": name, "Ebs": {**ROOT_DISK, **disk}} for name, disk in every.items()]


def _complete(instance: Any, parameters: Parameters, disks: dict[str, Disk]) -> None:
    instance.disable_api_termination = bool(parameters.get("DisableApiTermination"))
    instance.cpu_credits = parameters.get("CreditSpecification", {}).get(
        "CpuCredits", _default_credits(instance.instance_type)
    )
    types = instance.ec2_backend.instance_types
    cpus = next((item["VCpuInfo"] for item in types if item.name == instance.instance_type), None)
    if cpus:
        instance.cpu_options = {
            "CoreCount": cpus["DefaultCores"],
            "ThreadsPerCore": cpus["DefaultThreadsPerCore"],
            **parameters.get("CpuOptions", {}),
        }
    instance.ena_support = True
    instance.maintenance_options = {"AutoRecovery": "default", **parameters.get("MaintenanceOptions", {})}
    instance.enclave_options = {"Enabled": False, **parameters.get("EnclaveOptions", {})}
    instance.nics[0].delete_on_termination = True
    for device, attached in instance.block_device_mapping.items():
        volume = instance.ec2_backend.volumes[attached.volume_id]
        asked = disks.get(device, {})
        if volume.volume_type == "gp3":
            volume.iops = asked.get("Iops") or volume.iops
            volume.throughput = asked.get("Throughput") or GP3_THROUGHPUT


def _default_credits(kind: str) -> str:
    """T2 starts with standard credits, what came after it with unlimited ones."""
    return "standard" if kind.startswith("t2.") else "unlimited"


def _instances(parameters: Parameters, context: Context) -> list[Any]:
    backend = get_backend("ec2")[context.account][context.region]
    wanted = parameters.get("InstanceIds", [])
    found = {item.id: item for item in backend.all_instances()}
    missing = [item for item in wanted if item not in found]
    if missing:
        raise AwsError("InvalidInstanceID.NotFound", f"The instance ID '{missing[0]}' does not exist")
    return [found[item] for item in wanted] if wanted else list(found.values())


InstanceResponse.run_instances = _run
Instance.cpu_credits = "unlimited"


@answers("ec2:DescribeInstanceCreditSpecifications")
def describe_credits(parameters: Parameters, context: Context) -> dict[str, Any]:
    return {
        "InstanceCreditSpecifications": [
            {"InstanceId": item.id, "CpuCredits": item.cpu_credits}
            for item in _instances(parameters, context)
            if item.instance_type.startswith("t")
        ]
    }


@answers("ec2:ModifyInstanceCreditSpecification")
def modify_credits(parameters: Parameters, context: Context) -> dict[str, Any]:
    done = []
    for wanted in parameters["InstanceCreditSpecifications"]:
        (instance,) = _instances({"InstanceIds": [wanted["InstanceId"]]}, context)
        instance.cpu_credits = wanted["CpuCredits"]
        done.append({"InstanceId": instance.id})
    return {"SuccessfulInstanceCreditSpecifications": done, "UnsuccessfulInstanceCreditSpecifications": []}


@answers("ec2:ModifyInstanceMetadataOptions")
def modify_metadata_options(parameters: Parameters, context: Context) -> dict[str, Any]:
    """Change the options that are given and keep the others (moto gives those their defaults)."""
    (instance,) = _instances({"InstanceIds": [parameters["InstanceId"]]}, context)
    options = {**_metadata_options(instance), **parameters}
    instance.metadata_options = MetadataOptions(options)
    return {"InstanceId": instance.id, "InstanceMetadataOptions": _metadata_options(instance)}


def _metadata_options(instance: Any) -> dict[str, Any]:
    options = instance.metadata_options
    return {
        "State": options.state,
        "HttpTokens": options.http_tokens,
        "HttpPutResponseHopLimit": options.http_put_response_hop_limit,
        "HttpEndpoint": options.http_endpoint,
        "HttpProtocolIpv6": options.http_protocol_ipv6,
        "InstanceMetadataTags": options.instance_metadata_tags,
    }


@guards("ec2:ModifyInstanceAttribute")
def check_stopped(parameters: Parameters, context: Context) -> None:
    (instance,) = _instances({"InstanceIds": [parameters["InstanceId"]]}, context)
    named = parameters.get("Attribute", "")
    changes = [name for name in _STOPPED_ONLY if name in parameters or name.lower() == named.lower()]
    if changes and instance.state != "stopped":
        raise AwsError(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in the 'stopped' state.",
        )
