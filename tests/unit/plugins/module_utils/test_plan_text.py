"""A run's report as text and as Markdown."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _plan_text
from ansible_collections.andamio.laravel_aws.plugins.module_utils._plan_report import PLAN, RUN, Place, Report
from ansible_collections.andamio.laravel_aws.plugins.module_utils._planned import planned

BUCKET, HOST, NGINX = Place("phase1", "s3_site"), Place("phase1", "ec2_host"), Place("phase1", "nginx")
FIRST = Place("phase2", "backups")


def report(mode: str = PLAN) -> Report:
    made = Report(mode)
    for place, name, before, after, replaced in (
        (BUCKET, "bucket site", None, {"name": "site"}, False),
        (BUCKET, "bucket old", {"name": "old"}, None, False),
        (HOST, "host a", {"type": "t3.micro", "tags": {}}, {"type": "t4g.micro", "tags": {"A": "1"}}, True),
        (HOST, "role a", {"same": 1}, {"same": 1}, False),
        (FIRST, "plan a", {"days": 1}, {"days": 7}, False),
    ):
        said = planned(name, before, after, changed=before != after, replaced=replaced)
        made.resource(place, "kind", said)
    return made


def text(made: Report) -> list[str]:
    return [line.text for line in _plan_text.lines(made.as_dict())]


def test_a_plan_by_phase_and_role_with_counts() -> None:
    made = report()
    made.hand_work.append("Set the name servers.")
    assert text(made) == [
        "Phase 1",
        "  s3_site",
        "    + bucket site",
        "    - bucket old",
        "  ec2_host",
        "    ± host a",
        "        type: t3.micro → t4g.micro",
        "        tags.A: none → 1",
        "Phase 2",
        "  backups",
        "    ~ plan a",
        "        days: 1 → 7",
        "",
        "Plan: 1 to create, 1 to change, 1 to replace, 1 to delete, 1 unchanged.",
        "",
        "Left to do by hand",
        "  * Set the name servers.",
    ]


def test_tones_are_the_actions() -> None:
    tones = {line.text.strip(): line.tone for line in _plan_text.lines(report().as_dict())}
    assert tones["+ bucket site"] == "create"
    assert tones["- bucket old"] == "delete"
    assert tones["± host a"] == "replace"
    assert tones["~ plan a"] == "change"


@pytest.mark.parametrize(
    ("mode", "state", "sentence"),
    [
        (PLAN, {}, "Plan: nothing to change, 1 unchanged."),
        (RUN, {}, "Done: nothing changed, 1 unchanged."),
        (RUN, {"failed": True}, "Failed; until then: nothing changed, 1 unchanged."),
        (PLAN, {"failed": True}, "Incomplete, since it failed: nothing to change, 1 unchanged."),
        (RUN, {"interrupted": True}, "Interrupted; until then: nothing changed, 1 unchanged."),
    ],
)
def test_one_sentence_says_how_it_ended(mode: str, state: dict[str, bool], sentence: str) -> None:
    made = Report(mode)
    made.resource(HOST, "kind", planned("role a", {"a": 1}, {"a": 1}, changed=False))
    for name, value in state.items():
        setattr(made, name, value)
    assert text(made) == [sentence]


def test_what_a_run_did_on_hosts_is_told_once_for_those_that_are_alike() -> None:
    made = Report(RUN)
    for host, tasks in (("i-1", ("Write", "Reload")), ("i-2", ("Write", "Reload")), ("i-3", ("Write",))):
        for task in tasks:
            made.result(NGINX, host, task, "ansible.builtin.copy", {"changed": True})
    made.fail(NGINX, "i-3", "Reload")
    made.end(["i-3"])
    assert text(made) == [
        "Phase 1",
        "  nginx on i-1, i-2",
        "    ~ Write",
        "    ~ Reload",
        "  nginx on i-3",
        "    ~ Write",
        "",
        "Failed; until then: 5 steps on 3 hosts.",
        "  failed: nginx: Reload (i-3)",
    ]


def test_roles_that_wait_for_a_host_are_no_change() -> None:
    made = Report(PLAN)
    for role in ("base", "nginx"):
        made.wait(Place("phase1", role))
    assert text(made) == [
        "Phase 1",
        "  base, nginx",
        "    configured when the host exists",
        "",
        "Plan: nothing to change.",
    ]


LONG = [{"Sid": "Read", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::bucket/{name}"} for name in "ab"]
AFTER = "(known after apply)"


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (1, True, ("1", "true")),
        (None, "a.test", ("none", "a.test")),
        ("", "two words", ('""', '"two words"')),
        ("i-1", AFTER, ("i-1", AFTER)),
        ([80], [80, AFTER], ("[80]", f'[80, "{AFTER}"]')),
        ({"a": 1}, {}, ('{"a": 1}', "{}")),
        ("a\nb\n", "a\nb\nc\n", ("(2 lines)", "(3 lines)")),
        ("a\nb", "a\nc", ("(2 lines)", "(2 lines), other")),
        ("hmac:0123456789ab", "hmac:ba9876543210", ("(secret)", "(secret), other")),
        (None, {"K": "hmac:0123456789ab"}, ("none", '{"K": (secret)}')),
    ],
)
def test_values(before: Any, after: Any, shown: tuple[str, str]) -> None:
    assert _plan_text.values(before, after) == shown


def test_long_values_are_shortened_to_where_they_differ() -> None:
    before, after = _plan_text.values(LONG[:1], LONG)
    assert max(len(before), len(after)) <= _plan_text.VALUE
    assert before.startswith("…")
    assert before.endswith('bucket/a"}]')
    assert after != before
    assert after.endswith("…")


def test_many_attributes_are_cut_and_counted() -> None:
    made = Report(RUN)
    many = {f"file{number:02}": number for number in range(20)}
    made.resource(BUCKET, "kind", planned("site", {"objects": {}}, {"objects": many}, changed=True))
    lines = text(made)
    assert lines[3] == "        objects.file00: none → 0"
    assert lines[3 + _plan_text.ATTRIBUTES] == "        and 8 more"


def test_markdown() -> None:
    made = report()
    made.wait(NGINX)
    made.hand_work.append("Set *these* name servers.")
    made.costs = {"text": ["In all 11.24 USD a month."]}
    assert (
        _plan_text.markdown(made.as_dict())
        == """\
