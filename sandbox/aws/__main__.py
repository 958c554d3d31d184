"""Serve the AWS API: ``python -m sandbox.aws --host 10.97.0.1 --port 4566``."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
from pathlib import Path
from types import FrameType

from sandbox import secret

WORLD_SOCKET = Path(".cache/sandbox/world.sock")
SECRET_FILE = Path(".cache/sandbox/secret")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.aws", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=4566, help="port to listen on; 0 takes a free one")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--account", default="123456789012", help="the account's 12-digit id")
    parser.add_argument(
        "--world-socket",
        type=Path,
        default=WORLD_SOCKET,
        help="unix datagram socket told of each call that may have changed something",
    )
    parser.add_argument(
        "--secret-file",
        type=Path,
        default=SECRET_FILE,
        metavar="FILE",
        help="the owner's secret; made where there is none",
    )
    # Not this machine: anybody on it could then speak for an instance or a service.
    parser.add_argument(
        "--edge",
        nargs="*",
        default=["10.97.0.2"],
        metavar="ADDRESS",
        help="whom to believe about X-Forwarded-For, X-Forwarded-Proto and X-Andamio-*",
    )
    parser.add_argument(
        "--request-log",
        type=Path,
        metavar="FILE",
        help='append a line "service.Operation" for each request, for those who count them',
    )
    return parser.parse_args(argv)


def main() -> None:
    options = arguments()
    # moto reads these when it is imported.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    # Hundreds of images that Andamio has no use for; its own are the overlay's.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    os.environ["MOTO_ACCOUNT_ID"] = options.account
    os.environ["AWS_DEFAULT_REGION"] = options.region

    server = importlib.import_module("sandbox.aws.server")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        os._exit(0)  # all is in memory: there is nothing to put in order first

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    secret.ensure(options.secret_file)
    application = server.Application(
        options.region,
        options.account,
        options.world_socket,
        options.edge,
        secret=secret.read(options.secret_file),
        request_log=options.request_log,
    )
    server.serve((options.host, options.port), application)


if __name__ == "__main__":
    main()
