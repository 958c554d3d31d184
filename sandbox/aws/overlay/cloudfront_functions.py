"""CloudFront Functions: written in stage DEVELOPMENT, published to LIVE."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.aws.overlay.cloudfront_state import (
    BASE,
    Function,
    Stage,
    check_match,
    new_id,
    now,
    page,
    state,
    touch_users,
)
from sandbox.aws.overlay.operations import Context, Parameters, answers

MAX_CODE_BYTES = 10240


def arn(name: str, context: Context) -> str:
    return f"arn:aws:cloudfront::{context.account}:function/{name}"


def is_live(function_arn: str, context: Context) -> bool:
    """Whether a distribution may use this function."""
    function = state(context).functions.get(function_arn.rsplit("/", 1)[-1])
    return function is not None and "LIVE" in function.stages and function_arn == arn(function.name, context)


def _find(parameters: Parameters, context: Context) -> tuple[Function, str]:
    """Return the function and its stage. Raises `AwsError`."""
    function = state(context).functions.get(parameters["Name"])
    stage = parameters.get("Stage") or "DEVELOPMENT"
    if function is None or stage not in function.stages:
        raise AwsError("NoSuchFunctionExists", "The specified function does not exist.")
    return function, stage


def _used(function: Function, context: Context) -> bool:
    wanted = arn(function.name, context)
    return any(_uses(wanted, held.config) for held in state(context).distributions.values())


def _uses(function_arn: str, config: Mapping[str, Any]) -> bool:
    behaviors = (config["DefaultCacheBehavior"], *config["CacheBehaviors"].get("Items", []))
    items = [item for behavior in behaviors for item in behavior["FunctionAssociations"].get("Items", [])]
    return any(item["FunctionARN"] == function_arn for item in items)


def _summary(function: Function, name: str, context: Context) -> dict[str, Any]:
    stage = function.stages[name]
    live = function.stages.get("LIVE")
    if live is None or (name == "DEVELOPMENT" and live.code != stage.code):
        status = "UNPUBLISHED"
    else:
        status = "DEPLOYED" if _used(function, context) else "UNASSOCIATED"
    return {
        "Name": function.name,
        "Status": status,
        "FunctionConfig": stage.config,
        "FunctionMetadata": {
            "FunctionARN": arn(function.name, context),
            "Stage": name,
            "CreatedTime": stage.created,
            "LastModifiedTime": stage.modified,
        },
    }


def _checked(code: bytes) -> bytes:
    if len(code) > MAX_CODE_BYTES:
        raise AwsError("FunctionSizeLimitExceeded", "The function exceeds the maximum size: 10 KB.")
    return code


@answers("cloudfront:CreateFunction")
def create(parameters: Parameters, context: Context) -> dict[str, Any]:
    name = parameters["Name"]
    if name in state(context).functions:
        raise AwsError("FunctionAlreadyExists", f"A function with the name {name} already exists.")
    stage = Stage(_checked(parameters["FunctionCode"]), parameters["FunctionConfig"])
    function = Function(name, {"DEVELOPMENT": stage})
    state(context).functions[name] = function
    return {
        "FunctionSummary": _summary(function, "DEVELOPMENT", context),
        "Location": f"{BASE}/function/{name}",
        "ETag": stage.etag,
    }


@answers("cloudfront:DescribeFunction")
def describe(parameters: Parameters, context: Context) -> dict[str, Any]:
    function, stage = _find(parameters, context)
    return {"FunctionSummary": _summary(function, stage, context), "ETag": function.stages[stage].etag}


@answers("cloudfront:GetFunction")
def get(parameters: Parameters, context: Context) -> dict[str, Any]:
    function, stage = _find(parameters, context)
    found = function.stages[stage]
    return {"FunctionCode": found.code, "ETag": found.etag, "ContentType": "application/octet-stream"}


@answers("cloudfront:UpdateFunction")
def update(parameters: Parameters, context: Context) -> dict[str, Any]:
    function, _ = _find({"Name": parameters["Name"]}, context)
    stage = function.stages["DEVELOPMENT"]
    check_match(stage.etag, parameters)
    stage.code, stage.config = _checked(parameters["FunctionCode"]), parameters["FunctionConfig"]
    stage.etag, stage.modified = new_id(), now()
    return {"FunctionSummary": _summary(function, "DEVELOPMENT", context), "ETag": stage.etag}


@answers("cloudfront:PublishFunction")
def publish(parameters: Parameters, context: Context) -> dict[str, Any]:
    function, _ = _find({"Name": parameters["Name"]}, context)
    stage = function.stages["DEVELOPMENT"]
    check_match(stage.etag, parameters)
    function.stages["LIVE"] = Stage(stage.code, stage.config)
    touch_users(context, partial(_uses, arn(function.name, context)))
    return {"FunctionSummary": _summary(function, "LIVE", context)}


@answers("cloudfront:DeleteFunction")
def delete(parameters: Parameters, context: Context) -> dict[str, Any]:
    function, _ = _find({"Name": parameters["Name"]}, context)
    check_match(function.stages["DEVELOPMENT"].etag, parameters)
    if _used(function, context):
        raise AwsError("FunctionInUse", "The function is associated with one or more distributions.")
    del state(context).functions[function.name]
    return {}


@answers("cloudfront:ListFunctions")
def list_all(parameters: Parameters, context: Context) -> dict[str, Any]:
    stage = parameters.get("Stage") or "DEVELOPMENT"
    functions = [item for item in state(context).functions.values() if stage in item.stages]
    listing = page(functions, parameters, lambda item: item.name)
    listing["Items"] = [_summary(item, stage, context) for item in listing["Items"]]
    del listing["Marker"], listing["IsTruncated"]
    return {"FunctionList": listing}
