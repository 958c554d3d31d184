"""The command line."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from shlex import quote

from sandbox import cloud, config, lifecycle, machine, podman, services
from sandbox.world import names

HOST_LOGS = "/var/log/cloud-init-output.log /var/log/nginx/*.log /var/log/php*.log /var/log/mysql/*.log"
# In a folder of the application's: read as that user, who could put a link or a pipe there for root.
APP_LOGS = "/srv/laravel/shared/storage/logs/*.log"
APP_USER = "laravel"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m sandbox", description="An AWS on this machine.")
    commands = top.add_subparsers(dest="command", required=True)
    for name, text in (
        ("up", "bring it up; at once when it is"),
        ("down", "take it down, and leave nothing outside the checkout"),
        ("reset", "start over with an empty account"),
        ("status", "say what runs; fails when the sandbox is down"),
        ("wait", "wait until every instance of the account is a machine that can be reached"),
        ("trust", "print the file of certificates that a client has to trust"),
    ):
        commands.add_parser(name, help=text)
    logs = commands.add_parser("logs", help="show the newest log lines of the hosts")
    logs.add_argument("--lines", type=int, default=20)
    logs.add_argument("--sandbox", action="store_true", help="the sandbox's own logs instead")
    shell = commands.add_parser("shell", help="open a root shell on a host; the only one when none is named")
    shell.add_argument("host", nargs="?")

    machines = commands.add_parser("machine", help="plain machines, for tests").add_subparsers(
        dest="action", required=True
    )
    create = machines.add_parser("create", help="make one, and print as JSON how to reach it")
    create.add_argument("name")
    create.add_argument("--image", default=config.HOST_IMAGE)
    create.add_argument("--memory", default="1g")
    machines.add_parser("rm", help="remove one").add_argument("name")

    records = commands.add_parser("name", help="DNS names set by hand").add_subparsers(
        dest="action", required=True
    )
    set_name = records.add_parser("set", help="answer for a name with an address")
    set_name.add_argument("name")
    set_name.add_argument("address")
    records.add_parser("rm", help="forget a name").add_argument("name")
    return top


def status() -> int:
    """Say what runs, one line each."""
    cloud_runs = cloud.is_running() if config.CONTAINERS.exists() else False
    rows = [
        ("packages", services.PACKAGES.pid() is not None, config.APT_PROXY),
        ("AWS API", services.AWS.pid() is not None and lifecycle.health(), config.AWS_URL),
        ("world", services.WORLD.pid() is not None, str(services.WORLD.log_file)),
        ("edge", cloud_runs, f"https://127.0.0.1:{config.EDGE_TLS_PORT}"),
        ("ACME", cloud_runs, config.ACME_URL),
    ]
    for name, runs, where in rows:
        print(f"{name:<10} {'up' if runs else 'down':<8} {where}")
    if cloud_runs:
        for kind in ("instance", "machine"):
            for name, entry in podman.containers(**{"andamio.kind": kind}).items():
                print(f"{kind:<10} {entry['State']:<8} {name} {entry['Labels']['andamio.address']}")
    return 0 if all(runs for _name, runs, _where in rows) else 1


def sandbox_logs(lines: int) -> None:
    for service in (services.AWS, services.WORLD, services.PACKAGES):
        print(f"== {service.log_file}\n{service.tail(lines)}")
    print(f"== {config.CLOUD}")
    print(podman.run("exec", config.CLOUD, "journalctl", "--no-pager", f"--lines={lines}"))


def host_logs(lines: int) -> None:
    """The end of the journal and of each log file of every host."""
    for host, entry in podman.containers(**{"andamio.kind": "instance"}).items():
        if entry["State"] == "running":
            print(f"== {host}\n{printable(podman.shell(host, logs_script(lines)))}")


def logs_script(lines: int) -> str:
    """Shell lines that print the end of the journal and of each log file."""
    tail = f'[ ! -f "$file" ] || {{ echo "-- $file"; timeout 5 tail -n {lines} "$file"; }}'
    tails = f"for file in %s; do {tail}; done"
    as_app = f"setpriv --reuid={APP_USER} --regid={APP_USER} --clear-groups sh -c {quote(tails % APP_LOGS)}"
    return (
        f"journalctl --no-pager --lines={lines}\n{tails % HOST_LOGS}\n"
        f"if id {APP_USER} >/dev/null 2>&1; then {as_app}; fi || true\n"
    )


def printable(text: str) -> str:
    """A text without control characters but tab and newline: with those, a log could control the terminal."""
    return CONTROL.sub("", text)


def open_shell(host: str | None) -> int:
    """Open a root shell on a host and give its exit status.

    Raises SandboxError when it isn't clear on which.
    """
    if host is None:
        hosts = list(podman.containers(**{"andamio.kind": "instance"}))
        if len(hosts) != 1:
            raise lifecycle.SandboxError(f"name one of the hosts: {', '.join(hosts) or 'there is none'}")
        host = hosts[0]
    command = [str(config.PODMAN), "exec", "-it", host, "bash", "-l"]
    return subprocess.run(command, check=False).returncode


def act(options: argparse.Namespace) -> int:
    match options.command:
        case "up" | "down" | "reset":
            with lifecycle.lock():
                {"up": lifecycle.up, "down": lifecycle.down, "reset": lifecycle.reset}[options.command]()
        case "status":
            return status()
        case "wait":
            lifecycle.wait_for_instances()
        case "logs":
            (sandbox_logs if options.sandbox else host_logs)(options.lines)
        case "shell":
            return open_shell(options.host)
        case "trust":
            print(config.TRUST)
        case "machine" if options.action == "create":
            lifecycle.require_up()
            with lifecycle.lock():
                made = machine.create(options.name, options.image, options.memory)
            print(json.dumps(made, indent=2))
        case "machine":
            machine.remove(options.name)
        case "name":
            lifecycle.require_up()
            names.change(options.name, options.address if options.action == "set" else None)
    return 0


def main() -> int:
    try:
        return act(parser().parse_args())
    except (
        lifecycle.SandboxError,
        podman.PodmanError,
        subprocess.CalledProcessError,
        ValueError,
        OSError,
    ) as error:
        return lifecycle.report(error)
