/*
 * org_copy.c
 *		Copies of the org's database: snapshots of it, and orgs that outlive the program.
 *
 * The file is copied while nobody writes; what the write-ahead log alone has goes along.  A copy comes back
 * under a new name, so that a reader who cannot wait keeps the old file until he is through.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "org_int.h"

/* So long a restore waits for readers. */
#define PATIENCE_SECONDS 5

static bool
file_failed(sim_error *err, const char *path)
{
	return sim_error_set(err, "UNKNOWN_EXCEPTION", "\"%s\": %s", path, strerror(errno));
}

/* By read and write, where the kernel cannot copy from one file system to another. */
static bool
copy_slowly(int from, int to)
{
	size_t size = (size_t) 1 << 18;
	char *buffer = malloc(size);
	ssize_t n = -1;

	while (buffer && (n = read(from, buffer, size)) > 0)
		if (write(to, buffer, (size_t) n) != n)
		{
			n = -1;
			break;
		}
	free(buffer);
	return n == 0;
}

/* All bytes of one descriptor to another: shared where the file system can, else copied by the kernel. */
static bool
copy_bytes(int from, int to)
{
	ssize_t n;
	bool any = false;

	if (ioctl(to, FICLONE, from) == 0)
		return true;
	while ((n = copy_file_range(from, NULL, to, NULL, (size_t) 1 << 30, 0)) > 0)
		any = true;
	return n == 0 || (!any && copy_slowly(from, to));
}

static bool
copy_file(const char *from, const char *to, sim_error *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = out >= 0 && copy_bytes(in, out);

	if (out >= 0 && close(out) != 0)
		ok = false;
	if (!ok)
	{
		file_failed(err, in < 0 ? from : to);
		if (out >= 0)
			unlink(to);
	}
	if (in >= 0)
		close(in);
	return ok;
}

static void
remove_database(const char *file)
{
	static const char *const suffix[] = {"", "-wal", "-shm", "-journal"};
	char name[PATH_MAX + 64];

	for (size_t i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++)
	{
		snprintf(name, sizeof(name), "%s%s", file, suffix[i]);
		unlink(name);
	}
}

/* ---------------------------------------------------------------- files that stay */

/* The number of "org-NUMBER.db", or of what belongs to it; 0 for any other name. */
static int64_t
file_number(const char *name, bool *whole)
{
	long long n = 0;
	int used = 0;

	if (sscanf(name, "org-%lld.db%n", &n, &used) != 1 || used == 0 || n < 1)
		return 0;
	*whole = name[used] == '\0';
	return n;
}

bool
org_find_files(sim_org *org, const char *dir, sim_error *err)
{
	DIR *d;
	struct dirent *e;
	char extra[PATH_MAX + 320];
	bool whole;

	if (strlen(dir) >= sizeof(org->dir) - 32)
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "\"%s\" is too long", dir);
	memcpy(org->dir, dir, strlen(dir) + 1);
	org->keep = true;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return file_failed(err, dir);
	d = opendir(dir);
	if (d == NULL)
		return file_failed(err, dir);

	/* after a crash there may be two: the newer one was complete when it got its name */
	while ((e = readdir(d)) != NULL)
	{
		int64_t n = file_number(e->d_name, &whole);

		if (n > org->file_no && n < INT32_MAX && whole)
			org->file_no = (int) n;
	}
	rewinddir(d);
	while ((e = readdir(d)) != NULL)
	{
		int64_t n = file_number(e->d_name, &whole);

		if ((n > 0 && n != org->file_no) || strncmp(e->d_name, "new.db", 6) == 0)
		{
			snprintf(extra, sizeof(extra), "%s/%s", dir, e->d_name);
			unlink(extra);
		}
	}
	closedir(d);
	org->was_there = org->file_no > 0;
	snprintf(org->file, sizeof(org->file), "%s/org-%d.db", org->dir, org->file_no);
	return true;
}

void
org_remove_files(sim_org *org)
{
	if (org->dir[0] == '\0' || org->keep)
		return;
	remove_database(org->file);
	rmdir(org->dir);
}

bool
sim_org_was_there(const sim_org *org)
{
	return org->was_there;
}

uint64_t
sim_schema_hash(void)
{
	uint64_t h = UINT64_C(14695981039346656037);
	int n;
	const sim_object *const *list = sim_object_list(&n);

	for (int i = 0; i < n; i++)
	{
		sim_buf text = {0};

		sim_buf_printf(&text, "%s %s\n", list[i]->name,
					   list[i]->prefix ? list[i]->prefix : "");
		for (int k = 0; k < list[i]->nfields; k++)
			sim_buf_printf(&text, " %s %d\n", list[i]->fields[k].name,
						   (int) list[i]->fields[k].type);
		for (size_t k = 0; k < text.len; k++)
			h = (h ^ (unsigned char) text.data[k]) * UINT64_C(1099511628211);
		sim_buf_free(&text);
	}
	return h;
}

