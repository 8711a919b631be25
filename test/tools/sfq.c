/*
 * sfq.c
 *		A query from the command line: the client library alone, for manual runs and measurements.
 *
 *		sfq [options] URL 'SELECT …' [column …]		rows as CSV (columns default to the SELECT list)
 *		sfq [options] URL --objects					names of all objects
 *		sfq [options] URL --describe NAME …			fields of objects
 *
 * Credentials come from the environment, so that they are in no process list: SF_CLIENT_ID,
 * SF_CLIENT_SECRET, SF_USERNAME, SF_PASSWORD, SF_SECURITY_TOKEN, SF_ACCESS_TOKEN, SF_INSTANCE_URL,
 * SF_REFRESH_TOKEN, SF_PRIVATE_KEY (PEM text).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "sf_client.h"

#define COLUMNS_MAX 512

static volatile sig_atomic_t interrupted;

typedef struct arguments
{
	sf_query_spec spec;
	sf_config cfg;
	sf_column columns[COLUMNS_MAX];
	bool quiet; /* count rows, do not print them */
	bool trace; /* print the trace at the end */
	bool stats; /* print the statistics at the end */
	int repeat; /* read the result so often, by rewinding */
	const char *url;
	const char *soql;
	char **rest;
	int nrest;
} arguments;

static void
on_interrupt(int sig)
{
	(void) sig;
	interrupted = 1;
}

static void
complain(const sf_error *err)
{
	fprintf(stderr, "sfq: %s\n", err->message);
	if (err->detail[0] != '\0')
		fprintf(stderr, "DETAIL: %s\n", err->detail);
	if (err->hint[0] != '\0')
		fprintf(stderr, "HINT: %s\n", err->hint);
	if (err->code[0] != '\0' || err->job_id[0] != '\0')
		fprintf(stderr, "CODE: %s  JOB: %s  CLASS: %d  STATUS: %d\n", err->code, err->job_id,
				err->cls, err->http_status);
}

/* Steps, and waits when nothing moved.  False when the session broke or ^C was pressed. */
static bool
wait_for_more(sf_session *s, int timeout_ms)
{
	sf_error err = {0};

	switch (sf_session_step(s, &err))
	{
		case SF_STEP_FAILED:
			complain(&err);
			return false;
		case SF_STEP_READY:
			return !interrupted;
		default:
			break;
	}
	if (!interrupted)
		poll(&(struct pollfd){.fd = sf_session_fd(s), .events = POLLIN}, 1, timeout_ms);
	return !interrupted;
}

static void
print_row(const sf_value *values, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			putchar(',');
		if (values[i].data == NULL)
			continue;
		putchar('"');
		for (int j = 0; j < values[i].len; j++)
		{
			if (values[i].data[j] == '"')
				putchar('"');
			putchar(values[i].data[j]);
		}
		putchar('"');
	}
	putchar('\n');
}

static void
print_stats(const sf_query *q, double seconds)
{
	struct rusage ru;
	sf_query_stats st;

	sf_query_get_stats(q, &st);
	getrusage(RUSAGE_SELF, &ru);
	fprintf(
		stderr,
		"%s job=%s rows=%lld/%lld calls=%d polls=%d pages=%d retries=%d wire=%lld text=%lld "
		"job_ms=%lld server_ms=%lld\n",
		st.transport == SF_TRANSPORT_REST ? "rest" : "bulk", st.job_id, (long long) st.rows,
		(long long) st.total_rows, st.api_calls, st.polls, st.pages, st.retries,
		(long long) st.wire_bytes, (long long) st.text_bytes, (long long) st.job_ms,
		(long long) st.server_ms);
	fprintf(stderr, "%.3f s wall, %.3f s user, %.3f s system, %.1f MB peak, inflate by %s\n",
			seconds, (double) ru.ru_utime.tv_sec + (double) ru.ru_utime.tv_usec / 1e6,
			(double) ru.ru_stime.tv_sec + (double) ru.ru_stime.tv_usec / 1e6,
			(double) ru.ru_maxrss / 1024, sf_inflate_backend());
}

