"""Instances, images and addresses."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Aws


def image_of(aws: Aws, release: str = "debian/release/13/latest/amd64") -> str:
    value = aws.client("ssm").get_parameter(Name=f"/aws/service/{release}")["Parameter"]["Value"]
    assert isinstance(value, str)
    return value


def run(aws: Aws, **more: Any) -> dict[str, Any]:
    more.setdefault("ImageId", image_of(aws))
    more.setdefault("InstanceType", "t3.micro")
    ec2 = aws.client("ec2")
    identifier = ec2.run_instances(MinCount=1, MaxCount=1, **more)["Instances"][0]["InstanceId"]
    found: dict[str, Any] = ec2.describe_instances(InstanceIds=[identifier])["Reservations"][0]["Instances"][
        0
    ]
    return found


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("parameter", "architecture", "root", "owner"),
    [
        ("debian/release/13/latest/amd64", "x86_64", "/dev/xvda", "136693071363"),
        ("debian/release/13/latest/arm64", "arm64", "/dev/xvda", "136693071363"),
        (
            "canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
            "x86_64",
            "/dev/sda1",
            "099720109477",
        ),
        (
            "canonical/ubuntu/server/26.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
            "arm64",
            "/dev/sda1",
            "099720109477",
        ),
    ],
)
def test_public_images(aws: Aws, parameter: str, architecture: str, root: str, owner: str) -> None:
    (image,) = aws.client("ec2").describe_images(ImageIds=[image_of(aws, parameter)])["Images"]
    assert (image["Architecture"], image["RootDeviceName"], image["OwnerId"]) == (architecture, root, owner)
    assert image["BlockDeviceMappings"][0]["DeviceName"] == root
    assert image["State"] == "available"


def test_public_images_are_the_same_after_a_reset(fresh_aws: Aws) -> None:
    before = image_of(fresh_aws)
    fresh_aws.reset()
    assert image_of(fresh_aws) == before
    listed = fresh_aws.client("ssm").get_parameters_by_path(
        Path="/aws/service/debian/release/13", Recursive=True
    )["Parameters"]
    assert {item["Name"].rsplit("/", 1)[-1] for item in listed} == {"amd64", "arm64"}


def test_run_keeps_what_it_is_given(fresh_aws: Aws) -> None:
    ec2 = fresh_aws.client("ec2")
    instance = run(
        fresh_aws,
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeSize": 20}}],
        CpuOptions={"CoreCount": 1, "ThreadsPerCore": 2},
        CreditSpecification={"CpuCredits": "standard"},
        DisableApiTermination=True,
        EbsOptimized=True,
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        TagSpecifications=[
            {"ResourceType": kind, "Tags": [{"Key": "Project", "Value": "academia"}]}
            for kind in ("instance", "volume")
        ],
    )
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert instance["CpuOptions"] == {"CoreCount": 1, "ThreadsPerCore": 2}
    assert instance["EbsOptimized"] is True
    assert instance["Architecture"] == "x86_64"
    assert instance["RootDeviceName"] == "/dev/xvda"
    (disk,) = instance["BlockDeviceMappings"]
    assert (disk["DeviceName"], disk["Ebs"]["DeleteOnTermination"]) == ("/dev/xvda", True)
    (volume,) = ec2.describe_volumes(VolumeIds=[disk["Ebs"]["VolumeId"]])["Volumes"]
    assert {key: volume[key] for key in ("Size", "VolumeType", "Encrypted", "Iops", "Throughput")} == {
        "Size": 20,
        "VolumeType": "gp3",
        "Encrypted": True,
        "Iops": 3000,
        "Throughput": 125,
    }
    assert volume["Tags"] == [{"Key": "Project", "Value": "academia"}]
    protection = ec2.describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="disableApiTermination"
    )
    assert protection["DisableApiTermination"] == {"Value": True}


def test_a_disk_that_is_only_half_described_takes_the_images(fresh_aws: Aws) -> None:
    disks = [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeType": "gp3"}}]
    (disk,) = run(fresh_aws, BlockDeviceMappings=disks)["BlockDeviceMappings"]
    (volume,) = fresh_aws.client("ec2").describe_volumes(VolumeIds=[disk["Ebs"]["VolumeId"]])["Volumes"]
    assert (volume["Size"], volume["Encrypted"]) == (8, True)


def test_termination_protection_is_enforced(fresh_aws: Aws) -> None:
    ec2 = fresh_aws.client("ec2")
    identifier = run(fresh_aws, DisableApiTermination=True)["InstanceId"]
    with pytest.raises(ClientError) as error:
        ec2.terminate_instances(InstanceIds=[identifier])
    assert code_of(error) == "OperationNotPermitted"
    ec2.modify_instance_attribute(InstanceId=identifier, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[identifier])


def test_credits(fresh_aws: Aws) -> None:
    ec2 = fresh_aws.client("ec2")
    identifier = run(fresh_aws)["InstanceId"]

    def credits() -> str:
        found = ec2.describe_instance_credit_specifications(InstanceIds=[identifier])
        value = found["InstanceCreditSpecifications"][0]["CpuCredits"]
        assert isinstance(value, str)
        return value

    assert credits() == "unlimited"
    change = {"InstanceId": identifier, "CpuCredits": "standard"}
    done = ec2.modify_instance_credit_specification(InstanceCreditSpecifications=[change])
    assert done["SuccessfulInstanceCreditSpecifications"] == [{"InstanceId": identifier}]
    assert credits() == "standard"


def test_metadata_options_change_one_by_one(fresh_aws: Aws) -> None:
    ec2 = fresh_aws.client("ec2")
    identifier = run(fresh_aws, MetadataOptions={"HttpTokens": "required"})["InstanceId"]
    changed = ec2.modify_instance_metadata_options(InstanceId=identifier, HttpPutResponseHopLimit=2)
    assert changed["InstanceMetadataOptions"]["HttpTokens"] == "required"
    assert changed["InstanceMetadataOptions"]["HttpPutResponseHopLimit"] == 2


def test_addresses_of_the_sandbox(fresh_aws: Aws) -> None:
    ec2 = fresh_aws.client("ec2")
    first, second = run(fresh_aws), run(fresh_aws)
    last = [int(item["PrivateIpAddress"].removeprefix("10.97.0.")) for item in (first, second)]
    assert all(20 <= number <= 99 for number in last)
    assert last[0] != last[1]
    address = ec2.allocate_address(Domain="vpc")
    assert 100 <= int(address["PublicIp"].removeprefix("10.97.0.")) <= 199
    ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=first["InstanceId"])
    found = ec2.describe_instances(Filters=[{"Name": "ip-address", "Values": [address["PublicIp"]]}])
    assert found["Reservations"][0]["Instances"][0]["InstanceId"] == first["InstanceId"]
    # The address moves to another instance unless the call says not to.
    again = {"AllocationId": address["AllocationId"], "InstanceId": second["InstanceId"]}
    with pytest.raises(ClientError):
        ec2.associate_address(**again, AllowReassociation=False)
    ec2.associate_address(**again)
    described = ec2.describe_instances(InstanceIds=[first["InstanceId"], second["InstanceId"]])
    public = {
        item["InstanceId"]: item.get("PublicIpAddress")
        for reservation in described["Reservations"]
        for item in reservation["Instances"]
    }
    assert public[second["InstanceId"]] == address["PublicIp"]
    assert public[first["InstanceId"]] != address["PublicIp"]
    ec2.terminate_instances(InstanceIds=[second["InstanceId"]])
    (left,) = ec2.describe_addresses()["Addresses"]
    assert "AssociationId" not in left


def test_addresses_by_tag(fresh_aws: Aws) -> None:
    ec2 = fresh_aws.client("ec2")
    tags = [{"Key": "Name", "Value": "academia-sandbox-host"}, {"Key": "Project", "Value": "academia"}]
    tagged = ec2.allocate_address(
        Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}]
    )
    ec2.allocate_address(Domain="vpc")
    for name, value in (("tag:Name", "academia-sandbox-host"), ("tag-key", "Project")):
        (found,) = ec2.describe_addresses(Filters=[{"Name": name, "Values": [value]}])["Addresses"]
        assert found["AllocationId"] == tagged["AllocationId"]
        assert sorted(found["Tags"], key=lambda tag: tag["Key"]) == tags
    assert ec2.describe_addresses(Filters=[{"Name": "tag:Name", "Values": ["other"]}])["Addresses"] == []


def test_a_token_makes_an_instance_once(fresh_aws: Aws) -> None:
    first = run(fresh_aws, ClientToken="once")
    assert run(fresh_aws, ClientToken="once")["InstanceId"] == first["InstanceId"]
    assert run(fresh_aws)["InstanceId"] != run(fresh_aws)["InstanceId"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"InstanceType": "t4g.micro"}, "InvalidParameterValue"),
        ({"InstanceType": "t9.micro"}, "InvalidParameterValue"),
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"KeyName": "missing"}, "InvalidKeyPair.NotFound"),
    ],
)
def test_what_aws_refuses(fresh_aws: Aws, change: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as error:
        run(fresh_aws, **change)
    assert code_of(error) == code


def test_a_type_changes_only_at_rest(fresh_aws: Aws) -> None:
    ec2 = fresh_aws.client("ec2")
    identifier = run(fresh_aws)["InstanceId"]
    with pytest.raises(ClientError) as error:
        ec2.modify_instance_attribute(InstanceId=identifier, InstanceType={"Value": "t3.small"})
    assert code_of(error) == "IncorrectInstanceState"
    ec2.stop_instances(InstanceIds=[identifier])
    ec2.modify_instance_attribute(InstanceId=identifier, InstanceType={"Value": "t3.small"})


def test_instance_types(aws: Aws) -> None:
    found = aws.client("ec2").describe_instance_types(InstanceTypes=["t4g.micro", "t3.small"])
    types = {item["InstanceType"]: item for item in found["InstanceTypes"]}
    assert types["t4g.micro"]["ProcessorInfo"]["SupportedArchitectures"] == ["arm64"]
    assert types["t4g.micro"]["MemoryInfo"]["SizeInMiB"] == 1024
    assert types["t3.small"]["VCpuInfo"]["DefaultVCpus"] == 2
