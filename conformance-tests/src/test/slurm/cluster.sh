#!/bin/sh
# A Slurm cluster of this machine alone, for one script: cluster.sh FOLDER OCI_CONF SCRIPT [ARGUMENT ...]
# Controller and node listen on loopback, on ports of their own; munge has its own key and socket. All of it lives in FOLDER, which must
# not exist, and has ended when this ends. The script is run by the user and in the environment of the caller, with SLURM_CONF set.
set -eu
folder=$1
oci=$2
shift 2
mkdir "$folder"
mkdir "$folder/munge" "$folder/spool" "$folder/state" "$folder/log"
chmod 755 "$folder" "$folder/munge" "$folder/spool" "$folder/state" "$folder/log"
wlm() { command -v "$1-wlm" || command -v "$1"; }

# Three ports that nobody has now. Who took one before the daemon does makes that fail, and says so.
set_ports=$(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print("controller=%d node=%d srun=%d" % tuple(s.getsockname()[1] for s in held))')
eval "$set_ports"

head -c 1024 /dev/urandom >"$folder/munge/key"
chmod 400 "$folder/munge/key"
cat >"$folder/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
SlurmctldPort=$controller
SlurmdPort=$node
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=${KILL_WAIT:-30}
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
[ ! -s "$oci" ] || cp "$oci" "$folder/oci.conf"
export SLURM_CONF="$folder/slurm.conf"

pids=
stop() {
  trap - EXIT INT TERM
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  n=0
  while [ $n -lt 50 ] && kill -0 $pids 2>/dev/null; do
    n=$((n + 1))
    sleep 0.1
  done
  # A step that did not end: it has our configuration in its environment.
  for pid in $(pgrep slurmstepd); do
    ! grep -qs "$folder/" "/proc/$pid/environ" || kill -9 "$pid" 2>/dev/null || true
  done
  for pid in $pids; do
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
trap stop EXIT
trap 'exit 143' INT TERM

munged --force --foreground --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
  --seed-file="$folder/munge/seed" --log-file="$folder/log/munged" >"$folder/log/munged.out" 2>&1 </dev/null &
pids="$!"
"$(wlm slurmctld)" -D -i >"$folder/log/slurmctld.out" 2>&1 </dev/null &
pids="$! $pids"
# Its children are found by this name.
"$(wlm slurmd)" -D -d "$(wlm slurmstepd || echo /usr/sbin/slurmstepd)" >"$folder/log/slurmd.out" 2>&1 </dev/null &
pids="$! $pids"

tries=0
until sinfo -h -o %t 2>/dev/null | grep -q '^idle$'; do
  tries=$((tries + 1))
  if [ "$tries" -gt 300 ]; then
    echo "the node did not become idle" >&2
    tail -n 5 "$folder"/log/* >&2
    exit 125
  fi
  sleep 0.1
done
code=0
"$@" || code=$?
exit "$code"
