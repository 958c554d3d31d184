"""What a student does on the academy's site, in a real browser, with a screenshot of each page."""

from __future__ import annotations

import base64
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

SECONDS = 30


class Failed(Exception):
    """A step that didn't go as it should, and what the page showed instead."""


class Journey:
    """One student's visit; each step asserts what the person would see."""

    def __init__(self, browser: Chrome, site: str, shots: Path, downloads: Path) -> None:
        self.browser = browser
        self.site = site.rstrip("/")
        self.shots = shots
        self.downloads = downloads
        self.enrolment = ""

    def run(self) -> None:
        """All the steps, in order. Raises Failed at the first that goes wrong."""
        self.list_classes()
        self.enrol()
        self.pay()
        self.invoice()
        self.receipt()
        self.deep_link()
        self.small_screen()
        self.quiet_console()
        self.missing_asset()

    def list_classes(self) -> None:
        self.browser.get(self.site)
        cards = self.wait("the classes", lambda: self.all("//li[@class='card']"))
        self.shoot("1-classes")
        self.say(f"{self.site} lists {len(cards)} classes, over HTTPS and from the API's origin")

    def enrol(self) -> None:
        links = self.all("//a[text()='Matricularme']")
        if not links:
            raise Failed("every class is full: make sandbox-reset empties them")
        # The last ones have the most seats, so that many runs fit.
        links[-1].click()
        self.wait("the form", lambda: self.all("//form[@aria-label='Matrícula']"))
        self.press("Reservar mi plaza")
        self.wait("the refusal of an empty form", lambda: self.all("//*[@aria-invalid='true']"))
        self.shoot("2-enrol-refused")
        self.fill("Nombre y apellidos", "Ana Gómez Núñez")
        self.fill("Correo electrónico", f"ana.{uuid.uuid4().hex[:12]}@example.com")
        self.press("Reservar mi plaza")
        self.wait("the enrolment", lambda: "/enrolments/" in self.browser.current_url)
        self.enrolment = self.browser.current_url
        self.wait("the queue's confirmation", lambda: self.all("//li[starts-with(., 'Plaza reservada')]"))
        self.shoot("3-enrolment")
        self.say(f"enrolled: {urlsplit(self.enrolment).path}, confirmed by the queue")

    def pay(self) -> None:
        self.fill("Importe en euros", "25,50")
        self.fill("Referencia (opcional)", "TR-2026-07")
        self.press("Registrar pago")
        self.wait("the payment", lambda: self.all("//li[@class='payment']//strong[starts-with(., '25,50')]"))
        self.say("paid 25,50 € of the fee")

    def invoice(self) -> None:
        button = self.wait("the invoice", lambda: self.all("//button[starts-with(., 'Factura ')]"))[0]
        number = button.text.removeprefix("Factura ")
        button.click()
        text = self.downloaded(f"factura-{number}.txt").decode()
        if number not in text or "Ana Gómez Núñez" not in text or "25,50 €" not in text:
            raise Failed(f"the invoice doesn't say what was paid, and by whom:\n{text}")
        self.say(f"invoice {number}, written to the bucket by the queue, came back")

    def receipt(self) -> None:
        # A name and bytes that no step on the way may change.
        content = b"%PDF-1.4\n% " + uuid.uuid4().bytes * 4096 + b"\n%%EOF\n"
        name = f"justificante ñ & {uuid.uuid4().hex[:6]}.pdf"
        source = self.shots / name
        source.write_bytes(content)
        try:
            self.browser.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(source))
            self.press("Subir")
            link = self.wait("the receipt", lambda: self.all(f"//button[text()='{name}']"))[0]
        finally:
            source.unlink()
        self.shoot("4-receipt")
        link.click()
        if self.downloaded(name) != content:
            raise Failed(f"{name} came back from the bucket with other bytes")
        self.say(f"receipt of {len(content)} bytes: up to the bucket and back by signed URLs, the same bytes")

    def deep_link(self) -> None:
        self.browser.get("about:blank")
        self.browser.get(self.enrolment)
        self.wait("the enrolment by its own address", lambda: self.all("//li[@class='payment']"))
        status = self.browser.execute_script(
            "return performance.getEntriesByType('navigation')[0].responseStatus"
        )
        if status != 200:
            raise Failed(f"{self.enrolment} answered {status}: the fallback to index.html must be a 200")
        self.shoot("5-deep-link")
        self.browser.get(f"{self.site}/no/such/page")
        self.wait("the page for what isn't there", lambda: self.all("//h1[text()='Aquí no hay nada']"))
        self.say("an address inside the site opens by itself")

    def small_screen(self) -> None:
        phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        self.browser.get(self.enrolment)
        self.wait("the enrolment", lambda: self.all("//li[@class='payment']"))
        self.shoot("6-phone")
        wide = self.browser.execute_script("return document.documentElement.scrollWidth")
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        if wide > phone["width"]:
            raise Failed(f"on a phone {phone['width']} px wide the page is {wide}")
        self.say("it fits a phone")

    def quiet_console(self) -> None:
        # The empty form's 422 is the one answer this visit provoked.
        loud = [line for line in self.console("SEVERE") if "status of 422" not in line]
        if loud:
            raise Failed("the browser's console complains:\n" + "\n".join(loud))
        self.say("the console is quiet: no blocked request, no violated policy")

    def missing_asset(self) -> None:
        self.browser.get(self.site)
        status = self.browser.execute_async_script(
            "const done = arguments[0];"
            "fetch('/assets/no-such-file.js').then(({status}) => done(status), error => done(String(error)))"
        )
        if status != 404:
            raise Failed(f"a missing asset answers {status}: it must be a 404, never a page")
        self.say("a missing asset is a 404, never a page")

    def say(self, line: str) -> None:
        print(f"ok  {line}", flush=True)

    def console(self, *levels: str) -> list[str]:
        """What the browser wrote to its console since it was last asked, without signatures."""
        entries = self.browser.execute("getLog", {"type": "browser"})["value"]
        lines = [entry["message"] for entry in entries if not levels or entry["level"] in levels]
        return [re.sub(r"\?X-Amz-[^\s'\"]*", "?…", line) for line in lines]

    def all(self, xpath: str) -> list[WebElement]:
        return self.browser.find_elements(By.XPATH, xpath)

    def wait[T](self, what: str, until: Callable[[], T]) -> T:
        """Wait until `until` gives something true; Failed says what the page showed instead."""
        try:
            return WebDriverWait(self.browser, SECONDS, poll_frequency=0.1).until(lambda _: until())
        except TimeoutException:
            shot = self.shoot("failed")
            shown = self.browser.find_element(By.TAG_NAME, "body").text[:800]
            console = "\n".join(self.console())
            raise Failed(
                f"waited {SECONDS} s for {what} at {self.browser.current_url} ({shot})\n"
                f"the page shows:\n{shown}\nits console says:\n{console or 'nothing'}"
            ) from None

    def fill(self, label: str, text: str) -> None:
        target = self.all(f"//label[text()='{label}']")[0].get_attribute("for")
        control = self.browser.find_element(By.ID, str(target))
        control.clear()
        control.send_keys(text)

    def press(self, text: str) -> None:
        button = self.wait(
            f"the button {text}", lambda: self.all(f"//button[text()='{text}' and not(@disabled)]")
        )[0]
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()

    def downloaded(self, name: str) -> bytes:
        """The bytes of a file once Chromium has it whole."""
        path = self.downloads / name
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if path.is_file():
                return path.read_bytes()
            time.sleep(0.1)
        there = ", ".join(found.name for found in self.downloads.iterdir()) or "nothing"
        raise Failed(f"waited {SECONDS} s for the download of {name}; there is {there}")

    def shoot(self, name: str) -> Path:
        """The whole page, also what would have to be scrolled to."""
        shot = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        path = self.shots / f"{name}.png"
        path.write_bytes(base64.b64decode(shot["data"]))
        return path
