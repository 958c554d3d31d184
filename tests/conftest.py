"""What every test needs before the first of them is collected."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader

# The scripts of roles/*/files are imported and run by tests: their bytecode mustn't land beside them, where
# a role would copy it to its host.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

# Once, and before any test imports `ansible_collections`: a module that was imported without Ansible's loader
# hides it from the plugins that are looked for later.
init_plugin_loader([str(Path(__file__).resolve().parents[1] / "collections")])
