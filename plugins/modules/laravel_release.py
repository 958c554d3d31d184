#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: laravel_release
short_description: Put a release of a Laravel application live, or go back to one
version_added: 0.1.0
description:
  - Sends an artifact to the engine on the host, C(andamio-release), which the role
    P(andamio.laravel_aws.laravel_app#role) installs. It builds the release beside the live one, proves it,
    switches to it at once, proves it again, and puts the old one back when that fails.
  - Request and artifact are the standard input of one command over the connection, so there is no temporary
    file on the host.
  - Deploying what is live already, with the same C(.env), changes nothing.
  - The connection plugin must be able to send data to a command, as P(ansible.builtin.ssh#connection) and
    P(ansible.builtin.local#connection) are, and all others that know pipelining.
author: The Andamio authors (@andamio)
options:
  state:
    description:
      - V(deployed) makes the artifact the live release. Without one, what is live is deployed once more, if
        C(.env) has changed.
      - V(rolled_back) makes an earlier release the live one again.
      - V(info) only tells which is live.
    type: str
    choices: [deployed, rolled_back, info]
    default: deployed
  artifact:
    description:
      - A C(.tar.gz), C(.tar) or C(.zip) on the control machine, the application with C(artisan) at its top.
        A relative path begins at the playbook's folder.
      - Or its address in S3, V(s3://bucket/key) or V(s3://bucket/key?versionId=version), from where the host
        gets it with the rights of its own role.
    type: path
  s3:
    description: The artifact in S3, instead of O(artifact).
    type: dict
    suboptions:
      bucket:
        description: Name of the bucket.
        type: str
        required: true
      key:
        description: Key of the object. One that ends in C(.zip) is a zip, any other a tar.
        type: str
        required: true
      version:
        description: Version of the object. Without it, the newest.
        type: str
      sha256:
        description: The SHA-256 that the object must have.
        type: str
  name:
    description:
      - A word to find the release by, such as a tag. The release's id is this and the first twelve digits of
        the artifact's SHA-256.
      - It begins with a letter or digit, and has letters, digits, dots, hyphens and underscores.
    type: str
    default: ""
  commit:
    description: The commit that the artifact was built from, for the journal.
    type: str
    default: ""
  reason:
    description: Why, for the journal.
    type: str
    default: ""
  migrate:
    description:
      - Whether this host migrates the database. Of several hosts with one database, one does.
      - When it migrates, and whether at all, is the role's setting.
    type: bool
    default: true
  maintenance:
    description: >-
      Whether the application is down for maintenance while the release is started, migrated and switched to.
    type: bool
    default: false
  release:
    description: The release to go back to. Without it, the one that was live and good before.
    type: str
    default: ""
  database:
    description:
      - Whether a rollback leaves the database as it is, or loads the dump that was made before the migrations
        that have run since. What was written since is lost then.
    type: str
    choices: [keep, restore]
    default: keep
  confirm:
    description: For O(database=restore), the id of the release it goes to, as a sign that you mean it.
    type: str
    default: ""
  dump_url:
    description:
      - For O(database=restore) of a dump in a bucket, which the host may not read, a URL that gives it for a
        while (M(andamio.laravel_aws.dump_url)).
    type: str
    default: ""
attributes:
  check_mode:
    details: The artifact is sent and unpacked, so that the migrations in it can be listed, and removed again.
  diff_mode:
    details: Shows the release, and the names of variables that changed in C(.env). Never a value.
extends_documentation_fragment:
  - andamio.laravel_aws.attributes
"""

EXAMPLES = r"""
- name: Deploy
  andamio.laravel_aws.laravel_release:
    artifact: build/api.tar.gz
    name: v1.2
    reason: Receipts by e-mail
  become: true

- name: Deploy to several hosts, migrating once
  andamio.laravel_aws.laravel_release:
    artifact: s3://academia-production-artifacts-123456789012/api/v1.2.tar.gz
    name: v1.2
    migrate: "{{ inventory_hostname == ansible_play_hosts_all | first }}"
  become: true

- name: Go back to the release before
  andamio.laravel_aws.laravel_release:
    state: rolled_back
    reason: Payments are counted twice
  become: true

- name: Go back, with the database as it was before the migrations that have run since
  andamio.laravel_aws.laravel_release:
    state: rolled_back
    release: v1.1-3f2a9c1b7d5e
    database: restore
    confirm: v1.1-3f2a9c1b7d5e
    dump_url: "{{ dump.url }}"
  become: true

- name: Ask which release is live
  andamio.laravel_aws.laravel_release:
    state: info
  become: true
  register: release
"""

RETURN = r"""
release:
  description:
    - The release that the run made live, or in check mode would. When it failed, the one that it tried.
    - For O(state=info), the live one.
  returned: when the engine answered
  type: str
  sample: v1.2-8c1f0e6a2b94
previous:
  description: The release that was live before.
  returned: when the engine answered, not for O(state=info)
  type: str
  sample: v1.1-3f2a9c1b7d5e
outcome:
  description:
    - How it ended, V(live), V(unchanged), V(checked), V(failed), V(put_back) or V(stuck).
    - V(put_back) means that it was live, failed, and the previous one is live again.
    - V(stuck) means that the previous one is not well either.
  returned: when the engine answered, not for O(state=info)
  type: str
  sample: live
message:
  description: What happened, in a sentence.
  returned: when the engine answered, not for O(state=info)
  type: str
failed_step:
  description: The step that failed.
  returned: when the engine answered, not for O(state=info)
  type: str
  sample: gate
log:
  description: The run's log on the host.
  returned: when the engine answered, not for O(state=info)
  type: str
steps:
  description: The steps that were taken, and how long each took.
  returned: when the engine answered, not for O(state=info)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the step.
      type: str
    seconds:
      description: How long it took.
      type: float
migrations:
  description: Migrations that concern this run.
  returned: when the engine answered, not for O(state=info)
  type: dict
  contains:
    pending:
      description: Those that have not run yet.
      type: list
      elements: str
    ran:
      description: Those that this run ran.
      type: list
      elements: str
    since:
      description: Of a rollback, those that have run since the release it goes to.
      type: list
      elements: str
dump:
  description: >-
    The dump that was made before them or, of a rollback, the one from before those that have run since.
  returned: when the engine answered, not for O(state=info)
  type: str
  sample: s3://academia-production-dumps-123456789012/before-v1.2-8c1f0e6a2b94.sql.zst
pruned:
  description: Releases that were removed.
  returned: when the engine answered, not for O(state=info)
  type: list
  elements: str
env:
  description: Names of the variables in C(.env) that are not as the live release has them.
  returned: when the engine answered, not for O(state=info)
  type: list
  elements: str
rc:
  description:
    - How the command ended. V(0), done, or nothing to do. V(1), it failed and the live release is as it was.
    - V(2), the request or the settings are wrong and nothing was done. V(3), another run is under way.
    - V(4), it failed and could not be put back, a person is needed.
  returned: always
  type: int
status:
  description: All that the engine says of this host.
  returned: O(state=info)
  type: dict
"""
