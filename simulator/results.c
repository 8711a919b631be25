/*
 * results.c
 *		Results of a finished query job: pages, and links to pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

/*
 * A locator is what a real one looks like: base64 of "0:0Ga…:n".  Ours has the
 * first row, and in links of resultPages the number of rows as well.
 */
static void
make_locator(const char *job_id, int64_t first, int64_t count, char out[96])
{
	char id[SIM_ID_SIZE];
	char text[64];
	sim_buf b = {0};

	sim_id_make("0Ga", sim_id_number(job_id, SIM_ID_LEN, "750"), id);
	snprintf(text, sizeof(text), count > 0 ? "0:%s:%lld:%lld" : "0:%s:%lld", id,
			 (long long) first, (long long) count);
	srv_base64url_encode(&b, text, strlen(text));
	snprintf(out, 96, "%s", b.data ? b.data : "");
	sim_buf_free(&b);
}

static bool
read_locator(const char *job_id, const char *locator, int64_t *first, int64_t *count)
{
	char want[96];
	size_t len;
	unsigned char *text = srv_base64_decode(locator, strlen(locator), &len);
	long long f = -1, n = 0;
	bool ok =
		text && sscanf((char *) text, "0:%*18[^:]:%lld:%lld", &f, &n) >= 1 && f >= 0 && n >= 0;

	free(text);
	if (!ok)
		return false;

	/* whatever cannot have come from here is refused */
	make_locator(job_id, f, n, want);
	*first = f;
	*count = n;
	return strcmp(want, locator) == 0;
}

/* What reading results needs of a job, without holding the lock for it. */
typedef struct reader
{
	char id[SIM_ID_SIZE];
	srv_render *render; /* a reference */
	int64_t total;		/* rows of the whole result */
	int64_t first;		/* from the locator */
	int64_t chunk;		/* rows of a page, when the locator says; else 0 */
	int64_t rows;		/* rows to put on a page */
} reader;

/* Rows of a page: never more than maxRecords nor than page_rows; -1 when malformed. */
static int64_t
page_rows(srv_request *req, int64_t chunk)
{
	int64_t max = srv_options_get(req->srv).page_rows;
	int64_t n;

	if (chunk > 0 && chunk < max)
		max = chunk;
	n = srv_param_int(req, "maxRecords", max);
	if (n <= 0)
		return -1;
	return n > max ? max : n;
}

/*
 * Open the result for reading.  False after the answer is filled in; else the
 * caller releases out->render.
 */
static bool
open_result(srv_request *req, reader *out)
{
	char *locator;
	bool good;

	memset(out, 0, sizeof(*out));
	if (!job_open_result(req, out->id, &out->render))
		return false;
	out->total = render_rows(out->render);
	locator = srv_param(req->query, "locator", NULL);
	good = (locator == NULL || *locator == '\0' ||
			read_locator(out->id, locator, &out->first, &out->chunk)) &&
		   (out->first == 0 || out->first < out->total);
	free(locator);
	out->rows = page_rows(req, out->chunk);
	if (good && out->rows > 0)
		return true;
	if (good)
		srv_error(req, 400, "API_ERROR", "Invalid value supplied for parameter: 'maxRecords'");
	else
		srv_error(req, 400, "INVALID_QUERY_LOCATOR", "invalid query locator");
	render_release(out->render);
	return false;
}

void
job_results(srv_request *req)
{
	srv_options opt = srv_options_get(req->srv);
	srv_response *resp = &req->resp;
	char next[96];
	sim_error err;
	reader r;

	if (!open_result(req, &r))
		return;
	if (r.rows > r.total - r.first)
		r.rows = r.total - r.first;
	if (r.total == 0 && opt.empty_results)
	{
		srv_text(req, 200, opt.csv_charset ? "text/csv; charset=UTF-8" : "text/csv", NULL);
		srv_set_header(resp, "Sforce-NumberOfRecords", "0");
		srv_set_header(resp, "Sforce-Locator", "null");
	}
	else if (!render_page(r.render, r.first, r.rows, &resp->file, &resp->file_gz, &err))
		srv_engine_error(req, &err);
	else
	{
		resp->status = 200;
		snprintf(resp->content_type, sizeof(resp->content_type), "%s",
				 opt.csv_charset ? "text/csv; charset=UTF-8" : "text/csv");
		srv_set_headerf(resp, "Sforce-NumberOfRecords", "%lld", (long long) r.rows);
		make_locator(r.id, r.first + r.rows, r.chunk, next);
		srv_set_header(resp, "Sforce-Locator", r.first + r.rows < r.total ? next : "null");
	}
	render_release(r.render);
}

void
job_result_pages(srv_request *req)
{
	srv_options opt = srv_options_get(req->srv);
	bool doc = opt.result_pages == PAGES_DOC;
	char base[128];
	char text[96];
	sim_buf *b;
	reader r;

	if (opt.result_pages == PAGES_OFF)
	{
		srv_not_found(req);
		return;
	}
	if (!open_result(req, &r))
		return;
	if (doc)
		snprintf(base, sizeof(base), "/services/data/v%s/jobs/query/%s", req->version, r.id);
	else
		snprintf(base, sizeof(base), "/jobs/query/%s", r.id);
	b = srv_json(req, 200);
	sim_buf_printf(b, "{\"%s\":[",
				   opt.result_pages == PAGES_CHUNKS ? "resultChunks" : "resultPages");

	/* an empty result has one page, too: the header line */
	for (int i = 0; i < opt.page_links && (r.first < r.total || (i == 0 && r.first == 0)); i++)
	{
		make_locator(r.id, r.first, r.rows, text);
		sim_buf_printf(b, "%s{\"%s\":\"%s/results?locator=%s\"}", i ? "," : "",
					   doc ? "resultUrl" : "resultLink", base, text);
		r.first += r.rows;
	}
	sim_buf_char(b, ']');
	make_locator(r.id, r.first, r.rows, text);
	if (r.first < r.total)
		sim_buf_printf(b, ",\"nextRecordsUrl\":\"%s/resultpages?locator=%s\",\"done\":false}",
					   base, text);
	else if (opt.result_pages == PAGES_CHUNKS)
		sim_buf_str(b, ",\"nextRecordsUrl\":null,\"done\":true}");
	else
		sim_buf_str(b, ",\"done\":true}");
	render_release(r.render);
}
