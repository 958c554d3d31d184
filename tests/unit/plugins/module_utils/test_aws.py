"""What a module prints: check mode, diff, purge_tags, secrets, errors and waiting; no AWS behind it."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from typing import Any

import pytest
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _aws, _errors
from ansible_collections.andamio.laravel_aws.plugins.module_utils._aws import Aws, run
from ansible_collections.andamio.laravel_aws.plugins.module_utils._converge import (
    AFTER_APPLY,
    Change,
    Refused,
    State,
    Wait,
)
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError


class Ended(Exception):
    """The module ended; the argument is what it printed."""


class FakeClient:
    """Records calls; answers from a list, where an exception is raised."""

    def __init__(self, answers: list[Any] | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers = answers or []

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append((operation, arguments))
            answer = self.answers.pop(0) if self.answers else {}
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


class FakeModule:
    """AnsibleAWSModule, as far as _aws uses it."""

    def __init__(self, check: bool = False, client: FakeClient | None = None, **params: Any) -> None:
        self.params = {"state": "present", "purge_tags": True, "secret_key": "s3cret", **params}
        self.check_mode = check
        self._diff = True
        self.made = client or FakeClient()

    def client(self, service: str, **options: Any) -> FakeClient:
        return self.made

    def exit_json(self, **result: Any) -> Any:
        raise Ended(result)

    def fail_json(self, **result: Any) -> Any:
        raise Ended(result | {"failed": True})


def error(code: str, message: str = "No.") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutThing")


class Thing:
    """A resource of one call, whose state is a dict in memory."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state

    def read(self, aws: Aws) -> State | None:
        client: FakeClient = aws._client("toy", None)
        for operation, arguments in client.calls:
            self.state = None if operation == "delete" else {"id": "t-1", **arguments}
        return self.state

    @staticmethod
    def plan(current: State | None, desired: State | None) -> list[Change]:
        if desired is None:
            return [Change("toy.delete", {})] if current else []
        if current and {key: current.get(key) for key in desired} == desired:
            return []
        return [Change("toy.put", desired)]


def ran(module: FakeModule, thing: Thing, desired: State | None, **options: Any) -> dict[str, Any]:
    with pytest.raises(Ended) as ended:
        run(module, "thing n", desired=desired, read=thing.read, plan=thing.plan, **options)
    result: dict[str, Any] = ended.value.args[0]
    json.dumps(result)
    return result


def test_check_mode_plans_and_calls_nothing() -> None:
    module = FakeModule(check=True)
    result = ran(module, Thing(), {"size": 1}, predicted={"id": AFTER_APPLY})
    assert module.made.calls == []
    assert result == {
        "changed": True,
        "calls": ["toy.put"],
        "resource": {"id": "(known after apply)", "size": 1},
        "planned": {
            "name": "thing n",
            "action": "create",
            "attributes": [],
            "before": None,
            "after": {"size": 1},
        },
        "diff": {"before_header": "thing n", "after_header": "thing n", "before": {}, "after": {"size": 1}},
    }


def test_a_real_run_says_the_same_and_returns_what_is() -> None:
    result = ran(FakeModule(), Thing(), {"size": 1}, predicted={"id": AFTER_APPLY})
    assert result["calls"] == ["toy.put"]
    assert result["planned"]["action"] == "create"
    assert result["resource"] == {"id": "t-1", "size": 1}
    assert result["diff"]["after"] == {"size": 1}


def test_the_diff_shows_only_what_is_asked_for() -> None:
    thing = Thing({"id": "t-1", "size": 1, "colour": "red"})
    result = ran(FakeModule(), thing, {"size": 2, "colour": None})
    assert (result["diff"]["before"], result["diff"]["after"]) == ({"size": 1}, {"size": 2})


