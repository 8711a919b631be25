/*
 * main.c
 *		sfsim: a local simulator of the Salesforce APIs.
 *
 * Arguments, keys, the banner, directories, signals.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
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
	const char *env_file;
	bool env;
	bool tls;
	const char *cert_file;
	const char *key_file;
	const char *jwt_file;
	const char *data_dir;
	bool rows; /* --rows or --seed were given */
	sim_options org;
	srv_options srv;
} arguments;

static const char usage_text[] =
	"sfsim, a local simulator of Salesforce's REST, Bulk and login APIs (it is not "
	"Salesforce)\n"
	"\n"
	"Usage: sfsim [OPTION]...\n"
	"\n"
	"Where it listens and how one finds it:\n"
	"  --port N             listen on 127.0.0.1:N; 0 picks a free port (default 8080)\n"
	"  --port-file FILE     write the port number to FILE once requests are taken\n"
	"  --env                print the address and the credentials as shell assignments:\n"
	"                       SF_URL SF_TOKEN SF_USERNAME SF_PASSWORD SF_SECURITY_TOKEN\n"
	"                       SF_CLIENT_ID SF_CLIENT_SECRET SF_JWT_KEY SF_CA_FILE "
	"SF_REFRESH_TOKEN\n"
	"  --env-file FILE      write the same to FILE once requests are taken\n"
	"  --tls                serve https with a certificate of its own (SF_CA_FILE)\n"
	"  --tls-cert F --tls-key F  serve https with these PEM files\n"
	"  --jwt-public-key F   PEM public key or certificate of JWT assertions; without it --env "
	"and\n"
	"                       --env-file make a key pair (SF_JWT_KEY is the private half)\n"
	"\n"
	"The org:\n"
	"  --schema FILE        objects and fields of a describe; may be repeated\n"
	"  --rows OBJECT=N      so many rows in OBJECT; may be repeated\n"
	"  --seed N             other data of the same shape\n"
	"  --data DIR           keep the org in DIR from one run to the next; rows are made only\n"
	"                       when DIR has none\n"
	"  --page-rows N        rows of a bulk result page (default 50000)\n"
	"  --job-time MS        a bulk job stays InProgress at least so long (default 0)\n"
	"  --queue-time MS      and before that UploadComplete (default 0)\n"
	"  --cache-mb N         disk space for rendered result pages (default 8192)\n"
	"\n"
	"  --die-with-parent    stop when the parent process ends\n"
	"  --help               this text\n"
	"\n"
	"SIGTERM, SIGINT and SIGHUP end it; a second one at once.  Tests steer it through\n"
	"http://127.0.0.1:PORT/__sfsim/ (simulator/README.md).\n";

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

