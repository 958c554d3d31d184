# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the server has in memory: modules and botocore's service models, and whether they are current."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.util
import os
import re
import sys
import types
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import connections
from .current import Current
from .memory import remember_methods, shared_loader

ROOT = Path(__file__).resolve().parent.parent
# The package of the collection's own modules.
MODULES = "ansible_collections.andamio.laravel_aws.plugins.modules"

# Every module's payload has these; the loader itself is left to be imported last (see payload.py).
CORE = (
    "ansible.module_utils.basic",
    "ansible.module_utils.urls",
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
    "ansible.module_utils._internal._ansiballz._loader",
)
LOADER = CORE[-1]

# The services of phase 1 first: while no task waits, the server goes through them in this order.
SERVICES = (
    *("sts", "s3", "ssm", "iam", "ec2", "route53", "cloudfront", "acm", "service-quotas", "logs"),
    *("cloudwatch", "sns", "sqs", "events", "scheduler", "budgets", "backup", "sesv2", "kms", "elbv2"),
    *("codedeploy", "codepipeline", "codebuild", "codeconnections", "autoscaling", "rds", "lambda", "ce"),
)
PHASE_1 = SERVICES.index("cloudwatch")

NOBODY = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


class Preloaded(Current):
    """What is in memory, and what it was made from."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: dict[str, tuple[int, int]] = {}  # by its place in a zip: checksum and size
        self.modules: dict[str, types.CodeType] = {}  # the collection's own, by their full name
        self._steps: list[Callable[[], object]] = [
            *(functools.partial(self.module, name) for name in own_modules()),
            *(functools.partial(self.client, service) for service in SERVICES[:PHASE_1]),
            *(functools.partial(optional, name) for name in collection_utils("amazon.aws")),
            *(functools.partial(self.client, service) for service in SERVICES[PHASE_1:]),
        ]
        with self.reading():
            self._import()
        self._loader, self._files = shared_loader()
        remember_methods()
        connections.share()
        self._settle()

    def step(self) -> bool:
        """Preload one more thing, if one is left."""
        if not self._steps:
            return False
        self._steps.pop(0)()
        self._settle()
        return True

    def module(self, name: str) -> types.CodeType:
        """Return what a module of the collection does when it is run. Raises OSError where there is none."""
        if name not in self.modules:
            path = module_file(name)
            self.note(str(path))
            self.modules[name] = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        return self.modules[name]

    def _import(self) -> None:
        packages()
        for name in CORE:
            importlib.import_module(name)
        for name in ("boto3", "botocore.session"):
            optional(name)
        optional("ansible_collections.amazon.aws.plugins.module_utils.modules")
        for name in collection_utils("andamio.laravel_aws"):
            optional(name)

    def client(self, service: str, use: Callable[[Any], object] = bool) -> None:
        """Make a client, so that all it reads is in the loader's memory, and forget it.

        use: is given it first.
        """
        if self._loader is None:
            return
        import boto3  # noqa: PLC0415 - only where it is installed
        import botocore.exceptions  # noqa: PLC0415 - as boto3

        # The user's own configuration and keys are none of the server's business.
        os.environ |= NOBODY
        try:
            use(boto3.session.Session("none", "none", region_name="us-east-1").client(service))
            for more in ("paginators-1", "waiters-2"):
                with contextlib.suppress(botocore.exceptions.DataNotFoundError):
                    self._loader.load_service_model(service, more)
        except botocore.exceptions.BotoCoreError:
            pass  # this botocore has no such service
        finally:
            for name in NOBODY:
                del os.environ[name]

    def _settle(self) -> None:
        """Note the files that are in memory now, and keep the collector off them: a fork copies nothing."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file is None:
                continue
            self.note(file)
            if name.startswith(("ansible.", "ansible_collections.")) and zip_name(module) not in self.sources:
                data = Path(file).read_bytes()
                self.sources[zip_name(module)] = (zlib.crc32(data), len(data))
        self.note(*self._files)
        gc.collect()
        gc.freeze()


def packages() -> None:
    """Make the packages that payloads have as mere stubs: what is in them is then found below their path."""
    spec = importlib.util.find_spec("ansible")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("ansible-core isn't installed for this Python")
    core = spec.submodule_search_locations[0]
    release = Path(core, "release.py").read_text()
    ansible = package("ansible", core)
    ansible.__file__ = f"{core}/__init__.py"
    for name, value in re.findall(r"""^(__version__|__author__) = ['"](.*)['"]""", release, re.MULTILINE):
        setattr(ansible, name, value)
    package("ansible.module_utils", f"{core}/module_utils")
    for collection in ("amazon.aws", "andamio.laravel_aws"):
        folder = collection_folder(collection)
        if folder is not None:
            namespace, name = collection.split(".")
            package("ansible_collections")
            package(f"ansible_collections.{namespace}")
            package(f"ansible_collections.{namespace}.{name}")
            package(f"ansible_collections.{namespace}.{name}.plugins")
            package(
                f"ansible_collections.{namespace}.{name}.plugins.module_utils",
                f"{folder}/plugins/module_utils",
            )
    package(MODULES)


def own_modules() -> list[str]:
    """Return the full names of the collection's own modules."""
    return [f"{MODULES}.{path.stem}" for path in sorted((ROOT / "plugins" / "modules").glob("[!_]*.py"))]


def module_file(name: str) -> Path:
    """Return where a module of the collection is, by a path that says which collection's it is.

    Ansible tells by it who warns of a deprecation. A checkout has a link that makes it so.
    """
    file = Path("plugins", "modules", f"{name.rpartition('.')[2]}.py")
    linked = ROOT / "collections" / "ansible_collections" / "andamio" / "laravel_aws"
    return (linked if linked.is_dir() else ROOT) / file


def package(name: str, *path: str) -> types.ModuleType:
    """Return a package, made if need be."""
    if name not in sys.modules:
        made = types.ModuleType(name)
        made.__path__ = list(path)
        made.__package__ = name
        sys.modules[name] = made
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, made)
    return sys.modules[name]


def collection_folder(name: str) -> Path | None:
    """Where Ansible most probably finds a collection; its payloads say whether it did."""
    below = Path(*name.split("."))
    if name == "andamio.laravel_aws":
        return ROOT
    trees = [
        ROOT / "collections" / "ansible_collections",
        ROOT.parent.parent,
        Path.home() / ".ansible" / "collections" / "ansible_collections",
        *(Path(folder) / "ansible_collections" for folder in sys.path),
    ]
    return next((tree / below for tree in trees if (tree / below / "plugins").is_dir()), None)


def collection_utils(name: str) -> list[str]:
    """Return the names of a collection's module_utils."""
    folder = collection_folder(name)
    if folder is None:
        return []
    top = folder / "plugins" / "module_utils"
    parts = [path.relative_to(top).with_suffix("").parts for path in sorted(top.rglob("*.py"))]
    return [
        ".".join(("ansible_collections", name, "plugins", "module_utils", *part))
        for part in parts
        if part[-1] != "__init__"
    ]


def optional(name: str) -> bool:
    """Import a module if that can be done here; a task that needs it says what is missing."""
    try:
        importlib.import_module(name)
    except Exception:
        return False
    return True


def zip_name(module: types.ModuleType) -> str:
    """Where a payload has this module."""
    return module.__name__.replace(".", "/") + ("/__init__.py" if hasattr(module, "__path__") else ".py")