static double
seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

/* Reads the result once. */
static bool
read_rows(sf_session *s, sf_query *q, const arguments *a)
{
	sf_error err = {0};

	for (;;)
	{
		sf_value *values;

		switch (sf_query_next_row(q, &values, &err))
		{
			case SF_OK:
				if (!a->quiet)
					print_row(values, a->spec.count_only ? 1 : a->spec.ncolumns);
				break;
			case SF_DONE:
				return true;
			case SF_FAILED:
				complain(&err);
				return false;
			case SF_WAIT:
				if (!wait_for_more(s, 60000))
					return false;
		}
	}
}

static bool
run_query(sf_session *s, arguments *a)
{
	sf_error err = {0};
	double start = seconds_now();
	sf_query *q;
	bool good;

	a->spec.keep_result = a->repeat > 1;
	q = sf_query_start(s, &a->spec, &err);
	if (q == NULL)
	{
		complain(&err);
		return false;
	}
	good = read_rows(s, q, a);
	for (int i = 1; good && i < a->repeat; i++)
	{
		good = sf_query_rewind(q, &err) == SF_OK && read_rows(s, q, a);
		if (err.cls != SF_ERR_NONE)
			complain(&err);
	}
	if (a->stats)
		print_stats(q, seconds_now() - start);
	sf_query_free(q);
	return good;
}

static bool
run_describe(sf_session *s, const arguments *a, bool global)
{
	sf_error err = {0};
	sf_describe *d =
		global ? sf_describe_global_start(s, &err)
			   : sf_describe_objects_start(s, (const char *const *) a->rest, a->nrest, &err);
	const sf_object *o;
	sf_status st = d != NULL ? SF_OK : SF_FAILED;

	while (st != SF_DONE && st != SF_FAILED)
	{
		st = sf_describe_next(d, &o, &err);
		if (st == SF_WAIT && !wait_for_more(s, 60000))
			break;
		if (st != SF_OK)
			continue;
		printf("%s \"%s\" %s%s\n", o->name, o->label, o->queryable ? "queryable" : "",
			   o->custom ? " custom" : "");
		for (int i = 0; i < o->nfields; i++)
			printf("\t%s %s(%d) -> %s\n", o->fields[i].name, o->fields[i].type,
				   o->fields[i].length,
				   o->fields[i].reference_to != NULL ? o->fields[i].reference_to : "-");
	}
	if (err.cls != SF_ERR_NONE)
		complain(&err);
	sf_describe_free(d);
	return st == SF_DONE;
}

/* Aborts and deletes what the queries have left, for at most five seconds. */
static void
clean_up(sf_session *s)
{
	sf_error err = {0};
	double deadline = seconds_now() + 5;

	interrupted = 0;
	while (sf_session_cleanup_pending(s) > 0 && seconds_now() < deadline)
	{
		if (!wait_for_more(s, 200))
			break;
	}
	while (sf_session_cleanup_failure(s, true, &err))
	{
		complain(&err);
		sf_error_reset(&err);
	}
}

/* The SELECT list of a simple query becomes the columns. */
static void
columns_from_soql(arguments *a)
{
	static char *copy; /* the names point into it */
	char *list;
	char *end;

	copy = strdup(a->soql);
	list = copy != NULL ? strcasestr(copy, "select ") : NULL;
	end = list != NULL ? strcasestr(list, " from ") : NULL;
	if (end == NULL)
		return;
	*end = '\0';
	for (char *name = strtok(list + 7, ", "); name != NULL && a->spec.ncolumns < COLUMNS_MAX;
		 name = strtok(NULL, ", "))
	{
		if (strcasecmp(name, "count()") == 0)
			a->spec.count_only = true;
		else
			a->columns[a->spec.ncolumns++].path = name;
	}
}

static void
usage(void)
{
	fprintf(stderr,
			"usage: sfq [--rest|--bulk] [--quiet] [--stats] [--trace] [--all] [--plain]\n"
			"           [--streams N] [--page-rows N] [--limit N] [--repeat N]\n"
			"           [--version V] [--ca FILE] [--auth N] [--timeout MS]\n"
			"           URL ('SELECT ...' [column ...] | --objects | --describe NAME ...)\n");
	exit(2);
}

