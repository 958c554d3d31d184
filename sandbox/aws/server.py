"""The HTTP server: cheroot's threads and keep-alive connections in front of the application."""

from __future__ import annotations

from pathlib import Path

from cheroot.wsgi import Server

from sandbox.aws.application import Application

THREADS = 16


def serve(host: str, port: int, region: str, account: str, world_socket: Path) -> None:
    """Serve until the process is told to stop. Prints the URL once connections are accepted."""
    server = Server((host, port), Application(region, account, world_socket), numthreads=THREADS)
    server.prepare()
    bound_host, bound_port = server.bind_addr[:2]
    print(f"http://{bound_host}:{bound_port}", flush=True)
    try:
        server.serve()
    finally:
        server.stop()
