#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_env
short_description: An application's .env in Parameter Store, in bulk
version_added: 0.1.0
description:
  - Keeps the variables of an application's C(.env) as parameters under one path, one parameter each.
  - M(community.aws.ssm_parameter) takes a task, and several requests, for each value, and can't store an
    empty one. This module reads all values ten a request and writes only what differs.
  - Every value that a C(.env) can hold survives. Parameter Store refuses empty values and those with C({{),
    and its console trims spaces, so these few are stored as a JSON string, V("") for empty. All others are
    stored as they are. C(andamio-env) on the host and M(andamio.laravel_aws.ssm_env_info) read both.
  - Values are never shown. The diff has each variable's name, type and a digest that is keyed with the
    AWS secret key of the caller, so that it can't be guessed at.
  - All problems of the input are listed at once, before anything is changed.
author: The Andamio authors (@andamio)
options:
  path:
    description: Path of the parameters, such as V(/academia/production/env/). What is deeper is left alone.
    type: str
    required: true
  state:
    description:
      - V(absent) removes every parameter under O(path), generated secrets too. Those whose
        tags C(Project), C(Environment) and C(ManagedBy) aren't the given O(tags) are left.
    type: str
    choices: [present, absent]
    default: present
  values:
    description:
      - Variables and their values. They win over O(env_file), which wins over O(defaults).
      - Numbers and booleans are written as Laravel reads them, C(true) and C(false).
    type: dict
    default: {}
  env_file:
    description:
      - A C(.env) file on the machine where the module runs, read as phpdotenv reads it.
      - A reference such as C(${APP_URL}) is the value that will be in force, whichever source gives it. One
        that no source and no earlier line gives is an error. References are resolved in this file alone.
      - An empty line (C(AWS_BUCKET=)) doesn't win over a default or a secret to generate.
    type: path
  defaults:
    description: Variables, such as those that the infrastructure knows, that all other sources win over.
    type: dict
    default: {}
  generate:
    description:
      - Secrets to make when there is none yet, and never again. A variable that another source gives a
        value isn't generated.
      - A recipe is V(laravel_key), V(password) (letters and digits) or V(hex), the last two with their length
        in brackets if it isn't 32.
    type: dict
    default: {}
  secrets:
    description:
      - More names that are stored encrypted, as SecureString, with C(*) and C(?) as wildcards.
      - "They add to those that say so themselves: C(*KEY*), C(*SECRET*), C(*PASS*), C(*PWD*), C(*TOKEN*),
        C(*CREDENTIAL*), C(*PRIVATE*), C(*SALT*), C(*WEBHOOK*), C(*_AUTH), C(*_DSN), C(DATABASE_URL),
        C(DB_URL), C(REDIS_URL), C(MAIL_URL), and all of O(generate)."
      - A value is also a secret by its form. A URL with a password, a PEM block, or the webhook of a chat.
    type: list
    elements: str
    default: []
  kms_key_id:
    description:
      - KMS key for the secrets, instead of the account's free C(aws/ssm).
      - It counts for values that are written. Parameter Store doesn't tell in bulk which key a value has.
    type: str
  purge:
    description: Whether to remove variables under O(path) that are in no source.
    type: bool
    default: false
  tier:
    description:
      - V(Standard) holds 4 KB a value, free of charge. With V(Intelligent-Tiering) a larger value makes its
        parameter an advanced one, up to 8 KB, for 0.05 USD a month.
    type: str
    choices: [Standard, Intelligent-Tiering]
    default: Standard
  tags:
    description:
      - Tags of a new parameter. Other tags are left alone, since reading them takes a request a parameter.
    type: dict
    aliases: [resource_tags]
  repair_tags:
    description:
      - Whether to give O(tags) to existing parameters that lack them. Looking takes a request for each fifty.
    type: bool
    default: false
attributes:
  diff_mode:
    details: Shows names, types and keyed digests. Never a value.
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - andamio.laravel_aws.attributes.converges
"""

EXAMPLES = r"""
- name: Keep the API's environment
  andamio.laravel_aws.ssm_env:
    path: /academia/production/env/
    env_file: "{{ playbook_dir }}/files/production.env"
    values:
      APP_ENV: production
      APP_DEBUG: false
      FILESYSTEM_DISK: s3
      AWS_BUCKET: academia-production-documents-123456789012
      MAIL_PASSWORD: "{{ vault_mail_password }}"
    generate:
      APP_KEY: laravel_key
      DB_PASSWORD: password(32)
    tags:
      Project: academia

- name: Remove what is in no source any more
  andamio.laravel_aws.ssm_env:
    path: /academia/production/env/
    env_file: "{{ playbook_dir }}/files/production.env"
    purge: true
"""

RETURN = r"""
resource:
  description: What is stored afterwards, without values.
  returned: success
  type: dict
  contains:
    path:
      description: The path of the parameters.
      type: str
    names:
      description: All variables under the path.
      type: list
      elements: str
    secrets:
      description: Those that are stored encrypted.
      type: list
      elements: str
plain:
  description:
    - Variables that this run stored (in check mode, would store) as plain text, without those of O(defaults).
      One that is a secret after all belongs into O(secrets).
  returned: success
  type: list
  elements: str
changes:
  description: The variables that were (or in check mode, would be) touched.
  returned: success
  type: dict
  contains:
    created:
      description: Variables that weren't there.
      type: list
      elements: str
    updated:
      description: Variables with another value or type.
      type: list
      elements: str
    generated:
      description: Variables whose value this run made.
      type: list
      elements: str
    removed:
      description: Variables that are gone.
      type: list
      elements: str
calls:
  description: The AWS calls that changed something, in order, without their values.
  returned: success
  type: list
  elements: str
  sample: [ssm.put_parameter]
"""

from pathlib import Path
from typing import Any, NoReturn

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils import _ssm_env, _tags
from ..module_utils._aws import Aws, digest_key, left_alone, together
from ..module_utils._errors import CallFailed
from ..module_utils._planned import planned
from ..module_utils._ssm_env import Environment, Settings, Sources

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def read(aws: Aws, path: str) -> Environment:
    pages = aws.pages("ssm.get_parameters_by_path", "Parameters", Path=path.rstrip("/"), WithDecryption=True)
    return _ssm_env.normalise(path, pages)


def tagged(aws: Aws, path: str, tags: dict[str, str]) -> set[str]:
    """Return the variables that have all the tags."""
    below = {"Key": "Path", "Option": "OneLevel", "Values": [path.rstrip("/")]}
    filters = [below] + [{"Key": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    found = aws.pages(
        "ssm.describe_parameters", "Parameters", ParameterFilters=filters, PaginationConfig={"PageSize": 50}
    )
    return {item["Name"].rpartition("/")[2] for item in found}


def take(module: AnsibleAWSModule, *options: str) -> list[dict[str, Any]]:
    """Return these options' values and leave none where Ansible could print them.

    As no_log, they are kept out of the system log; but then Ansible would also blot out every ``true`` and
    ``production`` in this module's answer. The answer has no value in it, so that ends here.
    """
    taken = [module.params[option] for option in options]
    module.params.update({option: dict.fromkeys(module.params[option], HIDDEN) for option in options})
    module.no_log_values.clear()
    module.no_log_values.update(filter(None, (module.params["secret_key"], module.params["session_token"])))
    return taken


def sources(module: AnsibleAWSModule) -> Sources:
    values, defaults = take(module, "values", "defaults")
    file = module.params["env_file"]
    text = ""
    if file:
        try:
            text = Path(file).read_bytes().decode()
        except OSError as error:
            module.fail_json(msg=f"env_file: {file} can't be read: {error.strerror}")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            module.fail_json(msg=f"{file}:{line}: this is not UTF-8 text")
    return Sources(values, text, file or "", defaults, module.params["generate"])


def fail(module: AnsibleAWSModule, path: str, error: CallFailed, *values: Environment) -> NoReturn:
    message = _ssm_env.scrubbed(error.message(f"environment {path}"), values)
    if error.code == "ParameterAlreadyExists":
        message += " Another run has just created it: run again, and what it made is kept."
    module.fail_json(msg=message, call=error.call, error_code=error.code)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "path": {"required": True},
            "state": {"choices": ["present", "absent"], "default": "present"},
            "values": {"type": "dict", "default": {}, "no_log": True},
            "defaults": {"type": "dict", "default": {}, "no_log": True},
            "env_file": {"type": "path"},
            "generate": {"type": "dict", "default": {}, "no_log": False},
            "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "kms_key_id": {"no_log": False},
            "purge": {"type": "bool", "default": False},
            "tier": {"choices": ["Standard", _ssm_env.INTELLIGENT], "default": "Standard"},
            "tags": {"type": "dict", "aliases": ["resource_tags"]},
            "repair_tags": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    path, present = params["path"], params["state"] == "present"
    tags = {key: str(value) for key, value in (params["tags"] or {}).items()}
    settings = Settings(path, tags, params["kms_key_id"], params["tier"])
    given = sources(module)
    wrong = _ssm_env.problems(path, given, advanced=settings.tier == _ssm_env.INTELLIGENT)
    if wrong:
        module.fail_json(msg="\n- ".join(["Nothing was changed. What is wrong:", *wrong]), problems=wrong)

    aws = Aws(module)
    purge = params["purge"] or not present
    current: Environment = {}
    goal: Environment = {}
    theirs: set[str] = set()
    retag: set[str] = set()
    try:
        # The tags that make a variable ours, or that each of ours should have.
        sought = tags if present else _tags.identity(tags)
        looks = bool(sought) and (params["repair_tags"] or not present)
        current, having = together(
            lambda: read(aws, path), lambda: tagged(aws, path, sought) if looks else None
        )
        without = set(current) - having if looks else set()
        theirs = set() if present else without
        current = {name: value for name, value in current.items() if name not in theirs}
        if present:
            goal = _ssm_env.wanted(given, current, params["secrets"])
        retag = without if present else set()
        changes = _ssm_env.plan(current, goal, settings, untagged=retag, purge=purge)
        for change in [] if module.check_mode else changes:
            aws.apply(change)
    except CallFailed as error:
        fail(module, path, error, current, goal)

    after = _ssm_env.after(current, goal, purge=purge)
    result = _ssm_env.report(path, current, after, given.defaults)
    result |= {"changed": bool(changes), "calls": [change.call for change in changes]}
    key = digest_key(module)
    seen, left = _ssm_env.shown(current, key), _ssm_env.shown(after, key)
    tagless = sorted(retag & set(goal))
    result["planned"] = planned(
        f"parameters {path}",
        {"parameters": seen, "without_tags": tagless} if seen else None,
        {"parameters": left, "without_tags": []} if left else None,
        changed=bool(changes),
    )
    if theirs:
        result["hand_work"] = [left_alone(f"parameters {path} ({', '.join(sorted(theirs))})")]
    if module._diff:
        if tagless:
            seen, left = seen | {"(without tags)": tagless}, left | {"(without tags)": []}
        result["diff"] = {"before_header": path, "after_header": path, "before": seen, "after": left}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
