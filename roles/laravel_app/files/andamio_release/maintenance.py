"""Laravel's maintenance mode, with a secret that lets the engine's own probes pass."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pwd
import secrets
import time
from pathlib import Path
from typing import Any

from andamio_release.errors import RequestError
from andamio_release.settings import Settings

# Whose maintenance it is: what a cut-off run has left on is the next run's to end, anybody else's is not.
OURS = "andamio"
HOUR = 3600


def state(settings: Settings) -> dict[str, Any] | None:
    """What the application is down with; None when it is up."""
    try:
        found = json.loads(settings.down_file.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def bypass(settings: Settings) -> str:
    """The Cookie header that passes the maintenance there is; '' when the application is up.

    Raises RequestError when nothing can pass it: no release could be proven.
    """
    found = state(settings)
    if found is None:
        return ""
    if not found.get("secret"):
        raise RequestError(
            "the application is down for maintenance without a secret, so that no release can be proven:"
            " `artisan up`, or `artisan down --with-secret`, and then again"
        )
    return cookie(str(found["secret"]), int(time.time()) + HOUR)


def cookie(secret: str, expires: int) -> str:
    """The cookie that Laravel's own bypass makes.

    Source: the class MaintenanceModeBypassCookie of Illuminate, Foundation, Http.
    """
    mac = hmac.new(secret.encode(), str(expires).encode(), hashlib.sha256).hexdigest()
    value = base64.b64encode(json.dumps({"expires_at": expires, "mac": mac}).encode()).decode()
    return f"laravel_maintenance={value.replace('=', '%3D').replace('+', '%2B').replace('/', '%2F')}"


def begin(settings: Settings) -> str:
    """Take the application down, unless it is; the path of the bypass.

    Laravel's own command would show the secret on its command line.
    """
    found = state(settings)
    if found is not None:
        return f"/{found.get('secret', '')}"
    secret = secrets.token_urlsafe(24)
    content: dict[str, Any] = {
        "except": [],
        "redirect": None,
        "retry": 60,
        "refresh": None,
        "secret": secret,
        "status": 503,
    }
    partial = settings.down_file.with_name(".down.new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({**content, "template": None, OURS: True}, file)
        user = pwd.getpwnam(settings.user)
        os.fchown(file.fileno(), user.pw_uid, user.pw_gid)
    partial.rename(settings.down_file)
    return f"/{secret}"


def end(settings: Settings) -> bool:
    """Let the application up again, where the engine took it down. Gives whether it did."""
    found = state(settings)
    if found is None or OURS not in found:
        return False
    Path(settings.down_file).unlink(missing_ok=True)
    return True
