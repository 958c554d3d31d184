# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a DNS-validated certificate should be, what it is, and the calls between the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _tags
from ._converge import AFTER_APPLY, Answer, Change, Refused, State, Wait

_REQUEST = "acm.request_certificate"
_RECORD_TTL = 300


def desired(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the normal form that the module's arguments ask for."""
    name = params["name"].lower()
    return {
        "name": name,
        "alternative_names": sorted({other.lower() for other in params["alternative_names"]} - {name}),
        "hosted_zone": _bare(params["hosted_zone"] or ""),
        "tags": params["tags"],
    }


def _bare(name: str) -> str:
    return name.rstrip(".").lower()


def has_names(certificate: Mapping[str, Any], name: str, others: Iterable[str]) -> bool:
    """Tell whether a described certificate is Amazon's own and has exactly these names."""
    names = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
    return certificate.get("Type", "AMAZON_ISSUED") == "AMAZON_ISSUED" and names == {name, *others}


def is_ours(tags: Mapping[str, str], desired_tags: Mapping[str, Any] | None) -> bool:
    """Tell whether a certificate's tags say that it belongs to the same project and environment."""
    wanted = {key: str(value) for key, value in (desired_tags or {}).items() if key in _tags.IDENTITY}
    return wanted.items() <= tags.items()


def best(certificates: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the certificate to use out of several: an issued one, and of those the one valid longest."""
    return max(
        certificates,
        key=lambda item: (item["Status"] == "ISSUED", str(item.get("NotAfter", "")), item["CertificateArn"]),
        default=None,
    )


def validation_records(certificate: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the record sets that prove who owns the names; None as long as ACM hasn't decided on them."""
    options = certificate.get("DomainValidationOptions", [])
    records = {
        (record["Name"], record["Type"], record["Value"])
        for option in options
        if (record := option.get("ResourceRecord"))
    }
    if not options or not all("ResourceRecord" in option for option in options):
        return None
    return [
        {"Name": name, "Type": kind, "TTL": _RECORD_TTL, "ResourceRecords": [{"Value": value}]}
        for name, kind, value in sorted(records)
    ]


def normalise(
    certificate: Mapping[str, Any] | None,
    tags: Mapping[str, str],
    zone: Mapping[str, Any] | None,
    in_zone: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Turn what was read into the normal form.

    certificate: as ACM describes it. zone: id, name and name servers of the zone.
    in_zone: the record sets that the zone has under the names of the validation records.
    """
    state: dict[str, Any] = {"_zone": zone}
    if certificate is None:
        return state
    records = validation_records(certificate)
    present = {_proof(record): record for record in in_zone}
    missing = None if records is None else [record for record in records if _proof(record) not in present]
    name = certificate["DomainName"]
    return state | {
        "name": name,
        "alternative_names": sorted(set(certificate.get("SubjectAlternativeNames", [])) - {name}),
        "hosted_zone": zone["name"] if zone and missing == [] else None,
        "tags": dict(tags),
        "arn": certificate["CertificateArn"],
        "status": certificate["Status"],
        "not_after": str(certificate["NotAfter"]) if "NotAfter" in certificate else None,
        "_missing": missing,
        "_in_zone": [present[_proof(record)] for record in records or [] if _proof(record) in present],
    }


def _proof(record: Mapping[str, Any]) -> tuple[str, str, str]:
    values = [item["Value"] for item in record.get("ResourceRecords", [])]
    return _bare(record["Name"]), record["Type"], _bare(",".join(values))


def predicted() -> dict[str, Any]:
    """Return what only AWS knows of a certificate before it is requested."""
    return {"arn": AFTER_APPLY, "status": AFTER_APPLY, "not_after": AFTER_APPLY}


def plan(current: State | None, desired: State | None, zone_may_come: bool = False) -> list[Change]:
    """Return the calls that lead from one to the other.

    ``zone_may_come``: in check mode the zone may be one that an earlier task would make.

    Raises Refused when there is no zone to put the validation records in, or a name isn't in it.
    """
    current = current or {"_zone": None}
    zone = current["_zone"]
    if desired is None:
        return _deletion(current) if "arn" in current else []
    if not zone and not zone_may_come:
        raise Refused(
            f"there is no public hosted zone {desired['hosted_zone']}, where the records that prove "
            "who owns the names belong. Make it first, or set hosted_zone."
        )
    _check_names(desired)
    if "arn" not in current:
        return [_request(desired), _write(zone, AFTER_APPLY)]
    changes = []
    if current["_missing"] is None:
        changes.append(_write(zone, AFTER_APPLY))
    elif current["_missing"]:
        changes.append(_write(zone, _batch("UPSERT", current["_missing"])))
    return _tagging(current, desired) + changes


def _check_names(desired: Mapping[str, Any]) -> None:
    zone = desired["hosted_zone"]
    names = [desired["name"], *desired["alternative_names"]]
    outside = [name for name in names if name != zone and not name.endswith(f".{zone}")]
    if outside:
        raise Refused(f"the hosted zone {zone} can't prove {', '.join(outside)}, which isn't in it.")


def _request(desired: Mapping[str, Any]) -> Change:
    arguments: dict[str, Any] = {"DomainName": desired["name"], "ValidationMethod": "DNS"}
    if desired["alternative_names"]:
        arguments["SubjectAlternativeNames"] = desired["alternative_names"]
    if desired.get("tags"):
        arguments["Tags"] = _tags.to_list(desired["tags"])
    return Change(
        _REQUEST,
        arguments,
        # ACM decides on the validation records some seconds after the request.
        wait=Wait(
            "acm.describe_certificate",
            {"CertificateArn": Answer(_REQUEST, "CertificateArn")},
            path="Certificate.DomainValidationOptions.*.ResourceRecord.Name",
            timeout=120,
            every=2,
        ),
    )


def _write(zone: Mapping[str, Any] | None, batch: Any) -> Change:
    arguments = {"HostedZoneId": zone["id"] if zone else AFTER_APPLY, "ChangeBatch": batch}
    return Change("route53.change_resource_record_sets", arguments)


def _batch(action: str, records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Changes": [{"Action": action, "ResourceRecordSet": dict(record)} for record in records]}


def _tagging(current: Mapping[str, Any], desired: Mapping[str, Any]) -> list[Change]:
    if "tags" not in desired:
        return []
    put, remove = _tags.differences(current["tags"], desired["tags"])
    certificate = {"CertificateArn": current["arn"]}
    changes = []
    if put:
        changes.append(Change("acm.add_tags_to_certificate", certificate | {"Tags": _tags.to_list(put)}))
    if remove:
        gone = [{"Key": key} for key in remove]
        changes.append(Change("acm.remove_tags_from_certificate", certificate | {"Tags": gone}))
    return changes


def _deletion(current: Mapping[str, Any]) -> list[Change]:
    # The records first: only the certificate tells which they are, so a run that is killed can go on.
    changes = []
    if current["_in_zone"]:
        changes.append(_write(current["_zone"], _batch("DELETE", current["_in_zone"])))
    # What used the certificate lets go of it some time after it is deleted itself.
    certificate = {"CertificateArn": current["arn"]}
    return [*changes, Change("acm.delete_certificate", certificate, retry=("ResourceInUseException",))]


def issued(current: Mapping[str, Any], timeout: int) -> Wait | None:
    """Return the wait for a certificate that can be issued now: its records are where they belong."""
    if current.get("status") != "PENDING_VALIDATION" or current["_missing"] != []:
        return None
    zone = current["_zone"]
    return Wait(
        "acm.describe_certificate",
        {"CertificateArn": current["arn"]},
        path="Certificate.Status",
        until=("ISSUED",),
        failed=("FAILED", "VALIDATION_TIMED_OUT", "REVOKED"),
        timeout=timeout,
        every=3,
        hint=(
            f"Amazon reads the records that are in the hosted zone {zone['name']} from the internet: "
            f"the registrar must name its name servers, {', '.join(zone['name_servers'])}, and a CAA "
            "record, if there is one, must allow amazon.com. Run it again when that is so."
        ),
    )
