#!/bin/sh
# boot.sh ARGUMENT… starts Beam's boot program, which stands beside it, for a TaskManager.
#
# By itself, boot writes the program of the worker and the options of the job into folders
# that all TaskManagers of a machine share and overwrite under each other's hands; and where
# its TaskManager is killed, it waits for ever.
programs=$(cd "$(dirname "$0")" && pwd) || exit 1
folder=$(mktemp -d) || exit 1
cd "$folder" || exit 1
"$programs/boot" --semi_persist_dir="$folder" "$@" &
boot=$!

# finish leaves nothing behind. A TaskManager gives it half a second.
finish() {
	kill -9 "$boot" 2>/dev/null
	wait "$boot"
	status=$?
	cd /
	rm -rf "$folder"
	exit "$status"
}
trap finish INT TERM
while kill -0 "$boot" 2>/dev/null && kill -0 "$PPID" 2>/dev/null; do
	sleep 1 &
	wait $!
done
finish
