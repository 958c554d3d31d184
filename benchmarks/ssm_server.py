"""As much of Parameter Store as the tools under test use, in memory. ``python -m benchmarks.ssm_server``."""

from __future__ import annotations

import json
from typing import Any

from .http_server import Request, Response, main

PAGE = 10
DESCRIBE_PAGE = 50


class ParameterStore:
    """Parameters by name, with AWS's page sizes."""

    def __init__(self) -> None:
        self.parameters: dict[str, dict[str, Any]] = {}

    def handle(self, request: Request) -> tuple[str, Response]:
        operation = request.headers.get("x-amz-target", "?").rpartition(".")[2]
        call = getattr(self, f"do_{operation}", None)
        arguments = json.loads(request.body or b"{}")
        if call is None:
            return operation, _answer({"__type": "UnknownOperationException", "message": operation}, 400)
        return operation, call(arguments)

    def do_PutParameter(self, arguments: dict[str, Any]) -> Response:
        name = arguments["Name"]
        there = self.parameters.get(name)
        if there and not arguments.get("Overwrite"):
            return _answer({"__type": "ParameterAlreadyExists", "message": name}, 400)
        kept: dict[str, Any] = {
            key: arguments[key] for key in ("Name", "Value", "Type", "Description") if key in arguments
        }
        version = there["Version"] + 1 if there else 1
        extra = {"Version": version, "Tier": "Standard", "DataType": "text", "LastModifiedDate": 1.8e9}
        self.parameters[name] = {**(there or {}), **kept, **extra}
        return _answer({"Version": version, "Tier": "Standard"})

    def do_GetParametersByPath(self, arguments: dict[str, Any]) -> Response:
        path = arguments["Path"].rstrip("/") + "/"
        names = sorted(name for name in self.parameters if name.startswith(path))
        return self._page([self.parameters[name] for name in names], arguments, PAGE)

    def do_DescribeParameters(self, arguments: dict[str, Any]) -> Response:
        found = sorted(self.parameters.values(), key=lambda item: str(item["Name"]))
        for wanted in arguments.get("ParameterFilters", arguments.get("Filters", [])):
            if wanted["Key"] == "Name":
                found = [item for item in found if item["Name"] in wanted["Values"]]
        shown = [{key: value for key, value in item.items() if key != "Value"} for item in found]
        return self._page(shown, arguments, DESCRIBE_PAGE)

    def _page(self, items: list[dict[str, Any]], arguments: dict[str, Any], size: int) -> Response:
        start = int(arguments.get("NextToken", 0))
        shown = items[start : start + size]
        more = {"NextToken": str(start + size)} if start + size < len(items) else {}
        return _answer({"Parameters": shown, **more})

    def do_GetParameters(self, arguments: dict[str, Any]) -> Response:
        found = [self.parameters[name] for name in arguments["Names"] if name in self.parameters]
        missing = [name for name in arguments["Names"] if name not in self.parameters]
        return _answer({"Parameters": found, "InvalidParameters": missing})

    def do_GetParameter(self, arguments: dict[str, Any]) -> Response:
        found = self.parameters.get(arguments["Name"])
        return _answer({"Parameter": found}) if found else _answer({"__type": "ParameterNotFound"}, 400)

    def do_ListTagsForResource(self, arguments: dict[str, Any]) -> Response:
        return _answer({"TagList": []})

    def do_DeleteParameters(self, arguments: dict[str, Any]) -> Response:
        for name in arguments["Names"]:
            self.parameters.pop(name, None)
        return _answer({"DeletedParameters": arguments["Names"]})


def _answer(tree: dict[str, Any], status: int = 200) -> Response:
    return Response(status, json.dumps(tree).encode(), {"Content-Type": "application/x-amz-json-1.1"})


if __name__ == "__main__":
    main(ParameterStore().handle)
