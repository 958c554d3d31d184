# Runs in the new system's root: the services start from the configuration the sandbox mounts at /cloud.
chown -R root: /etc/systemd/system
systemctl mask --quiet getty.target console-getty.service systemd-udevd.service systemd-modules-load.service \
  systemd-udevd-control.socket systemd-udevd-kernel.socket nginx.service unbound.service \
  apt-daily.timer apt-daily-upgrade.timer
systemctl enable --quiet cloud-nginx.service cloud-unbound.service cloud-pebble.service
systemctl set-default --quiet multi-user.target
: >/etc/machine-id
