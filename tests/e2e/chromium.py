"""A headless Chromium that resolves names by a given DNS server and trusts given CAs, as a person's would.

Certificates are verified for real: the CAs go into the NSS database of a home folder of its own,
and nothing is told to overlook errors.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import dns.resolver
from selenium import webdriver

PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


class CannotBrowse(Exception):
    """What is missing, in words a person can act on."""


def program(name: str = "chromium", package: str = "chromium") -> str:
    """The path of an installed program; CannotBrowse names the package that has it."""
    if path := shutil.which(name):
        return path
    raise CannotBrowse(f"{name} is not installed: apt-get install {package}")


@dataclass
class Names:
    """Who says where a name is: a DNS server of the sandbox, or (without one) this machine's own."""

    server: str | None = None
    # name or *.suffix -> the name to ask for
    wanted: dict[str, str] = field(default_factory=dict)

    def rules(self) -> list[str]:
        """Chromium's resolver rules; any other name is not found, so that nothing leaves the sandbox."""
        if self.server is None:
            return []
        rules = [f"MAP {pattern} {address(name, self.server)}" for pattern, name in self.wanted.items()]
        return [*rules, "MAP * ~NOTFOUND"]


def address(name: str, server: str) -> str:
    """The IPv4 address that a DNS server has for a name. Raises CannotBrowse when it has none."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [server]
    resolver.lifetime = 5
    try:
        return str(resolver.resolve(name, "A")[0].to_text())
    except dns.exception.DNSException as problem:
        raise CannotBrowse(f"{server} does not resolve {name}: {problem}") from problem


def make_home(home: Path, trust: Path | None) -> None:
    """Give Chromium a home whose NSS database holds the CAs in the file `trust` (PEM), and no others."""
    home.mkdir(parents=True, exist_ok=True)
    database = home / ".pki" / "nssdb"
    shutil.rmtree(database, ignore_errors=True)
    if trust is None:
        return
    if not trust.is_file():
        raise CannotBrowse(f"{trust} does not exist: is the sandbox up? make sandbox")
    certutil = program("certutil", "libnss3-tools")
    database.mkdir(parents=True)
    subprocess.run([certutil, "-N", "-d", f"sql:{database}", "--empty-password"], check=True)
    for number, pem in enumerate(PEM.findall(trust.read_text()), start=1):
        add = [certutil, "-A", "-d", f"sql:{database}", "-n", f"ca-{number}", "-t", "C,,"]
        subprocess.run(add, input=pem, text=True, check=True)


def environment(home: Path) -> dict[str, str]:
    """This process's environment with another home, and no desktop's folders."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("XDG_CONFIG")}
    return {**kept, "HOME": str(home)}


def arguments(names: Names) -> list[str]:
    """Chromium's command line, whether a person or a test looks at it."""
    rules = names.rules()
    given = ["--no-first-run", "--disable-background-networking", "--disable-quic", "--lang=es"]
    if rules:
        given.append("--host-resolver-rules=" + ", ".join(rules))
    if os.geteuid() == 0:
        # Chromium's own sandbox refuses root.
        given.append("--no-sandbox")
    return given


def start(names: Names, trust: Path | None, home: Path, downloads: Path) -> webdriver.Chrome:
    """A headless Chromium under WebDriver; files it downloads go to `downloads`."""
    options = webdriver.ChromeOptions()
    options.binary_location = program()
    driver = program("chromedriver", "chromium-driver")
    make_home(home, trust)
    for argument in [
        *arguments(names),
        "--headless=new",
        "--window-size=1200,900",
        "--disable-dev-shm-usage",
    ]:
        options.add_argument(argument)
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(downloads), "plugins.always_open_pdf_externally": True}
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(driver, env=environment(home))
    return webdriver.Chrome(options=options, service=service)
