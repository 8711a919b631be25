/*
 * org.c
 *		The org's database: one SQLite file with a table per object, and its connections.
 *
 * The file is written without a journal (there is nothing to recover: the data can be made
 * again) and then switched to WAL, so that readers never wait for a writer.  Every query has
 * a connection of its own from a pool.
 */
#include "org.h"
#include "calendar.h"
#include "clock.h"
#include "org_int.h"
#include "store_int.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---------------------------------------------------------------- options */

void
sim_options_init(sim_options *opt)
{
	const sim_object *const *list;
	int n;

	memset(opt, 0, sizeof(*opt));
	list = sim_object_list(&n);
	for (int i = 0; i < n; i++)
		opt->rows[list[i]->slot] = list[i]->default_rows;
	opt->seed = 1;
}

bool
sim_options_rows(sim_options *opt, const char *spec, sim_error *err)
{
	const char *eq = strchr(spec, '=');
	char name[64];
	char *end;
	long long n;
	const sim_object *obj;

	if (eq == NULL || eq == spec || (size_t) (eq - spec) >= sizeof(name))
		return sim_error_set(err, "INVALID_ROWS", "\"%s\" is not of the form Object=N", spec);
	memcpy(name, spec, (size_t) (eq - spec));
	name[eq - spec] = '\0';
	obj = sim_object_find(name);
	if (obj == NULL || !sim_object_queryable(obj) || (obj->flags & SO_FIXED_ROWS))
		return sim_error_set(err, "INVALID_ROWS", "there is no object \"%s\" that holds rows",
							 name);
	errno = 0;
	n = strtoll(eq + 1, &end, 10);
	if (end == eq + 1 || *end != '\0' || errno != 0 || n < 0 || n > 100000000)
		return sim_error_set(err, "INVALID_ROWS",
							 "\"%s\" is not a number of rows between 0 and 100000000", eq + 1);
	if (n == 0 && strcmp(obj->name, "User") == 0)
		return sim_error_set(err, "INVALID_ROWS", "an org needs at least one User");
	opt->rows[sim_object_index(obj)] = n;
	return true;
}

/* ---------------------------------------------------------------- connections */

static pthread_once_t sqlite_once = PTHREAD_ONCE_INIT;

/* Without memory statistics the connections do not share a mutex per allocation. */
static void
configure_sqlite(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool
sql_failed(sqlite3 *db, const char *what, sim_error *err)
{
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "simulator database: %s: %s", what,
						 db ? sqlite3_errmsg(db) : "out of memory");
}

