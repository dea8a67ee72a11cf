#!/bin/sh
# boot.sh ARGUMENT… becomes Beam's boot program, which stands beside it, for a TaskManager.
#
# By itself, boot writes the program of the worker and the options of the job into folders
# that all TaskManagers of a machine share and overwrite under each other's hands; and where
# its TaskManager is killed, it waits for ever.
programs=$(cd "$(dirname "$0")" && pwd) || exit 1
folder=$(mktemp -d) || exit 1
cd "$folder" || exit 1
boot=$$
manager=$PPID

# What ends boot with its TaskManager, and leaves nothing behind, is a process of its own:
# a TaskManager that wants boot to end gives it half a second, and then kills it.
(
	trap '' INT TERM
	while kill -0 "$boot" && kill -0 "$manager"; do
		sleep 1
	done
	kill -9 "$boot"
	cd / && rm -rf "$folder"
) </dev/null >/dev/null 2>&1 &
exec "$programs/boot" --semi_persist_dir="$folder" "$@"
