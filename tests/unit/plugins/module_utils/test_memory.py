from __future__ import annotations

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils._memory import limit_mb, total_mb

MICRO = "MemTotal:         938284 kB\nMemFree:          100000 kB\n"


def test_the_machines_memory_in_mebibytes() -> None:
    assert total_mb(MICRO) == 916


def test_a_meminfo_without_total_is_an_error() -> None:
    with pytest.raises(ValueError, match="MemTotal"):
        total_mb("MemFree: 1 kB\n")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([], None),
        (["max\n"], None),
        (["9223372036854771712\n"], None),  # version 1 without a limit
        (["1073741824\n"], 1024),
        (["max\n", "536870912\n"], 512),
        (["1073741824\n", "536870912\n"], 512),
    ],
)
def test_a_containers_limit(limits: list[str], expected: int | None) -> None:
    assert limit_mb(24105, limits) == expected
