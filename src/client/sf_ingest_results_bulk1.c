/*
 * sf_ingest_results_bulk1.c
 *		What became of the rows of a Bulk API 1.0 ingest job.
 */
#include "sf_ingest_results_bulk1.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sf_ingest_results1
{
	sf_bulk1_where where;
	sf_result_kind kind;
	int max_retries;
	int calls; /* of what is over */
	sf_error error;

	sf_http_request *list_req; /* asks for the batches */
	sf_results_batch *batches;
	int nbatches;
	int next;	  /* the batch to be read next */
	int64_t base; /* rows of the batches before the one at work; -1 where nobody knows */
	int64_t row;  /* of the one at work */

	/* the batch at work: what was sent and what became of it, each a row ahead of nothing */
	const sf_results_batch *batch;
	sf_ingest_results *request;
	sf_ingest_results *result; /* NULL: none of its rows was looked at */
	sf_value *sent;			   /* the row at hand; NULL: not there yet */
	sf_value *became;
	bool result_over;
	int columns[4]; /* of the result: see result_names */

	/* rows as they are given out */
	int nsent; /* columns that were sent; -1 before it is known */
	char **names;
	sf_value *values;
};

enum
{
	RESULT_ID,
	RESULT_SUCCESS,
	RESULT_CREATED,
	RESULT_ERROR
};

static const char *const result_names[] = {"Id", "Success", "Created", "Error"};

/* The columns before those that were sent. */
static const char *const added_names[][2] = {
	[SF_RESULT_FAILED] = {"sf__Id", "sf__Error"},
	[SF_RESULT_SUCCESSFUL] = {"sf__Id", "sf__Created"}};

static int
nadded(const sf_ingest_results1 *r)
{
	return r->kind == SF_RESULT_UNPROCESSED ? 0 : 2;
}

/* ---- begin and end ----------------------------------------------------------------- */

static sf_status
copy_batches(sf_ingest_results1 *r, const sf_results_batch *batches, int n, sf_error *err)
{
	r->batches = calloc((size_t) (n > 0 ? n : 1), sizeof(*r->batches));
	if (r->batches == NULL)
		return sf_error_nomem(err);
	memcpy(r->batches, batches, (size_t) n * sizeof(*batches));
	r->nbatches = n;
	return SF_OK;
}

