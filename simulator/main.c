/*
 * main.c
 *		sfsim: a local simulator of the Salesforce APIs that sfbulk_fdw uses.
 *
 * Arguments, the banner, the temporary directory, signals.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bulk1.h"
#include "server.h"

typedef struct arguments
{
	int port;
	const char *port_file;
	bool env;
	const char *cert_file;
	const char *key_file;
	const char *jwt_file;
	sim_options org;
	srv_options srv;
} arguments;

static const char usage_text[] =
	"sfsim, a local simulator of Salesforce's REST and Bulk API 2.0 (it is not Salesforce)\n"
	"\n"
	"Usage: sfsim [OPTION]...\n"
	"  --port N             listen on 127.0.0.1:N; 0 picks a free port (default 8080)\n"
	"  --port-file FILE     write the port number to FILE once requests are taken\n"
	"  --schema FILE        objects and fields of a describe; may be repeated\n"
	"  --rows OBJECT=N      so many rows in OBJECT; may be repeated\n"
	"  --seed N             other data of the same shape\n"
	"  --page-rows N        rows of a bulk result page (default 50000)\n"
	"  --job-time MS        a bulk job stays InProgress at least so long (default 0)\n"
	"  --queue-time MS      and before that UploadComplete (default 0)\n"
	"  --cache-mb N         disk space for rendered result pages (default 8192)\n"
	"  --jwt-public-key F   PEM public key or certificate of JWT assertions\n"
	"  --tls-cert F --tls-key F  serve https with these PEM files\n"
	"  --env                print the address and the credentials as shell assignments\n"
	"  --die-with-parent    stop when the parent process ends\n"
	"  --help               this text\n"
	"\n"
	"Tests steer it through http://127.0.0.1:PORT/__sfsim/ (docs/sfsim.md).\n";

/* The whole value as a number in [min, max], or exit. */
static long
number_arg(const char *name, const char *text, long min, long max)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < min || n > max)
	{
		fprintf(stderr, "sfsim: --%s takes a number from %ld to %ld, not \"%s\"\n", name, min,
				max, text);
		exit(2);
	}
	return n;
}

static void
die_with_parent(void)
{
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, SIGTERM);

	/* the parent may have gone before the call */
	if (getppid() != parent)
		exit(1);
}

static const struct option longopts[] = {
	{"port", required_argument, NULL, 'p'},
	{"port-file", required_argument, NULL, 'f'},
	{"rows", required_argument, NULL, 'r'},
	{"schema", required_argument, NULL, 'S'},
	{"seed", required_argument, NULL, 's'},
	{"page-rows", required_argument, NULL, 'P'},
	{"job-time", required_argument, NULL, 'j'},
	{"queue-time", required_argument, NULL, 'q'},
	{"cache-mb", required_argument, NULL, 'C'},
	{"jwt-public-key", required_argument, NULL, 'J'},
	{"tls-cert", required_argument, NULL, 'c'},
	{"tls-key", required_argument, NULL, 'k'},
	{"env", no_argument, NULL, 'e'},
	{"die-with-parent", no_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* Before anything else: other options name the objects that come of it. */
static void
load_schemas(int argc, char **argv)
{
	sim_error err;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1)
	{
		if (c == 'S' && !sim_schema_load(optarg, &err))
		{
			fprintf(stderr, "sfsim: --schema %s\n", err.message);
			exit(2);
		}
	}
	opterr = 1;
	optind = 0;
}

static void
parse_arguments(int argc, char **argv, arguments *a)
{
	sim_error err;
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, NULL)) != -1)
	{
		switch (c)
		{
			case 'p':
				a->port = (int) number_arg("port", optarg, 0, 65535);
				break;
			case 'f':
				a->port_file = optarg;
				break;
			case 'r':
				if (!sim_options_rows(&a->org, optarg, &err))
				{
					fprintf(stderr, "sfsim: --rows %s: %s\n", optarg, err.message);
					exit(2);
				}
				break;
			case 'S': /* load_schemas() */
				break;
			case 's':
				a->org.seed = (uint64_t) number_arg("seed", optarg, 0, INT32_MAX);
				break;
			case 'P':
				a->srv.page_rows = (int) number_arg("page-rows", optarg, 1, 1000000);
				break;
			case 'j':
				a->srv.job_ms = (int) number_arg("job-time", optarg, 0, 86400000);
				break;
			case 'q':
				a->srv.queue_ms = (int) number_arg("queue-time", optarg, 0, 86400000);
				break;
			case 'C':
				a->srv.cache_mb = number_arg("cache-mb", optarg, 0, 1 << 24);
				break;
			case 'J':
				a->jwt_file = optarg;
				break;
			case 'c':
				a->cert_file = optarg;
				break;
			case 'k':
				a->key_file = optarg;
				break;
			case 'e':
				a->env = true;
				break;
			case 'd':
				die_with_parent();
				break;
			case 'h':
				fputs(usage_text, stdout);
				exit(0);
			default:
				fputs("Try \"sfsim --help\".\n", stderr);
				exit(2);
		}
	}
	if (optind < argc)
	{
		fprintf(stderr, "sfsim: unexpected argument \"%s\"\n", argv[optind]);
		exit(2);
	}
	if ((a->cert_file == NULL) != (a->key_file == NULL))
	{
		fputs("sfsim: --tls-cert and --tls-key belong together\n", stderr);
		exit(2);
	}
}