def test_a_resource_that_is_made_anew_is_replaced() -> None:
    thing = Thing({"id": "t-1", "size": 1})
    result = ran(FakeModule(check=True), thing, {"size": 2}, maker="toy.put")
    assert result["planned"]["action"] == "replace"
    assert result["planned"]["attributes"] == [{"attribute": "size", "before": 1, "after": 2}]


def test_what_there_was_is_told_from_where_the_normal_form_has_it() -> None:
    thing = Thing({"id": "t-1", "old": {"size": 1}})
    result = ran(FakeModule(check=True), thing, {"size": 2}, told=lambda form: {**form["old"], **form})
    assert result["planned"]["before"] == result["diff"]["before"] == {"size": 1}


def test_absent_deletes_and_is_quiet_the_second_time() -> None:
    thing = Thing({"id": "t-1", "size": 1})
    module = FakeModule(state="absent")
    result = ran(module, thing, {"size": 1})
    assert (result["calls"], result["resource"], result["diff"]["after"]) == (["toy.delete"], {}, {})
    assert ran(FakeModule(state="absent"), Thing(), {"size": 1})["changed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_what_has_other_tags_is_left_and_named(check: bool) -> None:
    theirs = {"id": "t-1", "size": 1, "tags": {"Project": "other"}}
    module = FakeModule(check=check, state="absent", tags={"Project": "academia"})
    result = ran(module, Thing(theirs), {"size": 1})
    assert (result["changed"], result["calls"], result["planned"]["action"]) == (False, [], "none")
    (sentence,) = result["hand_work"]
    assert sentence.startswith("thing n doesn't have the tags")
    ours = theirs | {"tags": {"Project": "academia", "Name": "n"}}
    result = ran(FakeModule(check=check, state="absent", tags={"Project": "academia"}), Thing(ours), None)
    assert (result["calls"], result["planned"]["action"]) == (["toy.delete"], "delete")
    assert "hand_work" not in result


@pytest.mark.parametrize("check", [True, False])
def test_a_part_of_it_may_stay(check: bool) -> None:
    thing = Thing({"id": "t-1", "size": 1, "_left": ["The colour stays."]})
    result = ran(FakeModule(check=check, state="absent"), thing, None, stays=lambda state: {"size": 2})
    assert (result["calls"], result["planned"]["action"]) == (["toy.delete"], "change")
    assert result["planned"]["attributes"] == [{"attribute": "size", "before": 1, "after": 2}]
    assert result["hand_work"] == ["The colour stays."]


@pytest.mark.parametrize(("purge", "after"), [(True, {"a": "1"}), (False, {"a": "1", "b": "2"})])
def test_purge_tags(purge: bool, after: dict[str, str]) -> None:
    thing = Thing({"tags": {"a": "0", "b": "2"}})
    result = ran(FakeModule(purge_tags=purge), thing, {"tags": {"a": 1}})
    assert result["diff"]["before"] == {"tags": {"a": "0", "b": "2"}}
    assert result["diff"]["after"] == {"tags": after}


def test_tags_of_a_part_are_purged_too() -> None:
    current = {"tags": {"a": "1"}, "disk_tags": {"a": "0", "b": "2"}}
    goal = {"tags": {"a": 1}, "disk_tags": {"a": 1}}
    for purge, after in ((True, {"a": "1"}), (False, {"a": "1", "b": "2"})):
        result = ran(FakeModule(purge_tags=purge), Thing(dict(current)), goal)
        assert result["diff"]["after"] == {"tags": {"a": "1"}, "disk_tags": after}


def test_secrets_are_digests_that_tell_a_difference() -> None:
    thing = Thing({"values": {"KEY": "old-value", "SAME": "x-same"}})
    result = ran(FakeModule(), thing, {"values": {"KEY": "new-value", "SAME": "x-same"}}, secrets={"values"})
    printed = json.dumps(result)
    assert not any(secret in printed for secret in ("old-value", "new-value", "x-same"))
    before, after = (result["diff"][side]["values"] for side in ("before", "after"))
    assert before["KEY"] != after["KEY"]
    assert before["SAME"] == after["SAME"]
    other = ran(FakeModule(secret_key="other"), Thing(), {"values": {"SAME": "x-same"}}, secrets={"values"})
    assert other["resource"]["values"]["SAME"] != after["SAME"]


def test_an_error_never_quotes_a_secret() -> None:
    client = FakeClient([error("ValidationException", "Value 'p4ssword!' is too long")])
    result = ran(FakeModule(client=client), Thing(), {"values": {"K": "p4ssword!"}}, secrets={"values"})
    assert "p4ssword!" not in json.dumps(result)
    assert "Value '********' is too long" in result["msg"]


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (
            error("AccessDenied", "User: arn:x is not authorized."),
            "thing n: toy.put failed. AccessDenied: User: arn:x is not authorized. "
            "Allow this identity toy:Put (or the action AWS names above).",
        ),
        (
            error("ExpiredToken", "Old."),
            "thing n: toy.put failed. ExpiredToken: Old. The session has expired:",
        ),
        (NoCredentialsError(), "Set AWS_PROFILE"),
        (EndpointConnectionError(endpoint_url="https://x"), "Nothing answers at http://127.0.0.1:1"),
        (error("Odd", "Odd thing"), "thing n: toy.put failed. Odd thing."),
    ],
)
def test_errors_say_what_where_and_what_next(
    raised: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    result = ran(FakeModule(client=FakeClient([raised])), Thing(), {"size": 1})
    assert result["failed"]
    assert message in result["msg"]
    assert result["call"] == "toy.put"


def test_a_refusal_is_the_message() -> None:
    def plan(current: State | None, desired: State | None) -> list[Change]:
        raise Refused("it belongs to someone else")

    module = FakeModule()
    with pytest.raises(Ended) as ended:
        run(module, "thing n", desired={}, read=lambda aws: None, plan=plan)
    assert ended.value.args[0] == {"failed": True, "msg": "thing n: it belongs to someone else"}


def test_apply_retries_only_what_the_change_names(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(_aws.time, "sleep", slept.append)
    client = FakeClient([error("NotYet"), error("NotYet"), {"Id": "1"}])
    aws = Aws(FakeModule(client=client))
    assert aws.apply(Change("toy.put", {}, retry=("NotYet",))) == {"Id": "1"}
    assert slept == [1, 2]
    client.answers = [error("NotYet")]
    with pytest.raises(Exception, match="NotYet"):
        aws.apply(Change("toy.put", {}))


@pytest.mark.parametrize("code", ["PreconditionFailed", "InvalidIfMatchVersion"])
def test_a_precondition_that_moved_is_read_anew(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_aws.time, "sleep", lambda delay: None)
    states = iter([{"days": 1, "_etag": "e1"}, {"days": 1, "_etag": "e2"}, {"days": 7, "_etag": "e3"}])
    client = FakeClient([error(code)])
    module = FakeModule(client=client)

    def plan(current: State | None, goal: State | None) -> list[Change]:
        assert current is not None
        assert goal is not None
        return [Change("toy.put", {"IfMatch": current["_etag"]})] if current["days"] != goal["days"] else []

    with pytest.raises(Ended) as ended:
        run(module, "thing n", desired={"days": 7}, read=lambda aws: next(states), plan=plan)
    assert ended.value.args[0]["calls"] == ["toy.put"]
    assert client.calls == [("put", {"IfMatch": "e1"}), ("put", {"IfMatch": "e2"})]


def test_a_precondition_that_never_holds_names_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_aws.time, "sleep", lambda delay: None)
    module = FakeModule(client=FakeClient([error("PreconditionFailed")] * 9))
    with pytest.raises(Ended) as ended:
        run(
            module,
            "thing n",
            desired={},
            read=lambda aws: None,
            plan=lambda current, goal: [Change("toy.put", {})],
        )
    assert ended.value.args[0]["msg"].startswith("thing n: toy.put failed. PreconditionFailed")


def wait(answers: list[Any], **options: Any) -> None:
    aws = Aws(FakeModule(client=FakeClient(answers)))
    aws.wait(Wait("toy.get", {}, "Status", ("Done",), ("Bad",), every=0, **options), "toy.put")


def test_wait_ends_when_done_and_takes_missing_for_not_yet() -> None:
    wait([error("NoSuchThing"), {}, {"Status": "Doing"}, {"Status": "Done"}])


def test_wait_stops_at_a_failure() -> None:
    with pytest.raises(Refused, match=r"toy\.put ended as Bad\. Look there"):
        wait([{"Status": "Bad"}], hint="Look there")


def test_wait_gives_up_with_a_hint() -> None:
    with pytest.raises(Refused, match=r"toy\.put: still Doing after 0 s\. Look there"):
        wait([{"Status": "Doing"}], timeout=0, hint="Look there")


def test_wait_without_wanted_values_takes_any_but_none() -> None:
    client = FakeClient([{"Thing": None}, {"Thing": "there"}])
    Aws(FakeModule(client=client)).wait(Wait("toy.get", {}, "Thing", every=0), "toy.put")
    assert len(client.calls) == 2


@pytest.mark.parametrize(
    ("code", "missing"), [("404", True), ("NotFound", True), ("NoSuchKey", True), ("AccessDenied", False)]
)
def test_what_counts_as_not_there(code: str, missing: bool) -> None:
    assert _errors.CallFailed("toy.get", error(code)).is_missing is missing


def test_a_call_that_fails_in_part_is_a_failure() -> None:
    client = FakeClient([{"Errors": [{"Key": "a", "Code": "AccessDenied"}]}])
    with pytest.raises(Refused, match=r"toy\.put failed for 1 items; the first: .*AccessDenied"):
        Aws(FakeModule(client=client)).apply(Change("toy.put", {}))


def test_what_is_the_plans_own_is_not_shown() -> None:
    module = FakeModule(state="absent")
    result = ran(module, Thing({"id": "t-1", "_etag": "e"}), None)
    assert result["diff"]["before"] == {"id": "t-1"}


def test_retries_are_botocores_unless_the_environment_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []
    module = FakeModule()
    monkeypatch.setattr(module, "client", lambda service, **options: given.append(options) or FakeClient())
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)
    Aws(module).call("toy.get")
    assert given.pop()["config"].retries == {"mode": "standard", "max_attempts": 8}
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    Aws(module).call("toy.get", region="eu-west-1")
    assert given.pop() == {"region": "eu-west-1"}


