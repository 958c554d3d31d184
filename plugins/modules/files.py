#!/usr/bin/python
# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: files
version_added: 0.1.0
short_description: Folders, files and links of a host, all in one task
description:
  - Compares any number of folders, files and links with what is there, in one round trip, and puts right
    what differs, in their order.
  - M(ansible.builtin.template) and M(ansible.builtin.copy) take two round trips a file, and
    M(ansible.builtin.file) one. Over SSH, a role that writes twenty files spends most of its time on the way.
  - A file is written beside its place, validated there, given its owner and mode, and renamed. At no moment
    is there half a file, or one that others may read for a moment.
author: The Andamio authors (@andamio)
options:
  files:
    description: What should be there.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The absolute path.
        type: str
        required: true
      content:
        description:
          - The file's whole content. P(ansible.builtin.template#lookup) and
            P(ansible.builtin.file#lookup) (with C(rstrip=false)) give a role's own.
          - It isn't kept out of logs. It is no place for secrets.
        type: str
      link:
        description: What a symbolic link refers to. A file in its place gives way.
        type: str
      state:
        description: V(directory) makes a folder and those above it, V(absent) deletes a file or a link, and
            never a folder.
        type: str
        choices: [directory, absent]
      owner:
        description: Name of the owner. The default is O(owner).
        type: str
      group:
        description: Name of the group. The default is O(group).
        type: str
      mode:
        description: Permissions of a file or a folder, in octal digits. They need it.
        type: str
      validate:
        description: A command that must accept the file before it takes its place. C(%s) is its path.
        type: str
      once:
        description: Leave the content of a file that is there as it is.
        type: bool
        default: false
  owner:
    description: Name of the owner of folders and files that have none of their own.
    type: str
    default: root
  group:
    description: Name of the group of folders and files that have none of their own.
    type: str
    default: root
attributes:
  check_mode:
    details:
      - Says what would be written. Nothing is validated, and what doesn't exist yet (a folder above, a user,
        the command of O(files[].validate)) is no error.
extends_documentation_fragment:
  - andamio.laravel_aws.attributes
"""

EXAMPLES = r"""
- name: Set up the service
  andamio.laravel_aws.files:
    files:
      - {path: /etc/academia, state: directory, mode: "0755"}
      - path: /etc/academia/site.conf
        content: "{{ lookup('ansible.builtin.template', 'site.conf.j2') }}"
        mode: "0644"
        validate: /usr/local/sbin/site-check %s
      - path: /usr/local/sbin/site-check
        content: "{{ lookup('ansible.builtin.file', 'site-check', rstrip=false) }}"
        mode: "0755"
      - {path: /etc/localtime, link: /usr/share/zoneinfo/Etc/UTC}
      - {path: /etc/academia/old.conf, state: absent}
"""

RETURN = r"""
paths:
  description: The paths that were changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/academia/site.conf]
made:
  description: Those of them where there was nothing before.
  returned: success
  type: list
  elements: str
  sample: []
"""

import grp
import os
import pwd
import shlex
import stat
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _files
from ansible_collections.andamio.laravel_aws.plugins.module_utils._files import Found, Wanted


class NotApplied(Exception):
    """A path that couldn't be made what it should be; the text says why."""


class FilesModule(AnsibleModule):  # type: ignore[misc] # Ansible has no types
    """Logs no invocation: each run would write all contents to the journal."""

    def _log_invocation(self) -> None:
        self.log(" ".join(str(entry["path"]) for entry in self.params["files"]))


def look(want: Wanted) -> Found:
    """See what is at a path. A file is read only to compare it."""
    path = Path(want.path)
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Found(_files.ABSENT)
    if stat.S_ISLNK(status.st_mode):
        return Found(_files.LINK, target=str(path.readlink()))
    kind = (
        _files.DIRECTORY
        if stat.S_ISDIR(status.st_mode)
        else _files.FILE
        if stat.S_ISREG(status.st_mode)
        else _files.OTHER
    )
    content = path.read_bytes() if kind == want.kind == _files.FILE else None
    return Found(
        kind,
        content,
        owner=user_name(status.st_uid),
        group=group_name(status.st_gid),
        mode=stat.S_IMODE(status.st_mode),
    )