sqlite3 *
org_open_database(sim_org *org, const char *pragmas, sim_error *err)
{
	sqlite3 *db = NULL;
	char file[sizeof(org->file)];
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	pthread_once(&sqlite_once, configure_sqlite);
	pthread_mutex_lock(&org->lock);
	snprintf(file, sizeof(file), "%s", org->file);
	pthread_mutex_unlock(&org->lock);
	if (sqlite3_open_v2(file, &db, flags, NULL) != SQLITE_OK ||
		sqlite3_busy_timeout(db, 10000) != SQLITE_OK || !sim_sql_register(db) ||
		sqlite3_exec(db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
	{
		sql_failed(db, file, err);
		sqlite3_close(db);
		return NULL;
	}
	return db;
}

/* What the thread reads with while it is inside of a transaction. */
static _Thread_local sqlite3 *inside;

void
sim_org_read_with(sqlite3 *db)
{
	inside = db;
}

sqlite3 *
sim_org_connect(sim_org *org, sim_error *err)
{
	sqlite3 *db = NULL;

	if (inside != NULL)
		return inside;
	pthread_mutex_lock(&org->lock);
	while (org->frozen)
		pthread_cond_wait(&org->thawed, &org->lock);
	org->out++;
	if (org->nidle > 0)
		db = org->idle[--org->nidle];
	pthread_mutex_unlock(&org->lock);
	if (db == NULL)
		db = org_open_database(org,
							   "PRAGMA synchronous = OFF; PRAGMA mmap_size = 8589934592;"
							   "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4000;",
							   err);
	if (db == NULL)
	{
		pthread_mutex_lock(&org->lock);
		org->out--;
		pthread_cond_broadcast(&org->thawed);
		pthread_mutex_unlock(&org->lock);
	}
	return db;
}

/* Is the connection one to the present file?  Names differ in their last part. */
static bool
of_this_file(const sim_org *org, sqlite3 *db)
{
	const char *name = sqlite3_db_filename(db, "main");
	const char *a = name ? strrchr(name, '/') : NULL;
	const char *b = strrchr(org->file, '/');

	return a && b && strcmp(a, b) == 0;
}

void
sim_org_release(sim_org *org, sqlite3 *db)
{
	if (db == NULL || db == inside)
		return;
	pthread_mutex_lock(&org->lock);
	org->out--;
	if (org->frozen)
		pthread_cond_broadcast(&org->thawed);

	/* not one of a file that has been replaced meanwhile */
	if (org->nidle < ORG_POOL && of_this_file(org, db))
	{
		org->idle[org->nidle++] = db;
		db = NULL;
	}
	pthread_mutex_unlock(&org->lock);
	sim_org_close_connection(db);
}

bool
sim_org_index(sim_org *org, const sim_object *obj, const sim_field *f, sim_error *err)
{
	sqlite3 *db;
	char *sql;
	bool known = inside != NULL; /* not in a transaction that may be undone */

	pthread_mutex_lock(&org->lock);
	for (int i = 0; i < org->nindexed; i++)
		known |= org->indexed[i] == f;
	if (!known && org->nindexed < ORG_INDEXES)
		org->indexed[org->nindexed++] = f;
	else
		known = true;
	pthread_mutex_unlock(&org->lock);
	if (known)
		return true;
	if ((db = sim_org_connect(org, err)) == NULL)
		return false;
	sqlite3_busy_timeout(db, 100);
	sql = sqlite3_mprintf("CREATE INDEX IF NOT EXISTS \"soql %w.%w\" ON \"%w\" (\"%w\")",
						  obj->name, f->name, obj->name, f->name);
	/* without it the query is slower, not wrong; while somebody writes, it has to wait */
	if (sql == NULL || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
	{
		pthread_mutex_lock(&org->lock);
		for (int i = 0; i < org->nindexed; i++)
		{
			if (org->indexed[i] == f)
				org->indexed[i] = org->indexed[--org->nindexed];
		}
		pthread_mutex_unlock(&org->lock);
	}
	sqlite3_free(sql);
	sqlite3_busy_timeout(db, 10000);
	sim_org_release(org, db);
	return true;
}

/* ---------------------------------------------------------------- tables and rows */

static const char *
column_type(const sim_field *f)
{
	switch (sim_type_kind(f->type))
	{
		case SIM_TEXT:
			return f->flags & SF_CASE ? "TEXT" : "TEXT COLLATE SF_CI";
		case SIM_DOUBLE:
			return "REAL";
		case SIM_BLOB:
			return "BLOB";
		default:
			return "INTEGER";
	}
}

/*
 * Fields in column order.  IsDeleted comes first: every query looks at it, and SQLite reads a
 * row from its start.
 */
static int
column_order(const sim_object *obj, int *order)
{
	int n = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 0; i < obj->nfields; i++)
		{
			bool deleted = strcmp(obj->fields[i].name, "IsDeleted") == 0;

			if (deleted == (pass == 0) && sim_field_has_column(&obj->fields[i]))
				order[n++] = i;
		}
	}
	return n;
}

static bool
create_table(sqlite3 *db, const sim_object *obj, sim_error *err)
{
	int order[SIM_MAX_FIELDS];
	int n = column_order(obj, order);
	sim_buf sql = {0};
	bool ok;

	sim_buf_printf(&sql, "CREATE TABLE \"%s\" (", obj->name);
	for (int i = 0; i < n; i++)
	{
		const sim_field *f = &obj->fields[order[i]];

		sim_buf_printf(&sql, "%s\"%s\" %s", i ? ", " : "", f->name, column_type(f));
		if (f->type == SIM_T_ID)
			sim_buf_str(&sql, " PRIMARY KEY");
		if (f->sql != NULL)
			sim_buf_printf(&sql, " GENERATED ALWAYS AS (%s) VIRTUAL", f->sql);
	}
	sim_buf_str(&sql, ")");
	ok = !sql.failed && sqlite3_exec(db, sql.data, NULL, NULL, NULL) == SQLITE_OK;
	if (!ok)
		sql_failed(db, obj->name, err);
	sim_buf_free(&sql);
	return ok;
}

static void
bind_cell(sqlite3_stmt *st, int at, const sim_cell *cell)
{
	switch (cell->kind)
	{
		case SIM_CELL_NULL:
			sqlite3_bind_null(st, at);
			break;
		case SIM_CELL_INT:
			sqlite3_bind_int64(st, at, cell->i);
			break;
		case SIM_CELL_REAL:
			sqlite3_bind_double(st, at, cell->d);
			break;
		case SIM_CELL_TEXT:
			sqlite3_bind_text(st, at, cell->text, (int) cell->len, SQLITE_STATIC);
			break;
		case SIM_CELL_BLOB:
			sqlite3_bind_blob(st, at, cell->text, (int) cell->len, SQLITE_STATIC);
			break;
	}
}

static sqlite3_stmt *
prepare_insert(sqlite3 *db, const sim_object *obj, const int *order, int n)
{
	sim_buf sql = {0};
	sqlite3_stmt *st = NULL;

	sim_buf_printf(&sql, "INSERT INTO \"%s\" (", obj->name);
	for (int i = 0; i < n; i++)
		sim_buf_printf(&sql, "%s\"%s\"", i ? ", " : "", obj->fields[order[i]].name);
	sim_buf_str(&sql, ") VALUES (");
	for (int i = 0; i < n; i++)
		sim_buf_str(&sql, i ? ", ?" : "?");
	sim_buf_str(&sql, ")");
	if (!sql.failed)
		sqlite3_prepare_v2(db, sql.data, -1, &st, NULL);
	sim_buf_free(&sql);
	return st;
}

static bool
fill_table(sim_org *org, sqlite3 *db, const sim_object *obj, sim_error *err)
{
	int order[SIM_MAX_FIELDS];
	int stored = 0;
	int n = column_order(obj, order);
	int64_t total = org->rows[sim_object_index(obj)].total;
	sim_cell *cells;
	sqlite3_stmt *st;
	bool ok = true;

	/* computed columns take no value */
	for (int i = 0; i < n; i++)
	{
		if (obj->fields[order[i]].sql == NULL)
			order[stored++] = order[i];
	}
	st = prepare_insert(db, obj, order, stored);
	cells = malloc(sizeof(sim_cell) * (size_t) stored);
	if (st == NULL || cells == NULL)
		ok = sql_failed(db, obj->name, err);
	for (int64_t row = 0; ok && row < total; row++)
	{
		for (int i = 0; i < stored; i++)
		{
			sim_data_cell(org->seed, obj, order[i], row, org->rows, &cells[i]);
			bind_cell(st, i + 1, &cells[i]);
		}
		if (sqlite3_step(st) != SQLITE_DONE || sqlite3_reset(st) != SQLITE_OK)
			ok = sql_failed(db, obj->name, err);
	}
	sqlite3_finalize(st);
	free(cells);
	return ok;
}

static bool
fill_database(sim_org *org, sim_error *err)
{
	sqlite3 *db =
		org_open_database(org,
						  "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF;"
						  "PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
						  "PRAGMA cache_size = -64000; BEGIN",
						  err);
	bool ok = db != NULL;
	const sim_object *const *list;
	int n;

	list = sim_object_list(&n);
	for (int i = 0; ok && i < n; i++)
	{
		if (sim_object_queryable(list[i]))
			ok = create_table(db, list[i], err) && fill_table(org, db, list[i], err);
	}
	if (ok && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		ok = sql_failed(db, "commit", err);
	sqlite3_close(db);
	if (!ok)
		return false;

	db = org_open_database(org, "PRAGMA journal_mode = WAL", err);
	sqlite3_close(db);
	return db != NULL;
}

/* ---------------------------------------------------------------- opening and closing */

/* A directory of our own, so that removing it removes nothing else. */
static bool
make_directory(sim_org *org, const char *wanted, sim_error *err)
{
	const char *parent = wanted;

	if (parent == NULL)
		parent = getenv("TMPDIR");
	if (parent == NULL || *parent == '\0')
		parent = "/tmp";
	if (snprintf(org->dir, sizeof(org->dir), "%s/sfsim-org.XXXXXX", parent) >=
			(int) sizeof(org->dir) ||
		mkdtemp(org->dir) == NULL)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "could not create a directory in \"%s\": %s",
					  parent, strerror(errno));
		org->dir[0] = '\0';
		return false;
	}
	return true;
}