static void
parse_options(arguments *a, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++)
	{
		const char *o = argv[i] + 2;
		bool has_value = i + 1 < argc;

		if (strcmp(o, "rest") == 0)
			a->spec.transport = SF_TRANSPORT_REST;
		else if (strcmp(o, "bulk") == 0)
			a->spec.transport = SF_TRANSPORT_BULK;
		else if (strcmp(o, "quiet") == 0)
			a->quiet = true;
		else if (strcmp(o, "stats") == 0)
			a->stats = true;
		else if (strcmp(o, "trace") == 0)
			a->trace = true;
		else if (strcmp(o, "all") == 0)
			a->spec.query_all = true;
		else if (strcmp(o, "plain") == 0)
			a->cfg.no_compression = true;
		else if (strcmp(o, "streams") == 0 && has_value)
			a->spec.download_streams = atoi(argv[++i]);
		else if (strcmp(o, "page-rows") == 0 && has_value)
			a->spec.page_rows = atoi(argv[++i]);
		else if (strcmp(o, "limit") == 0 && has_value)
			a->spec.rest_row_limit = atoi(argv[++i]);
		else if (strcmp(o, "repeat") == 0 && has_value)
			a->repeat = atoi(argv[++i]);
		else if (strcmp(o, "auth") == 0 && has_value)
			a->cfg.auth = (sf_auth_flow) atoi(argv[++i]);
		else if (strcmp(o, "timeout") == 0 && has_value)
			a->cfg.request_timeout_ms = atoi(argv[++i]);
		else if (strcmp(o, "version") == 0 && has_value)
			a->cfg.api_version = argv[++i];
		else if (strcmp(o, "ca") == 0 && has_value)
			a->cfg.ca_file = argv[++i];
		else
			usage();
	}
	if (argc - i < 2)
		usage();
	a->url = argv[i];
	a->soql = argv[i + 1];
	a->rest = argv + i + 2;
	a->nrest = argc - i - 2;
}

static void
read_environment(sf_config *cfg)
{
	cfg->client_id = getenv("SF_CLIENT_ID");
	cfg->client_secret = getenv("SF_CLIENT_SECRET");
	cfg->username = getenv("SF_USERNAME");
	cfg->password = getenv("SF_PASSWORD");
	cfg->security_token = getenv("SF_SECURITY_TOKEN");
	cfg->access_token = getenv("SF_ACCESS_TOKEN");
	cfg->instance_url = getenv("SF_INSTANCE_URL");
	cfg->refresh_token = getenv("SF_REFRESH_TOKEN");
	cfg->private_key = getenv("SF_PRIVATE_KEY");
}

int
main(int argc, char **argv)
{
	static arguments a;
	sf_error err = {0};
	sf_session *s;
	bool good;
	char line[256];

	signal(SIGINT, on_interrupt);
	parse_options(&a, argc, argv);
	read_environment(&a.cfg);
	a.cfg.login_url = a.url;
	a.spec.soql = a.soql;
	a.spec.columns = a.columns;
	for (int i = 0; i < a.nrest && i < COLUMNS_MAX; i++)
		a.columns[a.spec.ncolumns++].path = a.rest[i];
	if (a.spec.ncolumns == 0)
		columns_from_soql(&a);

	s = sf_session_new(&a.cfg, &err);
	if (s == NULL)
	{
		complain(&err);
		return 1;
	}
	if (strcmp(a.soql, "--objects") == 0)
		good = run_describe(s, &a, true);
	else if (strcmp(a.soql, "--describe") == 0)
		good = run_describe(s, &a, false);
	else
		good = run_query(s, &a);
	clean_up(s);
	while (a.trace && sf_session_trace(s, line, sizeof(line)))
		fprintf(stderr, "%s\n", line);
	sf_session_free(s);
	return good ? 0 : 1;
}
