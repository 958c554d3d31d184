"""Up, down and reset: the sandbox as a whole."""

from __future__ import annotations

import fcntl
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import cloud, config, image, lxcfs, machine, podman, secret, services, traces, warm
from sandbox.sudo import root
from sandbox.world import machines
from sandbox.world.account import Reader

# The containers there are, by their label.
KINDS = ("instance", "machine", "cloud")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Its list of the addresses that are taken, and of the layers it has seen.
PODMANS_OWN = (
    "/run/containers/networks/ipam.db",
    "/var/lib/containers/cache/blob-info-cache-v1.boltdb",
    "/var/lib/containers/cache/blob-info-cache-v1.sqlite",
)


class SandboxError(Exception):
    """Something is in the way; the message says what, and what to do."""


@contextmanager
def lock() -> Iterator[None]:
    """One command at a time changes the sandbox; the next waits for it."""
    # Made here, they are this user's, whoever podman runs as.
    config.NETWORKS.mkdir(parents=True, exist_ok=True)
    with open(config.STATE / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    started = time.monotonic()
    print(f"  {what} … ", end="", flush=True)
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - started:.1f} s", flush=True)


def is_up() -> bool:
    """Whether all of it runs and answers."""
    processes = (services.AWS, services.WORLD, services.PACKAGES)
    running = all(service.pid() is not None for service in processes) and lxcfs.is_running()
    return running and config.TRUST.exists() and health() and cloud.is_running()


