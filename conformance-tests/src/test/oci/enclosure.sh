#!/bin/sh
# A daemon that has a machine to itself, and leaves nothing on the one it runs on. Usage: enclosure.sh DIRECTORY SCRIPT
#
# SCRIPT runs in pid, mount, network and cgroup namespaces of its own, with an empty /run and /var/lib. What it starts there ends, and
# its control groups are removed, when standard input ends: so also when the test is killed. DIRECTORY/init has the host's pid
# of the first process; enter it with: nsenter -t PID -m -p -n -C.
directory=$1 script=$2 name=redoubt-enclosure-$$

# This process in a control group of its own of each hierarchy: what the enclosure sees as the root of them.
while read -r _ _ _ root where _; do
  case $where in
    /sys/fs/cgroup | /sys/fs/cgroup/*) ;;
    *) continue ;;
  esac
  [ "$root" = / ] && [ -e "$where/cgroup.procs" ] && mkdir "$where/$name" || continue
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$where/$file" ] || cat "$where/$file" >"$where/$name/$file" 2>/dev/null
  done
  if echo $$ >"$where/$name/cgroup.procs"; then
    groups="$groups $where/$name"
  fi
done </proc/self/mountinfo

# shellcheck disable=SC2016
inside='
for where in '$groups'; do
  where=${where%/*}
  line=$(grep " $where " /proc/self/mountinfo | tail -n 1)
  umount "$where" && case $line in
    *" - cgroup2 "*) mount -t cgroup2 cgroup2 "$where" ;;
    *) mount -t cgroup -o "$(echo "$line" | sed "s/.*,//")" cgroup "$where" 2>/dev/null ||
      mount -t cgroup -o "none,name=$(echo "$line" | sed "s/.*name=//")" cgroup "$where" ;;
  esac
done
for where in /run /var/lib/cni /var/lib/containers; do
  [ ! -d "$where" ] || mount -t tmpfs -o mode=755 tmpfs "$where"
done
ip link set lo up
eval "$1"
'
setpriv --pdeathsig KILL unshare --mount --net --pid --cgroup --fork --kill-child --mount-proc /bin/sh -c "$inside" sh "$script" </dev/null &
enclosure=$!
until init=$(cat "/proc/$enclosure/task/$enclosure/children") && [ -n "$init" ] || ! [ -e /proc/$enclosure ]; do sleep 0.02; done
echo "${init% }" >"$directory/init.part" && mv "$directory/init.part" "$directory/init"

cat >/dev/null
kill -KILL "$enclosure"
wait "$enclosure" 2>/dev/null
for group in $groups; do
  echo $$ >"${group%/*}/cgroup.procs"
  n=0
  until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || [ $n -ge 50 ]; do
    n=$((n + 1))
    sleep 0.1
  done
done
