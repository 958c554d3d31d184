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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".cache" / "gate"
TAIL = 60


@dataclass(frozen=True)
class Step:
    """One check: its name and the command, run at the checkout's root."""

    name: str
    command: str


# One at a time: both lanes build the site, and npm empties its folder first.
SITE = "flock .cache/gate/site.lock tools/build-site"

LINT = (
    Step("ruff", "ruff check . && ruff format --check ."),
    Step("mypy", "mypy"),
    Step("yamllint", "yamllint --strict ."),
    Step("shellcheck", "git grep -lE '^#!/bin/(ba)?sh' -- ':!*.j2' | xargs shellcheck"),
    Step("changelog", "antsibull-changelog lint"),
    Step(
        "site", f"{SITE} && cd examples/react_site && {{ [ -d node_modules ] || npm ci; }} && npm run check"
    ),
)
# As long as all other lint together.
PLAYBOOKS = (Step("ansible-lint", "ansible-lint --offline --profile production"),)
UNIT = (Step("unit", "pytest -q -n 2 tests/unit"),)
SLOW = (
    # It reads the documentation of every collection there is.
    Step(
        "docs",
        "antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck --validate-collection-refs all .",
    ),
    Step("sanity", "tests/sanity.sh"),
    Step("integration", "pytest -q -n 2 tests/integration -m 'not sandbox'"),
)
# Once the sandbox is up and the site is built, none of these needs a registry or a mirror.
SANDBOX = (
    Step("sandbox", f"python -m sandbox up && {SITE}"),
    Step("molecule", "python -m tests.molecule"),
    Step("world", "pytest -q -m sandbox tests/integration"),
    # The last: it ends with the sandbox down and nothing left of it.
    Step("e2e", "pytest -q -x tests/e2e"),
)


class Gate:
    """Runs steps and remembers how they ended."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.failed: list[str] = []
        self._print = threading.Lock()

    def say(self, text: str) -> None:
        with self._print:
            print(text, flush=True)

    def run(self, step: Step) -> bool:
        """Run one step; True when it passed."""
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
        (self.failed if code else self.passed).append(step.name)
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
        known = {step.name: step for step in LINT + PLAYBOOKS + UNIT + SLOW + SANDBOX}
        unknown = [name for name in arguments if name not in known]
        if unknown:
            print(f"unknown step {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
        gate.lane(tuple(known[name] for name in arguments))
    else:
        gate.lanes(LINT + PLAYBOOKS + UNIT + SLOW, SANDBOX)

    print(f"took {time.monotonic() - started:.0f} s; logs in .cache/gate/")
    if gate.failed:
        print(f"failed: {', '.join(gate.failed)}")
    print(f"gate: {len(gate.passed)} passed, {len(gate.failed)} failed")
    return 1 if gate.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
