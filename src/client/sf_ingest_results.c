/*
 * sf_ingest_results.c
 *		A result file of an ingest job, row by row.
 *
 * The file of a finished job does not change, so a download that breaks off is asked for again, and
 * what the reader has had of it is skipped if it is the same text.
 */
#include "sf_ingest_results.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_csv.h"
#include "sf_inflate.h"
#include "sf_sum.h"

/* With so much text in hand a reader does not wait for more. */
#define FILL_ENOUGH (64 * 1024)

#define URL_MAX	  160
#define DOING_MAX 128

struct sf_ingest_results
{
	sf_http *http;
	sf_http_account *account;
	char url[URL_MAX];
	char doing[DOING_MAX];
	char job_id[SF_JOB_ID_MAX];
	int max_retries;

	sf_http_request *req;
	int restarts;
	bool opened; /* the headers of this download were looked at */
	bool gzip;
	sf_inflate *inflate;
	sf_csv *csv;
	sf_sum sum;		/* of the text that the parser got */
	sf_sum again;	/* of the same text in a download after the first */
	uint64_t skip;	/* bytes of it still to come */
	int calls;		/* of downloads that are over */
	sf_error error; /* what it failed with */
};

/* The names in URLs as documented; unprocessedrecords is lower case there. */
static const char *const file_names[] = {[SF_RESULT_FAILED] = "failedResults",
										 [SF_RESULT_SUCCESSFUL] = "successfulResults",
										 [SF_RESULT_UNPROCESSED] = "unprocessedrecords"};

static const char *const file_words[] = {[SF_RESULT_FAILED] = "rejected",
										 [SF_RESULT_SUCCESSFUL] = "successful",
										 [SF_RESULT_UNPROCESSED] = "unprocessed"};

/* ---- downloads --------------------------------------------------------------------- */

static sf_status
ask(sf_ingest_results *r, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .url = r->url,
						 .doing = r->doing,
						 .retry = SF_RETRY_HARMLESS,
						 .account = r->account,
						 .stream = true,
						 .accept = "text/csv",
						 .nfailed = r->restarts};

	r->opened = false;
	r->req = sf_http_start(r->http, &spec, err);
	return r->req != NULL ? SF_OK : SF_FAILED;
}

static void
end_request(sf_ingest_results *r)
{
	sf_http_cost cost;

	if (r->req == NULL)
		return;
	sf_http_get_cost(r->req, &cost);
	r->calls += cost.calls;
	sf_http_end(r->req);
	r->req = NULL;
}

sf_ingest_results *
sf_ingest_results_start(sf_http *h, const char *api_version, const char *job_id,
						sf_result_kind kind, int max_retries, sf_error *err)
{
	char url[URL_MAX];
	char doing[DOING_MAX];

	snprintf(url, sizeof(url), "/services/data/v%s/jobs/ingest/%s/%s/", api_version, job_id,
			 file_names[kind]);
	snprintf(doing, sizeof(doing), "read the %s rows of ingest job %s", file_words[kind],
			 job_id);
	return sf_ingest_results_open(h, url, doing, job_id, max_retries, err);
}