sf_ingest_results1 *
sf_ingest_results1_start(sf_http *h, const char *api_version, const char *job_id,
						 sf_result_kind kind, const sf_results_batch *batches, int nbatches,
						 int max_retries, sf_error *err)
{
	sf_ingest_results1 *r = calloc(1, sizeof(*r));
	sf_status st = SF_OK;

	if (r == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	r->where.http = h;
	r->where.account = sf_http_current_account(h);
	r->where.noun = "ingest job";
	snprintf(r->where.api_version, sizeof(r->where.api_version), "%s", api_version);
	snprintf(r->where.job_id, sizeof(r->where.job_id), "%s", job_id);
	r->kind = kind;
	r->max_retries = max_retries;
	r->nsent = -1;
	if (batches != NULL)
		st = copy_batches(r, batches, nbatches, err);
	else if ((r->list_req = sf_bulk1_ask_batches(&r->where, err)) == NULL)
		st = SF_FAILED;
	if (st == SF_OK)
		return r;
	sf_ingest_results1_free(r);
	return NULL;
}

static void
end_list(sf_ingest_results1 *r)
{
	sf_http_cost cost;

	if (r->list_req == NULL)
		return;
	sf_http_get_cost(r->list_req, &cost);
	r->calls += cost.calls;
	sf_http_end(r->list_req);
	r->list_req = NULL;
}

static void
end_batch(sf_ingest_results1 *r)
{
	if (r->request != NULL)
		r->calls += sf_ingest_results_calls(r->request);
	if (r->result != NULL)
		r->calls += sf_ingest_results_calls(r->result);
	sf_ingest_results_free(r->request);
	sf_ingest_results_free(r->result);
	r->request = r->result = NULL;
	r->sent = r->became = NULL;
	r->batch = NULL;
}

void
sf_ingest_results1_free(sf_ingest_results1 *r)
{
	if (r == NULL)
		return;
	end_list(r);
	end_batch(r);
	for (int i = 0; i < r->nsent; i++)
		free(r->names[i]);
	free(r->names);
	free(r->values);
	free(r->batches);
	free(r);
}

/* ---- batches ----------------------------------------------------------------------- */

static sf_status
take_list(sf_ingest_results1 *r, sf_error *err)
{
	sf_bulk1_batches list;
	sf_status st = sf_http_check(r->list_req, err);

	if (st != SF_OK)
		return st;
	if (sf_bulk1_read_batches(&r->where, r->list_req, &list, err) != SF_OK)
		return SF_FAILED;
	end_list(r);
	r->batches = calloc((size_t) (list.n > 0 ? list.n : 1), sizeof(*r->batches));
	for (int i = 0; r->batches != NULL && i < list.n; i++)
	{
		const sf_bulk1_batch *from = &list.items[i];
		sf_results_batch *to = &r->batches[i];

		memcpy(to->id, from->id, sizeof(to->id));
		to->state = from->state;
		to->processed = from->processed;
		to->failed = from->failed;
		to->rows = from->state == SF_BATCH_COMPLETED ? from->processed : -1;
	}
	r->nbatches = list.n;
	sf_bulk1_batches_free(&list);
	return r->batches != NULL ? SF_OK : sf_error_nomem(err);
}

/* May a batch have rows of the kind that is wanted? */
static bool
may_have_rows(const sf_ingest_results1 *r, const sf_results_batch *batch)
{
	switch (r->kind)
	{
		case SF_RESULT_FAILED:
			return batch->failed > 0 && batch->processed > 0;
		case SF_RESULT_SUCCESSFUL:
			return batch->processed > batch->failed;
		case SF_RESULT_UNPROCESSED:
			return batch->state == SF_BATCH_NOT_PROCESSED || batch->state == SF_BATCH_FAILED;
	}
	return false;
}

static sf_ingest_results *
open_part(sf_ingest_results1 *r, const char *part, sf_error *err)
{
	char url[128];
	char doing[96];

	snprintf(url, sizeof(url), SF_ASYNC_PATH "%s/job/%s/batch/%s/%s", r->where.api_version,
			 r->where.job_id, r->batch->id, part);
	snprintf(doing, sizeof(doing), "read the %s of batch %s of ingest job %s", part,
			 r->batch->id, r->where.job_id);
	sf_http_use_account(r->where.http, r->where.account);
	return sf_ingest_results_open(r->where.http, url, doing, r->where.job_id, r->max_retries,
								  err);
}

/* Goes on to the next batch that may have rows: SF_DONE when there is none. */
static sf_status
open_batch(sf_ingest_results1 *r, sf_error *err)
{
	for (; r->next < r->nbatches; r->next++)
	{
		r->batch = &r->batches[r->next];
		if (r->batch->state < SF_BATCH_COMPLETED)
		{
			sf_error_set(err, SF_ERR_REMOTE, "batch %s of ingest job %s has not ended",
						 r->batch->id, r->where.job_id);
			sf_error_code(err, "INVALIDJOBSTATE");
			return SF_FAILED;
		}
		if (may_have_rows(r, r->batch))
			break;
		r->base = r->base < 0 || r->batch->rows < 0 ? -1 : r->base + r->batch->rows;
	}
	r->batch = r->next < r->nbatches ? &r->batches[r->next++] : NULL;
	if (r->batch == NULL)
		return SF_DONE;
	r->row = 0;
	r->columns[0] = -1;
	r->result_over = r->batch->processed == 0;
	r->request = open_part(r, "request", err);
	if (r->request == NULL)
		return SF_FAILED;
	if (!r->result_over)
		r->result = open_part(r, "result", err);
	return r->result_over || r->result != NULL ? SF_OK : SF_FAILED;
}

static void
close_batch(sf_ingest_results1 *r)
{
	r->base = r->base < 0 ? -1 : r->base + r->row;
	end_batch(r);
}

/* ---- columns ----------------------------------------------------------------------- */

static sf_status
find_result_columns(sf_ingest_results1 *r, sf_error *err)
{
	for (int i = 0; i < 4; i++)
	{
		r->columns[i] = -1;
		for (int n = 0; n < sf_ingest_results_ncolumns(r->result); n++)
		{
			if (strcasecmp(sf_ingest_results_column(r->result, n), result_names[i]) == 0)
				r->columns[i] = n;
		}
		if (r->columns[i] < 0)
			return sf_error_set(err, SF_ERR_PROTOCOL,
								"the result of batch %s of ingest job %s has no column \"%s\"",
								r->batch->id, r->where.job_id, result_names[i]);
	}
	return SF_OK;
}

/* Keeps the names of the first batch's columns; the others have the same. */
static sf_status
take_columns(sf_ingest_results1 *r, sf_error *err)
{
	int n = sf_ingest_results_ncolumns(r->request);

	if (r->nsent >= 0 && r->nsent != n)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"batch %s of ingest job %s has other columns than one before",
							r->batch->id, r->where.job_id);
	if (r->nsent >= 0)
		return SF_OK;
	r->names = calloc((size_t) n + 1, sizeof(*r->names));
	r->values = calloc((size_t) n + 2, sizeof(*r->values));
	if (r->names == NULL || r->values == NULL)
		return sf_error_nomem(err);
	for (r->nsent = 0; r->nsent < n; r->nsent++)
	{
		r->names[r->nsent] = strdup(sf_ingest_results_column(r->request, r->nsent));
		if (r->names[r->nsent] == NULL)
			return sf_error_nomem(err);
	}
	return SF_OK;
}

