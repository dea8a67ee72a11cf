#!/bin/sh
# cluster.sh up|join|down FOLDER
#
# Starts or stops a Flink session cluster on this machine, for tests: a JobManager, two
# TaskManagers of one slot, and Beam's job server. FOLDER holds the jars (lib), and gets
# the logs and the process ids. join starts what has died again. Flink listens on the
# loopback interface; the job server has no such setting and listens on all.
# FLINK_REST_PORT and BEAM_JOB_PORT, 8081 and 8099 unless they are set, keep two clusters
# apart; workers have the environment of this script.
set -eu

action=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
rest=${FLINK_REST_PORT:-8081}
jobs=${BEAM_JOB_PORT:-8099}
export FLINK_CONF_DIR="$folder/conf"
export LC_FLINK_CLUSTER="$folder/conf" # by which the tests know the processes of this cluster: hyperd inherits LC_* and little else

# Flink's own start scripts, which the jars do not hold, would open these packages and
# work out the memory.
opens=
for package in lang util nio net time; do
	opens="$opens --add-opens=java.base/java.$package=ALL-UNNAMED"
done
memory=
for setting in cpu.cores=1 memory.task.heap.size=256m memory.task.off-heap.size=0 \
	memory.network.min=128mb memory.network.max=128mb memory.managed.size=128m \
	memory.framework.heap.size=128m memory.framework.off-heap.size=128m \
	memory.jvm-metaspace.size=256m memory.jvm-overhead.min=128m memory.jvm-overhead.max=128m; do
	memory="$memory -D taskmanager.$setting"
done

configure() {
	mkdir -p "$folder/conf" "$folder/tmp"
	cat >"$folder/conf/config.yaml" <<-YAML
		jobmanager.rpc.address: localhost
		jobmanager.rpc.port: $((rest + 1000))
		jobmanager.bind-host: localhost
		rest.address: localhost
		rest.bind-address: localhost
		rest.port: $rest
		taskmanager.host: localhost
		taskmanager.bind-host: localhost
		taskmanager.numberOfTaskSlots: 1
		io.tmp.dirs: $folder/tmp
		heartbeat.interval: 2000
		heartbeat.timeout: 10000
		slot.request.timeout: 60000
		restart-strategy.type: fixed-delay
		restart-strategy.fixed-delay.attempts: 3
		restart-strategy.fixed-delay.delay: 5s # three tries outlast heartbeat.timeout
	YAML
}

# start NAME JAVA-ARGUMENT… starts one Java process.
start() {
	name=$1
	shift
	# shellcheck disable=SC2086 # $opens is a list
	setsid java $opens -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$folder/lib/*" "$@" >"$folder/$name.log" 2>&1 </dev/null &
	echo $! >"$folder/$name.pid"
}

# runs NAME says whether the process that was started by that name is alive.
runs() {
	[ -f "$folder/$1.pid" ] && kill -0 "$(cat "$folder/$1.pid")" 2>/dev/null
}

up() {
	for name in jobmanager taskmanager-1 taskmanager-2 jobserver; do
		if runs "$name"; then
			echo "the cluster runs already; make flink-down stops it" >&2
			exit 1
		fi
	done
	configure
	join
	await
}

join() {
	runs jobmanager || start jobmanager -Xmx256m org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint --configDir "$folder/conf"
	for name in taskmanager-1 taskmanager-2; do
		# shellcheck disable=SC2086 # $memory is a list
		runs "$name" || start "$name" -Xmx512m org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$folder/conf" $memory
	done
	runs jobserver || start jobserver -Xmx256m org.apache.beam.runners.flink.FlinkJobServerDriver --flink-master "localhost:$rest" \
		--flink-conf-dir "$folder/conf" --artifacts-dir "$folder/artifacts" --job-host localhost --job-port "$jobs" --artifact-port 0 --expansion-port 0
}

# await returns when both TaskManagers have offered their slots and the job server listens.
await() {
	for _ in $(seq 120); do
		if curl -sf "http://localhost:$rest/overview" | grep -q '"slots-total":2' && grep -q 'JobService started' "$folder/jobserver.log"; then
			echo "Flink is up: http://localhost:$rest, Beam's job server at localhost:$jobs"
			return
		fi
		sleep 1
	done
	echo "the cluster did not start; see the logs in $folder" >&2
	down
	exit 1
}

# down stops what up started, the job server first, and waits for it.
down() {
	for name in jobserver taskmanager-1 taskmanager-2 jobmanager; do
		[ -f "$folder/$name.pid" ] || continue
		pid=$(cat "$folder/$name.pid")
		rm "$folder/$name.pid"
		kill "$pid" 2>/dev/null || continue
		for _ in $(seq 20); do
			kill -0 "$pid" 2>/dev/null || continue 2
			sleep 0.5
		done
		kill -9 "$pid" 2>/dev/null || true
	done
	rm -rf "$folder/artifacts" "$folder/tmp" # a copy of the program for every job
}

cd "$folder"
"$action"
