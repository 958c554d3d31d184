"""The callback as a run has it: ansible-playbook with a small playbook, on this machine alone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SECRET = "hunter2-not-to-be-seen"


@dataclass(frozen=True)
class Ran:
    code: int
    output: str
    report: dict[str, Any]

    @property
    def summary(self) -> list[str]:
        """The lines after Ansible's recap."""
        title = re.search(r"^(PLAN|SUMMARY) \*+\n", self.output, re.MULTILINE)
        assert title, self.output
        return self.output[title.end() :].splitlines()


def copy(folder: Path, name: str, **more: Any) -> dict[str, Any]:
    module = {"content": "x\n", "dest": str(folder / name), "mode": "0600"}
    return {"name": "Write {{ inventory_hostname }}'s file", "ansible.builtin.copy": module, **more}


def command(*options: str) -> list[str]:
    return [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", "play.yml", *options]


def prepare(folder: Path, *plays: dict[str, Any], hosts: tuple[str, ...] = ()) -> dict[str, str]:
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {
        "all": {
            "hosts": {"localhost": here},
            "children": {"laravel": {"hosts": dict.fromkeys(hosts, here)}},
        }
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False))
    (folder / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, **play} for play in plays])
    )
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANDAMIO_PLAN_JSON": "out/plan.json",
        "ANDAMIO_PLAN_MARKDOWN": "out/plan.md",
    }


