"""Fetch an artifact from S3, with the rights of the instance's role.

    python3 -m andamio_release.s3 get BUCKET KEY FILE [--version VERSION]

A program of its own, for boto3 takes a second to load. FILE is written whole or not at all. It prints
nothing; it ends with 1 and one line on standard error that names the object when it can't be fetched.
"""

from __future__ import annotations

import argparse
import sys

import boto3
import botocore.session
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import IMDSRegionProvider


def main() -> int:
    arguments = options()
    name = f"s3://{arguments.bucket}/{arguments.key}"
    if arguments.version:
        name += f" (version {arguments.version})"
    try:
        get(arguments.bucket, arguments.key, arguments.file, arguments.version)
    except (Boto3Error, BotoCoreError, ClientError, OSError) as error:
        print(f"{name} can't be fetched: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="andamio_release.s3", description="Fetch an artifact from S3.")
    parser.add_argument("action", choices=["get"])
    parser.add_argument("bucket")
    parser.add_argument("key")
    parser.add_argument("file")
    parser.add_argument("--version", default="", help="default: the latest")
    return parser.parse_args()


def get(bucket: str, key: str, file: str, version: str) -> None:
    """Write an object to a file. Raises Boto3Error, BotoCoreError, ClientError, OSError."""
    botocore_session = botocore.session.Session()
    # The metadata service of a busy host may need longer than botocore's one second.
    botocore_session.set_config_variable("metadata_service_timeout", 5)
    botocore_session.set_config_variable("metadata_service_num_attempts", 5)
    session = boto3.session.Session(botocore_session=botocore_session)
    region = session.region_name or IMDSRegionProvider(botocore_session).provide()
    extra = {"VersionId": version} if version else None
    session.client("s3", region_name=region).download_file(bucket, key, file, ExtraArgs=extra)


if __name__ == "__main__":
    sys.exit(main())
