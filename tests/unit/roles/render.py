"""Render a role's template as Ansible would on a host, without a host, in milliseconds.

>>> text = render("nginx", "site.conf.j2", DISTRIBUTIONS["Debian-13"], nginx_http2=False)
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).resolve().parents[3]

# What a t4g.micro says of itself.
MICRO: dict[str, Any] = {
    "architecture": "aarch64",
    "fqdn": "ip-10-0-0-20.ec2.internal",
    "hostname": "ip-10-0-0-20",
    "default_ipv4": {"address": "10.0.0.20"},
    "memtotal_mb": 916,
    "processor_vcpus": 2,
    "os_family": "Debian",
    "service_mgr": "systemd",
    "virtualization_type": "kvm",
    "virtualization_tech_guest": ["kvm"],
}


def _facts(distribution: str, version: str, release: str) -> dict[str, Any]:
    major = version.split(".", maxsplit=1)[0]
    return MICRO | {
        "distribution": distribution,
        "distribution_version": version,
        "distribution_major_version": major,
        "distribution_release": release,
    }


# The facts of each supported distribution, by the name of its file in vars/.
DISTRIBUTIONS: dict[str, dict[str, Any]] = {
    "Debian-13": _facts("Debian", "13.2", "trixie"),
    "Ubuntu-24": _facts("Ubuntu", "24.04", "noble"),
    "Ubuntu-26": _facts("Ubuntu", "26.04", "resolute"),
}

# The inventory variables that roles' defaults refer to.
INVENTORY: dict[str, Any] = {
    "inventory_hostname": "academia-sandbox-host",
    "ansible_check_mode": False,
    "ansible_managed": "Ansible managed",
    "andamio_project": "academia",
    "andamio_environment": "sandbox",
    "andamio_domain": "academia.test",
    "andamio_region": "us-east-1",
    "andamio_email": "ops@academia.test",
    "aws_account_id": "123456789012",
}


@cache
def _loader() -> DataLoader:
    return DataLoader()


@cache
def _yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    loaded: dict[str, Any] = _loader().load_from_file(str(path), trusted_as_template=True) or {}
    return loaded


def variables(role: str, facts: dict[str, Any], **overrides: Any) -> dict[str, Any]:
    """A role's variables on a host with these facts: defaults, vars, the distribution's vars, overrides."""
    folder = ROOT / "roles" / role
    distribution = f"{facts['distribution']}-{facts['distribution_major_version']}"
    return {
        **INVENTORY,
        "ansible_facts": facts,
        "role_path": str(folder),
        **_yaml(folder / "defaults" / "main.yml"),
        **_yaml(folder / "vars" / "main.yml"),
        **_yaml(folder / "vars" / f"{distribution}.yml"),
        **{name: _trust(value) for name, value in overrides.items()},
    }


def _trust(value: Any) -> Any:
    return trust_as_template(value) if isinstance(value, str) else value


def _templar(role: str, facts: dict[str, Any], overrides: dict[str, Any]) -> Templar:
    return Templar(_loader(), variables=variables(role, facts, **overrides))


def evaluate(role: str, expression: str, facts: dict[str, Any], **overrides: Any) -> Any:
    """The value that an expression over a role's variables has, such as a default's formula."""
    return _templar(role, facts, overrides).evaluate_expression(trust_as_template(expression))


def render(role: str, template: str, facts: dict[str, Any], **overrides: Any) -> str:
    """A role's template, rendered with the options that ``ansible.builtin.template`` uses.

    ``template`` is the file's name below the role's ``templates/``; ``overrides`` are the variables a
    user sets, or those the role's tasks register. Raises AnsibleError where a variable is undefined.
    """
    folder = ROOT / "roles" / role / "templates"
    templar = _templar(role, facts, overrides).copy_with_new_env(searchpath=[str(folder)])
    text = trust_as_template((folder / template).read_text())
    return str(templar.template(text, escape_backslashes=False, overrides={"trim_blocks": True}))
