# lib.sh - what demo, test and bench share; source it, do not run it.
#
# A private PostgreSQL for a moment: the server's files are copied below a temporary root at the
# paths they have in the system, and the extension is installed there.  PostgreSQL finds its
# share and lib folders relative to its own executable, so it sees the copy and nothing of the
# system changes.  PostgreSQL refuses to run as root; then everything that touches it runs as
# the user "postgres", which Debian's package creates.
#
# shellcheck shell=bash

# The clone.  Scripts cd there first.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# make's own variables must not reach the makes that the scripts start: they have their own -j.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
# Nor may the settings of a PostgreSQL user reach the private server's clients.
for var in $(compgen -e | grep -E '^PG(HOST|HOSTADDR|PORT|DATABASE|USER|PASSWORD|PASSFILE|SERVICE|SERVICEFILE|OPTIONS|SSL.*|DATA|CLIENTENCODING|TZ|APPNAME)$'); do
	unset "$var"
done
unset var
# Messages in English, whoever asks; C.UTF-8 is there without any locale package.
export LC_ALL=C.UTF-8 LANG=C.UTF-8 TZ=UTC

jobs=$(nproc 2>/dev/null || echo 2)

# mk TARGET...: make in the clone, by all processors.
mk()
{
	make -C "$top" --no-print-directory -j"$jobs" "$@"
}

# What to put before a command that PostgreSQL must accept the user of: the words of $pg_user, or
# the function as_pg.  Each link execs the next, so $! after "${pg_user[@]}" command & is the
# command's own process id.
pg_user=(env)
if [ "$(id -u)" -eq 0 ]; then
	pg_user=(setpriv --reuid=postgres --regid=postgres --init-groups -- env HOME=/nonexistent
		USER=postgres LOGNAME=postgres)
fi
as_pg()
{
	"${pg_user[@]}" "$@"
}

# waiting COMMAND...: run it so that a signal to this script is served at once, not after it.
waiting()
{
	local status
	"$@" &
	child=$!
	wait "$child"
	status=$?
	child=
	return "$status"
}

# ---- counting, in $passed and $failed -----------------------------------------------------

pass()
{
	passed=$((passed + 1))
	echo "ok      $*"
}

fail()
{
	failed=$((failed + 1))
	echo "FAILED  $*"
}

# count_tap NAME FILE RC: add up a TAP stream.  A missing or wrong plan, an exit code without a
# failed test and an empty stream are failures too.
count_tap()
{
	local name=$1 file=$2 rc=$3 good bad plan skipped extra=""
	good=$(grep -c '^ok\b' "$file")
	bad=$(grep '^not ok\b' "$file" | grep -vc '# TODO')
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$file" | head -n 1)
	skipped=$(sed -n 's/^1\.\.0 *# *[Ss][Kk][Ii][Pp]\S* *//p' "$file")
	if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
		extra="took too long"
	elif [ -n "$skipped" ]; then
		echo "skipped $name: $skipped"
		return
	elif [ -z "$plan" ]; then
		extra="ended before its plan (exit code $rc)"
	elif [ "$plan" -eq 0 ]; then
		extra="ran no test"
	elif [ "$plan" -ne "$(grep -cE '^(not )?ok\b' "$file")" ]; then
		extra="planned $plan tests, ran $(grep -cE '^(not )?ok\b' "$file")"
	elif [ "$rc" -ne 0 ] && [ "$bad" -eq 0 ]; then
		extra="exit code $rc"
	fi
	[ -n "$extra" ] && bad=$((bad + 1))
	passed=$((passed + good))
	failed=$((failed + bad))
	if [ "$bad" -eq 0 ]; then
		echo "ok      $name ($good)"
	else
		echo "FAILED  $name: $good passed, $bad failed${extra:+; $extra}"
		show "$file"
	fi
}

# The interesting part of a failed test's output.
show()
{
	if [ "$(wc -l <"$1")" -le 40 ]; then
		sed 's/^/        /' "$1"
	else
		grep -A 12 -E '^not ok|ERROR: |SUMMARY:| error: ' "$1" | head -n 200 | sed 's/^/        /'
		echo "        [...]"
		tail -n 15 "$1" | sed 's/^/        /'
	fi
}

# ---- processes ------------------------------------------------------------------------------

