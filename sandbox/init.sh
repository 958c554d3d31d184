# A machine's first process, until systemd takes its place. Containers share the kernel: what a host sets
# of it is kept from the machine they run on, and from one another.
set -u

for part in vm kernel fs; do
  own=/run/sandbox-sysctl/$part
  mkdir -p "$own"
  # Some settings can only be written.
  cp -r "/proc/sys/$part/." "$own/" 2>/dev/null
done
mount --bind /proc/sys/kernel/random /run/sandbox-sysctl/kernel/random
for part in vm kernel fs; do
  mount --rbind "/run/sandbox-sysctl/$part" "/proc/sys/$part"
done

exec /lib/systemd/systemd
