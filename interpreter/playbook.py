# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs of playbooks, with Ansible and the plugins that every run needs in memory."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
import tempfile
from typing import Any

from .current import Current
from .task import Request, ended, forget_own, fresh

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
FAST_START = "andamio.laravel_aws.fast_start"
PLUGINS = {
    "callback": ("andamio.laravel_aws.plan", FAST_START),
    "inventory": (
        *("ansible.builtin.host_list", "ansible.builtin.script", "ansible.builtin.auto"),
        *("ansible.builtin.yaml", "ansible.builtin.ini", "ansible.builtin.toml"),
        "andamio.laravel_aws.hosts",
    ),
    "strategy": ("ansible.builtin.linear",),
}


class Playbooks(Current):
    """Ansible, with this folder's settings. What a run reads besides is read by the run."""

    def __init__(self) -> None:
        super().__init__()
        os.chdir(ROOT)  # an ansible.cfg is looked for where a run begins
        with self.reading():
            importlib.import_module("ansible.cli.playbook")
        self._templates: Any = None  # that runs have compiled
        self._steps = [self._load_plugins]
        self._settle()

    def suits(self, request: Request) -> bool:
        """Whether a new run would have the same settings, as far as they decide what is in memory."""
        return not constant("DEFAULT_LOG_PATH") and self.started_alike(request.environment)

    def step(self) -> bool:
        """Load plugins, the first time."""
        if not self._steps:
            return False
        self._steps.pop()()
        self._settle()
        return True

    def ready(self) -> list[int]:
        """Take up the templates that runs have compiled; return the file that they tell it by."""
        if self._templates is None:
            return []
        self._templates.learn()
        return [self._templates.file]

    def warm_up(self) -> None:
        """There is nothing to do that a run wouldn't have to do again."""

    def execute(self, request: Request) -> int:
        """Run ansible-playbook with the words of the request: the program's path is the first."""
        fresh(request.arguments[0], request, self)
        sys.argv[:] = request.arguments
        forget_own()
        begin_anew()
        return ended(lambda: sys.modules["ansible.cli.playbook"].main(request.arguments))

    def _load_plugins(self) -> None:
        loader: Any = sys.modules["ansible.plugins.loader"]
        with self.reading():
            loader.init_plugin_loader()
            for kind, names in PLUGINS.items():
                for name in names:
                    getattr(loader, f"{kind}_loader").get(name, class_only=True)
            for _plugin in loader.callback_loader.all(class_only=True):
                pass  # as each run does, to see which want to be there
            plugin = loader.callback_loader.get(FAST_START, class_only=True)
            if plugin is not None:
                once = sys.modules[plugin.__module__]
                once.load_all()
                self._templates = once._templates.share()
                once.load(once.ELSEWHERE)
        # It warns where it has been done.
        sys.modules["ansible.cli"].init_plugin_loader = lambda _paths=None: None  # type: ignore[attr-defined]

    def _settle(self) -> None:
        """Note the files and folders that are in memory now, and keep the collector off them."""
        files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        found = {str(file) for file in files if file}
        self.note(*found, *(os.path.dirname(file) for file in found))
        # A collection's file is known by its place in the tree of collections: so is what says what it is.
        self.note(*(f"{ROOT}/{name}" for name in ("ansible.cfg", "galaxy.yml", "meta/runtime.yml")))
        self.note(str(constant("CONFIG_FILE") or ""))
        gc.collect()
        gc.freeze()


def constant(name: str) -> Any:
    """Return one of Ansible's settings."""
    return getattr(sys.modules["ansible.constants"], name)


def begin_anew() -> None:
    """Have as new what Ansible does once in a process: its folder for files, its colours, its display."""
    constants: Any = sys.modules["ansible.constants"]
    path = sys.modules["ansible.utils.path"]
    atexit.unregister(path.cleanup_tmp_file)  # the server's own is the server's
    # As ansible.constants makes it. Asked for by itself, the setting is the text of its template, and a
    # folder of that name would be made where the run was started.
    folder = os.environ.get("ANSIBLE_LOCAL_TEMP") or os.path.join(
        constants.config.get_config_value("ANSIBLE_HOME"), "tmp"
    )
    os.makedirs(folder, mode=0o700, exist_ok=True)
    constants.DEFAULT_LOCAL_TMP = tempfile.mkdtemp(prefix=f"ansible-local-{os.getpid()}", dir=folder)
    atexit.register(path.cleanup_tmp_file, constants.DEFAULT_LOCAL_TMP)
    importlib.reload(sys.modules["ansible.utils.color"])
    display = sys.modules["ansible.utils.display"].Display()
    display.__init__()  # it is one for a process, and knows the streams
