"""The gate: everything that must hold before a change lands, in two lanes side by side.

``python -m tests.gate`` runs it all, ``python -m tests.gate fast`` lint and unit tests, in less than two
minutes, and ``python -m tests.gate NAME…`` the named steps. Each step's output goes to
``.cache/gate/NAME.log``; a failing step's last lines are printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".cache" / "gate"
TAIL = 60


@dataclass(frozen=True)
class Step:
    """One check: its name, the command, run at the checkout's root, and the step that has to end before."""

    name: str
    command: str
    after: str = ""


DOWN = "tests/e2e/test_sandbox_down.py"
# One at a time: both lanes build the site, and npm empties its folder first.
SITE = "flock .cache/gate/site.lock tools/build-site"

LINT = (
    Step("ruff", "ruff check . && ruff format --check ."),
    Step("mypy", "mypy"),
    Step("yamllint", "yamllint --strict ."),
    Step("shellcheck", "git grep -lE '^#!/bin/(ba)?sh' -- ':!*.j2' | xargs shellcheck"),
    Step("changelog", "antsibull-changelog lint"),
    Step("docs", "tests/docs.sh"),
    Step(
        "site", f"{SITE} && cd examples/react_site && {{ [ -d node_modules ] || npm ci; }} && npm run check"
    ),
)
# As long as all other lint together.
PLAYBOOKS = (Step("ansible-lint", "ansible-lint --offline --profile production"),)
UNIT = (Step("unit", "pytest -q -n 2 tests/unit"),)
SLOW = (
    Step("sanity", "tests/sanity.sh"),
    Step("integration", "pytest -q -n 2 tests/integration -m 'not sandbox'"),
)
# Once the sandbox is up and the site is built, none of these needs a registry or a mirror.
SANDBOX = (
    Step("sandbox", f"python -m sandbox up && {SITE}"),
    Step("world", "pytest -q -m sandbox tests/integration"),
    Step("e2e", f"pytest -q -x tests/e2e --ignore {DOWN}"),
)
# Its hosts are none of the account's, which the e2e empties: both lanes may use the sandbox.
MOLECULE = (Step("molecule", "python -m tests.molecule", after="sandbox"),)
# The last: the sandbox goes down, and nothing is left of it.
END = (Step("down", f"pytest -q {DOWN}"),)


class Gate:
    """Runs steps and remembers how they ended."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.failed: list[str] = []
        self._print = threading.Lock()
        self._ended = threading.Condition()

    def say(self, text: str) -> None:
        with self._print:
            print(text, flush=True)

    def run(self, step: Step) -> bool:
        """Run one step, when the one it comes after has ended; True when it passed."""
        with self._ended:
            self._ended.wait_for(lambda: not step.after or step.after in self.passed + self.failed)
        log = LOGS / f"{step.name}.log"
        self.say(f"      {step.name} …")
        started = time.monotonic()
        with log.open("w") as out:
            code = subprocess.run(
                ["bash", "-eu", "-o", "pipefail", "-c", step.command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        took = time.monotonic() - started
        with self._ended:
            (self.failed if code else self.passed).append(step.name)
            self._ended.notify_all()
        self.say(f"{'FAIL' if code else 'ok  '}  {step.name} ({took:.0f} s)")
        lines = log.read_text(errors="replace").splitlines()
        if code:
            self.say("\n".join(f"      | {line}" for line in lines[-TAIL:]))
        elif lines and step.command.startswith(("pytest", "python -m tests.molecule")):
            self.say(f"      | {lines[-1]}")
        return code == 0

    def lane(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self.run(step)

    def lanes(self, *lanes: tuple[Step, ...]) -> None:
        """Run several lanes side by side."""
        threads = [threading.Thread(target=self.lane, args=(steps,)) for steps in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main(arguments: list[str]) -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    # ansible-test and ansible-lint look for collections beside what this checkout links to.
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / "collections")
    gate = Gate()
    started = time.monotonic()

    if arguments == ["fast"]:
        gate.lanes(PLAYBOOKS, LINT + UNIT)
    elif arguments:
        known = {step.name: step for step in LINT + PLAYBOOKS + UNIT + SLOW + SANDBOX + MOLECULE + END}
        unknown = [name for name in arguments if name not in known]
        if unknown:
            print(f"unknown step {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
        gate.lane(tuple(replace(known[name], after="") for name in arguments))
    else:
        gate.lanes(LINT + PLAYBOOKS + UNIT + SLOW + MOLECULE, SANDBOX)
        gate.lane(END)

    print(f"took {time.monotonic() - started:.0f} s; logs in .cache/gate/")
    if gate.failed:
        print(f"failed: {', '.join(gate.failed)}")
    print(f"gate: {len(gate.passed)} passed, {len(gate.failed)} failed")
    return 1 if gate.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
