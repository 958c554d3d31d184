"""Doctor and status of what phase 1 has made: well, drifted, broken, away; and the page in a browser."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome

from . import chromium
from .conftest import CACHE, LOGS, curl, on_host, playbook, run
from .host import until

Client = Callable[..., Any]

PAGE = CACHE / "status" / "status.html"
DOCUMENTS = "academia-sandbox-documents-123456789012"
WELL = (
    *("site", "API", "certificate", "hosted zone", "CloudFront", "host", "address", "site bucket"),
    *("documents bucket", "dumps bucket", "last dump", "parameters", "disk", "memory", "services", "release"),
)


def marks(output: str) -> dict[str, set[str]]:
    """The marks that the printed findings have, by what they are about."""
    found: dict[str, set[str]] = {}
    for mark, subject in re.findall(r"^  ([✔✘!?○]) (\S+(?: \S+)*)(?:  |$)", output, re.MULTILINE):
        found.setdefault(subject, set()).add(mark)
    return found


def wait_for_the_api() -> None:
    until("the API", lambda: " 200" in curl("https://api.academia.test/up").partition("\n")[0], every=1)


def test_doctor_finds_nothing_wrong() -> None:
    done = run("make", "doctor", log="doctor")
    assert done.code == 0, done.output
    found = marks(done.output)
    assert "✘" not in set().union(*found.values())
    for subject in ("Python", "amazon.aws", "andamio_domain", "credentials", "account", "clock", "region"):
        assert found[subject] == {"✔"}, done.output
    for subject in ("vCPUs", "Elastic IPs", "delegation", "phase 1"):
        assert found[subject] == {"✔"}, done.output
    assert found["SES"] == {"!"}


def test_doctor_fails_for_what_is_wrong_and_says_how_to_put_it_right() -> None:
    done = playbook("playbooks/doctor.yml", "-e", "aws_account_id=999999999999", log="doctor-wrong")
    assert done.code != 0
    assert marks(done.output)["account"] == {"✘"}
    assert "→ Choose the other profile (AWS_PROFILE), or correct the variable." in done.output


def test_a_healthy_environment() -> None:
    done = run("make", "status", "STRICT=true", log="status")
    assert done.code == 0, done.output
    found = marks(done.output)
    assert "✘" not in set().union(*found.values()), done.output
    for subject in WELL:
        assert found[subject] == {"✔"}, f"{subject}:\n{done.output}"
    assert found["drift"] == {"✔"}, done.output
    assert found["alarms"] == {"○"}
    assert "none set up" in done.output
    assert "\x1b" not in done.output
    assert {host: counts["changed"] for host, counts in done.recap.items()} == dict.fromkeys(done.recap, 0)
    assert f"file://{PAGE}" in done.output


@contextmanager
def browser(page: Path) -> Iterator[Chrome]:
    """A headless Chromium that shows the page, and can ask nobody for anything."""
    with tempfile.TemporaryDirectory() as folder:
        driver = chromium.start(chromium.Names(), None, Path(folder), Path(folder))
        try:
            driver.execute_cdp_cmd("Network.enable", {})
            driver.get(page.as_uri())
            yield driver
        finally:
            driver.quit()


def look_at(driver: Chrome, width: int, scheme: str, shot: Path) -> dict[str, Any]:
    """What can be seen at a width and in a colour scheme."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    shot.parent.mkdir(parents=True, exist_ok=True)
    driver.save_screenshot(str(shot))
    seen: dict[str, Any] = driver.execute_script(
        """
        const shown = name => getComputedStyle(document.querySelector(name)).display !== "none";
        return {
          wide: shown("svg.wide"), tall: shown("svg.tall"),
          fits: document.scrollingElement.scrollWidth <= window.innerWidth,
          background: getComputedStyle(document.body).backgroundColor,
          requests: performance.getEntriesByType("resource").map(entry => entry.name),
          parts: [...document.querySelectorAll("svg.wide .part, svg.wide .group")]
            .map(part => part.className.baseVal),
          text: document.body.innerText,
        }"""
    )
    return seen


def check_the_page(page: Path, shots: Path) -> dict[str, Any]:
    """Look at the page wide and narrow, light and dark; give what the widest shows."""
    with browser(page) as driver:
        wide = look_at(driver, 1280, "light", shots / "status-light.png")
        dark = look_at(driver, 1280, "dark", shots / "status-dark.png")
        phone = look_at(driver, 390, "light", shots / "status-phone.png")
        assert (wide["wide"], wide["tall"]) == (True, False)
        assert (phone["wide"], phone["tall"]) == (False, True)
        assert wide["fits"]
        assert phone["fits"]
        assert dark["background"] != wide["background"]
        assert wide["requests"] == []
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    return wide


def test_the_page_in_a_browser() -> None:
    seen = check_the_page(PAGE, LOGS)
    assert len(seen["parts"]) == 12
    assert not [part for part in seen["parts"] if part.split()[1] in ("wrong", "absent", "unknown")]
    assert "api.academia.test" in seen["text"]


def test_drift_is_told_by_name_and_put_right_by_the_run(client: Client) -> None:
    client("s3").put_bucket_versioning(Bucket=DOCUMENTS, VersioningConfiguration={"Status": "Suspended"})
    done = run("make", "status", log="status-drift")
    assert done.code == 0, done.output
    assert marks(done.output)["drift"] == {"!"}, done.output
    assert DOCUMENTS in next(line for line in done.output.splitlines() if line.startswith("  ! drift"))
    assert playbook("site.yml", "-t", "documents_bucket", log="drift-repaired").code == 0
    assert client("s3").get_bucket_versioning(Bucket=DOCUMENTS)["Status"] == "Enabled"


def test_a_service_that_is_down() -> None:
    assert on_host("systemctl stop mysql").code == 0
    try:
        done = run("make", "status", "DRIFT=no", log="status-down")
        strict = run("make", "status", "DRIFT=no", "STRICT=true")
    finally:
        assert on_host("systemctl start mysql").code == 0
    wait_for_the_api()
    assert done.code == 0, done.output
    found = marks(done.output)
    assert found["services"] == {"✘"}, done.output
    assert "✘" in found["API"], done.output
    assert found["drift"] == {"?"}
    assert "part wrong mysql" in PAGE.read_text()
    assert strict.code != 0


def test_a_host_that_cannot_be_reached() -> None:
    done = playbook("playbooks/status.yml", "-e", "ansible_user=nobody-here", log="status-unreachable")
    assert done.code == 0, done.output
    found = marks(done.output)
    assert "✘" in found["host"], done.output
    assert "can't be reached" in done.output
    assert found["pages"] == {"?"}
    assert found["hosted zone"] == {"✔"}
