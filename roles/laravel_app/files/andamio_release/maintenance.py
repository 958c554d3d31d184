"""Maintenance: the engine's own, by a flag of root's, and artisan's, which is looked at and left alone.

The flag is a file that nginx looks for at each request to PHP, and the units of workers and scheduler at each
start. Beside it lies a file named by the secret that passes it. The folder can be entered by all and
listed by root: nginx finds the file of a cookie, and nobody finds the cookie of a file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from pathlib import Path
from typing import Any

from andamio_release import walk
from andamio_release.errors import RequestError
from andamio_release.settings import Settings

FLAG, PASS = "down", "pass-"
COOKIE = "andamio_maintenance"
HOUR = 3600
# Of artisan's own file, which the application writes: larger is none of artisan's.
MOST = 64 * 1024


def is_ours(settings: Settings) -> bool:
    """Whether the engine has the application down."""
    return (Path(settings.maintenance) / FLAG).exists()


def is_down(settings: Settings) -> bool:
    """Whether the application is down, by the engine or by artisan."""
    return is_ours(settings) or theirs(settings) is not None


def theirs(settings: Settings) -> dict[str, Any] | None:
    """What artisan has the application down with; None when it is up.

    The application owns the file and the folders above it. What is no file of artisan's comes as ``problem``.
    """
    try:
        found = json.loads(walk.read(str(settings.down_file), MOST))
    except FileNotFoundError:
        return None
    except OSError as error:
        return {"problem": str(error)}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def bypass(settings: Settings) -> str:
    """The Cookie header that passes the maintenance there is; '' when the application is up.

    Raises RequestError when nothing can pass it: no release could be proven.
    """
    cookies = [f"{COOKIE}={secret}" for secret in passes(settings)[:1] if is_ours(settings)]
    found = theirs(settings)
    if found is not None:
        if not found.get("secret"):
            problem = f" ({found['problem']})" if "problem" in found else ""
            raise RequestError(
                f"the application is down for maintenance without a secret{problem}, so that no release"
                " can be proven: `artisan up`, or `artisan down --with-secret`, and then again"
            )
        cookies.append(cookie(str(found["secret"]), int(time.time()) + HOUR))
    return "; ".join(cookies)


def cookie(secret: str, expires: int) -> str:
    """The cookie that Laravel's own bypass makes.

    Source: the class MaintenanceModeBypassCookie of Illuminate, Foundation, Http.
    """
    mac = hmac.new(secret.encode(), str(expires).encode(), hashlib.sha256).hexdigest()
    value = base64.b64encode(json.dumps({"expires_at": expires, "mac": mac}).encode()).decode()
    return f"laravel_maintenance={value.replace('=', '%3D').replace('+', '%2B').replace('/', '%2F')}"


def begin(settings: Settings) -> str:
    """Take the application down, unless the engine has it down already; the path of the bypass."""
    folder = Path(settings.maintenance)
    if not is_ours(settings) or not passes(settings):
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        clear(settings)
        (folder / f"{PASS}{secrets.token_hex(16)}").touch()
        (folder / FLAG).touch()
    return f"/{passes(settings)[0]}"


def end(settings: Settings) -> bool:
    """Let the application up again, where the engine took it down. Gives whether it did."""
    was = is_ours(settings)
    (Path(settings.maintenance) / FLAG).unlink(missing_ok=True)
    clear(settings)
    return was


def passes(settings: Settings) -> list[str]:
    """The secrets that pass the engine's maintenance: one, or none."""
    folder = Path(settings.maintenance)
    return [path.name.removeprefix(PASS) for path in folder.glob(f"{PASS}*")] if folder.is_dir() else []


def clear(settings: Settings) -> None:
    """Let no secret pass."""
    for secret in passes(settings):
        (Path(settings.maintenance) / f"{PASS}{secret}").unlink(missing_ok=True)
