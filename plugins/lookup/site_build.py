# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: site_build
author: The Andamio authors (@andamio)
version_added: 0.1.0
short_description: What kind of site a built folder is
description:
  - Tells a single-page application from a static export by its files, and names the files that only a list
    tells from routes, since they have no known extension. The role P(andamio.laravel_aws.s3_site#role) makes
    the routing of CloudFront and of S3 by it.
options:
  _terms:
    description: The folder of a built site. One that isn't there yet is no error.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Say how the site's paths are routed
  ansible.builtin.debug:
    msg: "{{ lookup('andamio.laravel_aws.site_build', 'dist').routing }}"
"""

RETURN = r"""
_raw:
  description: One dictionary for each folder.
  type: list
  elements: dict
  contains:
    exists:
      description: Whether it is built.
      type: bool
    routing:
      description: V(spa) or V(static).
      type: str
    folders:
      description: Whether a static export's pages are in folders, such as C(about/index.html).
      type: bool
    not_found:
      description: Whether it has a C(404.html) of its own.
      type: bool
    files:
      description: Files without a known extension.
      type: list
      elements: str
    too_many:
      description: Whether there are too many of these for a list.
      type: bool
    pages:
      description: Pages in folders.
      type: list
      elements: str
    source_maps:
      description: Source maps.
      type: list
      elements: str
    extensions:
      description: Endings of names that are files, in any site.
      type: list
      elements: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils import _site_routes


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [_site_routes.look(Path(term).expanduser()).as_dict() for term in terms]
        except OSError as error:
            raise AnsibleLookupError(f"{error.filename} can't be read: {error.strerror}") from error
