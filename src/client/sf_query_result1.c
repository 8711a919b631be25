/*
 * sf_query_result1.c
 *		The rows of a query job of Bulk API 1.0.
 */
#include "sf_query_result1.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_job.h"
#include "sf_json.h"
#include "sf_query_job_lists.h"
#include "sf_xml.h"

/* A file has up to 1 GB, and a query is tried 30 times at most. */
#define FILES_MAX 1000

typedef struct batch_files
{
	char id[SF_JOB_ID_MAX];
	int64_t records;	  /* numberRecordsProcessed */
	sf_http_request *req; /* for the list of its files; NULL: not asked yet, or known */
	bool listed;
	char (*files)[SF_JOB_ID_MAX]; /* ids of its results */
	int nfiles;
	int given; /* of them, to the reader */
	bool checked;
	sf_files_read read;
} batch_files;

struct sf_query_result1
{
	sf_bulk1_where where;
	char **columns;
	int ncolumns;
	int streams;
	int max_retries;
	bool no_threads;

	batch_files **batches; /* pointers, as the reader counts in them */
	int nbatches;
	int alloc;
	int first;	/* those before it are through */
	int asking; /* lists under way */
	bool ended; /* no further batch comes */
	sf_query_pages *pages;
	sf_query_pages_info before; /* of readers before a rewind, and of the lists */
};

/* ---- start and end ----------------------------------------------------------------- */

static sf_status
start_reader(sf_query_result1 *r, sf_error *err)
{
	sf_query_pages_spec spec = {.api_version = r->where.api_version,
								.job_id = r->where.job_id,
								.columns = (const char *const *) r->columns,
								.ncolumns = r->ncolumns,
								.records = -1,
								.streams = r->streams,
								.max_retries = r->max_retries,
								.no_threads = r->no_threads,
								.given = true,
								.files = true};

	sf_http_use_account(r->where.http, r->where.account);
	r->pages = sf_query_pages_start(r->where.http, &spec, err);
	return r->pages != NULL ? SF_OK : SF_FAILED;
}

