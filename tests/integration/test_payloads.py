"""Built modules that are kept from run to run: used again only while all they were built from is the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAY = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - acme.tools.hello: {}\n"
MODULE = """\
#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.acme.tools.plugins.module_utils.words import WORD
AnsibleModule({}).exit_json(msg=WORD)
"""
CONFIG = """\
[defaults]
collections_path = {root}/collections:collections
callbacks_enabled = andamio.laravel_aws.fast_start
[andamio_fast_start]
payloads = kept
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    plugins = tmp_path / "collections" / "ansible_collections" / "acme" / "tools" / "plugins"
    for name, text in (("modules/hello.py", MODULE), ("module_utils/words.py", "WORD = 'first'\n")):
        (plugins / name).parent.mkdir(parents=True)
        (plugins / name).write_text(text)
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "ansible.cfg").write_text(CONFIG.format(root=ROOT))
    return tmp_path


def run(project: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    playbook = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [str(playbook), "play.yml", "-v", "-e", f"ansible_python_interpreter={sys.executable}"],
        cwd=project,
        env=environment
        | {"ANSIBLE_CONFIG": str(project / "ansible.cfg"), "ANSIBLE_HOME": str(project / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def kept(project: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (project / "kept").glob("ansible_collections*")}


def words(project: Path) -> Path:
    return project / "collections/ansible_collections/acme/tools/plugins/module_utils/words.py"


def test_a_built_module_is_used_again(project: Path) -> None:
    assert '"msg": "first"' in run(project)
    first = kept(project)
    assert len(first) == 2
    assert (project / "kept").stat().st_mode & 0o777 == 0o700
    assert '"msg": "first"' in run(project)
    assert kept(project) == first


def test_a_changed_file_has_it_built_again(project: Path) -> None:
    run(project)
    first = kept(project)
    words(project).write_text("WORD = 'other'\n")
    assert '"msg": "other"' in run(project)
    assert kept(project) != first


def test_a_file_that_takes_anothers_place_has_it_built_again(project: Path) -> None:
    run(project)
    package = words(project).with_suffix("")
    package.mkdir()
    (package / "__init__.py").write_text("WORD = 'package'\n")
    assert '"msg": "package"' in run(project)


def test_nothing_is_kept_where_others_can_write(project: Path) -> None:
    (project / "kept").mkdir(mode=0o755)
    assert '"msg": "first"' in run(project)
    assert not kept(project)