/* ---------------------------------------------------------------- temporary directory */

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void) st;
	(void) flag;
	(void) ftw;
	remove(path);
	return 0;
}

static void
remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Open and lock DIR/lock, which its owner holds for life; -1 when it is held. */
static int
lock_dir(const char *dir, bool create)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0)
	{
		close(fd);
		fd = -1;
	}
	return fd;
}

/* A killed simulator leaves gigabytes behind: remove what nobody holds any longer. */
static void
remove_stale(const char *tmp)
{
	DIR *d = opendir(tmp);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
	{
		char path[400];
		struct stat st;
		int fd;

		if (strncmp(e->d_name, "sfsim.", 6) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", tmp, e->d_name);
		if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
			(fd = lock_dir(path, false)) < 0)
			continue;
		remove_tree(path);
		close(fd);
	}
	if (d)
		closedir(d);
}

static char *
make_temp_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	static char path[300];

	if (tmp == NULL || *tmp == '\0')
		tmp = "/tmp";
	remove_stale(tmp);
	if (snprintf(path, sizeof(path), "%s/sfsim.XXXXXX", tmp) >= 200 || mkdtemp(path) == NULL)
	{
		fprintf(stderr, "sfsim: could not create a directory in \"%s\": %s\n", tmp,
				strerror(errno));
		return NULL;
	}

	/* the descriptor stays open, and with it the lock */
	if (lock_dir(path, true) < 0)
	{
		fprintf(stderr, "sfsim: could not lock \"%s\"\n", path);
		remove_tree(path);
		return NULL;
	}
	return path;
}

/* Whole or not at all, so that whoever waits for the file never reads half a number. */
static bool
write_port_file(const char *path, int port)
{
	char temp[4096];
	FILE *f;
	bool ok;

	if (snprintf(temp, sizeof(temp), "%s.tmp%d", path, (int) getpid()) >= (int) sizeof(temp))
		return false;
	f = fopen(temp, "w");
	if (f == NULL)
		return false;
	ok = fprintf(f, "%d\n", port) > 0;
	ok = fclose(f) == 0 && ok;
	ok = ok && rename(temp, path) == 0;
	if (!ok)
		unlink(temp);
	return ok;
}

/* ---------------------------------------------------------------- the program */