def health() -> bool:
    """Whether the AWS API answers, asked at its own address."""
    connection = http.client.HTTPConnection(config.GATEWAY, config.AWS_PORT, timeout=2)
    try:
        connection.request("GET", "/_sandbox/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def up() -> None:
    """Bring up whatever isn't, and say each step."""
    traces.record(run_as_root)
    forget_last_boot()
    if secret.ensure(config.SECRET):
        # Those from before have no secret, or another.
        stop_world()
        services.AWS.stop()
    changed = cloud.configure()
    if is_up() and not changed and not image.missing():
        if not services.PACKAGES.is_current():
            start_packages()
        if not services.WORLD.is_current():
            start_account()
        print("The sandbox is up.")
        return
    check_machine()
    print("Bringing the sandbox up:", flush=True)
    missing = image.missing()
    if missing:
        with step(f"build {' and '.join(entry.name for entry in missing)}"):
            image.build_all(missing)
    machine.ensure_key()
    lxcfs.start()
    if changed or image.CLOUD in missing or not cloud.is_running():
        with step("start the edge, DNS and ACME"):
            stop_world()
            cloud.ensure_network()
            cloud.start()
            if cloud.write_trust():
                machine.renew_trust()
    start_packages()
    warm_packages()
    start_account()


def start_packages() -> None:
    """Start the package cache, and see that it has packages to give."""
    with step("start the package cache"):
        if not services.PACKAGES.is_current():
            services.PACKAGES.stop()
        config.APT_CACHE.mkdir(parents=True, exist_ok=True)
        services.PACKAGES.start()
        wait_for("the package cache", packages_listen, services.PACKAGES)
        check_packages()


def packages_listen() -> bool:
    """Whether the package cache takes requests."""
    try:
        socket.create_connection((config.GATEWAY, config.PACKAGES_PORT), timeout=2).close()
    except OSError:
        return False
    return True


def check_packages(seconds: float = 120) -> None:
    """Ask the package cache for the archive's release file, as a host will.

    Raises SandboxError, with what is in the way, when it has had none for so long.
    """
    url = f"{config.DEBIAN_MIRROR}/dists/{config.DEBIAN_RELEASE}/InRelease"
    deadline = time.monotonic() + seconds
    while True:
        # The cache tries for itself, and then says what is wrong.
        connection = http.client.HTTPConnection(config.GATEWAY, config.PACKAGES_PORT, timeout=180)
        try:
            connection.request("GET", url)
            answer = connection.getresponse()
            if answer.status == 200:
                return
            problem = f"{answer.status} {answer.reason}"
        except (OSError, http.client.HTTPException) as error:
            problem = str(error) or type(error).__name__
        finally:
            connection.close()
        if time.monotonic() > deadline:
            raise SandboxError(
                f"hosts would get no packages: {url}: {problem}\nSee whether this machine can fetch that "
                "(its network, its DNS servers); another mirror is named so: DEBIAN_MIRROR=http://…/debian"
            )
        time.sleep(2)


def warm_packages() -> None:
    """Fetch ahead what hosts install, after their image was built. Without, they fetch it when they do."""
    if not warm.is_due():
        return
    with step("fetch the packages that hosts install"):
        try:
            warm.fetch()
        except podman.PodmanError as error:
            print(f"not all of them: {error}\n  … ", end="")


def start_account() -> None:
    """Start the AWS API and the world, and wait until they answer."""
    with step("start the AWS API"):
        services.AWS.start()
        wait_for("the AWS API", health, services.AWS)
    with step("start the world"):
        # The account lives in the API's process, which is left as it is; the world can be replaced.
        if not services.WORLD.is_current():
            stop_world()
        services.WORLD.start()
        wait_for("the world", config.WORLD_SOCKET.exists, services.WORLD)


def run_as_root(*command: str) -> str:
    """Run a command as root and give what it printed; what isn't there to be run printed nothing."""
    try:
        return root(*command, check=False)
    except FileNotFoundError:
        return ""


def stop_world() -> None:
    """Stop the world; its socket is the sign that it listens."""
    services.WORLD.stop()
    config.WORLD_SOCKET.unlink(missing_ok=True)


def wait_for(what: str, ready: Callable[[], bool], service: services.Service, seconds: float = 60) -> None:
    """Wait until it is ready. Raises SandboxError with its log when it has died or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if service.pid() is None or time.monotonic() > deadline:
            raise SandboxError(f"{what} did not start; the end of {service.log_file}:\n{service.tail()}")
        time.sleep(0.05)


def check_machine() -> None:
    """Raise SandboxError when a tool is missing, or another sandbox has this machine's network."""
    tools = ("podman", "mmdebstrap", "lxcfs", "ssh", "ssh-keygen", "ip", "iptables")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [tool for tool in tools if not shutil.which(tool, path=path)]
    if missing:
        packages = " ".join((Path(__file__).parent / "packages.txt").read_text().split())
        raise SandboxError(f"{', '.join(missing)} not found; install them: apt-get install {packages}")
    if cloud.is_running():
        return
    other = other_checkout()
    if other:
        raise SandboxError(f"the sandbox of {other} is up on this machine; stop it there: make sandbox-down")
    for port in (config.EDGE_TLS_PORT, config.EDGE_PLAIN_PORT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise SandboxError(
                    f"port {port} of 127.0.0.1 is taken ({error}): `ss -ltnp` shows by whom"
                ) from error
    routes = subprocess.run(
        ["ip", "-4", "route", "show", config.SUBNET], capture_output=True, text=True, check=True
    )
    if routes.stdout.strip() and config.BRIDGE not in routes.stdout:
        raise SandboxError(f"the network {config.SUBNET} is in use on this machine: {routes.stdout.strip()}")


def other_checkout() -> Path | None:
    """The checkout whose sandbox runs on this machine, when it isn't this one."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0].endswith("conmon") and config.CLOUD in words:
            folder = next((Path(word) for word in words if "/.cache/sandbox/containers/" in word), None)
            checkout = (
                next((p.parent for p in folder.parents if p.name == ".cache"), None) if folder else None
            )
            if checkout and checkout != config.HOME:
                return checkout
    return None


def forget_last_boot() -> None:
    """After this machine was booted anew, drop what podman remembers of the boot before.

    Its run state names what is no more, and its list of taken addresses may have survived. The account
    is gone too, and so are its machines; the images stay.
    """
    run = config.CONTAINERS / "run"
    mark = config.STATE / "boot_id"
    boot = BOOT_ID.read_text()
    if run.exists() and (not mark.exists() or mark.read_text() != boot):
        remove_tree(run)
        for kind in KINDS:
            remove_containers(kind)
        for network in config.NETWORKS.glob("*.json"):
            network.unlink()
    mark.write_text(boot)


def remove_tree(path: Path) -> None:
    """Remove a folder, root's files too."""
    root("rm", "-rf", "--one-file-system", str(path))


def reset() -> None:
    """A new, empty account: its machines go, the images and the cloud's services stay."""
    if not is_up():
        up()
    print("Resetting the sandbox:", flush=True)
    with step("empty the account"):
        stop_world()
        if services.AWS.is_current():
            empty_account()
        else:
            services.AWS.stop()
    with step("remove its machines"):
        remove_containers("instance")
    start_account()


def empty_account() -> None:
    """Have the AWS API forget all there is. Raises SandboxError when it doesn't."""
    connection = http.client.HTTPConnection(config.GATEWAY, config.AWS_PORT, timeout=30)
    try:
        allowed = {"Authorization": f"Bearer {secret.read(config.SECRET)}"}
        connection.request("POST", "/_sandbox/reset", headers=allowed)
        if connection.getresponse().status != 200:
            raise SandboxError(f"the AWS API did not reset; see {services.AWS.log_file}")
    finally:
        connection.close()


def remove_containers(kind: str) -> None:
    """Remove all containers of a kind."""
    have = list(podman.containers(**{"andamio.kind": kind}))
    if have:
        podman.remove(*have)


def down() -> None:
    """Stop everything and leave nothing outside the checkout; images and packages stay cached in it."""
    print("Taking the sandbox down:", flush=True)
    with step("stop the processes"):
        stop_world()
        services.AWS.stop()
        services.PACKAGES.stop()
        # The tasks' interpreter: it would go by itself, after some minutes.
        subprocess.run([sys.executable, config.CHECKOUT / "interpreter" / "server.py", "stop"], check=False)
    forget_last_boot()
    with step("remove the containers and their network"):
        for kind in KINDS:
            remove_containers(kind)
        network = next((path.stem for path in config.NETWORKS.glob("*.json")), "")
        remove_store()
        remove_podmans_own()
        lxcfs.stop()
        traces.remove(run_as_root, network)
    for path in config.STATE.iterdir():
        if path.name not in {"lock", "ca.pem", "ca.key"}:
            remove_tree(path)


def remove_store(tries: int = 5) -> None:
    """Remove podman's store. It keeps parts of it mounted, some for a moment after the last command."""
    for left in range(tries, 0, -1):
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mount in sorted((m for m in mounts if m.startswith(str(config.CONTAINERS))), reverse=True):
            root("umount", "--lazy", mount)
        try:
            remove_tree(config.CONTAINERS)
            return
        except subprocess.CalledProcessError:
            if left == 1:
                raise
            time.sleep(0.5)


def remove_podmans_own() -> None:
    """Remove what podman keeps outside any store, where this machine has no other store that uses it."""
    folders = sorted({str(folder) for file in PODMANS_OWN for folder in Path(file).parents[:2]}, reverse=True)
    root(
        "sh",
        "-c",
        f"[ -e /var/lib/containers/storage ] || {{ rm -f {' '.join(PODMANS_OWN)}; "
        f"rmdir --ignore-fail-on-non-empty {' '.join(folders)}; }} 2>/dev/null",
        check=False,
    )


def report(error: Exception) -> int:
    """Print an error as one message, and give the exit status for it."""
    print(f"sandbox: {error}", file=sys.stderr)
    return 1


def require_up() -> None:
    """Raise SandboxError, with the command that helps, when the sandbox is down."""
    if not is_up():
        raise SandboxError("the sandbox is down; bring it up: make sandbox")


def wait_for_instances(seconds: float = 120) -> None:
    """Wait until each running instance of the account is a machine that has been prepared."""
    require_up()
    deadline = time.monotonic() + seconds
    while pending := machines.unprepared(Reader().instances()):
        if time.monotonic() > deadline:
            raise SandboxError(f"{', '.join(pending)} did not come up; see {services.WORLD.log_file}")
        time.sleep(0.2)
