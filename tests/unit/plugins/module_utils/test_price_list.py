"""What is asked of the Price List API, and the price in answers of its documented shape."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import botocore.session
import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _price_list, _prices
from botocore.stub import Stubber

QUERIES = _price_list.queries("sa-east-1", ["t4g.micro", "t4g.micro", "t3.micro"])
HOUR = QUERIES[0]
ZONE = QUERIES[-1]


def dimension(usd: str, unit: str = "Hrs", begin: str = "0", end: str = "Inf") -> dict[str, Any]:
    return {
        "unit": unit,
        "beginRange": begin,
        "endRange": end,
        "description": f"${usd} per On Demand Linux t4g.micro Instance Hour",
        "appliesTo": [],
        "rateCode": "PYGZDVAPZ63SE8JS.JRTCKXETXF.6YS6EN2CT7",
        "pricePerUnit": {"USD": usd},
    }


def product(*dimensions: dict[str, Any]) -> str:
    """Return one item of PriceList, as GetProducts' documentation shows it."""
    return json.dumps(
        {
            "product": {
                "productFamily": "Compute Instance",
                "attributes": {"instanceType": "t4g.micro", "regionCode": "sa-east-1", "tenancy": "Shared"},
                "sku": "PYGZDVAPZ63SE8JS",
            },
            "serviceCode": "AmazonEC2",
            "terms": {
                "OnDemand": {
                    "PYGZDVAPZ63SE8JS.JRTCKXETXF": {
                        "priceDimensions": {str(number): item for number, item in enumerate(dimensions)},
                        "sku": "PYGZDVAPZ63SE8JS",
                        "effectiveDate": "2026-11-01T00:00:00Z",
                        "offerTermCode": "JRTCKXETXF",
                        "termAttributes": {},
                    }
                },
                "Reserved": {"x": {"priceDimensions": {"y": dimension("0.0001")}}},
            },
            "version": "20261103000000",
            "publicationDate": "2026-11-03T00:00:00Z",
        }
    )


def test_each_price_is_asked_for_once_by_its_key() -> None:
    assert [query.key for query in QUERIES] == [
        "t4g.micro_hour",
        "t3.micro_hour",
        _prices.GP3,
        _prices.IPV4,
        _prices.ZONE,
    ]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.key)
def test_the_api_takes_the_questions_and_gives_such_answers(query: _price_list.Query) -> None:
    client = botocore.session.get_session().create_client(
        "pricing", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stub:
        answer = {"FormatVersion": "aws_v1", "PriceList": [product(dimension("0.0134", query.unit))]}
        stub.add_response("get_products", answer, query.arguments())
        assert _price_list.price(query, client.get_products(**query.arguments())["PriceList"]) == Decimal(
            "0.0134"
        )


def test_only_linux_on_demand_on_shared_hardware_counts() -> None:
    asked = {item["Field"]: item["Value"] for item in HOUR.arguments()["Filters"]}
    assert asked == {
        "regionCode": "sa-east-1",
        "instanceType": "t4g.micro",
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }


def test_the_first_step_of_a_price_in_steps() -> None:
    steps = product(
        dimension("0.5000000000", "HostedZone", "0", "25"), dimension("0.1000000000", "HostedZone", "25")
    )
    assert _price_list.price(ZONE, [steps]) == Decimal("0.5")


def test_the_same_price_twice_is_clear() -> None:
    assert _price_list.price(HOUR, [product(dimension("0.0134")), product(dimension("0.01340"))]) == Decimal(
        "0.0134"
    )


@pytest.mark.parametrize(
    "products",
    [
        [],
        [product(dimension("0.0134")), product(dimension("0.02"))],
        [product(dimension("0.0000000000"))],
        [product(dimension("0.0134", "Quantity"))],
        [product(dimension("n/a"))],
        [json.dumps({"product": {}, "terms": {}})],
        [product({**dimension("1"), "pricePerUnit": {"CNY": "1"}})],
    ],
    ids=["none", "two", "free", "another unit", "no number", "no terms", "another currency"],
)
def test_what_is_not_clear_is_no_price(products: list[str]) -> None:
    assert _price_list.price(HOUR, products) is None
