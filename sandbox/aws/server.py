"""The HTTP server: cheroot's threads and keep-alive connections in front of the application."""

from __future__ import annotations

import warnings

from cheroot.wsgi import Server

from sandbox.aws.application import Application

THREADS = 16
# That are kept while nothing is asked by them, as AWS does; cheroot would keep ten.
CONNECTIONS = 200


def serve(address: tuple[str, int], application: Application) -> None:
    """Serve until the process is told to stop. Prints the URL once connections are accepted."""
    # Our refusals carry codes that a service's model leaves to AWS as a whole.
    warnings.filterwarnings("ignore", message=r"Exception\(AwsError\)")
    server = Server(address, application, numthreads=THREADS, shutdown_timeout=0)
    server.keep_alive_conn_limit = CONNECTIONS
    server.prepare()
    bound_host, bound_port = server.bind_addr[:2]
    print(f"http://{bound_host}:{bound_port}", flush=True)
    try:
        server.serve()
    finally:
        server.stop()