/* Make the rows, in a file that has its name only once it is complete; or count those that are there. */
static bool
fill_or_count(sim_org *org, sim_error *err)
{
	char name[sizeof(org->file)];

	if (org->was_there)
		return sim_org_reload(org, err);
	org->file_no = 1;
	snprintf(org->file, sizeof(org->file), "%s/new.db", org->dir);
	unlink(org->file);
	if (!fill_database(org, err))
		return false;
	snprintf(name, sizeof(name), "%s/org-1.db", org->dir);
	if (rename(org->file, name) != 0)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "could not write \"%s\": %s", name,
							 strerror(errno));
	memcpy(org->file, name, sizeof(name));
	return true;
}

sim_org *
sim_org_open(const sim_options *opt, sim_error *err)
{
	sim_org *org = calloc(1, sizeof(*org));
	const sim_object *const *list;
	int n;

	if (org == NULL)
	{
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
		return NULL;
	}
	pthread_mutex_init(&org->lock, NULL);
	pthread_cond_init(&org->thawed, NULL);
	org->seed = opt->seed;
	sim_id_make("00D", sim_object_base(sim_object_find("Organization")), org->id);
	list = sim_object_list(&n);
	for (int i = 0; i < n; i++)
	{
		int slot = list[i]->slot;

		org->rows[slot] = sim_population_for(list[i], opt->rows[slot]);
		atomic_init(&org->live[slot], opt->rows[slot]);
		atomic_init(&org->deleted[slot], org->rows[slot].deleted);
	}
	atomic_init(&org->version, 1);
	sim_org_reset_switches(org);
	org->store = store_open(org);
	if (org->store == NULL)
		sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
	if (org->store == NULL ||
		!(opt->keep ? org_find_files(org, opt->keep, err)
					: make_directory(org, opt->dir, err)) ||
		!fill_or_count(org, err))
	{
		sim_org_close(org);
		return NULL;
	}
	return org;
}

