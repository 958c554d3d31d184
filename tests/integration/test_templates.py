"""Templates that are compiled once in a run: a run says what it says without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = r"""
    word: "{{ 'a' ~ name }}"
    name: b
    path: "C:\\{{ word }}\\n"
    nested: {list: ["{{ word }}", "{{ word | upper }}", "{{ path }}"], number: "{{ 1 + 2 }}"}
"""
PLAY = f"""\
- hosts: localhost
  gather_facts: false
  vars: {VARIABLES}
  tasks:
    - {{debug: {{var: nested}}}}
    - {{debug: {{msg: "{{{{ word }}}} {{{{ path }}}}"}}}}
    - {{debug: {{msg: "{{{{ word }}}} {{{{ path }}}}"}}}}
    - {{template: {{src: one.j2, dest: out1}}}}
    - {{template: {{src: one.j2, dest: out2, variable_start_string: "[[", variable_end_string: "]]"}}}}
    - {{debug: {{msg: "{{{{ lookup('template', 'one.j2') }}}} {{{{ nested.list | first }}}}"}}}}
    - {{debug: {{msg: "{{{{ missing }}}}"}}, ignore_errors: true}}
    - {{debug: {{msg: "{{{{ 'unbalanced' }}"}}, ignore_errors: true}}
"""


WHERE = ("-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}")


def test_a_run_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "one.j2").write_text("{{ word }} [[ word ]] {% if word %}C:\\n{% endif %}\n")
    said = []
    for callbacks in ("", "callbacks_enabled = andamio.laravel_aws.fast_start\n"):
        (tmp_path / "ansible.cfg").write_text(
            f"[defaults]\ncollections_path = {ROOT}/collections\n{callbacks}"
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "play.yml", *WHERE],
            cwd=tmp_path,
            env=environment | {"ANSIBLE_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        files = [(tmp_path / name).read_text() for name in ("out1", "out2")]
        said.append((done.stdout.replace("changed", "ok").replace("=2", "=0"), files))
        assert "failed=0" in done.stdout, done.stdout
    assert (
        said[0][1]
        == said[1][1]
        == [
            "ab [[ word ]] C:\\n\n",
            "{{ word }} ab C:\\n\n",
        ]
    )
    assert [line for line in said[0][0].splitlines() if "ok=" not in line] == [
        line for line in said[1][0].splitlines() if "ok=" not in line
    ]
