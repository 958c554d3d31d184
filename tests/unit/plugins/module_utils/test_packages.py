"""The commands for dpkg and apt, and what their answers mean."""

from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _packages

STATES = """\
Package: dpkg
Architecture: amd64
Auto-Installed: 1

Package: openssl
Architecture: amd64
Auto-Installed: 0

Package: procps
Architecture: amd64
Auto-Installed: 1
"""


def test_names_that_dpkg_understands_as_apt_does() -> None:
    good = ["nginx", "php8.4-fpm", "libstdc++6", "0ad"]
    bad = ["Nginx", "libc6:arm64", "nginx=1.28", "php*", "nginx-", "-y", "a", "", "a b"]
    assert _packages.not_names(good + bad) == bad


def test_installed_is_what_is_unpacked_and_configured() -> None:
    answer = (
        "bash installed ok\nmysql-server half-configured ok\nold config-files ok\nlibc6 installed ok\n"
        "libheif half-installed reinstreq\nlibc6 installed ok\n"
    )
    assert _packages.installed(answer) == {"bash", "libc6"}
    assert _packages.broken(answer) == ["libheif", "mysql-server"]
    assert _packages.reinstall(answer) == ["libheif"]
    assert _packages.installed("") == set()


def test_what_apt_takes_for_a_dependency() -> None:
    assert _packages.automatic(STATES, ["openssl", "procps", "curl"]) == ["procps"]


@pytest.mark.parametrize(
    ("read_at", "sources_at", "expected"),
    [
        (None, 0, True),
        (9_000, 0, False),
        (6_400, 0, False),
        (6_399, 0, True),
        (9_000, 8_999, False),
        (9_000, 9_001, True),
    ],
)
def test_when_the_lists_are_read(read_at: float | None, sources_at: float, expected: bool) -> None:
    assert _packages.stale(10_000, read_at, sources_at, 3_600) is expected


def test_the_command_that_installs() -> None:
    command = _packages.install(["nginx", "openssl"], False, None)
    assert command == [
        *("apt-get", "-q", "-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=1800", "-y"),
        *("-o", "Dpkg::Use-Pty=0", "-o", "Dpkg::Options::=--force-confdef"),
        *("-o", "Dpkg::Options::=--force-confold", "--no-install-recommends"),
        *("install", "nginx", "openssl"),
    ]
    command = _packages.install(["nginx"], True, "sid")
    assert command[-5:] == ["--install-recommends", "--target-release", "sid", "install", "nginx"]


# As apt 2.6 to 3.1 say it.
@pytest.mark.parametrize(
    ("output", "unknown", "outdated", "locked"),
    [
        ("E: Unable to locate package nosuch\n", ["nosuch"], True, False),
        (
            "Package libfake is not available, but is referred to by another package.\n"
            "E: Package 'libfake' has no installation candidate\nE: Unable to locate package nosuch\n",
            ["libfake", "nosuch"],
            True,
            False,
        ),
        (
            "E: Unable to locate package php9.1-fpm\nE: Couldn't find any package by glob 'php9.1-fpm'\n"
            "E: Couldn't find any package by regex 'php9.1-fpm'\n",
            ["php9.1-fpm"],
            True,
            False,
        ),
        ("E: Failed to fetch http://mirror/nginx.deb  404  Not Found [IP: 10.0.0.1 80]\n", [], True, False),
        ("E: The value 'sid' is invalid for APT::Default-Release as such a release", [], True, False),
        ("E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt)\n", [], False, True),
        ("E: Unable to lock directory /var/lib/apt/lists/\n", [], False, True),
        ("E: Sub-process /usr/bin/dpkg returned an error code (1)\n", [], False, False),
    ],
)
def test_what_apts_words_mean(output: str, unknown: list[str], outdated: bool, locked: bool) -> None:
    assert _packages.unknown(output) == unknown
    assert _packages.outdated(output) is outdated
    assert _packages.locked(output) is locked


def test_an_error_has_apts_reason_and_its_last_lines() -> None:
    lines = [f"line {number}" for number in range(40)]
    said = [
        *lines,
        "dpkg: error processing package x (--configure):",
        "",
        "E: Sub-process failed",
        "E: Sub-process failed",
    ]
    text = _packages.reason("\n".join(said))
    assert text.startswith("dpkg: error processing package x (--configure):; Sub-process failed. Its last")
    assert "line 39" in text
    assert "line 20" not in text
    assert _packages.reason("").startswith("it said no reason")