void
sim_org_close(sim_org *org)
{
	if (org == NULL)
		return;
	store_close(org->store);
	while (org->nidle > 0)
		sim_org_close_connection(org->idle[--org->nidle]);
	org_remove_files(org);
	pthread_cond_destroy(&org->thawed);
	pthread_mutex_destroy(&org->lock);
	free(org);
}

const char *
sim_org_id(const sim_org *org)
{
	return org->id;
}

int64_t
sim_org_user_number(const sim_org *org)
{
	(void) org;
	return sim_object_base(sim_object_find("User"));
}

void
sim_org_user_id(const sim_org *org, char out[SIM_ID_SIZE])
{
	sim_id_make("005", sim_org_user_number(org), out);
}

const char *
sim_org_user_name(const sim_org *org)
{
	(void) org;
	return "admin@sfsim.example.com";
}

int64_t
sim_org_row_count(sim_org *org, const sim_object *obj)
{
	return atomic_load(&org->live[sim_object_index(obj)]);
}

int64_t
sim_org_stored_rows(sim_org *org, const sim_object *obj, bool all)
{
	int i = sim_object_index(obj);

	if (atomic_load(&org->publishing))
		return -1;
	return atomic_load(&org->live[i]) + (all ? atomic_load(&org->deleted[i]) : 0);
}

uint64_t
sim_org_object_version(sim_org *org, const sim_object *obj)
{
	return atomic_load(&org->changes[sim_object_index(obj)]) +
		   atomic_load(&org->switch_changes);
}

/* ---------------------------------------------------------------- writing */

struct sim_store *
sim_org_store(sim_org *org)
{
	return org->store;
}

sqlite3 *
sim_org_open_writer(sim_org *org, sim_error *err)
{
	return org_open_database(org,
							 "PRAGMA synchronous = OFF; PRAGMA mmap_size = 8589934592;"
							 "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32000;",
							 err);
}

void
sim_org_publish_begin(sim_org *org)
{
	atomic_store(&org->publishing, 1);
}

