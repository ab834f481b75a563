# To be run by enclosure.sh: a systemd that has nothing to do but the groups of others. Its units are a bus and what it cannot do without.
# systemd makes directories in the tmpfs with the hierarchies of version 1, and then makes it read-only: not the machine's.
if ! [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir /run/groups
  mount -t tmpfs -o mode=755 tmpfs /run/groups
  for group in /sys/fs/cgroup/*; do
    if mountpoint -q "$group"; then
      mkdir "/run/groups/${group##*/}"
      mount --bind "$group" "/run/groups/${group##*/}"
    fi
  done
  mount --rbind /run/groups /sys/fs/cgroup
fi

units=/run/units
mkdir -p $units
sed '/^\[Unit\]/a DefaultDependencies=no' /lib/systemd/system/dbus.socket >$units/dbus.socket
cat >$units/dbus.service <<'END'
[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only
END
cat >$units/bus.target <<'END'
[Unit]
DefaultDependencies=no
Requires=dbus.service
After=dbus.service
END
for name in shutdown umount; do
  printf '[Unit]\nDefaultDependencies=no\n' >$units/$name.target
done
export SYSTEMD_UNIT_PATH=/run/systemd/transient:$units container=test
exec /lib/systemd/systemd --system --unit=bus.target --log-target=console