def user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def ids(want: Wanted) -> tuple[int, int]:
    """Return the numbers of owner and group, -1 for one that stays. Raises NotApplied for unknown names."""
    try:
        owner = pwd.getpwnam(want.owner).pw_uid if want.owner else -1
    except KeyError:
        raise NotApplied(f"{want.path}: there is no user {want.owner}") from None
    try:
        return owner, grp.getgrnam(want.group).gr_gid if want.group else -1
    except KeyError:
        raise NotApplied(f"{want.path}: there is no group {want.group}") from None


def apply(module: AnsibleModule, want: Wanted, found: Found, parts: list[str]) -> None:
    """Make a path what it should be. Raises NotApplied, or OSError."""
    path = Path(want.path)
    if want.kind == _files.ABSENT:
        path.unlink()
    elif want.kind == _files.LINK:
        path.with_name(temporary := f".{path.name}.new").unlink(missing_ok=True)
        path.with_name(temporary).symlink_to(want.target)
        path.with_name(temporary).replace(path)
    elif want.kind == _files.FILE and _files.rewritten(parts):
        write(module, path, want)
    else:
        if found.kind == _files.ABSENT:
            path.mkdir(parents=True)
        own(path, want)


def own(path: Path, want: Wanted) -> None:
    os.chown(path, *ids(want))
    if want.mode is not None:
        path.chmod(want.mode)


def write(module: AnsibleModule, path: Path, want: Wanted) -> None:
    """Write a file beside its place, have it validated, and rename it."""
    # What a killed run leaves is ignored, by its suffix, where a folder's files are all read.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".dpkg-new", dir=path.parent)
    candidate = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(want.content)
            file.flush()
            os.fsync(descriptor)
        if want.validate:
            command = shlex.split(want.validate.replace("%s", shlex.quote(name)))
            code, out, err = module.run_command(command)
            if code != 0:
                raise NotApplied(f"{path}: {shlex.join(command)} refuses it: {(out + err).strip()}")
        own(candidate, want)
        candidate.replace(path)
    finally:
        candidate.unlink(missing_ok=True)


def main() -> None:
    module = FilesModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "str", "required": True},
                    "content": {"type": "str"},
                    "link": {"type": "str"},
                    "state": {"type": "str", "choices": ["directory", "absent"]},
                    "owner": {"type": "str"},
                    "group": {"type": "str"},
                    "mode": {"type": "str"},
                    "validate": {"type": "str"},
                    "once": {"type": "bool", "default": False},
                },
                "mutually_exclusive": [["content", "link", "state"]],
                "required_one_of": [["content", "link", "state"]],
            },
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
        },
        supports_check_mode=True,
    )
    # What was sent isn't sent back to who asked for more words (-v).
    told = {"module_args": {"files": [entry["path"] for entry in module.params["files"]]}}
    paths: list[str] = []
    made: list[str] = []
    diffs = []
    try:
        for want in _files.wanted(module.params["files"], module.params):
            found = look(want)
            parts = _files.differences(want, found)
            if not parts:
                continue
            if not module.check_mode:
                apply(module, want, found, parts)
            paths.append(want.path)
            made += [want.path] if found.kind == _files.ABSENT else []
            if module._diff:
                diffs.append(_files.diff(want, found, parts))
    except (ValueError, NotApplied, OSError) as error:
        module.fail_json(msg=str(error), paths=paths, invocation=told)
    module.exit_json(changed=bool(paths), paths=paths, made=made, diff=diffs, invocation=told)


if __name__ == "__main__":
    main()
