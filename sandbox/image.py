"""Build the two images, once: a Debian cloud image, and the cloud's own services."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from sandbox import config, podman, sudo

# What Debian's own EC2 image has that a role may count on, and no more.
HOST_PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "openssh-server",
    "sudo",
    "python3",
    "python3-apt",
    "ca-certificates",
    "iproute2",
    "tzdata",
)
CLOUD_PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "ca-certificates",
    "iproute2",
    "nginx",
    "libnginx-mod-http-js",
    "unbound",
    "pebble",
)
FILES = Path(__file__).parent / "rootfs"


@dataclass(frozen=True)
class Image:
    """An image as mmdebstrap makes it: its packages, and a folder of files laid over them."""

    name: str
    packages: tuple[str, ...]
    files: Path
    hook: Path
    # What mmdebstrap is told beside what all images are.
    options: tuple[str, ...] = ()

    @property
    def archive(self) -> Path:
        """The image's tar. Its name changes with the recipe, so a stale one is never used."""
        digest = hashlib.sha256(
            "\n".join((config.DEBIAN_RELEASE, config.DEBIAN_MIRROR, *self.packages, *self.options)).encode()
        )
        for path in sorted(path for path in (self.hook, *self.files.rglob("*")) if path.is_file()):
            digest.update(str(path.relative_to(FILES)).encode() + path.read_bytes())
        stem = self.name.replace("/", "-").replace(":", "-")
        return config.IMAGES / f"{stem}-{digest.hexdigest()[:12]}.tar"


HOST = Image(
    "andamio/debian:13",
    HOST_PACKAGES,
    FILES / "host",
    FILES / "host.sh",
    # A host that starts knows the packages there are, and need not ask.
    ("--skip=cleanup/apt/lists",),
)
CLOUD = Image(config.CLOUD_IMAGE, CLOUD_PACKAGES, FILES / "cloud", FILES / "cloud.sh")


def command(image: Image, target: Path) -> list[str]:
    """The mmdebstrap command that makes an image's tar."""
    release, main, security = config.DEBIAN_RELEASE, config.DEBIAN_MIRROR, config.DEBIAN_SECURITY_MIRROR
    return [
        *sudo.prefix(),
        "mmdebstrap",
        "--format=tar",
        "--variant=minbase",
        f"--include={','.join(image.packages)}",
        "--dpkgopt=force-unsafe-io",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Retries "5"',
        *image.options,
        f"--customize-hook=sync-in {quote(str(image.files))} /",
        f'--customize-hook=chroot "$1" sh -eu < {quote(str(image.hook))}',
        release,
        str(target),
        f"deb {main} {release} main",
        f"deb {main} {release}-updates main",
        f"deb {security} {release}-security main",
    ]


def build(image: Image) -> None:
    """Make the image's tar where there is none or an old one, and import it.

    Raises RuntimeError when it can't be made; an old one is then good enough.
    """
    archive = image.archive
    if not archive.exists() or is_old(image):
        config.IMAGES.mkdir(parents=True, exist_ok=True)
        partial = archive.with_suffix(".partial")
        result = subprocess.run(
            command(image, partial), capture_output=True, text=True, check=False, env=environment()
        )
        if result.returncode == 0:
            stem = archive.stem.rpartition("-")[0]
            for stale in config.IMAGES.glob(f"{stem}-????????????.tar"):
                stale.unlink()
            partial.rename(archive)
        else:
            partial.unlink(missing_ok=True)
            if not archive.exists():
                raise RuntimeError(f"mmdebstrap could not make {image.name}:\n{result.stderr[-2000:]}")
    podman.run("import", "--change", f"LABEL andamio.archive={archive.name}", str(archive), image.name)


def environment() -> dict[str, str]:
    """This process's environment with the folders of system tools on its path."""
    return {
        **os.environ,
        "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin",
        "TMPDIR": str(config.IMAGES),
    }


def is_old(image: Image) -> bool:
    """Whether the package lists in the image's tar are too old, and the mirror is there to give new ones."""
    archive = image.archive
    if image is not HOST or not archive.exists():
        return False
    return time.time() - archive.stat().st_mtime > config.IMAGE_SECONDS and mirror_answers()


def mirror_answers() -> bool:
    """Whether the mirror gives its release file, and soon."""
    url = f"{config.DEBIAN_MIRROR}/dists/{config.DEBIAN_RELEASE}/InRelease"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310, the mirror's address is HTTP's
            return bool(answer.status == 200)
    except OSError:
        return False


def missing() -> list[Image]:
    """The images that podman has not, or has from an older recipe."""
    have = {
        (name.removeprefix("localhost/"), (entry.get("Labels") or {}).get("andamio.archive"))
        for entry in podman.query("images") or []
        for name in entry.get("Names") or []
    }
    wanted = (CLOUD, HOST) if HOST.name == config.HOST_IMAGE else (CLOUD,)
    return [image for image in wanted if (image.name, image.archive.name) not in have]


def build_all(images: list[Image]) -> None:
    """Build images side by side: each waits mostly for its packages."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(build, images))
