"""What CloudFront remembers, and the rules that all its resources share."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.aws.overlay.operations import Context, Parameters
from sandbox.aws.store import Store

_LETTERS = string.ascii_uppercase + string.digits
BASE = "https://cloudfront.amazonaws.com/2020-05-31"


def new_id() -> str:
    return "E" + "".join(secrets.choice(_LETTERS) for _ in range(13))


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass
class Item:
    """A resource: its configuration, and the tag that changes with it."""

    id: str
    config: dict[str, Any]
    etag: str = field(default_factory=new_id)
    modified: datetime = field(default_factory=now)
    managed: bool = False

    def change(self, config: Mapping[str, Any]) -> None:
        self.config = dict(config)
        self.touch()

    def touch(self) -> None:
        """Move the tag: this, or something it uses, is no longer what it was."""
        self.etag = new_id()
        self.modified = now()


@dataclass
class Distribution(Item):
    """A distribution. It is on its way (InProgress) until it has been looked at once."""

    domain: str = field(default_factory=lambda: f"d{new_id()[1:].lower()}.cloudfront.net")
    deployed: bool = False
    invalidations: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Function:
    """A function: its two stages, each with code, configuration and tag."""

    name: str
    stages: dict[str, Stage] = field(default_factory=dict)


@dataclass
class Stage:
    code: bytes
    config: dict[str, Any]
    etag: str = field(default_factory=lambda: new_id().replace("E", "ETV", 1))
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)


@dataclass
class State:
    """Policies and the like by kind and id; tags by ARN."""

    distributions: dict[str, Distribution] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    items: dict[str, dict[str, Item]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)


_states = Store(State)


def state(context: Context) -> State:
    return _states.of(context.account)


def touch_users(context: Context, uses: Callable[[Mapping[str, Any]], bool]) -> None:
    """Move the tag of each distribution whose configuration uses what was changed, as CloudFront does.

    https://github.com/hashicorp/terraform-provider-aws/issues/19529 and 22816
    """
    for distribution in state(context).distributions.values():
        if uses(distribution.config):
            distribution.touch()


def check_match(etag: str, parameters: Parameters) -> None:
    """Raise `AwsError` unless the caller has seen the present version."""
    given = parameters.get("IfMatch")
    if not given:
        raise AwsError(
            "InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource."
        )
    if given != etag:
        raise AwsError(
            "PreconditionFailed",
            "The request failed because it didn't meet the preconditions in one or more "
            "request-header fields.",
        )


def page(found: Sequence[Any], parameters: Parameters, identify: Any) -> dict[str, Any]:
    """Return a list's page: all members that CloudFront's lists have."""
    size = int(parameters.get("MaxItems") or 100)
    marker = parameters.get("Marker") or ""
    start = next((n + 1 for n, item in enumerate(found) if identify(item) == marker), 0) if marker else 0
    items = list(found[start : start + size])
    more = start + size < len(found)
    result: dict[str, Any] = {
        "Marker": marker,
        "MaxItems": size,
        "IsTruncated": more,
        "Quantity": len(items),
        "Items": items,
    }
    if more:
        result["NextMarker"] = identify(items[-1])
    return result