# kill_tree PID: it and all that it has started and not let go.
kill_tree()
{
	local pid
	for pid in $(cat "/proc/$1"/task/*/children 2>/dev/null); do
		kill_tree "$pid"
	done
	kill "$1" 2>/dev/null
}

# work_dir: make the temporary directory $work.  Its path is short, because Unix sockets live in
# it; whoever calls this removes it in a trap (stop_all does).
work_dir()
{
	work=$(mktemp -d "${TMPDIR:-/tmp}/sfb.XXXXXX") || exit 1
	chmod 755 "$work"
	mkdir -m 700 "$work/tmp"
	export TMPDIR=$work/tmp
	give "$work" "$work/tmp"
}

# give FILE...: hand files over to the user of as_pg.
give()
{
	if [ "$(id -u)" -eq 0 ]; then
		chown -R postgres: "$@"
	fi
}

# hermetic ROOT [MAKE-VARIABLE...]: a copy of PostgreSQL below ROOT with the built extension in it.
# Sets pg_bindir (of the copy), pg_pkglibdir, pg_config.
hermetic()
{
	local root=$1 bindir pkglibdir sharedir program
	shift
	pg_config=$(mk -s "$@" print-PG_CONFIG)
	bindir=$("$pg_config" --bindir) || return 1
	pkglibdir=$("$pg_config" --pkglibdir)
	sharedir=$("$pg_config" --sharedir)
	mkdir -p "$root$bindir" "$root$pkglibdir" "$root$sharedir" || return 1
	# not all of bindir: elsewhere than on Debian that is /usr/bin
	for program in postgres initdb pg_ctl psql pg_dump pg_dumpall pg_restore pg_config pg_isready \
		pg_controldata pg_resetwal pg_basebackup createdb dropdb pgbench; do
		[ -e "$bindir/$program" ] || continue
		cp -L "$bindir/$program" "$root$bindir/" || return 1
	done
	# the LLVM half, 40 of 50 MB, is only for JIT
	(cd "$pkglibdir" && tar -c --exclude=./bitcode --exclude='./llvmjit*' .) |
		tar -x -C "$root$pkglibdir" || return 1
	cp -RL "$sharedir/." "$root$sharedir/" || return 1
	rm -f "$root$pkglibdir"/sfbulk_fdw.* "$root$sharedir"/extension/sfbulk_fdw*
	mk -s "$@" install DESTDIR="$root" >/dev/null || return 1
	pg_bindir=$root$bindir
	pg_pkglibdir=$root$pkglibdir
	chmod -R go+rX "$root"
}

# use_cron: sets cron_settings to what start_pg needs for pg_cron, which connects through the socket
# then; false where the copy has no pg_cron.
use_cron()
{
	[ -f "$pg_pkglibdir/pg_cron.so" ] || return 1
	cron_settings=(shared_preload_libraries=pg_cron cron.database_name=postgres
		cron.host="$work/run")
}

# start_pg [SETTING=VALUE...]: a cluster in $work/data, reachable through a socket in $work/run only.
# Sets PGHOST, PGPORT, PGUSER, PGDATABASE for psql and friends, and prepends the copy to PATH.
# The settings for pg_cron, where it is installed: "${cron_settings[@]}" after use_cron.
start_pg()
{
	local options="" setting
	mkdir -p "$work/run"
	give "$work/run"
	chmod 700 "$work/run"
	export PGHOST=$work/run PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	PATH=$pg_bindir:$PATH
	as_pg "$pg_bindir/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N \
		>"$work/initdb.log" 2>&1 || {
		cat "$work/initdb.log" >&2
		return 1
	}
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$work/run'"
		echo "fsync = off"
		echo "log_statement = none"
		echo "sfbulk_fdw.progress_interval = 0" # no lines that come or not with the machine's speed
		for setting in "$@"; do
			echo "${setting%%=*} = '${setting#*=}'"
		done
	} >>"$work/data/postgresql.conf"
	as_pg "$pg_bindir/pg_ctl" -D "$work/data" -l "$work/run/postgres.log" -w -t 60 start \
		>"$work/pg_ctl.log" 2>&1 || {
		cat "$work/pg_ctl.log" "$work/run/postgres.log" >&2
		return 1
	}
}

# start_sfsim [OPTION...]: sfsim on a port that the system chooses.  Sets SFSIM_PORT, SFSIM_URL and
# what "sfsim --env" says: SF_CLIENT_ID, SF_CLIENT_SECRET and the other logins of the org.
start_sfsim()
{
	local tries=0
	mkdir -p "$work/sim"
	[ -x "$work/sim/sfsim" ] || cp "$top/sfsim" "$work/sim/sfsim"
	rm -f "$work/sim/port" "$work/sim/env"
	give "$work/sim"
	"${pg_user[@]}" "$work/sim/sfsim" --port 0 --port-file "$work/sim/port" --env \
		--die-with-parent "$@" >"$work/sim/env" 2>"$work/sim/sfsim.log" </dev/null &
	sfsim_pid=$!
	# the port's file comes, whole, when requests are taken, and then the logins
	until [ -s "$work/sim/port" ] && grep -q '^SF_REFRESH_TOKEN=.' "$work/sim/env"; do
		if ! kill -0 "$sfsim_pid" 2>/dev/null || [ $((tries += 1)) -gt 3000 ]; then
			echo "sfsim did not start:" >&2
			cat "$work/sim/sfsim.log" >&2
			return 1
		fi
		sleep 0.1
	done
	SFSIM_PORT=$(cat "$work/sim/port")
	SFSIM_URL=http://127.0.0.1:$SFSIM_PORT
	export SFSIM_PORT SFSIM_URL
	set -a
	# shellcheck disable=SC1091
	. "$work/sim/env"
	set +a
}

# The simulated org of the regression tests: small, and the same every time.
start_sfsim_for_tests()
{
	start_sfsim --rows Account=1000 --rows Contact=2000 --rows Opportunity=1000 --rows User=20 \
		--rows Invoice__c=5000 "$@"
}

stop_sfsim()
{
	if [ -n "${sfsim_pid:-}" ]; then
		kill "$sfsim_pid" 2>/dev/null
		wait "$sfsim_pid" 2>/dev/null
		sfsim_pid=
	fi
}

# stop_all: everything that was started, and the directory.  For a trap; may run twice.
stop_all()
{
	local file pid tries=0
	if [ -n "${child:-}" ]; then
		kill_tree "$child"
		wait "$child" 2>/dev/null
		child=
	fi
	stop_sfsim
	[ -n "${work:-}" ] || return
	# every server whose data lies in the directory, also one that a killed test left behind
	while IFS= read -r file; do
		read -r pid <"$file" && kill -QUIT "$pid" 2>/dev/null
		while [ -e "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null &&
			[ $((tries += 1)) -lt 100 ]; do
			sleep 0.1
		done
	done < <(find "$work" -name postmaster.pid 2>/dev/null)
	cd /
	rm -rf "$work"
	work=
}