sf_query_result1 *
sf_query_result1_start(sf_http *h, const sf_query_result1_spec *spec, sf_error *err)
{
	sf_query_result1 *r = calloc(1, sizeof(*r));

	if (r == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	r->where.http = h;
	r->where.account = sf_http_current_account(h);
	r->where.noun = "query job";
	snprintf(r->where.api_version, sizeof(r->where.api_version), "%s", spec->api_version);
	snprintf(r->where.job_id, sizeof(r->where.job_id), "%s", spec->job_id);
	r->streams = spec->streams < 1 ? 1 : spec->streams;
	r->max_retries = spec->max_retries;
	r->no_threads = spec->no_threads;
	r->columns = calloc((size_t) spec->ncolumns + 1, sizeof(*r->columns));
	if (r->columns == NULL)
		goto nomem;
	for (; r->ncolumns < spec->ncolumns; r->ncolumns++)
	{
		r->columns[r->ncolumns] = strdup(spec->columns[r->ncolumns]);
		if (r->columns[r->ncolumns] == NULL)
			goto nomem;
	}
	if (start_reader(r, err) == SF_OK)
		return r;
	sf_query_result1_free(r);
	return NULL;

nomem:
	sf_error_nomem(err);
	sf_query_result1_free(r);
	return NULL;
}

void
sf_query_result1_free(sf_query_result1 *r)
{
	if (r == NULL)
		return;
	sf_query_pages_free(r->pages); /* it counts in the batches */
	for (int i = 0; i < r->nbatches; i++)
	{
		sf_http_end(r->batches[i]->req);
		free(r->batches[i]->files);
		free(r->batches[i]);
	}
	free(r->batches);
	for (int i = 0; i < r->ncolumns; i++)
		free(r->columns[i]);
	free(r->columns);
	free(r);
}

sf_status
sf_query_result1_add(sf_query_result1 *r, const sf_bulk1_batch *from, sf_error *err)
{
	batch_files *b;

	if (r->nbatches == r->alloc)
	{
		int alloc = r->alloc > 0 ? 2 * r->alloc : 16;
		batch_files **batches = realloc(r->batches, (size_t) alloc * sizeof(*batches));

		if (batches == NULL)
			return sf_error_nomem(err);
		r->batches = batches;
		r->alloc = alloc;
	}
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return sf_error_nomem(err);
	memcpy(b->id, from->id, sizeof(b->id));
	b->records = from->processed;
	r->batches[r->nbatches++] = b;
	return SF_OK;
}

void
sf_query_result1_end(sf_query_result1 *r)
{
	r->ended = true;
}

void
sf_query_result1_get_info(const sf_query_result1 *r, sf_query_pages_info *info)
{
	memset(info, 0, sizeof(*info));
	if (r->pages != NULL)
		sf_query_pages_get_info(r->pages, info);
	info->pages += r->before.pages;
	info->cost.calls += r->before.cost.calls;
	info->cost.retries += r->before.cost.retries;
	info->cost.wire_bytes += r->before.cost.wire_bytes;
	info->cost.text_bytes += r->before.cost.text_bytes;
	for (int i = r->first; i < r->nbatches; i++)
	{
		if (r->batches[i]->req != NULL)
			sf_http_add_cost(&info->cost, r->batches[i]->req);
	}
}

/* ---- lists of files ---------------------------------------------------------------- */

static sf_status
add_file(const sf_query_result1 *r, batch_files *b, const char *id, sf_error *err)
{
	char taken[SF_JOB_ID_MAX];
	void *files;

	if (!sf_job_take_id(id, taken))
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the list of results of batch %s has a malformed id", b->id);
	for (int i = 0; i < b->nfiles; i++)
	{
		/* its rows would be doubled */
		if (strncmp(b->files[i], taken, 15) == 0)
			return sf_error_set(err, SF_ERR_PROTOCOL,
								"the list of results of batch %s has result %s twice", b->id,
								taken);
	}
	if (b->nfiles >= FILES_MAX)
		return sf_error_set(err, SF_ERR_LIMIT,
							"batch %s of query job %s has more than %d results", b->id,
							r->where.job_id, FILES_MAX);
	files = realloc(b->files, ((size_t) b->nfiles + 1) * sizeof(*b->files));
	if (files == NULL)
		return sf_error_nomem(err);
	b->files = files;
	memcpy(b->files[b->nfiles++], taken, sizeof(taken));
	return SF_OK;
}

static sf_status
read_json_files(const sf_query_result1 *r, batch_files *b, const char *body, size_t len,
				sf_error *err)
{
	sf_json *root = sf_json_parse(body, len, "list of results of a batch", err);
	sf_status st = root != NULL ? SF_OK : SF_FAILED;

	if (st == SF_OK && sf_json_kind_of(root) != SF_JSON_ARRAY)
		st = sf_error_set(err, SF_ERR_PROTOCOL, "the list of results of batch %s is no array",
						  b->id);
	for (const sf_json *id = st == SF_OK ? sf_json_first(root) : NULL;
		 id != NULL && st == SF_OK; id = sf_json_next(id))
		st = add_file(r, b, sf_json_text(id) != NULL ? sf_json_text(id) : "", err);
	sf_json_free(root);
	return st;
}

static sf_status
read_xml_files(const sf_query_result1 *r, batch_files *b, const char *xml, size_t len,
			   sf_error *err)
{
	const char *inner;
	size_t inner_len;
	sf_status st = SF_OK;
	char id[SF_JOB_ID_MAX];

	if (memmem(xml, len, "result-list", strlen("result-list")) == NULL)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the list of results of batch %s is none",
							b->id);
	while (st == SF_OK && sf_xml_next(&xml, &len, "result", &inner, &inner_len))
	{
		snprintf(id, sizeof(id), "%.*s", (int) (inner_len < 19 ? inner_len : 19), inner);
		st = inner_len < sizeof(id) ? add_file(r, b, id, err) : add_file(r, b, "", err);
	}
	return st;
}

/* The list of a batch's files; XML where the job's content is CSV, JSON elsewhere. */
static sf_status
read_file_list(sf_query_result1 *r, batch_files *b, sf_error *err)
{
	size_t len;
	const char *body = sf_http_body(b->req, &len);
	sf_status st;

	if (body[strspn(body, " \t\r\n")] == '<')
		st = read_xml_files(r, b, body, len, err);
	else
		st = read_json_files(r, b, body, len, err);
	b->listed = st == SF_OK;
	return st;
}

/* ---- what is read next ------------------------------------------------------------- */

