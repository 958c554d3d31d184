"""Which call a request is."""

from __future__ import annotations

import io

import pytest

from sandbox.aws.call import buffer, identify


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("papers.s3.eu-west-1.amazonaws.com", "/receipts/a%2Fb.pdf"),
        ("papers.s3.amazonaws.com", "/receipts/a%2Fb.pdf"),
        ("s3.eu-west-1.amazonaws.com", "/papers/receipts/a%2Fb.pdf"),
    ],
)
def test_an_object_is_the_same_by_host_and_by_path(host, path):
    environ = {
        "REQUEST_METHOD": "GET",
        "HTTP_HOST": host,
        "PATH_INFO": path.replace("%2F", "/"),
        "REQUEST_URI": path,
        "QUERY_STRING": "",
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
    }
    buffer(environ)
    call = identify(environ, "eu-west-1")
    assert call.name == "s3:GetObject"
    assert (call.parameters["Bucket"], call.parameters["Key"]) == ("papers", "receipts/a/b.pdf")
    assert environ["HTTP_HOST"] == host, "the signature is over what was sent"
