#!/usr/bin/env bash
# Proves deploy/slurm.sbatch on Slurm itself: controller, node and authentication
# on this machine, an array over a folder, one of its tasks killed and another
# requeued while they work.
set -euo pipefail
cd "$(dirname "$0")/.."

BIN=$(realpath "${BIN:-bin/spineflex}")
WORK=$(mktemp -d)
export SLURM_CONF=$WORK/slurm.conf
pids=()
stop() {
	status=$?
	scancel --user="$(id -un)" 2>/dev/null || true
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	if ((status)); then
		tail -n 20 "$WORK"/*.log >&2 || true
	fi
	rm -rf "$WORK"
	exit "$status"
}
trap stop EXIT

say() { echo "e2e-slurm: $*"; }
die() {
	say "FAILED: $*" >&2
	exit 1
}
# until_true SECONDS WHAT COMMAND...
until_true() {
	local deadline=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		((SECONDS < deadline)) || die "$what"
		sleep 0.3
	done
}

[[ $(id -u) == 0 ]] || die "slurmd starts jobs as other users and needs root: run it with sudo"
if ! command -v slurmctld slurmd munged sbatch >/dev/null; then
	apt-get update -q >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null
fi

say "starting munge, slurmctld and slurmd in $WORK"
chmod 755 "$WORK"
mkdir -m 755 "$WORK/munge"
head -c 1024 /dev/urandom >"$WORK/munge/key"
chmod 400 "$WORK/munge/key"
munged --foreground --force --socket="$WORK/munge/socket" --key-file="$WORK/munge/key" --pid-file="$WORK/munge/pid" \
	--seed-file="$WORK/munge/seed" --log-file="$WORK/munge.log" >/dev/null 2>&1 &
pids+=($!)
host=$(hostname -s)
cpus=$(nproc)
port=$((20000 + RANDOM % 20000))
cat >"$SLURM_CONF" <<EOF
ClusterName=e2e
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$WORK/munge/socket
StateSaveLocation=$WORK/state
SlurmdSpoolDir=$WORK/spool
SlurmctldPidFile=$WORK/slurmctld.pid
SlurmdPidFile=$WORK/slurmd.pid
SlurmctldLogFile=$WORK/slurmctld.log
SlurmdLogFile=$WORK/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
# A requeued job starts again at once instead of after two minutes.
SchedulerParameters=sched_interval=2,sched_min_interval=0,bf_interval=2
MinJobAge=600
KillWait=20
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=2048 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
mkdir "$WORK/state" "$WORK/spool"
until_true 10 "munged does not answer" test -S "$WORK/munge/socket"
slurmctld -D -i >/dev/null 2>&1 &
pids+=($!)
slurmd -D >/dev/null 2>&1 &
pids+=($!)
idle() { [[ $(sinfo -h -o %T 2>/dev/null) == idle ]]; }
until_true 60 "the node does not come up" idle
say "$(slurmctld -V) runs on $cpus cores"

clips=${CLIPS:-6}
mkdir "$WORK/in"
for ((i = 0; i < clips; i++)); do
	# Another length each, so that each has its own content.
	ffmpeg -v error -i testdata/squat.mp4 -t "4.$i" -vf scale=360:640 "$WORK/in/clip$i.mp4"
done
echo "no clip" >"$WORK/in/broken.mp4"

if [[ -f .deps/onnxruntime/libonnxruntime.so.1 ]]; then
	export SPINEFLEX_ONNXRUNTIME=${SPINEFLEX_ONNXRUNTIME:-$PWD/.deps/onnxruntime/libonnxruntime.so.1}
fi
cd "$WORK"
job=$(SPINEFLEX=$BIN sbatch --parsable --array=0-2 --cpus-per-task=1 --mem-per-cpu=0 --export=ALL \
	--output="$WORK/task%a.log" "$OLDPWD/deploy/slurm.sbatch" "$WORK/in" "$WORK/out" --quality fast)
say "array $job of 3 tasks over $clips clips and a broken file"
working() { [[ $(state "$1" JobState) == RUNNING ]] && grep -q '^[0-9]* clip' "$WORK/task$1.log" 2>/dev/null; }
state() { scontrol show job "${job}_$1" | sed -n "s/.*\b$2=\([^ ]*\).*/\1/p" | head -n 1; }

until_true 120 "task 0 does not start" working 0
sleep 2
say "killing task 0 with SIGKILL, and requeueing it"
# As a node's kernel does when memory ends; scancel would ask politely first.
for pid in $(scontrol listpids "$(state 0 JobId)" | awk 'NR > 1 && $1 > 1 {print $1}'); do
	kill -KILL "$pid" 2>/dev/null || true
done
finished() { [[ $(state "$1" JobState) =~ ^(COMPLETED|FAILED|CANCELLED|NODE_FAIL|TIMEOUT)$ ]]; }
until_true 60 "task 0 does not die" finished 0
say "task 0: $(state 0 JobState) $(state 0 ExitCode)"
scontrol requeue "${job}_0"

until_true 120 "task 1 does not start" working 1
sleep 2
say "requeueing task 1 while it works"
scontrol requeue "${job}_1"

all_done() {
	local i
	for i in 0 1 2; do
		[[ $(state "$i" JobState) == COMPLETED ]] || return 1
	done
}
until_true 600 "the array does not complete" all_done
for i in 0 1 2; do
	say "task $i: $(state $i JobState), restarted $(state $i Restarts) times"
done
[[ $(state 0 Restarts) -ge 1 && $(state 1 Restarts) -ge 1 ]] || die "tasks 0 and 1 were not restarted"

"$BIN" summarize "$WORK/out"
measured=$(($(wc -l <"$WORK/out/summary.csv") - 1))
failures=$(wc -l <"$WORK/out/failures.jsonl")
say "$measured clips measured, $failures failed"
((measured == clips)) || die "want $clips measured"
((failures == 1)) || die "want one failure, the broken file"
say "what the tasks said:"
grep -h 'clips\? ' "$WORK"/task*.log | sed 's/^/    /'
say "PASSED"
