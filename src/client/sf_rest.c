/*
 * sf_rest.c
 *		A query by REST.
 */
#include "sf_rest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_json.h"
#include "sf_rest_json.h"
#include "sf_url.h"

/*
 * Most text of one page.  2,000 rows of usual width are 1 to 4 MB; wide ones Salesforce cuts to 200
 * by itself.  The page's tree takes several times that, so a bigger one is asked for again with
 * the smallest batch size there is.
 */
#define PAGE_MAX (16 * 1024 * 1024)

#define BATCH_MIN 200
#define BATCH_MAX 2000

/* nextRecordsUrl is some 60 bytes: "/services/data/v62.0/query/01gRO0000016PIAYA2-2000" */
#define NEXT_URL_MAX SF_NEXT_URL_MAX

struct sf_rest
{
	sf_http *http;
	sf_http_account *account;
	sf_http_request *req; /* the page that is asked for, or NULL */
	char *first_url;
	char next_url[NEXT_URL_MAX]; /* of the page after the current, "" when it is the last */
	int batch_size;
	bool count_only;
	sf_json_rows *rows;
	sf_rest_json *json; /* in its place */

	sf_json *page; /* the current page */
	int64_t page_rows;
	int64_t page_first; /* rows of the pages before it */
	bool started;		/* the first page is there */
	int64_t total;
	bool finished;

	/* the row of a count */
	sf_value count_value;
	char count_text[24];

	sf_rest_info info;
};

static bool
put_url(sf_buf *url, const sf_rest_spec *spec)
{
	sf_buf_printf(url, "/services/data/v%s/%s?q=", spec->api_version,
				  spec->query_all ? "queryAll" : "query");
	sf_url_escape(url, spec->soql, strlen(spec->soql));
	return url->failed == SF_ERR_NONE;
}

bool
sf_rest_fits(const sf_http *h, const sf_rest_spec *spec)
{
	sf_buf url;
	bool fits;

	sf_buf_init(&url, SF_BODY_SMALL);
	fits = put_url(&url, spec) && url.len + sf_http_overhead(h) <= SF_URI_AND_HEADERS_MAX;
	sf_buf_free(&url);
	return fits;
}

/* ---- requests ---------------------------------------------------------------------- */

static sf_status
send_request(sf_rest *r, const char *url, sf_error *err)
{
	char options[64];
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .url = url,
						 .doing = "run the query",
						 .retry = SF_RETRY_HARMLESS,
						 .account = r->account,
						 .header = options,
						 .body_max = PAGE_MAX};

	snprintf(options, sizeof(options), "Sforce-Query-Options: batchSize=%d", r->batch_size);
	r->req = sf_http_start(r->http, &spec, err);
	return r->req != NULL ? SF_OK : SF_FAILED;
}

static void
drop_request(sf_rest *r)
{
	sf_http_settle(&r->req, &r->info.cost);
}

sf_rest *
sf_rest_start(sf_http *h, const sf_rest_spec *spec, sf_error *err)
{
	sf_rest *r = calloc(1, sizeof(*r));
	sf_buf url;

	if (r == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	r->http = h;
	r->account = sf_http_current_account(h);
	r->total = -1;
	r->count_only = spec->count_only;
	r->batch_size = spec->batch_size > 0 ? spec->batch_size : BATCH_MAX;
	if (r->batch_size < BATCH_MIN)
		r->batch_size = BATCH_MIN;
	if (r->batch_size > BATCH_MAX)
		r->batch_size = BATCH_MAX;
	sf_buf_init(&url, SF_BODY_SMALL);
	put_url(&url, spec);
	if (sf_buf_check(&url, "the query's URL", err) == SF_OK)
		r->first_url = sf_buf_take(&url, NULL);
	sf_buf_free(&url);
	if (r->first_url != NULL && spec->json)
		r->json = sf_rest_json_new(h, err);
	else if (r->first_url != NULL && !spec->count_only)
		r->rows = sf_json_rows_new(spec->columns, spec->ncolumns, err);
	if (r->first_url == NULL || (r->rows == NULL && r->json == NULL && !spec->count_only) ||
		send_request(r, r->first_url, err) != SF_OK)
	{
		if (!sf_error_is_set(err))
			sf_error_nomem(err);
		sf_rest_free(r);
		return NULL;
	}
	return r;
}

void
sf_rest_free(sf_rest *r)
{
	if (r == NULL)
		return;
	sf_http_end(r->req);
	sf_json_rows_free(r->rows);
	sf_rest_json_free(r->json);
	sf_json_free(r->page);
	free(r->first_url);
	free(r);
}

/* ---- pages ------------------------------------------------------------------------- */

/* The next page's path: on the same host whatever the answer says, and nothing but a path. */
static sf_status
take_next_url(sf_rest *r, const char *url, sf_error *err)
{
	size_t len = url != NULL ? strlen(url) : 0;

	if (len == 0)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the answer to the query is not done but names no next page");
	if (!sf_rest_is_next_url(url))
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the answer to the query names a malformed next page");
	if (strcmp(url, r->next_url) == 0)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the answer to the query names itself as the next page");
	memcpy(r->next_url, url, len + 1);
	return SF_OK;
}

/* All rows there are were taken, or more than there can be came. */
static sf_status
check_total(sf_rest *r, sf_error *err)
{
	if (r->page_first + r->page_rows != r->total)
	{
		sf_error_set(err, SF_ERR_PROTOCOL,
					 "the query gave %" PRId64 " rows, but its totalSize is %" PRId64,
					 r->page_first + r->page_rows, r->total);
		return SF_FAILED;
	}
	r->finished = true;
	return SF_DONE;
}

static void
begin_rows(sf_rest *r, const sf_json *records)
{
	if (r->json != NULL)
		sf_rest_json_begin(r->json, records);
	if (r->rows != NULL)
		sf_json_rows_begin(r->rows, records, r->page_first + 1);
}

static sf_status
take_page(sf_rest *r, sf_error *err)
{
	static const char what[] = "answer to the query";
	const sf_json *records = NULL;
	const char *next_url = NULL;
	int64_t total = -1;
	bool done = false;
	const sf_json_field fields[] = {
		{"totalSize", SF_FIELD_INT64, &total, true},
		{"done", SF_FIELD_BOOL, &done, true},
		{"nextRecordsUrl", SF_FIELD_STRING, &next_url, false},
		{"records", SF_FIELD_ARRAY, &records, true},
	};
	size_t len;
	const char *body = sf_http_body(r->req, &len);
	sf_error why = {0};
	sf_json *page = sf_json_parse(body, len, what, &why);

	if (page == NULL && why.cls == SF_ERR_DATA)
		sf_json_rows_locate(body, len, r->page_first + r->page_rows + 1, &why);
	drop_request(r); /* its text is as big as the page */
	if (page == NULL && err != NULL && !sf_error_is_set(err))
		*err = why;
	if (page == NULL)
		return SF_FAILED;
	sf_json_free(r->page);
	r->page = page;
	if (sf_json_read(page, what, fields, 4, err) != SF_OK)
		return SF_FAILED;
	r->page_first += r->page_rows;
	r->page_rows = sf_json_count(records);
	r->info.pages++;
	if (total < 0 || (r->started && total != r->total))
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the query's totalSize changed from %" PRId64 " to %" PRId64,
							r->total, total);
	r->total = total;
	r->started = true;
	/* at once, as pages that lead back to each other have no end */
	if (r->page_first + r->page_rows > total)
		return check_total(r, err);
	/* done decides, not the presence of a link */
	if (done)
		r->next_url[0] = '\0';
	else if (take_next_url(r, next_url, err) != SF_OK)
		return SF_FAILED;
	else if (r->page_rows == 0)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the answer to the query has no rows but is not done");
	begin_rows(r, records);
	return SF_OK;
}