/* ---------------------------------------------------------------- counts */

static void
counts_json(sim_org *org, sim_buf *out)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);

	sim_buf_char(out, '{');
	for (int i = 0; i < n; i++)
	{
		int slot = sim_object_index(list[i]);

		sim_buf_printf(out, "%s\"%s\":[%lld,%lld]", i ? "," : "", list[i]->name,
					   (long long) atomic_load(&org->live[slot]),
					   (long long) atomic_load(&org->deleted[slot]));
	}
	sim_buf_char(out, '}');
}

static bool
counts_fit(const struct cJSON *counts)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);

	for (int i = 0; i < n; i++)
		if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(counts, list[i]->name)) != 2)
			return false;
	return true;
}

static void
take_counts(sim_org *org, const struct cJSON *counts)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);

	for (int i = 0; i < n; i++)
	{
		const cJSON *pair = cJSON_GetObjectItemCaseSensitive(counts, list[i]->name);
		int slot = sim_object_index(list[i]);

		atomic_store(&org->live[slot], (int64_t) pair->child->valuedouble);
		atomic_store(&org->deleted[slot], (int64_t) pair->child->next->valuedouble);
		atomic_fetch_add(&org->changes[slot], 1);
	}
}

/* ---------------------------------------------------------------- out and back */

bool
sim_org_save(sim_org *org, const char *dir, sim_buf *counts, sim_error *err)
{
	char from[PATH_MAX + 64];
	char to[PATH_MAX + 64];
	int frames = 0, moved = -1;
	sqlite3 *db;
	bool ok;

	sim_store_lock(org);
	db = sim_org_connect(org, err);
	ok = db != NULL;
	if (ok)
	{
		/* what readers keep from being moved into the file stays in the log, which then goes along */
		sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
		snprintf(to, sizeof(to), "%s/org.db", dir);
		ok = copy_file(sim_org_file(org), to, err);
	}
	if (ok)
	{
		snprintf(from, sizeof(from), "%s-wal", sim_org_file(org));
		snprintf(to, sizeof(to), "%s/org.db-wal", dir);
		unlink(to);
		if (frames != moved)
			ok = copy_file(from, to, err);
	}
	if (ok)
		counts_json(org, counts);
	sim_org_release(org, db);
	sim_store_unlock(org);
	return ok;
}

/* Keep new readers out and wait for those that are in, but not for ever. */
static void
freeze(sim_org *org)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_SECONDS;
	pthread_mutex_lock(&org->lock);
	org->frozen = true;
	while (org->out > 0 && pthread_cond_timedwait(&org->thawed, &org->lock, &until) == 0)
		;
	while (org->nidle > 0)
		sim_org_close_connection(org->idle[--org->nidle]);
	pthread_mutex_unlock(&org->lock);
}

static void
thaw(sim_org *org)
{
	pthread_mutex_lock(&org->lock);
	org->frozen = false;
	pthread_cond_broadcast(&org->thawed);
	pthread_mutex_unlock(&org->lock);
}

/* The files of the directory as the org's next ones, complete before they get their name. */
static bool
bring_back(sim_org *org, const char *dir, const char *file, sim_error *err)
{
	char from[PATH_MAX + 64];
	char to[PATH_MAX + 64];
	char fresh[PATH_MAX + 32];
	struct stat st;

	snprintf(fresh, sizeof(fresh), "%s/new.db", org->dir);
	remove_database(file);
	snprintf(from, sizeof(from), "%s/org.db-wal", dir);
	snprintf(to, sizeof(to), "%s-wal", file);
	if (stat(from, &st) == 0 && !copy_file(from, to, err))
		return false;
	snprintf(from, sizeof(from), "%s/org.db", dir);
	if (!copy_file(from, fresh, err))
		return false;
	return rename(fresh, file) == 0 || file_failed(err, file);
}

bool
sim_org_load(sim_org *org, const char *dir, const struct cJSON *counts, sim_error *err)
{
	char file[sizeof(org->file)];
	char old[sizeof(org->file)];
	bool ok;

	if (!counts_fit(counts))
		return sim_error_set(err, "UNKNOWN_EXCEPTION", "the snapshot is of other objects");
	sim_store_lock(org);
	snprintf(file, sizeof(file), "%s/org-%d.db", org->dir, org->file_no + 1);
	ok = bring_back(org, dir, file, err);
	if (ok)
	{
		freeze(org);
		sim_org_publish_begin(org);
		atomic_fetch_add(&org->version, 1);
		pthread_mutex_lock(&org->lock);
		memcpy(old, org->file, sizeof(old));
		memcpy(org->file, file, sizeof(file));
		org->file_no++;
		org->nindexed = 0;
		pthread_mutex_unlock(&org->lock);
		take_counts(org, counts);
		sim_org_publish_end(org, NULL);
		remove_database(old);
		thaw(org);
	}
	sim_store_unlock(org);
	return ok;
}
