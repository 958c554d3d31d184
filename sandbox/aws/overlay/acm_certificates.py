"""Certificates that are issued once their validation records stand in a zone of the account."""

from __future__ import annotations

import hashlib
from typing import Any

from moto.acm.models import CertBundle
from moto.acm.responses import AWSCertificateManagerResponse
from moto.backends import get_backend
from moto.core.utils import utcnow

from sandbox.aws.errors import AwsError
from sandbox.aws.overlay.cloudfront_state import state
from sandbox.aws.overlay.operations import Context, Parameters, guards

GLOBAL_REGION = "us-east-1"
"""The one region whose certificates CloudFront takes."""

_describe = CertBundle.describe
_request_certificate = AWSCertificateManagerResponse.request_certificate
_ISSUED_ONLY = ("NotBefore", "NotAfter", "Serial", "IssuedAt", "Issuer")


def usable(arn: str, account: str) -> bool:
    """Whether CloudFront may serve with this certificate."""
    bundle = get_backend("acm")[account][GLOBAL_REGION]._certificates.get(arn)
    if bundle is None:
        return False
    bundle.check()
    return bool(bundle.status == "ISSUED")


def covers(arn: str, name: str, account: str) -> bool:
    """Whether a certificate is for this name, itself or by a wildcard."""
    names = _names(get_backend("acm")[account][GLOBAL_REGION]._certificates[arn])
    return name in names or f"*.{name.partition('.')[2]}" in names


def validation_record(domain: str, account: str) -> dict[str, str]:
    """Return the CNAME that proves a domain. An account has the same one for all its certificates."""
    base = domain.removeprefix("*.")
    digest = hashlib.sha256(f"{account} {base}".encode()).hexdigest()
    return {
        "Name": f"_{digest[:32]}.{base}.",
        "Type": "CNAME",
        "Value": f"_{digest[32:]}.sandbox.acm-validations.aws.",
    }


def _names(bundle: Any) -> list[str]:
    return list(getattr(bundle, "names", None) or dict.fromkeys([bundle.common_name, *bundle.sans]))


def _account(bundle: Any) -> str:
    return str(bundle.arn.split(":")[4])


def _proven(record: dict[str, str], account: str) -> bool:
    wanted = record["Value"].rstrip(".")
    return any(
        entry.type == "CNAME"
        and entry.name.rstrip(".") == record["Name"].rstrip(".")
        and wanted in [value.rstrip(".") for value in entry.records]
        for zone in get_backend("route53")[account]["aws"].zones.values()
        if not zone.private_zone
        for entry in zone.rrsets
    )


def _check(bundle: Any) -> None:
    if bundle.status != "PENDING_VALIDATION" or getattr(bundle, "method", "DNS") != "DNS":
        return
    account = _account(bundle)
    if all(_proven(validation_record(name, account), account) for name in _names(bundle)):
        bundle.status = "ISSUED"
        bundle.issued_at = utcnow()


def _described(bundle: Any) -> dict[str, Any]:
    answer: dict[str, Any] = _describe(bundle)
    certificate = answer["Certificate"]
    certificate["InUseBy"] = [*certificate["InUseBy"], *_users(bundle)]
    if bundle.type != "AMAZON_ISSUED":
        return answer
    certificate["SubjectAlternativeNames"] = _names(bundle)
    certificate["KeyAlgorithm"] = bundle.key_algorithm
    certificate["DomainValidationOptions"] = [_validation(bundle, name) for name in _names(bundle)]
    bundle.records_known = True
    if bundle.status == "ISSUED":
        certificate["IssuedAt"] = bundle.issued_at
        certificate["RenewalEligibility"] = "ELIGIBLE" if certificate["InUseBy"] else "INELIGIBLE"
    else:
        for name in _ISSUED_ONLY:
            certificate.pop(name, None)
    return answer


def _validation(bundle: Any, name: str) -> dict[str, Any]:
    record = validation_record(name, _account(bundle))
    proven = bundle.status == "ISSUED" or _proven(record, _account(bundle))
    option: dict[str, Any] = {
        "DomainName": name,
        "ValidationDomain": name,
        "ValidationStatus": "SUCCESS" if proven else "PENDING_VALIDATION",
        "ValidationMethod": bundle.method,
    }
    if bundle.method == "DNS" and bundle.records_known:
        # AWS takes some seconds to name the record: who asks at once doesn't see it yet.
        option["ResourceRecord"] = record
    return option


def _users(bundle: Any) -> list[str]:
    account = _account(bundle)
    return [
        f"arn:aws:cloudfront::{account}:distribution/{item.id}"
        for item in state(Context(account, GLOBAL_REGION)).distributions.values()
        if item.config["ViewerCertificate"].get("ACMCertificateArn") == bundle.arn
    ]


def _request(response: Any) -> Any:
    answer = _request_certificate(response)
    bundle = response.acm_backend._certificates[answer.result["CertificateArn"]]
    if not hasattr(bundle, "names"):
        asked = [response._get_param("DomainName"), *(response._get_param("SubjectAlternativeNames") or [])]
        bundle.names = list(dict.fromkeys(asked))
        bundle.method = response._get_param("ValidationMethod") or "EMAIL"
        bundle.key_algorithm = response._get_param("KeyAlgorithm") or "RSA_2048"
        bundle.records_known = False
    return answer


@guards("acm:DeleteCertificate")
def check_unused(parameters: Parameters, context: Context) -> None:
    arn = parameters["CertificateArn"]
    bundle = get_backend("acm")[context.account][context.region]._certificates.get(arn)
    if bundle is not None and _users(bundle):
        raise AwsError("ResourceInUseException", f"Certificate {arn} in account {context.account} is in use.")


CertBundle.check = _check
CertBundle.describe = _described
CertBundle.method = "DNS"
CertBundle.key_algorithm = "RSA_2048"
CertBundle.records_known = True
AWSCertificateManagerResponse.request_certificate = _request
