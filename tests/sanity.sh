#!/bin/sh
# ansible-test sanity wants the collection in a real ansible_collections tree, under git's eye.
set -eu
cd "$(dirname "$0")/.."
tree=.cache/sanity/ansible_collections
rm -rf "$tree" && mkdir -p "$tree/andamio/laravel_aws"
site=$(python -c 'import ansible_collections as a; print(list(a.__path__)[0])')
ln -s "$site/amazon" "$site/community" "$tree/"
git ls-files -z --cached --others --exclude-standard -- . ':!collections' ':!.ansible' |
  xargs -0 cp --parents -Pt "$tree/andamio/laravel_aws"
cd "$tree/andamio/laravel_aws"
unset ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH
git init -q . && git add -A
ansible-test sanity --venv --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" --color no "$@"