static sf_status
check_list(sf_query_result1 *r, batch_files *b, sf_error *err)
{
	sf_status st = sf_http_check(b->req, err);

	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_OK)
		st = read_file_list(r, b, err);
	sf_http_add_cost(&r->before.cost, b->req);
	sf_http_end(b->req);
	b->req = NULL;
	r->asking--;
	return st;
}

/* All files of a batch are read: are they whole together? */
static sf_status
check_batch(const sf_query_result1 *r, batch_files *b, sf_error *err)
{
	if (b->checked || !b->listed || b->read.files < b->nfiles)
		return SF_OK;
	b->checked = true;
	if (b->read.rows == b->records)
		return SF_OK;
	sf_error_set(err, SF_ERR_PROTOCOL,
				 "the results of batch %s of query job %s have %" PRId64
				 " rows instead of %" PRId64,
				 b->id, r->where.job_id, b->read.rows, b->records);
	sf_error_detail(err, "Its numberRecordsProcessed and its contents differ.");
	return SF_FAILED;
}

static sf_status
give_files(sf_query_result1 *r, batch_files *b, sf_error *err)
{
	char file[2 * SF_JOB_ID_MAX + 16];

	while (b->given < b->nfiles && sf_query_pages_has_room(r->pages))
	{
		snprintf(file, sizeof(file), "%s/result/%s", b->id, b->files[b->given++]);
		if (sf_query_pages_give_file(r->pages, file, b->nfiles == 1 ? b->records : -1,
									 &b->read, err) != SF_OK)
			return SF_FAILED;
	}
	return SF_OK;
}

/* Goes on with lists and files in the order of the batches. */
static sf_status
feed(sf_query_result1 *r, sf_error *err)
{
	bool all = true; /* files are given */
	int waiting = 0; /* files are not */

	/* with enough files ahead, further lists can wait: maybe nobody wants so many rows */
	for (int i = r->first; i < r->nbatches && waiting < r->streams; i++)
	{
		batch_files *b = r->batches[i];

		if (b->req != NULL && check_list(r, b, err) == SF_FAILED)
			return SF_FAILED;
		if (!b->listed && b->req == NULL && r->asking < r->streams)
		{
			b->req = sf_bulk1_download(&r->where, b->id, "result", NULL, false, 0, err);
			if (b->req == NULL)
				return SF_FAILED;
			r->asking++;
		}
		if (b->listed && (give_files(r, b, err) != SF_OK || check_batch(r, b, err) != SF_OK))
			return SF_FAILED;
		if (i == r->first && b->checked)
			r->first++;
		waiting += b->nfiles - b->given;
		all = all && b->listed && b->given == b->nfiles;
	}
	if (all && r->ended)
		sf_pages_end(r->pages);
	return SF_OK;
}

sf_status
sf_query_result1_step(sf_query_result1 *r, sf_error *err)
{
	sf_status st = feed(r, err);

	if (st == SF_OK)
		st = sf_query_pages_step(r->pages, err);
	if (st == SF_FAILED)
		sf_error_job(err, r->where.job_id);
	return st == SF_FAILED ? SF_FAILED : SF_WAIT;
}

sf_status
sf_query_result1_next_row(sf_query_result1 *r, sf_value **values, sf_error *err)
{
	sf_status st = sf_query_pages_next_row(r->pages, values, err);

	if (st == SF_OK || st == SF_FAILED)
		return st;

	/* a file that was read makes room for the next, and the last one of a batch tells whether it is whole */
	if (feed(r, err) != SF_OK)
	{
		sf_error_job(err, r->where.job_id);
		return SF_FAILED;
	}
	return st == SF_WAIT ? sf_query_pages_next_row(r->pages, values, err) : SF_DONE;
}

sf_status
sf_query_result1_rewind(sf_query_result1 *r, sf_error *err)
{
	sf_query_pages_info info;

	sf_query_pages_get_info(r->pages, &info);
	r->before.pages += info.pages;
	r->before.cost.calls += info.cost.calls;
	r->before.cost.retries += info.cost.retries;
	r->before.cost.wire_bytes += info.cost.wire_bytes;
	r->before.cost.text_bytes += info.cost.text_bytes;
	sf_query_pages_free(r->pages);
	r->pages = NULL;
	for (int i = 0; i < r->nbatches; i++)
	{
		r->batches[i]->given = 0;
		r->batches[i]->checked = false;
		memset(&r->batches[i]->read, 0, sizeof(r->batches[i]->read));
	}
	r->first = 0;
	return start_reader(r, err);
}
