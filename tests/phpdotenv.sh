#!/bin/sh
# The phpdotenv that the .env tests ask: 5.5 or newer, as all Laravel from 10 on has. Where the distribution's package is
# older (Debian 12), Debian 13's is unpacked into .cache/phpdotenv, beside the system's own.
set -eu
cd "$(dirname "$0")/.."
package=php-vlucas-phpdotenv
dpkg --compare-versions "$(dpkg-query -W -f '${Version}' "$package")" ge 5.5 && exit 0
[ ! -e .cache/phpdotenv/usr/share/php/Dotenv/autoload.php ] || exit 0

file=${package}_5.6.1-2_all.deb
sum=dc825ba048efc43b7e0763e37df80d6ea13909f1c578ab5cf4dd8a972b541af8
url=${DEBIAN_MIRROR:-http://deb.debian.org/debian}/pool/main/p/$package/$file
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -c 'import sys, urllib.request; urllib.request.urlretrieve(sys.argv[1], sys.argv[2])' "$url" "$folder/$file"
echo "$sum  $folder/$file" | sha256sum --check --quiet
mkdir -p .cache/phpdotenv
dpkg-deb --extract "$folder/$file" .cache/phpdotenv
