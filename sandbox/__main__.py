"""Bring the sandbox up and down: ``python -m sandbox up``."""

from __future__ import annotations

import sys

from sandbox.cli import main

sys.exit(main())
