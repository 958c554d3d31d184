#!/bin/sh
# What our documentation refers to is looked up in the collections that it names. Without this folder of them,
# the tool reads the documentation of all that are installed, for minutes.
set -eu
cd "$(dirname "$0")/.."
tree=$(pwd)/.cache/docs/ansible_collections
rm -rf "$tree" && mkdir -p "$tree"
site=$(python -c 'import ansible_collections as a; print(list(a.__path__)[0])')
ln -s "$site/amazon" "$site/ansible" "$tree/"
mkdir "$tree/community" && ln -s "$site/community/aws" "$site/community/crypto" "$tree/community/"
export ANSIBLE_COLLECTIONS_PATH="${tree%/*}" ANSIBLE_COLLECTIONS_SCAN_SYS_PATH=false
antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck --validate-collection-refs all .