/*
 * The version moves before the counters do: who sees a new counter beside an old snapshot sees
 * another version, too.  Who sees an old counter beside a new snapshot sees that something is
 * being published.
 */
void
sim_org_publish_end(sim_org *org, const store_counts *counts)
{
	bool any = false;

	for (int i = 0; counts != NULL && i < SIM_MAX_OBJECTS; i++)
		any = any || counts->touched[i];
	if (any)
		atomic_fetch_add(&org->version, 1);
	for (int i = 0; any && i < SIM_MAX_OBJECTS; i++)
	{
		if (!counts->touched[i])
			continue;
		atomic_fetch_add(&org->live[i], counts->live[i]);
		atomic_fetch_add(&org->deleted[i], counts->deleted[i]);
		atomic_fetch_add(&org->changes[i], 1);
	}
	atomic_store(&org->publishing, 0);
}

const char *
sim_org_file(const sim_org *org)
{
	return org->file;
}

/* Live and deleted rows of one table. */
static bool
count_rows(sim_org *org, sqlite3 *db, const sim_object *obj, sim_error *err)
{
	int i = sim_object_index(obj);
	sim_buf sql = {0};
	sqlite3_stmt *st = NULL;
	bool ok;

	if (sim_object_has_deleted(obj))
		sim_buf_printf(&sql, "SELECT count(*), coalesce(sum(\"IsDeleted\"), 0) FROM \"%s\"",
					   obj->name);
	else
		sim_buf_printf(&sql, "SELECT count(*), 0 FROM \"%s\"", obj->name);
	ok = !sql.failed && sqlite3_prepare_v2(db, sql.data, -1, &st, NULL) == SQLITE_OK &&
		 sqlite3_step(st) == SQLITE_ROW;
	if (ok)
	{
		atomic_store(&org->deleted[i], sqlite3_column_int64(st, 1));
		atomic_store(&org->live[i], sqlite3_column_int64(st, 0) - sqlite3_column_int64(st, 1));
		atomic_fetch_add(&org->changes[i], 1);
	}
	else
		sql_failed(db, obj->name, err);
	sqlite3_finalize(st);
	sim_buf_free(&sql);
	return ok;
}

bool
sim_org_reload(sim_org *org, sim_error *err)
{
	sqlite3 *db;
	bool ok;
	int n;
	const sim_object *const *list = sim_object_list(&n);

	pthread_mutex_lock(&org->lock);
	while (org->nidle > 0)
		sim_org_close_connection(org->idle[--org->nidle]);
	org->nindexed = 0;
	pthread_mutex_unlock(&org->lock);
	sim_org_publish_begin(org);
	atomic_fetch_add(&org->version, 1);
	db = sim_org_connect(org, err);
	ok = db != NULL;
	for (int i = 0; ok && i < n; i++)
	{
		if (sim_object_queryable(list[i]))
			ok = count_rows(org, db, list[i], err);
	}
	sim_org_release(org, db);
	atomic_store(&org->publishing, 0);
	return ok;
}

uint64_t
sim_org_data_version(sim_org *org)
{
	return atomic_load(&org->version);
}

/* ---------------------------------------------------------------- switches */

/* By number: name, place in sim_switches, values (the first is number 0), default. */
static const struct
{
	const char *name;
	size_t offset;
	const char *values[4];
	int preset;
} switch_table[] = {
	{"null_not_equal", offsetof(sim_switches, null_not_equal), {"false", "true"}, 1},
	{"null_less", offsetof(sim_switches, null_less), {"false", "true"}, 0},
	{"empty_is_null", offsetof(sim_switches, empty_is_null), {"false", "true"}, 1},
	{"group_ignores_case", offsetof(sim_switches, group_ignores_case), {"false", "true"}, 1},
	{"nulls_first", offsetof(sim_switches, nulls_first_asc_only), {"both", "asc"}, 0},
	{"csv_header_case", offsetof(sim_switches, header_as_written), {"metadata", "query"}, 0},
	{"duplicate_rule", offsetof(sim_switches, duplicate_rule), {"false", "true"}, 0},
	{"validation_rule", offsetof(sim_switches, validation_rule), {"false", "true"}, 0},
	{"storage_full", offsetof(sim_switches, storage_full), {"false", "true"}, 0},
	{"round_to_scale", offsetof(sim_switches, round_to_scale), {"false", "true"}, 0},
	{"csv_time", offsetof(sim_switches, csv_time), {"millis_z", "millis", "seconds"}, 0},
	{"text_compare",
	 offsetof(sim_switches, text_compare),
	 {"ignore_case", "ignore_accents", "exact"},
	 0},
	{"polymorphic_type", offsetof(sim_switches, real_types), {"name", "real"}, 0},
	{"order_by_alias", offsetof(sim_switches, order_by_alias), {"false", "true"}, 0},
	{"query_too_complicated", offsetof(sim_switches, too_complicated), {"false", "true"}, 0},
};