sf_ingest_results *
sf_ingest_results_open(sf_http *h, const char *url, const char *doing, const char *job_id,
					   int max_retries, sf_error *err)
{
	sf_ingest_results *r = calloc(1, sizeof(*r));

	if (r == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	r->http = h;
	r->account = sf_http_current_account(h);
	r->max_retries = max_retries;
	snprintf(r->job_id, sizeof(r->job_id), "%s", job_id);
	snprintf(r->url, sizeof(r->url), "%s", url);
	snprintf(r->doing, sizeof(r->doing), "%s", doing);
	r->csv = sf_csv_new(NULL, err);
	if (r->csv == NULL || ask(r, err) != SF_OK)
	{
		sf_ingest_results_free(r);
		return NULL;
	}
	return r;
}

void
sf_ingest_results_free(sf_ingest_results *r)
{
	if (r == NULL)
		return;
	sf_http_end(r->req);
	sf_inflate_free(r->inflate);
	sf_csv_free(r->csv);
	free(r);
}

int
sf_ingest_results_calls(const sf_ingest_results *r)
{
	sf_http_cost cost = {0};

	if (r->req != NULL)
		sf_http_get_cost(r->req, &cost);
	return r->calls + cost.calls;
}

int
sf_ingest_results_ncolumns(const sf_ingest_results *r)
{
	return sf_csv_ncolumns(r->csv);
}

const char *
sf_ingest_results_column(const sf_ingest_results *r, int i)
{
	return sf_csv_header_name(r->csv, i);
}

/* Starts a broken download again. */
static sf_status
restart(sf_ingest_results *r, const sf_error *why, sf_error *err)
{
	if ((why->cls != SF_ERR_NETWORK && why->cls != SF_ERR_TIMEOUT) ||
		r->restarts >= r->max_retries)
	{
		if (err != NULL && !sf_error_is_set(err))
			*err = *why;
		return SF_FAILED;
	}
	end_request(r);
	r->restarts++;
	r->skip = r->sum.len;
	sf_sum_reset(&r->again);
	if (r->inflate != NULL)
		sf_inflate_reset(r->inflate);
	return ask(r, err) == SF_OK ? SF_WAIT : SF_FAILED;
}

/* ---- text -------------------------------------------------------------------------- */

/* Looks at the headers of a download. */
static sf_status
open_file(sf_ingest_results *r, sf_error *err)
{
	const sf_http_headers *h = sf_http_response(r->req);

	if (h->status == 204)
	{
		/* one of the ways to say that the job has not finished: no rows would be a lie */
		sf_error_set(err, SF_ERR_REMOTE, "could not %s: the job has not finished", r->doing);
		if (err != NULL && err->http_status == 0)
			err->http_status = h->status;
		return SF_FAILED;
	}
	if (h->unknown_encoding)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"could not %s: the answer has an unknown Content-Encoding",
							r->doing);
	if (strncmp(h->content_type, "text/html", 9) == 0 ||
		strncmp(h->content_type, "application/json", 16) == 0)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"could not %s: the answer is %s instead of text/csv", r->doing,
							h->content_type);
	r->opened = true;
	r->gzip = h->gzip;
	if (r->gzip && r->inflate == NULL)
		r->inflate = sf_inflate_new(err);
	return r->gzip && r->inflate == NULL ? SF_FAILED : SF_OK;
}

static sf_status
read_gzip(sf_ingest_results *r, char *out, size_t room, size_t *n, sf_error *why)
{
	for (;;)
	{
		size_t had = sf_inflate_input_left(r->inflate);
		sf_status st = sf_inflate_output(r->inflate, out, room, n, why);
		const char *data;
		size_t len;

		if (had > 0)
			sf_http_consume(r->req, had - sf_inflate_input_left(r->inflate));
		if (st != SF_WAIT)
			return st;
		st = sf_http_read(r->req, &data, &len, why);
		if (st == SF_DONE && sf_inflate_total_in(r->inflate) > 0 &&
			sf_inflate_finish(r->inflate, NULL) != SF_OK)
			return sf_error_set(why, SF_ERR_NETWORK,
								"could not %s: the compressed text is cut off", r->doing);
		if (st != SF_OK)
			return st;
		sf_inflate_input(r->inflate, data, len);
	}
}

/*
 * Text of the file into out.  SF_OK with *n > 0 bytes, SF_WAIT, SF_DONE at its end, SF_FAILED with
 * *why, where SF_ERR_NETWORK and SF_ERR_TIMEOUT mean that a new download may help.
 */
