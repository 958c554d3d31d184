"""The instance metadata service, as an instance sees it: IMDSv2, and the credentials of its own role."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.backends import get_backend

from sandbox.aws.errors import Answer
from sandbox.aws.policy import Decision, Principal, Request, evaluate
from sandbox.aws.store import Store

MAX_TTL = 21600
SESSION_SECONDS = 21600
RENEW_BEFORE = timedelta(minutes=30)

_TEXT = {"Content-Type": "text/plain"}
_EC2 = Principal(service="ec2.amazonaws.com")

Tree = Mapping[str, "str | Tree"]


@dataclass
class _State:
    """Tokens (instance id and the monotonic second they end) and the sessions handed out."""

    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    sessions: dict[tuple[str, str], Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_states = Store(_State)


def is_metadata(path: str) -> bool:
    return path == "/latest" or path.startswith("/latest/")


def answer(environ: Mapping[str, Any], address: str, account: str, region: str) -> Answer:
    """Answer a request that came from this address."""
    instance = _instance_at(address, account, region)
    if instance is None or instance.metadata_options.http_endpoint == "disabled":
        return 403, _TEXT, b"Forbidden"
    state = _states.of(account, region)
    path = environ["PATH_INFO"].removeprefix("/latest").strip("/")
    if path == "api/token":
        return _token(environ, instance, state)
    given = environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN")
    if given is None and instance.metadata_options.http_tokens == "required":
        return 401, _TEXT, b"Unauthorized"
    if given is not None and not _valid(given, instance, state):
        return 401, _TEXT, b"Unauthorized"
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return 405, _TEXT, b"Method Not Allowed"
    found = _find(_tree(instance, state, account, region), path)
    return (404, _TEXT, b"Not Found") if found is None else (200, _TEXT, found.encode())


def _instance_at(address: str, account: str, region: str) -> Any:
    for instance in get_backend("ec2")[account][region].all_instances():
        if instance.state != "terminated" and address in (instance.private_ip, instance.public_ip):
            return instance
    return None


def _token(environ: Mapping[str, Any], instance: Any, state: _State) -> Answer:
    if environ["REQUEST_METHOD"] != "PUT":
        return 405, _TEXT, b"Method Not Allowed"
    ttl = environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN_TTL_SECONDS", "")
    if not ttl.isdecimal() or not 1 <= int(ttl) <= MAX_TTL:
        return 400, _TEXT, b"Bad Request"
    token = secrets.token_urlsafe(40)
    now = time.monotonic()
    with state.lock:
        state.tokens = {key: value for key, value in state.tokens.items() if value[1] > now}
        state.tokens[token] = (instance.id, now + int(ttl))
    return 200, {**_TEXT, "X-Aws-Ec2-Metadata-Token-Ttl-Seconds": ttl}, token.encode()


def _valid(token: str, instance: Any, state: _State) -> bool:
    holder, ends = state.tokens.get(token, ("", 0.0))
    return bool(holder == instance.id) and ends > time.monotonic()


def _find(tree: Tree, path: str) -> str | None:
    """Return a value, or a folder's listing (its folders end in a slash)."""
    node: str | Tree = tree
    for part in filter(None, path.split("/")):
        if isinstance(node, str) or part not in node:
            return None
        node = node[part]
    if isinstance(node, str):
        return node
    return "\n".join(name if isinstance(child, str) else f"{name}/" for name, child in node.items())


def _tree(instance: Any, state: _State, account: str, region: str) -> Tree:
    nic = instance.nics[0]
    public = {
        "public-hostname": instance.public_dns_name,
        "public-ipv4": instance.public_ip,
    }
    metadata: dict[str, Any] = {
        "ami-id": instance.image_id,
        "ami-launch-index": str(instance.ami_launch_index),
        "hostname": instance.private_dns_name,
        "iam": _iam(instance, state, account, region),
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": instance.lifecycle or "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": instance.private_dns_name,
        "local-ipv4": instance.private_ip,
        "mac": nic.mac_address,
        "network": {
            "interfaces": {
                "macs": {
                    nic.mac_address: {
                        "device-number": "0",
                        "interface-id": nic.id,
                        "local-ipv4s": instance.private_ip,
                        "mac": nic.mac_address,
                        "owner-id": account,
                        "security-group-ids": "\n".join(group.id for group in instance.security_groups),
                        "subnet-id": instance.subnet_id,
                        "vpc-id": instance.vpc_id,
                    }
                }
            }
        },
        "placement": {"availability-zone": instance.availability_zone, "region": region},
        "reservation-id": _reservation(instance),
        "security-groups": "\n".join(group.name for group in instance.security_groups),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
        **{key: value for key, value in public.items() if value},
    }
    if not metadata["iam"]:
        del metadata["iam"]
    if instance.metadata_options.instance_metadata_tags == "enabled":
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
        metadata["tags"] = {"instance": tags}
    tree: dict[str, Any] = {
        "dynamic": {"instance-identity": {"document": _identity_document(instance, account, region)}},
        "meta-data": metadata,
    }
    if instance.user_data:
        tree["user-data"] = instance.user_data.decode()
    return tree


def _reservation(instance: Any) -> str:
    reservations = instance.ec2_backend.reservations.values()
    return next((str(item.id) for item in reservations if instance in item.instances), "")


def _identity_document(instance: Any, account: str, region: str) -> str:
    return json.dumps(
        {
            "accountId": account,
            "architecture": instance.architecture,
            "availabilityZone": instance.availability_zone,
            "imageId": instance.image_id,
            "instanceId": instance.id,
            "instanceType": instance.instance_type,
            "pendingTime": instance.launch_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "privateIp": instance.private_ip,
            "region": region,
            "version": "2017-09-30",
        },
        indent=2,
    )


# The instance's role


def _iam(instance: Any, state: _State, account: str, region: str) -> dict[str, Any]:
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    if association is None:
        return {}
    profile = association.iam_instance_profile
    info = {
        "Code": "Success",
        "LastUpdated": _stamp(datetime.now(UTC)),
        "InstanceProfileArn": profile.arn,
        "InstanceProfileId": profile.id,
    }
    roles = {role.name: _credentials(instance, role, state, account, region) for role in profile.roles}
    return {"info": json.dumps(info, indent=2), "security-credentials": roles}


def _credentials(instance: Any, role: Any, state: _State, account: str, region: str) -> str:
    trust = json.loads(role.assume_role_policy_document)
    if evaluate([trust], Request("sts:AssumeRole", role.arn, _EC2)) is not Decision.ALLOW:
        message = f"EC2 cannot assume the role {role.name}. Please see its trust policy."
        return json.dumps({"Code": "AssumeRoleUnauthorizedAccess", "Message": message}, indent=2)
    session = _session(instance, role, state, account, region)
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": _stamp(session.expiration - timedelta(seconds=SESSION_SECONDS)),
            "Type": "AWS-HMAC",
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "Token": session.session_token,
            "Expiration": _stamp(session.expiration),
        },
        indent=2,
    )


def _session(instance: Any, role: Any, state: _State, account: str, region: str) -> Any:
    with state.lock:
        session = state.sessions.get((instance.id, role.arn))
        if session is None or session.expiration.replace(tzinfo=UTC) - datetime.now(UTC) < RENEW_BEFORE:
            session = get_backend("sts")[account]["aws"].assume_role(
                region_name=region,
                role_session_name=instance.id,
                role_arn=role.arn,
                policy=None,
                duration=SESSION_SECONDS,
                external_id=None,
            )
            state.sessions[instance.id, role.arn] = session
        return session


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