int
sf_ingest_results1_ncolumns(const sf_ingest_results1 *r)
{
	return nadded(r) + (r->nsent > 0 ? r->nsent : 0);
}

const char *
sf_ingest_results1_column(const sf_ingest_results1 *r, int i)
{
	return i < nadded(r) ? added_names[r->kind][i] : r->names[i - nadded(r)];
}

/* ---- rows -------------------------------------------------------------------------- */

static bool
is_true(const sf_value *value)
{
	return value->data != NULL && strcasecmp(value->data, "true") == 0;
}

/* Is the pair at hand of the kind that is wanted? */
static bool
is_wanted(const sf_ingest_results1 *r)
{
	if (r->became == NULL)
		return r->kind == SF_RESULT_UNPROCESSED;
	if (r->kind == SF_RESULT_UNPROCESSED)
		return false;
	return is_true(&r->became[r->columns[RESULT_SUCCESS]]) ==
		   (r->kind == SF_RESULT_SUCCESSFUL);
}

/*
 * Reads on until a row and what became of it are both there: SF_OK; SF_DONE at the end of the batch.  A batch that
 * failed may have results of its first rows alone.
 */
static sf_status
read_pair(sf_ingest_results1 *r, sf_error *err)
{
	bool row_over = false;
	sf_value *values;
	sf_status st;

	if (r->sent == NULL)
	{
		st = sf_ingest_results_next(r->request, &values, err);
		if (st == SF_WAIT || st == SF_FAILED)
			return st;
		row_over = st == SF_DONE;
		r->sent = row_over ? NULL : values;
		if (take_columns(r, err) != SF_OK)
			return SF_FAILED;
	}
	if (!r->result_over && r->became == NULL)
	{
		st = sf_ingest_results_next(r->result, &values, err);
		if (st == SF_WAIT || st == SF_FAILED)
			return st;
		if (r->columns[0] < 0 && find_result_columns(r, err) != SF_OK)
			return SF_FAILED;
		r->result_over = st == SF_DONE;
		r->became = r->result_over ? NULL : values;
	}
	if ((row_over && r->became != NULL) ||
		(!row_over && r->became == NULL && r->batch->state == SF_BATCH_COMPLETED))
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"batch %s of ingest job %s has %s results than rows", r->batch->id,
							r->where.job_id, row_over ? "more" : "fewer");
	return row_over ? SF_DONE : SF_OK;
}

static sf_status
next_row(sf_ingest_results1 *r, sf_value **values, sf_error *err)
{
	sf_status st;

	if (r->list_req != NULL && (st = take_list(r, err)) != SF_OK)
		return st;
	for (;;)
	{
		bool wanted;

		if (r->batch == NULL && (st = open_batch(r, err)) != SF_OK)
			return st;
		st = read_pair(r, err);
		if (st == SF_WAIT || st == SF_FAILED)
			return st;
		if (st == SF_DONE)
		{
			close_batch(r);
			continue;
		}
		r->row++;
		wanted = is_wanted(r);
		if (wanted && r->kind != SF_RESULT_UNPROCESSED)
		{
			r->values[0] = r->became[r->columns[RESULT_ID]];
			r->values[1] = r->became[r->columns[r->kind == SF_RESULT_FAILED ? RESULT_ERROR
																			: RESULT_CREATED]];
		}
		if (wanted)
			memcpy(r->values + nadded(r), r->sent, (size_t) r->nsent * sizeof(*r->values));
		r->sent = r->became = NULL;
		if (wanted)
		{
			*values = r->values;
			return SF_OK;
		}
	}
}

sf_status
sf_ingest_results1_next(sf_ingest_results1 *r, sf_value **values, sf_error *err)
{
	sf_status st = SF_FAILED;

	if (!sf_error_is_set(&r->error))
		st = next_row(r, values, &r->error);
	if (st == SF_FAILED)
	{
		sf_error_job(&r->error, r->where.job_id);
		if (err != NULL && !sf_error_is_set(err))
			*err = r->error;
	}
	return st;
}

int64_t
sf_ingest_results1_row(const sf_ingest_results1 *r)
{
	return r->base < 0 ? 0 : r->base + r->row;
}

int
sf_ingest_results1_calls(const sf_ingest_results1 *r)
{
	sf_http_cost cost = {0};

	if (r->list_req != NULL)
		sf_http_get_cost(r->list_req, &cost);
	return r->calls + cost.calls +
		   (r->request != NULL ? sf_ingest_results_calls(r->request) : 0) +
		   (r->result != NULL ? sf_ingest_results_calls(r->result) : 0);
}
