"""What can change on a running instance, and moto doesn't change."""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend
from moto.ec2.models import EC2Backend

from sandbox.aws.errors import AwsError
from sandbox.aws.overlay.operations import Context, Parameters, answers

_replace_association = EC2Backend.replace_iam_instance_profile_association


def _replace(backend: Any, *arguments: Any, **named: Any) -> Any:
    """Replace the profile in the association and, as AWS does, on the instance."""
    association = _replace_association(backend, *arguments, **named)
    association.instance.iam_instance_profile = {
        "Arn": association.iam_instance_profile.arn,
        "Id": association.association_id,
    }
    return association


EC2Backend.replace_iam_instance_profile_association = _replace


@answers("ec2:MonitorInstances")
def monitor(parameters: Parameters, context: Context) -> dict[str, Any]:
    return _monitored(parameters, context, "enabled")


@answers("ec2:UnmonitorInstances")
def unmonitor(parameters: Parameters, context: Context) -> dict[str, Any]:
    return _monitored(parameters, context, "disabled")


def _monitored(parameters: Parameters, context: Context, state: str) -> dict[str, Any]:
    instances = {
        item.id: item for item in get_backend("ec2")[context.account][context.region].all_instances()
    }
    done = []
    for wanted in parameters["InstanceIds"]:
        if wanted not in instances:
            raise AwsError("InvalidInstanceID.NotFound", f"The instance ID '{wanted}' does not exist")
        instances[wanted].monitoring_state = state
        done.append({"InstanceId": wanted, "Monitoring": {"State": state}})
    return {"InstanceMonitorings": done}
