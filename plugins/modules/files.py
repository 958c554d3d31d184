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
  - A file is written beside its place, given its owner and mode, validated there, and renamed. At no moment
    is there half a file, or one that others may read for a moment.
  - Each folder on the way is opened by itself and worked in by its descriptor. A link on the way is followed
    only where nobody but root can have put it there. A user who owns a folder can't lead root elsewhere.
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
        description: A command that must accept the file before it takes its place. C(%s) is its path. The
            folder must be one that no other user can exchange.
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
import secrets
import shlex
import stat
from contextlib import suppress
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.andamio.laravel_aws.plugins.module_utils import _files
from ansible_collections.andamio.laravel_aws.plugins.module_utils._files import Found, Wanted
from ansible_collections.andamio.laravel_aws.plugins.module_utils._walk import (
    Place,
    open_file,
    open_folder,
    place,
)

# A file that is compared may have so many bytes; larger ones are other files than any that is wanted.
MOST = 16 * 2**20


class NotApplied(Exception):
    """A path that couldn't be made what it should be; the text says why."""


class FilesModule(AnsibleModule):  # type: ignore[misc] # Ansible has no types
    """Logs no invocation: each run would write all contents to the journal."""

    def _log_invocation(self) -> None:
        self.log(" ".join(str(entry["path"]) for entry in self.params["files"]))


def look(want: Wanted) -> Found:
    """See what is at a path. A file is read only to compare it."""
    try:
        with place(want.path) as at:
            status = at.status()
            if stat.S_ISLNK(status.st_mode):
                return Found(_files.LINK, target=os.readlink(at.name, dir_fd=at.folder))
            kind = kind_of(status)
            compared = kind == want.kind == _files.FILE and not want.once
            content = content_of(at) if compared else None
    except (FileNotFoundError, NotADirectoryError):
        return Found(_files.ABSENT)
    return Found(
        kind,
        content,
        owner=user_name(status.st_uid),
        group=group_name(status.st_gid),
        mode=stat.S_IMODE(status.st_mode),
    )


def kind_of(status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return _files.DIRECTORY
    return _files.FILE if stat.S_ISREG(status.st_mode) else _files.OTHER


def content_of(at: Place) -> bytes:
    """Return a file's content; for one that is too large to be the wanted one, a word for the diff."""
    with os.fdopen(open_file(at), "rb") as file:
        content = file.read(MOST + 1)
    return content if len(content) <= MOST else f"(more than {MOST} bytes)\n".encode()


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
    with place(want.path, make=want.kind == _files.DIRECTORY) as at:
        if want.kind == _files.ABSENT:
            os.unlink(at.name, dir_fd=at.folder)
        elif want.kind == _files.LINK:
            temporary = temporary_name(at)
            os.symlink(want.target, temporary, dir_fd=at.folder)
            replace(at, temporary)
        elif want.kind == _files.DIRECTORY:
            if found.kind == _files.ABSENT:
                with suppress(FileExistsError):
                    os.mkdir(at.name, mode=0o700, dir_fd=at.folder)
            own(want, open_folder(at))
        elif _files.rewritten(parts):
            write(module, at, want)
        else:
            own_file(at, want)


def temporary_name(at: Place) -> str:
    """Return a name beside a path, with a suffix that is ignored where a folder's files are all read."""
    return f".{at.name}.{secrets.token_hex(4)}.dpkg-new"


def replace(at: Place, temporary: str) -> None:
    os.rename(temporary, at.name, src_dir_fd=at.folder, dst_dir_fd=at.folder)


def own(want: Wanted, descriptor: int) -> None:
    """Give what a descriptor refers to its owner and mode, and close it."""
    try:
        os.fchown(descriptor, *ids(want))
        if want.mode is not None:
            os.fchmod(descriptor, want.mode)
    finally:
        os.close(descriptor)


def own_file(at: Place, want: Wanted) -> None:
    """Give a file that stays its owner and mode. Raises NotApplied for one that has another name too."""
    descriptor = open_file(at)
    if not at.alone() and os.fstat(descriptor).st_nlink > 1:
        os.close(descriptor)
        raise NotApplied(f"{want.path}: it is a hard link that another user may have made; remove it")
    own(want, descriptor)


def write(module: AnsibleModule, at: Place, want: Wanted) -> None:
    """Write a file beside its place, have it validated, and rename it."""
    if want.validate and not at.fixed:
        raise NotApplied(f"{want.path}: validate needs a folder that no other user may exchange")
    temporary = temporary_name(at)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600, dir_fd=at.folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(want.content)
            file.flush()
            own(want, os.dup(descriptor))
            os.fsync(descriptor)
        if want.validate:
            candidate = str(Path(want.path).with_name(temporary))
            command = shlex.split(want.validate.replace("%s", shlex.quote(candidate)))
            code, out, err = module.run_command(command)
            if code != 0:
                said = (out + err).strip()
                raise NotApplied(f"{want.path}: {shlex.join(command)} refuses it: {said}")
        replace(at, temporary)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=at.folder)


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