/* SF_OK when a page that was asked for has been taken. */
static sf_status
receive_page(sf_rest *r, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(r->req, &why);

	if (st == SF_OK)
		return take_page(r, err);
	if (st == SF_WAIT)
		return SF_WAIT;
	drop_request(r);
	if (why.cls == SF_ERR_LIMIT && !r->started && r->batch_size > BATCH_MIN)
	{
		r->batch_size = BATCH_MIN;
		r->info.cost.retries++;
		return send_request(r, r->first_url, err) == SF_OK ? SF_WAIT : SF_FAILED;
	}
	if (err != NULL && !sf_error_is_set(err))
		*err = why;
	return SF_FAILED;
}

sf_status
sf_rest_step(sf_rest *r, sf_error *err)
{
	if (r->started)
		return SF_OK;
	return receive_page(r, err);
}

int64_t
sf_rest_total(const sf_rest *r)
{
	return r->total;
}

/* ---- rows -------------------------------------------------------------------------- */

static sf_status
next_count(sf_rest *r, sf_value **values)
{
	if (r->finished)
		return SF_DONE;
	r->finished = true;
	r->info.rows = 1;
	r->count_value.data = r->count_text;
	r->count_value.len = snprintf(r->count_text, sizeof(r->count_text), "%" PRId64, r->total);
	*values = &r->count_value;
	return SF_OK;
}

sf_status
sf_rest_next_row(sf_rest *r, sf_value **values, sf_error *err)
{
	sf_status st;

	if (!r->started)
	{
		st = receive_page(r, err);
		if (st != SF_OK)
			return st;
	}
	if (r->count_only)
		return next_count(r, values);
	if (r->finished)
		return SF_DONE;
	for (;;)
	{
		/* the page after this one comes while this one is read */
		if (r->next_url[0] != '\0' && r->req == NULL &&
			send_request(r, r->next_url, err) != SF_OK)
			return SF_FAILED;
		st = r->json != NULL ? sf_rest_json_next(r->json, values, err)
							 : sf_json_rows_next(r->rows, values, err);
		if (st == SF_OK)
			r->info.rows++;
		if (st != SF_DONE)
			return st;
		if (r->next_url[0] == '\0')
			return check_total(r, err);
		st = receive_page(r, err);
		if (st != SF_OK)
			return st;
	}
}

bool
sf_rest_rewind(sf_rest *r)
{
	/* one page that is whole and still here */
	if (!r->started || r->info.pages != 1 || r->next_url[0] != '\0')
		return false;
	r->finished = false;
	r->info.rows = 0;
	begin_rows(r, sf_json_get(r->page, "records"));
	return true;
}

void
sf_rest_get_info(const sf_rest *r, sf_rest_info *info)
{
	sf_http_cost cost;

	*info = r->info;
	if (r->json != NULL)
	{
		sf_rest_json_get_cost(r->json, &cost);
		info->cost.calls += cost.calls;
		info->cost.retries += cost.retries;
		info->cost.wire_bytes += cost.wire_bytes;
		info->cost.text_bytes += cost.text_bytes;
	}
	if (r->req != NULL)
	{
		sf_http_get_cost(r->req, &cost);
		info->cost.calls += cost.calls;
		info->cost.retries += cost.retries;
		info->cost.wire_bytes += cost.wire_bytes;
	}
}