def run(
    folder: Path,
    *plays: dict[str, Any],
    options: tuple[str, ...] = (),
    hosts: tuple[str, ...] = (),
    **env: str,
) -> Ran:
    environment = prepare(folder, *plays, hosts=hosts) | env
    done = subprocess.run(
        command(*options),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    report = folder / "out/plan.json"
    return Ran(done.returncode, done.stdout, json.loads(report.read_text()) if report.exists() else {})


def test_a_plan_and_the_run_after_it_say_the_same(tmp_path: Path) -> None:
    play = {
        "name": "Phase 7 | Here",
        "tasks": [
            copy(tmp_path, "one", tags=["phase7"]),
            copy(
                tmp_path, "{{ item.name }}", loop=[{"name": "two"}], loop_control={"label": "{{ item.name }}"}
            ),
            {"name": "Stay", "ansible.builtin.command": "true", "changed_when": False},
            {"name": "Say", "ansible.builtin.debug": {"msg": ["Site   https://a.test", "API"]}},
            {"name": "Left out", "ansible.builtin.command": "true", "when": False},
        ],
    }
    plan = run(tmp_path, play, options=("--check",))
    assert plan.code == 0, plan.output
    assert not (tmp_path / "one").exists()
    done = run(tmp_path, play)
    assert (
        plan.summary[:-4]
        == done.summary[:-4]
        == [
            "Phase 7",
            "  Phase 7 | Here on localhost",
            "    ~ Write localhost's file",
            "Outside of the phases",
            "  Phase 7 | Here on localhost",
            "    ~ Write localhost's file: two",
        ]
    )
    assert plan.summary[-3] == "Plan: 2 steps on 1 host."
    assert done.summary[-3] == "Done: 2 steps on 1 host."
    assert done.summary[-1] == "Written to out/plan.json and out/plan.md"
    assert (plan.report["mode"], done.report["mode"]) == ("plan", "run")
    assert {**plan.report, "mode": ""} == {**done.report, "mode": ""}
    assert (tmp_path / "out/plan.md").read_text().startswith("## Done: 2 steps on 1 host.\n")
    assert "    Site   https://a.test\n    API\n" in done.output
    assert re.search(r"^localhost +: ok=4 +changed=2 ", done.output, re.MULTILINE)
    for quiet in ("Stay", "Left out", "TASK [", "skipping:"):
        assert quiet not in done.output
    again = run(tmp_path, play)
    assert again.report["counts"]["host_tasks"] == 0


def test_with_v_it_is_ansibles_own_output(tmp_path: Path) -> None:
    play = {
        "name": "Here",
        "tasks": [{"name": "Stay", "ansible.builtin.command": "true", "changed_when": False}],
    }
    done = run(tmp_path, play, options=("-v",))
    assert "PLAY [Here] ***" in done.output
    assert "TASK [Stay] ***" in done.output
    assert "ok: [localhost] =>" in done.output


def test_a_setting_of_the_persons_own_wins(tmp_path: Path) -> None:
    play = {"tasks": [{"name": "Stay", "ansible.builtin.command": "true", "changed_when": False}]}
    assert "TASK [Stay]" in run(tmp_path, play, ANSIBLE_DISPLAY_OK_HOSTS="true").output


def test_a_failing_run_says_what_was_done_until_then(tmp_path: Path) -> None:
    play = {
        "name": "Here",
        "tasks": [
            {
                "name": "Try",
                "block": [{"name": "Trip", "ansible.builtin.command": "false"}],
                "rescue": [copy(tmp_path, "one")],
            },
            {"name": "Fall", "ansible.builtin.fail": {"msg": "No more disk."}},
            copy(tmp_path, "never"),
        ],
    }
    failed = run(tmp_path, play)
    assert failed.code == 2
    assert "No more disk." in failed.output
    assert "Failed; until then: 1 step on 1 host." in failed.summary
    assert "  failed: Here: Fall (localhost)" in failed.summary
    assert not any("Trip" in line for line in failed.summary)
    assert failed.report["failed"]


def test_a_run_that_is_stopped_by_hand_says_what_was_done_until_then(tmp_path: Path) -> None:
    play = {"tasks": [copy(tmp_path, "one"), {"name": "Wait", "ansible.builtin.command": "sleep 60"}]}
    environment = prepare(tmp_path, play)
    with subprocess.Popen(
        command(),
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "one").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        output, _nothing = process.communicate(timeout=60)
    assert "Interrupted; until then: 1 step on 1 host." in output
    assert json.loads((tmp_path / "out/plan.json").read_text())["interrupted"]


def roles_of_hosts(**options: Any) -> dict[str, Any]:
    return {
        "name": "Host",
        "hosts": "laravel",
        "tasks": [
            {
                "name": "A role",
                "ansible.builtin.include_role": {"name": f"andamio.laravel_aws.{role}"},
                "tags": ["phase1", role],
            }
            for role in ("base", "nginx")
        ],
        **options,
    }


@pytest.mark.parametrize(
    ("tags", "waiting"), [((), "base, nginx"), (("-t", "nginx"), "nginx"), (("--skip-tags", "nginx"), "base")]
)
def test_roles_wait_for_a_host_by_the_runs_tags(tmp_path: Path, tags: tuple[str, ...], waiting: str) -> None:
    plan = run(tmp_path, roles_of_hosts(), options=("--check", *tags))
    assert plan.code == 0
    assert plan.summary[:3] == ["Phase 1", f"  {waiting}", "    configured when the host exists"]


def test_hosts_that_the_limit_leaves_out_are_not_waited_for(tmp_path: Path) -> None:
    done = run(tmp_path, roles_of_hosts(), options=("--limit", "localhost"), hosts=("i-1",))
    assert done.report["later"] == []


def test_hosts_handlers_and_what_is_only_asked(tmp_path: Path) -> None:
    play = {
        "name": "Host",
        "hosts": "laravel",
        "tasks": [
            copy(tmp_path, "{{ inventory_hostname }}", notify="Reload it", become=False),
            copy(tmp_path, "asked", check_mode=True),
        ],
        "handlers": [{"name": "Reload it", "ansible.builtin.command": "true"}],
    }
    done = run(tmp_path, play, hosts=("i-1", "i-2"))
    assert done.report["counts"]["host_tasks"] == 4
    assert [item["tasks"] for item in done.report["host"]] == [
        ["Write i-1's file", "Reload it"],
        ["Write i-1's file", "Reload it"],
    ]


def test_no_secret_is_in_it(tmp_path: Path) -> None:
    hidden = {"ansible.builtin.copy": {"content": SECRET, "dest": str(tmp_path / "a"), "mode": "0600"}}
    play = {
        "tasks": [
            {"name": "Write it", "no_log": True, **hidden},
            {
                "name": "Loop",
                "no_log": True,
                "ansible.builtin.copy": {
                    "content": "x",
                    "dest": f"{tmp_path}/{{{{ item }}}}",
                    "mode": "0600",
                },
                "loop": [SECRET],
            },
            {
                "name": "Structures",
                "ansible.builtin.command": "true",
                "loop": [{"password": SECRET}],
            },
        ]
    }
    done = run(tmp_path, play)
    assert done.report["counts"]["host_tasks"] == 3
    assert SECRET not in done.output
    assert SECRET not in (tmp_path / "out/plan.json").read_text() + (tmp_path / "out/plan.md").read_text()


def test_its_own_error_is_told_in_a_line_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path, {"tasks": [copy(tmp_path, "one")]}, ANDAMIO_PLAN_JSON="file/plan.json")
    assert done.code == 0
    warning = re.sub(r"\s+", " ", done.output)
    assert "The summary of this run can't be made (FileExistsError" in warning
    assert "Traceback" not in done.output


