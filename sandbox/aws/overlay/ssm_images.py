"""Parameter Store's public parameters for Ubuntu and Debian."""

from __future__ import annotations

from typing import Any

from moto.core.utils import utcnow
from moto.ssm.models import Parameter, ParameterDict

from sandbox.aws.overlay.images import images

_PREFIXES = ("/aws/service/canonical/ubuntu", "/aws/service/debian")

_check_loading_status = ParameterDict._check_loading_status


def _load(parameters: Any, key: str) -> None:
    _check_loading_status(parameters, key)
    if str(key).startswith(_PREFIXES) and not getattr(parameters, "images_loaded", False):
        parameters.images_loaded = True
        for image in images(parameters.region_name):
            parameter = _parameter(image.parameter, image.ami_id, parameters.account_id)
            parameters[image.parameter].append(parameter)


def _parameter(name: str, value: str, account: str) -> Any:
    return Parameter(
        account_id=account,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=utcnow(),
        version=1,
        data_type="aws:ec2:image",
    )


ParameterDict._check_loading_status = _load