#define NSWITCHES ((int) (sizeof(switch_table) / sizeof(switch_table[0])))

static int *
switch_place(sim_switches *s, int i)
{
	return (int *) ((char *) s + switch_table[i].offset);
}

/* Answers may differ from now on. */
static void
switches_changed(sim_org *org)
{
	atomic_fetch_add(&org->switch_changes, 1);
	atomic_fetch_add(&org->version, 1);
}

const char *
sim_org_switch_name(int i)
{
	if (i < 0 || i > NSWITCHES)
		return NULL;
	return i == NSWITCHES ? "now" : switch_table[i].name;
}

void
sim_org_reset_switches(sim_org *org)
{
	pthread_mutex_lock(&org->lock);
	memset(&org->switches, 0, sizeof(org->switches));
	for (int i = 0; i < NSWITCHES; i++)
		*switch_place(&org->switches, i) = switch_table[i].preset;
	pthread_mutex_unlock(&org->lock);
	sim_clock_reset();
	switches_changed(org);
}

/* The switch is the older way to stop the clock (clock.h) at a moment. */
static bool
set_now(const char *value, sim_error *err)
{
	int64_t now = 0;

	if (strcasecmp(value, "real") == 0)
		sim_clock_reset();
	else if (sim_parse_datetime(value, strlen(value), &now))
	{
		sim_clock_freeze(true);
		sim_clock_set(now);
	}
	else
		return sim_error_set(err, "INVALID_SWITCH",
							 "\"%s\" is neither \"real\" nor a datetime", value);
	return true;
}

bool
sim_org_set_switch(sim_org *org, const char *name, const char *value, sim_error *err)
{
	if (strcmp(name, "now") == 0)
		return set_now(value, err);
	for (int i = 0; i < NSWITCHES; i++)
	{
		if (strcmp(switch_table[i].name, name) != 0)
			continue;
		for (int v = 0; v < 4 && switch_table[i].values[v] != NULL; v++)
		{
			if (strcasecmp(switch_table[i].values[v], value) != 0)
				continue;
			pthread_mutex_lock(&org->lock);
			*switch_place(&org->switches, i) = v;
			pthread_mutex_unlock(&org->lock);
			switches_changed(org);
			return true;
		}
		return sim_error_set(err, "INVALID_SWITCH", "\"%s\" is no value of switch \"%s\"",
							 value, name);
	}
	return sim_error_set(err, "INVALID_SWITCH", "there is no switch \"%s\"", name);
}

bool
sim_org_get_switch(sim_org *org, const char *name, char *out, size_t size)
{
	sim_switches s;

	sim_org_switches(org, &s);
	if (strcmp(name, "now") == 0)
	{
		char text[SIM_DATETIME_SIZE] = "real";

		if (sim_clock_moved())
			sim_format_datetime(s.now, "Z", text);
		snprintf(out, size, "%s", text);
		return true;
	}
	for (int i = 0; i < NSWITCHES; i++)
	{
		if (strcmp(switch_table[i].name, name) == 0)
		{
			snprintf(out, size, "%s", switch_table[i].values[*switch_place(&s, i)]);
			return true;
		}
	}
	return false;
}

void
sim_org_switches(sim_org *org, sim_switches *out)
{
	pthread_mutex_lock(&org->lock);
	*out = org->switches;
	pthread_mutex_unlock(&org->lock);
	out->now = sim_clock_now();
}

int64_t
sim_switches_now(const sim_switches *s)
{
	return s->now;
}