/* A value that may not be empty: an unset variable in a script should not pass for none. */
static const char *
text_arg(const char *name, const char *text)
{
	if (*text == '\0')
	{
		fprintf(stderr, "sfsim: --%s takes the name of a file, which is empty\n", name);
		exit(2);
	}
	return text;
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
	{"env", no_argument, NULL, 'e'},
	{"env-file", required_argument, NULL, 'E'},
	{"tls", no_argument, NULL, 't'},
	{"tls-cert", required_argument, NULL, 'c'},
	{"tls-key", required_argument, NULL, 'k'},
	{"jwt-public-key", required_argument, NULL, 'J'},
	{"schema", required_argument, NULL, 'S'},
	{"rows", required_argument, NULL, 'r'},
	{"seed", required_argument, NULL, 's'},
	{"data", required_argument, NULL, 'D'},
	{"page-rows", required_argument, NULL, 'P'},
	{"job-time", required_argument, NULL, 'j'},
	{"queue-time", required_argument, NULL, 'q'},
	{"cache-mb", required_argument, NULL, 'C'},
	{"die-with-parent", no_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* One option with its value. */
static void
take_option(arguments *a, int c, const char *name, const char *value)
{
	sim_error err;

	switch (c)
	{
		case 'p':
			a->port = (int) number_arg(name, value, 0, 65535);
			break;
		case 'f':
			a->port_file = text_arg(name, value);
			break;
		case 'e':
			a->env = true;
			break;
		case 'E':
			a->env_file = text_arg(name, value);
			break;
		case 't':
			a->tls = true;
			break;
		case 'c':
			a->cert_file = text_arg(name, value);
			break;
		case 'k':
			a->key_file = text_arg(name, value);
			break;
		case 'J':
			a->jwt_file = text_arg(name, value);
			break;
		case 'r':
			if (!sim_options_rows(&a->org, value, &err))
			{
				fprintf(stderr, "sfsim: --rows %s: %s\n", value, err.message);
				exit(2);
			}
			a->rows = true;
			break;
		case 's':
			a->org.seed = (uint64_t) number_arg(name, value, 0, INT32_MAX);
			a->rows = true;
			break;
		case 'S': /* load_schemas() */
			break;
		case 'D':
			a->data_dir = text_arg(name, value);
			break;
		case 'P':
			a->srv.page_rows = (int) number_arg(name, value, 1, 1000000);
			break;
		case 'j':
			a->srv.job_ms = (int) number_arg(name, value, 0, 86400000);
			break;
		case 'q':
			a->srv.queue_ms = (int) number_arg(name, value, 0, 86400000);
			break;
		case 'C':
			a->srv.cache_mb = number_arg(name, value, 0, 1 << 24);
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
	int at = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", longopts, &at)) != -1)
		take_option(a, c, longopts[at].name, optarg);
	if (optind < argc)
	{
		fprintf(stderr, "sfsim: unexpected argument \"%s\"\nTry \"sfsim --help\".\n",
				argv[optind]);
		exit(2);
	}
	if ((a->cert_file == NULL) != (a->key_file == NULL))
	{
		fputs("sfsim: --tls-cert and --tls-key belong together\n", stderr);
		exit(2);
	}
	if (a->tls && a->cert_file)
	{
		fputs("sfsim: --tls makes a certificate, --tls-cert brings one: it is one or the "
			  "other\n",
			  stderr);
		exit(2);
	}
}

/* ---------------------------------------------------------------- temporary directory */

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
		errno = EWOULDBLOCK;
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
		srv_remove_tree(path);
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
		srv_remove_tree(path);
		return NULL;
	}
	return path;
}

/* The directory of --data, made when it is not there, and ours alone; its absolute name or NULL. */
static char *
open_data_dir(const char *dir)
{
	char *path;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
	{
		fprintf(stderr, "sfsim: could not create \"%s\": %s\n", dir, strerror(errno));
		return NULL;
	}
	path = realpath(dir, NULL);
	if (path == NULL || strlen(path) > PATH_MAX - 300)
	{
		fprintf(stderr, "sfsim: could not use \"%s\": %s\n", dir,
				path ? "its name is too long" : strerror(errno));
		free(path);
		return NULL;
	}
	if (lock_dir(path, true) < 0)
	{
		fprintf(stderr,
				errno == EWOULDBLOCK ? "sfsim: another sfsim uses \"%s\"\n"
									 : "sfsim: could not write to \"%s\"\n",
				path);
		free(path);
		return NULL;
	}
	return path;
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
	describe_forget();
}

static bool
load_file(const char *path, sim_buf *out)
{
	if (path == NULL || srv_read_file(path, out))
		return true;
	fprintf(stderr, "sfsim: could not read \"%s\": %s\n", path, strerror(errno));
	return false;
}

static bool
write_file(const char *path, const sim_buf *text)
{
	if (path == NULL || tls_write_private(path, text))
		return true;
	fprintf(stderr, "sfsim: could not write \"%s\": %s\n", path, strerror(errno));
	return false;
}

/* Name of a file among what stays, or among what goes with the program. */
static const char *
own_file(srv *s, const char *name)
{
	sim_buf path = {0};

	sim_buf_printf(&path, "%s/%s", s->data_dir ? s->data_dir : s->temp_dir, name);
	return path.data; /* as long as the program */
}

typedef struct keys
{
	sim_buf cert;
	sim_buf key;
	sim_buf jwt; /* public */
} keys;

/* The certificate: given, kept from the last run, or new. */
static bool
prepare_tls(srv *s, const arguments *a, keys *k, sim_error *err)
{
	const char *key_file = a->tls ? own_file(s, "tls-key.pem") : NULL;
	bool there;

	if (!a->tls)
		return load_file(a->cert_file, &k->cert) && load_file(a->key_file, &k->key);
	s->ca_file = own_file(s, "tls-cert.pem");
	if (s->ca_file == NULL || key_file == NULL)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	there = srv_read_file(s->ca_file, &k->cert) && srv_read_file(key_file, &k->key);
	if (!there)
	{
		sim_buf_reset(&k->cert);
		sim_buf_reset(&k->key);
		if (!tls_self_signed(&k->cert, &k->key, err))
		{
			fprintf(stderr, "sfsim: %s\n", err->message);
			return false;
		}
	}
	there = there || (write_file(s->ca_file, &k->cert) && write_file(key_file, &k->key));
	free((void *) (uintptr_t) key_file);
	return there;
}

/* The key of JWT logins: given, or, for those who read --env, a pair of our own. */
static bool
prepare_jwt(srv *s, const arguments *a, keys *k, sim_error *err)
{
	sim_buf private_key = {0};
	bool ok = true;

	if (a->jwt_file)
		ok = load_file(a->jwt_file, &k->jwt);
	else if (a->env || a->env_file)
	{
		bool there;

		s->jwt_file = own_file(s, "jwt-key.pem");
		there = s->jwt_file && srv_read_file(s->jwt_file, &private_key);
		ok = s->jwt_file && tls_jwt_key(&private_key, &k->jwt, err);
		if (!ok)
			fprintf(stderr, "sfsim: %s\n", err->message);
		ok = ok && (there || write_file(s->jwt_file, &private_key));
	}
	if (ok && k->jwt.len > 0 && !auth_set_jwt_key(s, k->jwt.data, k->jwt.len, err))
	{
		fprintf(stderr, "sfsim: \"%s\": %s\n", a->jwt_file, err->message);
		ok = false;
	}
	sim_buf_free(&private_key);
	return ok;
}

/* Say where it is; the port file comes last, so that who waits for it may read all the others. */
static bool
announce(srv *s, const arguments *a, int port)
{
	FILE *banner = a->env ? stderr : stdout;
	sim_buf env = {0};
	sim_buf number = {0};
	bool ok;

	fprintf(banner,
			"sfsim is a simulator, not Salesforce: invented data, loopback only.\n"
			"Listening on %s (port %d). Control: %s/__sfsim/  Stop with Ctrl-C.\n",
			s->base_url, port, s->base_url);
	if (s->ca_file)
		fprintf(banner, "Certificate: %s\n", s->ca_file);
	if (a->env || a->env_file)
		control_env(s, &env);
	state_flush(s);
	ok = write_file(a->env_file, &env);
	if (a->env)
		fwrite(env.data, 1, env.len, stdout);
	fflush(NULL);
	sim_buf_printf(&number, "%d\n", port);
	ok = ok && write_file(a->port_file, &number);
	sim_buf_free(&env);
	sim_buf_free(&number);
	return ok;
}

/* Serve until a signal says stop; the exit code. */
static int
serve(srv *s, arguments *a, const sigset_t *signals)
{
	struct MHD_Daemon *daemon;
	keys k = {0};
	sim_error err = {0};
	int port = a->port;
	int sig;
	int rc = 1;

	if (!state_open(s, &err))
	{
		fprintf(stderr, "sfsim: %s\n", err.message);
		return 1;
	}
	if (prepare_tls(s, a, &k, &err) && prepare_jwt(s, a, &k, &err))
	{
		daemon = srv_start(s, &port, k.cert.len ? k.cert.data : NULL, k.key.data, &err);
		if (daemon == NULL)
			fprintf(stderr, "sfsim: %s\n", err.message);
		else
		{
			if (announce(s, a, port))
			{
				sigwait(signals, &sig);
				rc = 0;
			}

			/* who cannot wait for the end sends another one */
			pthread_sigmask(SIG_UNBLOCK, signals, NULL);
			srv_stop(s, daemon);
			if (!state_close(s, &err))
			{
				fprintf(stderr, "sfsim: %s\n", err.message);
				rc = 1;
			}
		}
	}
	sim_buf_free(&k.cert);
	sim_buf_free(&k.key);
	sim_buf_free(&k.jwt);
	return rc;
}

int
main(int argc, char **argv)
{
	static srv s;
	arguments a = {.port = 8080};
	sigset_t signals;
	sim_error err;
	char *data = NULL;
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

	if (a.data_dir && (data = open_data_dir(a.data_dir)) == NULL)
		return 1;
	temp = make_temp_dir();
	if (temp == NULL)
	{
		free(data);
		return 1;
	}
	s.temp_dir = temp;
	s.data_dir = data;
	s.tls = a.tls || a.cert_file != NULL;
	s.options = s.initial = a.srv;
	a.org.dir = temp;
	a.org.keep = data;
	pthread_mutex_init(&s.lock, NULL);
	pthread_mutex_init(&s.state_lock, NULL);
	s.org = sim_org_open(&a.org, &err);
	if (s.org == NULL)
		fprintf(stderr, "sfsim: %s\n", err.message);
	else if (new_parts(&s))
	{
		if (a.rows && sim_org_was_there(s.org))
			fprintf(stderr,
					"sfsim: \"%s\" has rows already: --rows and --seed change nothing\n",
					data);
		rc = serve(&s, &a, &signals);
	}
	free_parts(&s);
	srv_remove_tree(temp);
	free((void *) (uintptr_t) s.jwt_file);
	free((void *) (uintptr_t) s.ca_file);
	free(data);
	return rc;
}
