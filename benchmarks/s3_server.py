"""As much of S3 as the tools under test use, in memory. ``python -m benchmarks.s3_server``."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from .http_server import Request, Response, main

PAGE = 1000


@dataclass
class Object:
    body: bytes
    etag: str
    headers: dict[str, str]
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))


class S3:
    """Buckets, objects and multipart uploads."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, Object]] = {}
        self.uploads: dict[str, dict[int, Object]] = {}

    def handle(self, request: Request) -> tuple[str, Response]:
        bucket, _, key = request.path[1:].partition("/")
        operation = self._operation(request, key)
        if operation == "DeleteBucket":  # with all that is in it: the next run starts cold
            self.buckets.pop(bucket, None)
            return operation, Response(204)
        if operation == "CreateBucket":
            self.buckets.setdefault(bucket, {})
            return operation, Response()
        if bucket not in self.buckets:
            return operation, _error(404, "NoSuchBucket")
        call: Callable[[str, str, Request], Response] | None = getattr(self, _snake(operation), None)
        return operation, call(bucket, key, request) if call else _error(501, "NotImplemented")

    def _operation(self, request: Request, key: str) -> str:
        method, query = request.method, request.query
        if not key:
            if method == "POST" and "delete" in query:
                return "DeleteObjects"
            if method == "GET" and not query.keys() & {"location", "versioning", "encryption"}:
                return "ListObjects"
            names = {"PUT": "CreateBucket", "HEAD": "HeadBucket", "DELETE": "DeleteBucket"}
            return names.get(method, f"{method} bucket")
        if "uploads" in query:
            return "CreateMultipartUpload"
        if "uploadId" in query:
            names = {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}
            return names.get(method, f"{method} upload")
        return f"{method.capitalize()}Object"

    def head_bucket(self, bucket: str, key: str, request: Request) -> Response:
        return Response()

    def put_object(self, bucket: str, key: str, request: Request) -> Response:
        body = _decoded(request)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        kept = ("content-type", "cache-control")
        headers = {name: value for name, value in request.headers.items() if name in kept}
        self.buckets[bucket][key] = Object(body, etag, headers)
        return Response(headers={"ETag": f'"{etag}"'})

    def get_object(self, bucket: str, key: str, request: Request) -> Response:
        found = self.buckets[bucket].get(key)
        if found is None:
            return _error(404, "NoSuchKey")
        return Response(
            body=found.body,
            headers={
                "ETag": f'"{found.etag}"',
                "Last-Modified": format_datetime(found.modified, usegmt=True),
                **found.headers,
            },
        )

    head_object = get_object

    def delete_object(self, bucket: str, key: str, request: Request) -> Response:
        self.buckets[bucket].pop(key, None)
        return Response(204)

    def delete_objects(self, bucket: str, key: str, request: Request) -> Response:
        for name in re.findall(r"<Key>(.*?)</Key>", request.body.decode()):
            self.buckets[bucket].pop(name, None)
        return _xml("<DeleteResult/>")

    def list_objects(self, bucket: str, key: str, request: Request) -> Response:
        prefix = request.query.get("prefix", "")
        after = max(request.query.get(name, "") for name in ("continuation-token", "start-after", "marker"))
        names = sorted(name for name in self.buckets[bucket] if name.startswith(prefix) and name > after)
        shown = names[:PAGE]
        url = request.query.get("encoding-type") == "url"
        contents = "".join(
            f"<Contents><Key>{quote(name, safe='/') if url else escape(name)}</Key>"
            f"<LastModified>{found.modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>&quot;{found.etag}&quot;</ETag><Size>{len(found.body)}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for name in shown
            for found in (self.buckets[bucket][name],)
        )
        more = len(names) > PAGE
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        return _xml(
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix>"
            f"<KeyCount>{len(shown)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
            f"{'<EncodingType>url</EncodingType>' if url else ''}"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}</ListBucketResult>"
        )

    def create_multipart_upload(self, bucket: str, key: str, request: Request) -> Response:
        upload = uuid.uuid4().hex
        self.uploads[upload] = {}
        return _xml(
            f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        )

    def upload_part(self, bucket: str, key: str, request: Request) -> Response:
        body = _decoded(request)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.uploads[request.query["uploadId"]][int(request.query["partNumber"])] = Object(body, etag, {})
        return Response(headers={"ETag": f'"{etag}"'})

    def complete_multipart_upload(self, bucket: str, key: str, request: Request) -> Response:
        parts = [part for _, part in sorted(self.uploads.pop(request.query["uploadId"]).items())]
        digests = b"".join(bytes.fromhex(part.etag) for part in parts)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        self.buckets[bucket][key] = Object(b"".join(part.body for part in parts), etag, {})
        return _xml(
            f"<CompleteMultipartUploadResult><ETag>&quot;{etag}&quot;</ETag></CompleteMultipartUploadResult>"
        )

    def abort_multipart_upload(self, bucket: str, key: str, request: Request) -> Response:
        self.uploads.pop(request.query["uploadId"], None)
        return Response(204)


def _decoded(request: Request) -> bytes:
    """Return the body, taken out of aws-chunked framing if it is in it."""
    if "x-amz-decoded-content-length" not in request.headers:
        return request.body
    parts: list[bytes] = []
    rest = request.body
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            return b"".join(parts)
        parts.append(rest[:length])
        rest = rest[length + 2 :]


def _snake(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


def _xml(text: str) -> Response:
    return Response(
        body=f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode(), headers={"Content-Type": "text/xml"}
    )


def _error(status: int, code: str) -> Response:
    answer = _xml(f"<Error><Code>{code}</Code><Message>{code}</Message></Error>")
    return Response(status, answer.body, answer.headers)


if __name__ == "__main__":
    main(S3().handle)