def test_warnings_of_tasks_that_change_nothing_are_seen(tmp_path: Path) -> None:
    module = tmp_path / "library/warns.py"
    module.parent.mkdir()
    module.write_text(
        "from ansible.module_utils.basic import AnsibleModule\n"
        "module = AnsibleModule({})\n"
        "module.warn('the disk is nearly full')\n"
        "module.exit_json(changed=False, hand_work=['Buy a disk.'])\n"
    )
    done = run(tmp_path, {"tasks": [{"name": "Look", "warns": {}}]}, ANSIBLE_LIBRARY=str(module.parent))
    assert "the disk is nearly full" in done.output
    assert done.output.index("    ! Buy a disk.\n") < done.output.index("PLAY RECAP")
    assert done.summary[-4:-2] == ["Left to do by hand", "  * Buy a disk."]


def test_what_stands_is_said_behind_all_else_and_before_what_is_left(tmp_path: Path) -> None:
    stands = {"data": {"andamio_stands": ["Site  https://a.test"]}, "per_host": False}
    done = run(tmp_path, {"tasks": [{"name": "Note", "ansible.builtin.set_stats": stands}]})
    assert done.summary[-4:-2] == ["What stands", "  Site  https://a.test"]
    assert done.output.count("https://a.test") == 1
    assert done.report["stands"] == ["Site  https://a.test"]


def test_what_hosts_say_controls_no_terminal(tmp_path: Path) -> None:
    """In messages, warnings, errors and diffs, with -v too."""
    module = tmp_path / "library/says.py"
    module.parent.mkdir()
    module.write_text(
        "from ansible.module_utils.basic import AnsibleModule\n"
        "module = AnsibleModule({'fail': {'type': 'bool', 'default': False}})\n"
        "said = 'a\\x1b]0;owned\\x07\\x9b2J\\nb'\n"
        "module.warn(said)\n"
        "if module.params['fail']:\n"
        "    module.fail_json(msg=said)\n"
        "module.exit_json(changed=True, msg=said, hand_work=[said], diff={'before': '', 'after': said})\n"
    )
    tasks = [
        {"name": "Say", "says": {}, "register": "said"},
        {"name": "Show", "ansible.builtin.debug": {"msg": "{{ said.msg }}"}},
        {"name": "Fail", "says": {"fail": True}},
    ]
    for options in (("--diff",), ("--diff", "-v")):
        done = run(tmp_path, {"tasks": tasks}, options=options, ANSIBLE_LIBRARY=str(module.parent))
        assert "owned" in done.output
        assert not re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.output)


def test_colours_only_where_they_are_wanted(tmp_path: Path) -> None:
    play = {"tasks": [copy(tmp_path, "one")]}
    assert "\x1b[" not in run(tmp_path, play, options=("--check",), ANSIBLE_NOCOLOR="0").output
    forced = run(tmp_path, play, options=("--check",), ANSIBLE_NOCOLOR="0", ANSIBLE_FORCE_COLOR="1")
    assert "\x1b[0;33m    ~ Write localhost's file\x1b[0m" in forced.output
    assert "\x1b[" not in (tmp_path / "out/plan.md").read_text()