static bool
new_parts(srv *s)
{
	s->auth = auth_new(s);
	s->jobs = jobs_new(s);
	s->pages = pages_new(s);
	s->faults = faults_new();
	s->log = log_new();
	s->cursors = cursors_new();
	s->bulk1 = bulk1_new(s);
	s->stopping = gate_new();
	return s->auth && s->jobs && s->pages && s->faults && s->log && s->cursors && s->bulk1 &&
		   s->stopping;
}

/* In an order in which nobody misses what is gone. */
static void
free_parts(srv *s)
{
	cursors_free(s->cursors);
	bulk1_free(s->bulk1);
	jobs_free(s->jobs);
	pages_free(s->pages);
	faults_free(s->faults);
	auth_free(s->auth);
	log_free(s->log);
	gate_unref(s->stopping);
	sim_org_close(s->org);
}

static bool
load_file(const char *path, sim_buf *out)
{
	if (path == NULL || srv_read_file(path, out))
		return true;
	fprintf(stderr, "sfsim: could not read \"%s\": %s\n", path, strerror(errno));
	return false;
}

static void
announce(srv *s, const arguments *a, int port)
{
	FILE *banner = a->env ? stderr : stdout;
	sim_buf env = {0};

	fprintf(banner,
			"sfsim is a simulator, not Salesforce: invented data, loopback only.\n"
			"Listening on %s (port %d). Control: %s/__sfsim/  Stop with Ctrl-C.\n",
			s->base_url, port, s->base_url);
	if (a->env)
	{
		control_env(s, &env);
		fwrite(env.data, 1, env.len, stdout);
		sim_buf_free(&env);
	}
	fflush(NULL);
}

/* Serve until a signal says stop; the exit code. */
static int
serve(srv *s, arguments *a, const sigset_t *signals)
{
	struct MHD_Daemon *daemon;
	sim_buf cert = {0};
	sim_buf key = {0};
	sim_buf jwt = {0};
	sim_error err;
	int port = a->port;
	int sig;
	int rc = 1;

	if (!load_file(a->cert_file, &cert) || !load_file(a->key_file, &key) ||
		!load_file(a->jwt_file, &jwt))
		goto done;
	if (jwt.data && !auth_set_jwt_key(s, jwt.data, jwt.len, &err))
	{
		fprintf(stderr, "sfsim: \"%s\": %s\n", a->jwt_file, err.message);
		goto done;
	}
	daemon = srv_start(s, &port, cert.data, key.data, &err);
	if (daemon == NULL)
	{
		fprintf(stderr, "sfsim: %s\n", err.message);
		goto done;
	}

	/* the file comes last: who waits for it may read what was printed */
	announce(s, a, port);
	if (a->port_file && !write_port_file(a->port_file, port))
		fprintf(stderr, "sfsim: could not write \"%s\": %s\n", a->port_file, strerror(errno));
	else
	{
		sigwait(signals, &sig);
		rc = 0;
	}
	srv_stop(s, daemon);
done:
	sim_buf_free(&cert);
	sim_buf_free(&key);
	sim_buf_free(&jwt);
	return rc;
}

int
main(int argc, char **argv)
{
	static srv s;
	arguments a = {.port = 8080};
	sigset_t signals;
	sim_error err;
	char *temp;
	int rc = 1;

	load_schemas(argc, argv);
	sim_options_init(&a.org);
	srv_options_init(&a.srv);
	parse_arguments(argc, argv, &a);

	/* blocked before any thread exists, so that only sigwait() sees them */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);

	temp = make_temp_dir();
	if (temp == NULL)
		return 1;
	s.temp_dir = temp;
	s.tls = a.cert_file != NULL;
	s.options = s.initial = a.srv;
	a.org.dir = temp;
	pthread_mutex_init(&s.lock, NULL);
	s.org = sim_org_open(&a.org, &err);
	if (s.org == NULL)
		fprintf(stderr, "sfsim: %s\n", err.message);
	else if (new_parts(&s))
		rc = serve(&s, &a, &signals);
	free_parts(&s);
	remove_tree(temp);
	return rc;
}