def test_a_digest_needs_no_secret_key_among_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    def digest(secret: str) -> Any:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        result = ran(FakeModule(secret_key=None), Thing(), {"values": {"K": "x"}}, secrets={"values"})
        return result["resource"]["values"]["K"]

    assert digest("one") == digest("one") != digest("two")


# -- reads that need no other's answer -----------------------------------------------------------------------


def test_reads_are_made_at_the_same_time_and_answered_in_order() -> None:
    all_here = threading.Barrier(3)

    def read(number: int) -> int:
        all_here.wait(30)
        return number

    assert _aws.together(*(partial(read, number) for number in range(3))) == [0, 1, 2]
    assert _aws.together() == []


def test_the_first_reads_error_is_the_one_that_is_said() -> None:
    def fail(word: str) -> None:
        raise Refused(word)

    with pytest.raises(Refused, match="first"):
        _aws.together(lambda: 1, partial(fail, "first"), partial(fail, "second"))


def test_threads_share_one_client() -> None:
    made: list[str] = []

    class Slow(FakeModule):
        def client(self, service: str, **options: Any) -> FakeClient:
            made.append(service)
            time.sleep(0.05)
            return self.made

    aws = Aws(Slow())
    _aws.together(*(partial(aws.call, "ec2.describe_vpcs") for _ in range(5)))
    assert made == ["ec2"]
