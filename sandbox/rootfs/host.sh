# Runs in the new system's root: what Debian's EC2 image sets up, and what being a container asks for.
chown -R root: /etc/dpkg/dpkg.cfg.d /etc/systemd/system
useradd --create-home --shell /bin/bash --comment Debian admin
printf 'admin ALL=(ALL) NOPASSWD:ALL\n' >/etc/sudoers.d/90-cloud-init-users
chmod 0440 /etc/sudoers.d/90-cloud-init-users

# Each machine makes its own.
rm -f /etc/ssh/ssh_host_*

# The machine's consoles, devices and kernel are not the container's.
systemctl mask --quiet getty.target console-getty.service systemd-udevd.service systemd-modules-load.service \
  systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-timesyncd.service systemd-binfmt.service \
  systemd-remount-fs.service systemd-tmpfiles-setup-dev-early.service systemd-tmpfiles-setup-dev.service \
  dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount
systemctl set-default --quiet multi-user.target
: >/etc/machine-id

# The lists are those of now, for apt and for Ansible, which asks when they were last read.
mkdir -p /var/lib/apt/periodic
touch /var/lib/apt/periodic/update-success-stamp