## Plan: 1 to create, 1 to change, 1 to replace, 1 to delete, 1 unchanged.

### Phase 1

**s3_site**

- `+` bucket site
- `-` bucket old

**ec2_host**

- `±` host a
  - `type`: `t3.micro` → `t4g.micro`
  - `tags.A`: `none` → `1`

**nginx**

- configured when the host exists

### Phase 2

**backups**

- `~` plan a
  - `days`: `1` → `7`

### Money

```text
In all 11.24 USD a month.
```

### Left to do by hand

- [ ] Set \\*these\\* name servers.
"""
    )


def test_markdown_of_what_is_not_ours_to_format() -> None:
    made = Report(RUN)
    made.resource(BUCKET, "kind", planned("a|b <c>", {"x": "`1`"}, {"x": "2"}, changed=True))
    made.fail(NGINX, "i-1", "Write [it]")
    made.end(["i-1"])
    written = _plan_text.markdown(made.as_dict())
    assert "- `~` a\\|b \\<c\\>" in written
    assert "  - `x`: `'1'` → `2`" in written
    assert "- **failed: nginx: Write \\[it\\] (i-1)**" in written


def test_nothing_a_host_says_reaches_the_terminals_controls() -> None:
    said = "a\x1b]0;title\x07b\x1b[2Jc\x1b[8md\x9be\x7f\tf\ng\r\x1bPq\x1b\\"
    assert _plan_text.printable(said) == "a]0;titleb[2Jc[8mde\tf\ngPq\\"


def test_ansibles_own_colours_stay() -> None:
    assert _plan_text.printable("\x1b[0;32m+ a\x1b[0m") == "\x1b[0;32m+ a\x1b[0m"
