"""What a host says of itself."""

from __future__ import annotations

from ansible_collections.andamio.laravel_aws.plugins.module_utils import _host_status as host

MEMINFO = """\
MemTotal:         938112 kB
MemFree:           61000 kB
MemAvailable:     311296 kB
SwapTotal:       1048572 kB
SwapFree:         917500 kB
HugePages_Total:       0
"""


def test_the_machines_memory() -> None:
    numbers = host.meminfo(MEMINFO)
    assert host.memory(numbers, None, 10) == {"total_mb": 916, "used_mb": 612}
    assert host.memory(numbers, 512, None) == {"total_mb": 916, "used_mb": 612}
    assert host.swap(numbers) == {"total_mb": 1023, "used_mb": 128}


def test_the_containers_memory() -> None:
    assert host.memory(host.meminfo(MEMINFO), 512, 300) == {"total_mb": 512, "used_mb": 300}
    assert host.group_memory_mb("419430400\n", "anon 1\ninactive_file 104857600\n") == 300
    version_1 = "inactive_file 1\ntotal_inactive_file 104857600\n"
    assert host.group_memory_mb("419430400", version_1) == 300
    assert host.group_memory_mb("1", "inactive_file 104857600") == 0


def test_a_host_without_swap() -> None:
    assert host.swap({"MemTotal": 916}) == {"total_mb": 0, "used_mb": 0}


def test_the_disk() -> None:
    assert host.disk(100, 60, 50, 4096) == {"total": 409600, "used": 163840, "available": 204800}


def test_units() -> None:
    failed = '[{"unit":"b.service","load":"loaded"},{"unit":"a.service","load":"loaded"}]'
    assert host.failed_units(failed) == ["a.service", "b.service"]
    assert host.failed_units(failed, ["a", "c"]) == ["b.service"]
    assert host.failed_units("[]") == []
    assert host.failed_units("Failed to connect to bus: Host is down") == []
    assert host.unit_states(["nginx", "mysql"], "active\ninactive\n") == {
        "nginx": "active",
        "mysql": "inactive",
    }
    assert host.unit_states(["nginx"], "") == {}


def test_load_and_uptime() -> None:
    assert host.load("0.12 0.08 0.05 1/234 5678\n") == [0.12, 0.08, 0.05]
    assert host.uptime("1990000.42 3900000.00\n") == 1990000
