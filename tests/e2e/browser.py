"""Open the academy's site in Chromium: a student's whole visit, or a look around.

`visit` (the default) goes through the site as a student would and proves each step.
`browse` opens a window on it, or keeps a screenshot where there is no display.
Both look at the sandbox unless told otherwise; with empty --dns and --trust, at the real world.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from selenium.common.exceptions import WebDriverException

from . import chromium
from .journey import Failed, Journey

CACHE = Path(__file__).resolve().parents[2] / ".cache"

# Option, its value for the sandbox, and what it is.
OPTIONS = (
    ("--site", "https://academia.test", "the site's URL"),
    ("--api", "https://api.academia.test", "the API's URL"),
    ("--region", "us-east-1", "where the documents bucket is"),
    ("--dns", "10.97.0.2", "the DNS server that knows the names; empty: this machine's"),
    ("--trust", str(CACHE / "sandbox" / "trust.pem"), "PEM file of the CAs to trust; empty: Chromium's"),
    ("--screenshots", str(CACHE / "e2e"), "folder for screenshots"),
)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("mode", nargs="?", choices=["visit", "browse"], default="visit")
    for option, default, what in OPTIONS:
        parser.add_argument(option, default=default, help=f"{what} (default: {default})")
    options = parser.parse_args(arguments)
    options.trust = Path(options.trust) if options.trust else None
    options.screenshots = Path(options.screenshots).resolve()
    options.screenshots.mkdir(parents=True, exist_ok=True)
    return options


def names(options: argparse.Namespace) -> chromium.Names:
    """The names a visit needs: the site's, the API's and S3's."""
    hosts = [str(urlsplit(url).hostname) for url in (options.site, options.api)]
    wanted = {host: host for host in hosts} | {"*.amazonaws.com": f"s3.{options.region}.amazonaws.com"}
    return chromium.Names(options.dns or None, wanted)


@contextmanager
def student(options: argparse.Namespace) -> Iterator[Journey]:
    """A student at a headless browser that knows nothing of earlier visits."""
    with tempfile.TemporaryDirectory() as folder:
        downloads = Path(folder) / "downloads"
        downloads.mkdir()
        browser = chromium.start(names(options), options.trust, Path(folder), downloads)
        try:
            yield Journey(browser, options.site, options.screenshots, downloads)
        finally:
            browser.quit()


def visit(options: argparse.Namespace) -> None:
    with student(options) as journey:
        journey.run()
    print(f"screenshots: {options.screenshots}")


def browse(options: argparse.Namespace) -> None:
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        with student(options) as journey:
            journey.list_classes()
        print(f"no display here; see the screenshots in {options.screenshots}")
        return
    home = CACHE / "browser"
    chromium.make_home(home, options.trust)
    command = [chromium.program(), *chromium.arguments(names(options)), options.site]
    with (home / "log").open("w") as log:
        # It is the person's window now: it stays when this command ends.
        subprocess.Popen(
            command, env=chromium.environment(home), stdout=log, stderr=log, start_new_session=True
        )
    print(f"Chromium opens {options.site}")


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        (visit if options.mode == "visit" else browse)(options)
    except (Failed, chromium.CannotBrowse) as problem:
        print(f"FAILED  {problem}", file=sys.stderr)
    except WebDriverException as problem:
        print(f"FAILED  {options.site}: {problem.msg}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
