"""Addresses that the sandbox's network can really carry."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import elastic_network_interfaces
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.instances import Instance
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses.elastic_ip_addresses import ElasticIPAddresses

from sandbox.aws.errors import AwsError

NETWORK = ipaddress.ip_network("10.97.0.0/24")


@dataclass
class Pool:
    """The addresses of a range, handed out in turn so that one just freed comes last."""

    first: int
    last: int
    turn: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, used: Collection[str]) -> str:
        """Return an address that isn't used. Raises `AwsError` when all are."""
        size = self.last - self.first + 1
        with self.lock:
            for step in range(size):
                number = (self.turn + step) % size
                address = str(NETWORK[self.first + number])
                if address not in used:
                    self.turn = number + 1
                    return address
        raise AwsError("AddressLimitExceeded", "The sandbox has no address left in this range.")


PRIVATE = Pool(20, 99)
ELASTIC = Pool(100, 199)
AUTOMATIC = Pool(200, 249)

_allocate_address = ElasticAddressBackend.allocate_address
_associate_address = ElasticIPAddresses.associate_address
_terminate = Instance.terminate


def _private(subnet: Any, _holder: Any = None, **_: Any) -> str:
    backend = subnet.ec2_backend
    alive = {item.private_ip for item in backend.all_instances() if item.state != "terminated"}
    loose = {eni.private_ip_address for eni in backend.enis.values() if eni.instance is None}
    return PRIVATE.take(alive | loose)


def _allocate(backend: Any, domain: str, address: str | None = None, tags: Any = None) -> Any:
    address = address or ELASTIC.take({item.public_ip for item in backend.addresses})
    return _allocate_address(backend, domain, address=address, tags=tags)


def _associate(response: Any) -> Any:
    """Free the address, and the instance's own, first: moto lets the last holder keep it, too.

    In a VPC an address moves to another instance unless the call says not to.
    """
    parameters = response.params
    backend = response.ec2_backend
    wanted = {parameters.get("AllocationId"), parameters.get("PublicIp")}
    holder = parameters.get("InstanceId")
    for address in backend.addresses:
        moves = wanted & {address.allocation_id, address.public_ip}
        if moves and address.instance_id == holder and holder:
            return ActionResult({"AssociationId": address.association_id})
        if moves and address.association_id and parameters.get("AllowReassociation") is False:
            break
        if address.association_id and (moves or (holder and address.instance_id == holder)):
            backend.disassociate_address(association_id=address.association_id)
    return _associate_address(response)


def _end(instance: Any) -> Any:
    """Terminate an instance, which lets go of its Elastic IP."""
    for address in instance.ec2_backend.addresses:
        if address.instance is instance:
            instance.ec2_backend.disassociate_address(association_id=address.association_id)
    return _terminate(instance)


ElasticIPAddresses.associate_address = _associate
Instance.terminate = _end
Subnet.get_available_subnet_ip = _private
ElasticAddressBackend.allocate_address = _allocate
elastic_network_interfaces.random_public_ip = lambda: AUTOMATIC.take(())
