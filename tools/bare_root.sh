#!/bin/sh
# Runs a command of the Makefile from a fresh clone in a bare Debian, as root or as a plain user, and throws all of it
# away. docs/developers/bare-root.md says how. Needs root and debootstrap.
set -eu

usage() {
	echo "Usage: tools/bare_root.sh root|person [-p 'PACKAGES'] COMMAND..." >&2
	echo "In the environment: MIRROR, SUITE, BARE_ROOT (a Debian to copy)" >&2
	exit 2
}

[ $# -ge 2 ] || usage
user=$1
shift
case $user in root | person) ;; *) usage ;; esac
packages=
if [ "$1" = -p ]; then
	packages=$2
	shift 2
fi
[ "$(id -u)" = 0 ] || { echo "This needs root, for chroot and mount." >&2; exit 1; }

checkout=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
root=$(mktemp -d "${TMPDIR:-/var/tmp}/portal-bare-root.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
# The command gets a Ctrl-C as well; we wait for it, look what it left, and remove the folder.
trap : INT TERM

if [ -n "${BARE_ROOT:-}" ]; then
	cp -a "$BARE_ROOT/." "$root"
else
	debootstrap --variant=minbase --include=python3,make,git,ca-certificates \
		"${SUITE:-bookworm}" "$root" ${MIRROR:+"$MIRROR"} >"$root.log" 2>&1 || {
		tail -n 20 "$root.log" >&2
		exit 1
	}
	rm -f "$root.log"
fi
chmod 755 "$root"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
# An installed Debian has this, one by debootstrap hasn't.
[ -s "$root/etc/hosts" ] || echo "127.0.0.1 localhost" >"$root/etc/hosts"
home=/root
if [ "$user" = person ]; then
	chroot "$root" useradd --create-home --shell /bin/bash person
	home=/home/person
fi
git clone --quiet --no-hardlinks "$checkout" "$root$home/portal"
chroot "$root" chown -R "$user:" "$home/portal"

# Mounts live and die with this namespace, so that nothing of this machine is mounted where we remove.
status=0
unshare --mount sh -eu -c '
	root=$1 user=$2 home=$3 packages=$4
	shift 4
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/dev/shm"
	if [ -n "$packages" ]; then
		chroot "$root" sh -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes \
			--no-install-recommends $packages" >"$root/packages.log" 2>&1 || { tail -n 20 "$root/packages.log"; exit 1; }
	fi
	exec chroot "$root" setpriv --reuid "$user" --regid "$user" --init-groups \
		env -i HOME="$home" USER="$user" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c "cd \"\$HOME/portal\" && exec \"\$@\"" sh "$@"
' sh "$root" "$user" "$home" "$packages" "$@" || status=$?

for process in /proc/[0-9]*; do
	if [ "$(readlink "$process/root" 2>/dev/null)" = "$root" ]; then
		echo "Left behind: $(tr '\0' ' ' <"$process/cmdline")" >&2
		status=1
	fi
done
exit "$status"
