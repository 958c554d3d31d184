# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out a site's plan: uploads in parallel, phase by phase, then removals."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from ._errors import CallFailed
from ._s3_put import Putter
from ._site_files import MULTIPART_BYTES, PART_BYTES, File, parts
from ._site_plan import RECORD, Plan, Record, dump, settled

with contextlib.suppress(ImportError):  # AnsibleAWSModule says so, with the version that is needed
    from botocore.exceptions import BotoCoreError, ClientError

LARGE_BYTES = 1024 * 1024
LARGE_AT_ONCE = 6
"""Bodies above LARGE_BYTES that are in memory at the same time: 96 MiB at most."""
DELETE_BATCH = 1000


class Changed(Exception):
    """A file, or the bucket, was changed by somebody else while we were at work."""


class Client(Protocol):
    """What this file uses of boto3's S3 client."""

    def __getattr__(self, operation: str) -> Callable[..., Any]: ...


class Progress:
    """Counts what is done, and tells ``say`` after two seconds and then each five."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._files, self._bytes = 0, 0
        self._all_files = len(plan.uploads)
        self._all_bytes = sum(file.size for file in plan.uploads.values())
        self._say = say
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._next = self._started + 2

    def add(self, size: int, files: int = 1) -> None:
        with self._lock:
            self._files += files
            self._bytes += size
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + 5
            rate = self._bytes / (now - self._started)
            left = f", {(self._all_bytes - self._bytes) / rate:.0f} s left" if rate else ""
            self._say(
                f"uploaded {self._files} of {self._all_files} files, "
                f"{self._bytes / 1e6:.1f} of {self._all_bytes / 1e6:.1f} MB{left}"
            )


class Uploader:
    """Puts a site's files into a bucket.

    client: boto3's, for all but plain puts.
    prefix: what all keys begin with; plans have keys without it.
    record_etag: of the record that was read, None if there was none.
    """

    def __init__(
        self,
        *,
        client: Client,
        putter: Putter,
        bucket: str,
        prefix: str,
        record_etag: str | None,
        executor: Executor,
    ) -> None:
        self._client = client
        self._putter = putter
        self._bucket = bucket
        self._prefix = prefix
        self._record_etag = record_etag
        self._executor = executor
        self._large = threading.BoundedSemaphore(LARGE_AT_ONCE)
        self._stop = threading.Event()

    def carry_out(self, plan: Plan, progress: Progress) -> None:
        """Write the record, upload, remove. Raises CallFailed or Changed; another run goes on from there."""
        if plan.write_record:
            self._put_record(plan.record)
        etags: dict[str, str] = {}
        for phase in plan.phases:
            etags |= self._upload(phase, progress)
        for first in range(0, len(plan.delete), DELETE_BATCH):
            self._delete(plan.delete[first : first + DELETE_BATCH])
        record = settled(plan, etags)
        if record:
            self._put_record(record)

    def _put_record(self, record: Record) -> None:
        body = dump(record)
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        headers = {"cache-control": "no-store", "content-type": "application/json"}
        # S3 refuses it if another run has written the record since we read it.
        unchanged = {"if-match": f'"{self._record_etag}"'} if self._record_etag else {"if-none-match": "*"}
        try:
            self._record_etag = self._putter.put(self._prefix + RECORD, body, digest, headers | unchanged)
        except CallFailed as error:
            if error.code in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise Changed("another run is uploading to this bucket: run again when it is done") from error
            raise

    def _upload(self, phase: Mapping[str, File], progress: Progress) -> dict[str, str]:
        """Upload files side by side, the largest first, and return their ETags. A failure stops all."""
        large_first = sorted(phase.items(), key=lambda item: -item[1].size)
        jobs = {self._executor.submit(self._put, key, file, progress): key for key, file in large_first}
        done, left = wait(jobs, return_when=FIRST_EXCEPTION)
        if left:
            self._stop.set()
            for job in left:
                job.cancel()
            wait(left)
        failed = [job for job in done if job.exception()]
        return {jobs[job]: job.result() for job in failed or done}

    def _put(self, key: str, file: File, progress: Progress) -> str:
        if self._stop.is_set():
            return ""
        if file.size >= MULTIPART_BYTES:
            return self._put_in_parts(key, file, progress)
        if file.size < LARGE_BYTES:
            return self._put_whole(key, file, progress)
        with self._large:
            return self._put_whole(key, file, progress)

    def _put_whole(self, key: str, file: File, progress: Progress) -> str:
        body = file.source.read_bytes()
        headers = {"cache-control": file.rule.cache_control, "content-type": file.content_type}
        try:
            etag = self._putter.put(self._prefix + key, body, file.digest, headers)
        except CallFailed as error:
            if error.code == "BadDigest":
                raise Changed(f"{file.source} was changed while it was being uploaded: run again") from error
            raise
        progress.add(file.size)
        return etag

    def _put_in_parts(self, key: str, file: File, progress: Progress) -> str:
        target = {"Bucket": self._bucket, "Key": self._prefix + key}
        upload = self._call(
            "create_multipart_upload",
            **target,
            CacheControl=file.rule.cache_control,
            ContentType=file.content_type,
        )
        target["UploadId"] = upload["UploadId"]
        try:
            digest, listed = self._put_parts(target, file, progress)
            if digest != file.digest:
                raise Changed(f"{file.source} was changed while it was being uploaded: run again")
            answer = self._call("complete_multipart_upload", **target, MultipartUpload={"Parts": listed})
        except BaseException:
            # Parts of an upload that is neither completed nor aborted are stored, and paid for, unseen.
            self._call("abort_multipart_upload", **target)
            raise
        progress.add(0)
        return str(answer["ETag"]).strip('"')

    def _put_parts(
        self, target: Mapping[str, str], file: File, progress: Progress
    ) -> tuple[str, list[dict[str, Any]]]:
        """Upload a file's parts side by side; return the digest of what was sent, and S3's list of parts."""

        def put(number: int, part: bytes) -> dict[str, Any]:
            try:
                answer = self._call("upload_part", **target, PartNumber=number, Body=part)
            finally:
                self._large.release()
            progress.add(len(part), files=0)
            return {"PartNumber": number, "ETag": answer["ETag"]}

        sent = b""
        jobs: list[Future[dict[str, Any]]] = []
        # Its own threads: a job that waits for others on the same executor could wait for ever.
        with file.source.open("rb") as body, ThreadPoolExecutor(LARGE_AT_ONCE) as executor:
            for number, part in enumerate(parts(body), 1):
                self._large.acquire()
                if self._stop.is_set() or any(job.done() and job.exception() for job in jobs):
                    self._large.release()
                    break
                sent += hashlib.md5(part, usedforsecurity=False).digest()
                jobs.append(executor.submit(put, number, part))
        digest = f"{hashlib.md5(sent, usedforsecurity=False).hexdigest()}-{len(jobs)}"
        return digest, [job.result() for job in jobs]

    def _delete(self, keys: list[str]) -> None:
        objects = {"Objects": [{"Key": self._prefix + key} for key in keys], "Quiet": True}
        answer = self._call("delete_objects", Bucket=self._bucket, Delete=objects)
        for error in answer.get("Errors", []):
            raise CallFailed("s3.delete_objects", ClientError({"Error": error}, "DeleteObjects"))

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise CallFailed(f"s3.{operation}", error) from error


def calls(plan: Plan) -> list[str]:
    """Return the calls ``carry_out`` makes, in order."""
    made = ["s3.put_object"] if plan.write_record else []
    for phase in plan.phases:
        for file in sorted(phase.values(), key=lambda file: -file.size):
            if file.size >= MULTIPART_BYTES:
                number = -(-file.size // PART_BYTES)
                made += ["s3.create_multipart_upload", *["s3.upload_part"] * number]
                made.append("s3.complete_multipart_upload")
            else:
                made.append("s3.put_object")
    made += ["s3.delete_objects"] * -(-len(plan.delete) // DELETE_BATCH)
    return made + ["s3.put_object"] * bool(plan.uncertain)
