"""The order of the end-to-end tests: each file starts from what the ones before it have left."""

ORDER = (
    "test_phase1",
    "test_status",
    "test_releases",
    "test_releases_under_load",
    "test_releases_faults",
    "test_replacement",
    "test_website",
    "test_teardown",
    "test_sandbox_down",
)
