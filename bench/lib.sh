# lib.sh - what the benchmarks share that compare with other programs; source it in the clone's top
# directory, behind scripts/lib.sh.
#
# Wall time by the clock, a figure is the median of the rounds' ratios, and the line of a figure
# is "NAME VALUE LIMIT ok|short"; lines with # are for the reader.
#
# shellcheck shell=bash

rounds=${BENCH_ROUNDS:-7}
short=0

finish()
{
	trap - EXIT INT TERM HUP
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $work"
		stop_sfsim
		work=
	fi
	stop_all
}
trap finish EXIT
trap 'finish; exit 130' INT TERM HUP

die()
{
	echo "bench/${0##*/}: $*" >&2
	exit 1
}

note()
{
	echo "# $*"
}

# bench_build: everything, with a private PostgreSQL in $work/root.
bench_build()
{
	scripts/setup || exit 1
	work_dir
	mk -s all >"$work/build.log" 2>&1 || {
		cat "$work/build.log" >&2
		die "the build failed"
	}
	hermetic "$work/root" || die "cannot make a private PostgreSQL"
}

sim_options()
{
	curl -sS -f -X POST -H 'Content-Type: application/json' -d "$1" \
		"$SFSIM_URL/__sfsim/options" >/dev/null || die "sfsim refused its options $1"
}

run_psql()
{
	"${pg_user[@]}" psql -X -q -v ON_ERROR_STOP=1 "$@"
}

# sim_login: sets token.
sim_login()
{
	token=$(curl -sS -f -d grant_type=client_credentials -d client_id="$SF_CLIENT_ID" \
		--data-urlencode client_secret="$SF_CLIENT_SECRET" \
		"$SFSIM_URL/services/oauth2/token" | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')
	[ -n "$token" ] || die "cannot log in to sfsim"
}

machine()
{
	note "PostgreSQL $("$pg_bindir/postgres" -V | sed 's/.* \([0-9][0-9.]*\).*/\1/'), $(nproc)" \
		"processors, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
}

# clock COMMAND...: runs it, sets took to its seconds.
clock()
{
	local start=$EPOCHREALTIME
	"$@" >"$work/output" 2>&1 || {
		cat "$work/output" >&2
		die "failed: $*"
	}
	took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f", b - a }')
}

# median COLUMN [COLUMN]: of the times in a column, or of the ratios of two; lowest and highest.
median()
{
	awk -v a="$1" -v b="${2:-0}" '{ print b ? $a / $b : $a }' "$work/times" | sort -g |
		awk '{ v[NR] = $1 } END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
			printf "%.3f %.3f %.3f\n", m, v[1], v[NR] }'
}

# figure NAME VALUE LIMIT [REMARK]
figure()
{
	local verdict
	verdict=$(awk -v value="$2" -v limit="$3" 'BEGIN { print (value <= limit) ? "ok" : "short" }')
	echo "$1 $2 $3 $verdict"
	[ "$verdict" = ok ] || short=1
}

ratio()
{
	local middle low high
	read -r middle low high < <(median "$2" "$3")
	figure "$1" "$middle" "$4"
	note "$1: $low to $high in $rounds rounds"
}

# have_jsforce FIGURE: false, with a note, where it is not to be had.
have_jsforce()
{
	if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
		note "$1: not measured, there is no node with npm here"
		return 1
	fi
	if [ ! -d bench/node_modules/jsforce ] && ! (cd bench && npm ci --no-audit --no-fund) \
		>"$work/npm.log" 2>&1; then
		note "$1: not measured, npm ci failed: $(tail -n 1 "$work/npm.log")"
		return 1
	fi
}

# ---- memory -----------------------------------------------------------------------------------
#
# The kernel keeps the highest resident size (VmHWM) exactly, and can be told to forget it
# (clear_refs 5), so no sampling can miss the peak; but it counts shared pages too.  What is
# private at the peak is at most the highest resident size less the file and shared memory pages
# that were resident when it was reset: those are only ever added to while a query runs.  They are
# counted after a small query by the same way, so that the libraries' code is there already.
# The result is an upper bound: shared pages touched later count as private.

# ask STATEMENT: runs it in the backend under test; sets answer to the last line it gave.
ask()
{
	local line
	echo "$1; \\echo done" >&"${BACKEND[1]}"
	answer=
	while read -r -u "${BACKEND[0]}" line; do
		[ "$line" = done ] && return
		answer=$line
	done
	die "memory: the backend is gone: $answer"
}

# kilobytes NAME: a line of the status of process $pid.
kilobytes()
{
	sed -n "s/^$1:[ 	]*\([0-9]*\) kB/\1/p" "/proc/$pid/status"
}

private_kilobytes()
{
	awk '/^Private_/ { kb += $2 } END { print kb }' "/proc/$pid/smaps_rollup"
}

# connect DATABASE: a psql whose backend answers ask; sets client and pid.
connect()
{
	coproc BACKEND { exec "${pg_user[@]}" psql -X -q -At -d "$1" -v ON_ERROR_STOP=1 2>&1; }
	client=$BACKEND_PID
	ask 'SELECT pg_backend_pid()'
	pid=$answer
}

disconnect()
{
	echo '\q' >&"${BACKEND[1]}"
	wait "$client" 2>/dev/null
}

# memory_of DATABASE SMALL LARGE [SET]: sets memory to the megabytes that the statement LARGE takes at its
# peak, above idle; SMALL goes the same way; SET comes before both.
memory_of()
{
	local idle file shmem private_file peak
	connect "$1"
	[ -z "${4:-}" ] || ask "$4"
	idle=$(private_kilobytes)
	ask "$2"
	# the libraries' relocated tables and variables are private pages of files
	private_file=$(($(private_kilobytes) - $(kilobytes RssAnon)))
	file=$(kilobytes RssFile)
	shmem=$(kilobytes RssShmem)
	echo 5 >"/proc/$pid/clear_refs" || die "cannot reset the peak of process $pid"
	ask "$3"
	peak=$(kilobytes VmHWM)
	disconnect
	memory=$(awk -v kb=$((peak - file - shmem + (private_file > 0 ? private_file : 0) - idle)) \
		'BEGIN { printf "%.1f", kb / 1024 }')
}
