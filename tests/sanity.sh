#!/bin/sh
# ansible-test sanity wants the collection in a real ansible_collections tree, under git's eye.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
tree=.cache/sanity/ansible_collections
rm -rf "$tree" && mkdir -p "$tree/andamio/laravel_aws"
site=$(python -c 'import ansible_collections as a; print(list(a.__path__)[0])')
ln -s "$site/amazon" "$site/community" "$tree/"
git ls-files -z --cached --others --exclude-standard -- plugins roles playbooks meta changelogs galaxy.yml README.md COPYING .gitignore tests/config.yml tests/sanity |
  xargs -0 cp --parents -Pt "$tree/andamio/laravel_aws"

# It fetches get-pip.py from a site of its own, where a machine may only reach PyPI. The same pip comes
# from there as a wheel, which can run itself.
HOME=$root/.cache/sanity/home
cache=$HOME/.ansible/test/cache
pip=25.2 # the version ansible-core 2.21's ansible-test asks for
mkdir -p "$cache"
.cache/bootstrap/uv/bin/pip download -q --disable-pip-version-check --no-deps -d "$cache" "pip==$pip"
cat >"$cache/get_pip_$(echo "$pip" | tr . _).py" <<PYTHON
import runpy, sys
sys.path.insert(0, "$cache/pip-$pip-py3-none-any.whl")
sys.argv[1:] = ["install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
PYTHON

cd "$tree/andamio/laravel_aws"
unset ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH
export HOME
git init -q . && git add -A
ansible-test sanity --venv --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" --color no "$@"
