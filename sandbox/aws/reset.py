"""Empty the account."""

from __future__ import annotations

from moto.core.base_backend import BackendDict, BaseBackend, backend_lock
from moto.core.model_instances import reset_model_data

from sandbox.aws import store


def reset() -> None:
    """Forget all that was made. moto's own way makes each backend anew only to throw it away."""
    with backend_lock:
        for backends in list(BackendDict._instances):
            for _account, _region, backend in list(backends.iter_backends()):
                if type(backend).reset is not BaseBackend.reset:
                    backend.reset()
            backends.clear()
        BackendDict._instances.clear()
    reset_model_data()
    store.clear_all()