static sf_status
read_text(sf_ingest_results *r, char *out, size_t room, size_t *n, sf_error *why)
{
	const char *data;
	size_t len;
	sf_status st;

	if (r->gzip)
		return read_gzip(r, out, room, n, why);
	st = sf_http_read(r->req, &data, &len, why);
	if (st != SF_OK)
		return st;
	*n = len < room ? len : room;
	memcpy(out, data, *n);
	sf_http_consume(r->req, *n);
	return SF_OK;
}

/* Takes what the parser had before off the front of n bytes; SF_FAILED when it differs. */
static sf_status
skip_text(sf_ingest_results *r, char *text, size_t *n, sf_error *err)
{
	size_t m = *n < r->skip ? *n : (size_t) r->skip;

	sf_sum_add(&r->again, text, m);
	r->skip -= m;
	if (r->skip == 0 && !sf_sum_equal(&r->again, &r->sum))
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"could not %s: they were other ones when they were read again",
							r->doing);
	memmove(text, text + m, *n - m);
	*n -= m;
	return SF_OK;
}

/* Fills the parser's block as far as there is text.  SF_OK when the parser has something new. */
static sf_status
fill(sf_ingest_results *r, sf_error *err)
{
	sf_error why = {0};
	sf_status st = SF_OK;
	size_t filled = 0;
	size_t room;
	char *ptr;

	if (!r->opened)
	{
		if (!sf_http_has_headers(r->req))
			return sf_http_check(r->req, err);
		if (open_file(r, err) != SF_OK)
			return SF_FAILED;
	}
	if (sf_csv_block_begin(r->csv, &ptr, &room, err) != SF_OK)
		return SF_FAILED;
	while (filled < room && filled < FILL_ENOUGH && st == SF_OK)
	{
		size_t n = 0;

		st = read_text(r, ptr + filled, room - filled, &n, &why);
		if (st == SF_OK && r->skip > 0 && skip_text(r, ptr + filled, &n, err) != SF_OK)
			return SF_FAILED;
		filled += n;
	}
	/* also when nothing is left of it: what was skipped has been written there */
	sf_sum_add(&r->sum, ptr, filled);
	if (sf_csv_block_filled(r->csv, filled, err) != SF_OK)
		return SF_FAILED;
	if (st == SF_FAILED)
		return filled > 0 ? SF_OK : restart(r, &why, err);
	if (st == SF_DONE && filled == 0)
	{
		if (r->skip > 0)
			return sf_error_set(err, SF_ERR_PROTOCOL,
								"could not %s: there were fewer when they were read again",
								r->doing);
		return sf_csv_finish(r->csv, err);
	}
	return filled > 0 ? SF_OK : st;
}

/* All rows were handed out: were these all that the answer promised, where it did? */
static sf_status
check_count(sf_ingest_results *r, sf_error *err)
{
	int64_t promised = sf_http_response(r->req)->records;

	if (promised >= 0 && promised != sf_csv_rows(r->csv))
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"could not %s: there are %" PRId64 " instead of %" PRId64,
							r->doing, sf_csv_rows(r->csv), promised);
	return SF_DONE;
}

static sf_status
next_row(sf_ingest_results *r, sf_value **values, sf_error *err)
{
	sf_status st;

	for (;;)
	{
		st = sf_csv_next(r->csv, values, err);
		if (st == SF_DONE)
			st = check_count(r, err);
		if (st != SF_WAIT)
			break;
		st = fill(r, err);
		if (st != SF_OK)
			break;
	}
	if (st == SF_FAILED)
		sf_error_job(err, r->job_id);
	return st;
}

sf_status
sf_ingest_results_next(sf_ingest_results *r, sf_value **values, sf_error *err)
{
	sf_status st = SF_FAILED;

	/* it stays failed: what comes behind a row that is missing is not to be trusted */
	if (!sf_error_is_set(&r->error))
		st = next_row(r, values, &r->error);
	if (st == SF_FAILED && err != NULL && !sf_error_is_set(err))
		*err = r->error;
	return st;
}
