"""Run the molecule scenarios of the host roles, two side by side, against the sandbox.

``python -m tests.molecule`` runs them all, ``python -m tests.molecule NAME…`` the named ones. Each one's
output goes to ``.cache/molecule/NAME.log``; a failing one's last lines are printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".cache" / "molecule"
# The longest first, so that two lanes end together.
SCENARIOS = ("laravel_app", "certbot", "mysql", "php_fpm", "base", "nginx")
LANES = 2
TAIL = 80


def run(scenario: str) -> bool:
    """Run one scenario from a bare machine to none; True when it passed."""
    log = LOGS / f"{scenario}.log"
    started = time.monotonic()
    with log.open("w") as out:
        code = subprocess.run(
            ["molecule", "test", "--scenario-name", scenario, "--no-command-borders"],
            cwd=ROOT,
            env={**os.environ, "MOLECULE_EPHEMERAL_DIRECTORY": str(LOGS / scenario), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    lines = [f"{'FAIL' if code else 'ok  '}  {scenario} ({time.monotonic() - started:.0f} s)"]
    if code:
        lines += [f"      | {line}" for line in log.read_text(errors="replace").splitlines()[-TAIL:]]
    print("\n".join(lines), flush=True)
    return code == 0


def main(arguments: list[str]) -> int:
    there = {path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")}
    wanted = arguments or [name for name in SCENARIOS if name in there] + sorted(there - set(SCENARIOS))
    if unknown := [name for name in wanted if name not in there]:
        print(f"no scenario {', '.join(unknown)}; there are: {', '.join(sorted(there))}", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    with ThreadPoolExecutor(LANES) as lanes:
        passed = sum(lanes.map(run, wanted))
    print(f"molecule: {passed} passed, {len(wanted) - passed} failed")
    return 0 if passed == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
