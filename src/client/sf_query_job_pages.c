/*
 * sf_query_job_pages.c
 *		The rows of a complete query job.
 */
#include "sf_query_job_pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_csv.h"
#include "sf_inflate_ahead.h"
#include "sf_query_job_links.h"
#include "sf_sum.h"
#include "sf_url.h"

/*
 * Pages that have a parser and a decoder, some 350 kB each.  With more downloads than this the others
 * wait compressed until one of these is through.
 */
#define OPEN_MAX 8

/* With so much text in hand a reader does not wait for more: it can be decompressed meanwhile. */
#define FILL_ENOUGH (64 * 1024)

/* resultPages begins with 58.0 */
#define LINKS_SINCE 58

/* A page that is being downloaded or read. */
typedef struct page
{
	sf_http_request *req; /* NULL: the slot is free */
	char *locator;		  /* "" for the first page of the chain */
	int restarts;
	bool chained; /* its Sforce-Locator was passed on */

	/* once it is read */
	bool opened; /* the headers of this download were looked at */
	bool gzip;
	bool cut_off;	  /* the answer was complete, its gzip was not */
	int64_t expected; /* Sforce-NumberOfRecords; -1 when missing */
	sf_inflate *inflate;
	sf_csv *csv;
	sf_sum sum;	   /* of the text that the parser got */
	sf_sum again;  /* of the same text in a download after the first */
	uint64_t skip; /* bytes of it still to come */
} page;

struct sf_query_pages
{
	sf_http *http;
	char api_version[8];
	char job_id[SF_JOB_ID_MAX];
	const char **columns;
	int ncolumns;
	int64_t records;
	int page_rows;
	int streams;
	int max_retries;

	bool chain; /* locators come from the pages instead of resultPages */
	sf_links links;
	sf_http_request *links_req;
	bool links_started; /* a list was used: no way back to the chain */
	bool no_more_links;

	page pages[SF_STREAMS_MAX];
	int current; /* the page that is read, or -1 */
	bool finished;
	int64_t rows_before; /* of pages that are done */
	sf_query_pages_info info;

	/* parsers and decoders of finished pages, for the next ones */
	sf_csv *spare_csv;
	sf_inflate *spare_inflate;

	sf_ahead *ahead; /* decompresses for the page that is read; NULL before the first */
	sf_ahead_mode ahead_mode;
};

/* ---- requests ---------------------------------------------------------------------- */

static void
add_cost(sf_query_pages *p, const sf_http_request *req)
{
	sf_http_cost cost;

	sf_http_get_cost(req, &cost);
	p->info.cost.calls += cost.calls;
	p->info.cost.retries += cost.retries;
	p->info.cost.wire_bytes += cost.wire_bytes;
	p->info.cost.text_bytes += cost.text_bytes;
}

/* GET …/jobs/query/<id>/<what>[?locator=…][&maxRecords=…] */
static sf_http_request *
ask(sf_query_pages *p, const char *what, const char *locator, bool is_page, int nfailed,
	sf_error *err)
{
	char doing[96];
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .doing = doing,
						 .retry = SF_RETRY_HARMLESS,
						 .stream = is_page,
						 .accept = is_page ? "text/csv" : NULL,
						 .nfailed = nfailed};
	sf_http_request *req = NULL;
	sf_buf url;

	snprintf(doing, sizeof(doing), "read %s of query job %s",
			 is_page ? "a result page" : "the list of result pages", p->job_id);
	sf_buf_init(&url, 8192);
	sf_buf_printf(&url, "/services/data/v%s/jobs/query/%s/%s", p->api_version, p->job_id,
				  what);
	if (locator[0] != '\0')
	{
		sf_buf_puts(&url, "?locator=");
		sf_url_escape(&url, locator, strlen(locator));
	}
	if (is_page && p->page_rows > 0)
		sf_buf_printf(&url, "%cmaxRecords=%d", locator[0] != '\0' ? '&' : '?', p->page_rows);
	if (sf_buf_check(&url, "the URL of a result page", err) == SF_OK)
	{
		spec.url = sf_buf_text(&url);
		req = sf_http_start(p->http, &spec, err);
	}
	sf_buf_free(&url);
	return req;
}

sf_query_pages *
sf_query_pages_start(sf_http *h, const sf_query_pages_spec *spec, sf_error *err)
{
	sf_query_pages *p = calloc(1, sizeof(*p));

	if (p == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	p->http = h;
	p->current = -1;
	p->records = spec->records;
	p->page_rows = spec->page_rows;
	p->max_retries = spec->max_retries;
	p->ahead_mode = spec->no_threads ? SF_AHEAD_NEVER : SF_AHEAD_AUTO;
	p->streams = spec->streams < 1 ? 1 : spec->streams;
	if (p->streams > SF_STREAMS_MAX)
		p->streams = SF_STREAMS_MAX;
	snprintf(p->api_version, sizeof(p->api_version), "%s", spec->api_version);
	snprintf(p->job_id, sizeof(p->job_id), "%s", spec->job_id);
	p->columns = calloc((size_t) spec->ncolumns + 1, sizeof(*p->columns));
	if (p->columns == NULL)
		goto nomem;
	for (; p->ncolumns < spec->ncolumns; p->ncolumns++)
	{
		p->columns[p->ncolumns] = strdup(spec->columns[p->ncolumns]);
		if (p->columns[p->ncolumns] == NULL)
			goto nomem;
	}

	/*
	 * maxRecords is a parameter of /results alone, so pages of a chosen size come by the chain; so
	 * does a result without rows, which saves a call.
	 */
	p->chain = atoi(p->api_version) < LINKS_SINCE || p->page_rows > 0 || p->records == 0;
	if (p->chain)
		p->no_more_links = true;
	else
		p->links_req = ask(p, "resultPages", "", false, 0, err);
	if (p->chain ? sf_links_add(&p->links, "", err) != SF_OK : p->links_req == NULL)
	{
		sf_query_pages_free(p);
		return NULL;
	}
	if (p->chain && sf_query_pages_step(p, err) == SF_FAILED)
	{
		sf_query_pages_free(p);
		return NULL;
	}
	return p;

nomem:
	sf_error_nomem(err);
	sf_query_pages_free(p);
	return NULL;
}

void
sf_query_pages_free(sf_query_pages *p)
{
	if (p == NULL)
		return;
	sf_ahead_free(p->ahead); /* it may be at work on a page's decoder */
	sf_http_end(p->links_req);
	sf_links_free(&p->links);
	for (int i = 0; i < SF_STREAMS_MAX; i++)
	{
		sf_http_end(p->pages[i].req);
		sf_inflate_free(p->pages[i].inflate);
		sf_csv_free(p->pages[i].csv);
		free(p->pages[i].locator);
	}
	sf_csv_free(p->spare_csv);
	sf_inflate_free(p->spare_inflate);
	for (int i = 0; i < p->ncolumns; i++)
		free((char *) p->columns[i]);
	free(p->columns);
	free(p);
}

void
sf_query_pages_get_info(const sf_query_pages *p, sf_query_pages_info *info)
{
	*info = p->info;
	for (int i = 0; i < SF_STREAMS_MAX; i++)
	{
		sf_http_cost cost;

		if (p->pages[i].req == NULL)
			continue;
		sf_http_get_cost(p->pages[i].req, &cost);
		info->cost.calls += cost.calls;
		info->cost.retries += cost.retries;
		info->cost.wire_bytes += cost.wire_bytes;
		info->cost.text_bytes += (int64_t) p->pages[i].sum.len;
	}
}

/* ---- links ------------------------------------------------------------------------- */

/*
 * May the chain be tried where resultPages failed?  Yes for an endpoint that is not there or says
 * what nobody understands; not where any request would fail.
 */
static bool
chain_may_work(const sf_error *why)
{
	if (why->cls == SF_ERR_PROTOCOL || why->cls == SF_ERR_DATA)
		return true;
	return why->cls == SF_ERR_REMOTE && why->http_status != 403 && why->http_status != 409 &&
		   why->http_status != 420 && why->http_status != 429;
}

static sf_status
receive_links(sf_query_pages *p, sf_error *err)
{
	sf_error why = {0};
	sf_status st = sf_http_check(p->links_req, &why);
	const char *body;
	size_t len;

	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_OK)
	{
		body = sf_http_body(p->links_req, &len);
		st = sf_links_read(&p->links, body, len, p->records >= 0, &why);
	}
	add_cost(p, p->links_req);
	sf_http_end(p->links_req);
	p->links_req = NULL;
	if (st == SF_OK)
	{
		p->links_started = true;
		p->no_more_links = p->links.next == NULL;
		return SF_OK;
	}
	if (!p->links_started && chain_may_work(&why))
	{
		sf_links_free(&p->links);
		p->chain = true;
		p->no_more_links = true;
		return sf_links_add(&p->links, "", err);
	}
	if (err != NULL && !sf_error_is_set(err))
		*err = why;
	return SF_FAILED;
}

/* Something else than a result page, as a proxy's message is. */
static bool
is_no_page(const sf_http_headers *h)
{
	return strncmp(h->content_type, "text/html", 9) == 0 ||
		   strncmp(h->content_type, "application/json", 16) == 0;
}

/* The chain's next page, as soon as the headers of the one before are there. */
static sf_status
follow_chain(sf_query_pages *p, page *pg, sf_error *err)
{
	const sf_http_headers *h;

	if (pg->chained || !sf_http_has_headers(pg->req))
		return SF_OK;
	pg->chained = true;
	h = sf_http_response(pg->req);
	if (h->malformed != NULL)
		return sf_error_set(err, SF_ERR_PROTOCOL, "a result page has a malformed %s header",
							h->malformed);
	if (h->last_page || (h->status == 204 && p->records == 0))
		return SF_OK;
	if (!h->has_locator && is_no_page(h))
		return SF_OK; /* check_headers says what is wrong */
	if (!h->has_locator)
	{
		sf_error_set(err, SF_ERR_PROTOCOL, "a result page lacks the Sforce-Locator header");
		sf_error_detail(err, "Without it nobody can say whether more pages follow.");
		sf_error_hint(err, "A proxy may have removed it.");
		return SF_FAILED;
	}
	return sf_links_add(&p->links, h->locator, err);
}

/* ---- downloads --------------------------------------------------------------------- */

static sf_status
start_pages(sf_query_pages *p, sf_error *err)
{
	for (int i = 0; i < p->streams && p->links.count > 0; i++)
	{
		page *pg = &p->pages[i];

		if (pg->req != NULL)
			continue;
		memset(pg, 0, sizeof(*pg));
		pg->locator = sf_links_take(&p->links);
		pg->expected = -1;
		pg->req = ask(p, "results", pg->locator, true, 0, err);
		if (pg->req == NULL)
			return SF_FAILED;
	}
	return SF_OK;
}

sf_status
sf_query_pages_step(sf_query_pages *p, sf_error *err)
{
	if (p->links_req != NULL && receive_links(p, err) == SF_FAILED)
		goto failed;
	for (int i = 0; p->chain && i < p->streams; i++)
	{
		if (p->pages[i].req != NULL && follow_chain(p, &p->pages[i], err) != SF_OK)
			goto failed;
	}
	if (start_pages(p, err) != SF_OK)
		goto failed;
	/* the next list is asked for while pages of this one still wait */
	if (p->links.next != NULL && p->links_req == NULL && p->links.count < p->streams)
	{
		p->links_req = ask(p, "resultPages", p->links.next, false, 0, err);
		free(p->links.next);
		p->links.next = NULL;
		if (p->links_req == NULL)
			goto failed;
	}
	return SF_WAIT;

failed:
	sf_error_job(err, p->job_id);
	return SF_FAILED;
}

/*
 * Starts a broken download again.  Rows that were handed out of it are not handed out twice: the
 * text that the parser got is skipped, if it is the same (a locator names the same rows as long as
 * the job exists).
 */
static sf_status
restart(sf_query_pages *p, page *pg, const sf_error *why, sf_error *err)
{
	bool curable = why->cls == SF_ERR_NETWORK || why->cls == SF_ERR_TIMEOUT;

	if (!curable || pg->restarts >= p->max_retries)
	{
		if (err != NULL && !sf_error_is_set(err))
			*err = *why;
		return SF_FAILED;
	}
	add_cost(p, pg->req);
	sf_http_end(pg->req);
	pg->restarts++;
	pg->opened = false;
	pg->cut_off = false;
	pg->skip = pg->sum.len;
	sf_sum_reset(&pg->again);
	if (pg->inflate != NULL)
	{
		sf_ahead_use(p->ahead, NULL);
		sf_inflate_reset(pg->inflate);
	}
	pg->req = ask(p, "results", pg->locator, true, pg->restarts, err);
	return pg->req != NULL ? SF_WAIT : SF_FAILED;
}

/* ---- reading a page ---------------------------------------------------------------- */

static sf_status
check_headers(sf_query_pages *p, page *pg, const sf_http_headers *h, sf_error *err)
{
	if (h->malformed != NULL)
		return sf_error_set(err, SF_ERR_PROTOCOL, "a result page has a malformed %s header",
							h->malformed);
	if (h->unknown_encoding)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"a result page has an unknown Content-Encoding");
	if (is_no_page(h))
		return sf_error_set(err, SF_ERR_PROTOCOL, "a result page is %s instead of text/csv",
							h->content_type);
	if (h->records < 0 && p->records < 0)
	{
		sf_error_set(err, SF_ERR_PROTOCOL,
					 "a result page lacks the Sforce-NumberOfRecords header");
		sf_error_detail(err, "Neither page nor job say how many rows there must be.");
		sf_error_hint(err, "A proxy may have removed it.");
		return SF_FAILED;
	}
	if (pg->restarts > 0 && pg->expected >= 0 && h->records != pg->expected)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"a result page had %" PRId64 " rows, and now has %" PRId64,
							pg->expected, h->records);
	pg->expected = h->records;
	pg->gzip = h->gzip;
	return SF_OK;
}

/* Gives a page its parser and decoder. */
static sf_status
open_page(sf_query_pages *p, page *pg, sf_error *err)
{
	if (check_headers(p, pg, sf_http_response(pg->req), err) != SF_OK)
		return SF_FAILED;
	pg->opened = true;
	if (pg->csv == NULL)
	{
		pg->csv = p->spare_csv;
		p->spare_csv = NULL;
		if (pg->csv == NULL)
		{
			pg->csv = sf_csv_new(NULL, err);
			if (pg->csv == NULL ||
				sf_csv_map_columns(pg->csv, p->columns, p->ncolumns, err) != SF_OK)
				return SF_FAILED;
		}
	}
	if (pg->gzip && pg->inflate == NULL)
	{
		pg->inflate = p->spare_inflate;
		p->spare_inflate = NULL;
		if (pg->inflate == NULL)
			pg->inflate = sf_inflate_new(err);
		if (pg->inflate == NULL)
			return SF_FAILED;
	}
	if (pg->gzip && p->ahead == NULL)
	{
		p->ahead = sf_ahead_new(p->ahead_mode, err);
		if (p->ahead == NULL)
			return SF_FAILED;
	}
	return SF_OK;
}

/* The connection ended in order, but the text did not: as good as broken. */
static sf_status
cut_off(sf_error *why)
{
	return sf_error_set(why, SF_ERR_NETWORK,
						"the compressed text of a result page is cut off");
}

/*
 * read_text for a compressed page.  The decoder gets all that is there before its text is asked for,
 * so that it has something to do while that is parsed; what the request has to say apart from data
 * counts only when all its data is through.
 */
static sf_status
read_gzip(sf_query_pages *p, page *pg, char *out, size_t room, size_t *n, sf_error *why)
{
	const char *data;
	size_t len;
	sf_status st;

	/* another page's text is through, or this one would not be read */
	if (sf_ahead_used(p->ahead) != pg->inflate)
		sf_ahead_use(p->ahead, pg->inflate);
	for (;;)
	{
		size_t put = 0;

		while (sf_http_read(pg->req, &data, &len, NULL) == SF_OK &&
			   (put = sf_ahead_put(p->ahead, data, len)) > 0)
			sf_http_consume(pg->req, put);
		st = sf_ahead_get(p->ahead, out, room, n, why);
		if (st != SF_WAIT)
			return st;
		st = sf_http_read(pg->req, &data, &len, why);
		if (st == SF_OK)
			continue;
		/* where no rows are promised, nothing at all is whole, whatever its encoding's name */
		if (st == SF_DONE && (pg->expected != 0 || sf_inflate_total_in(pg->inflate) > 0) &&
			sf_inflate_finish(pg->inflate, NULL) != SF_OK)
		{
			pg->cut_off = true;
			return cut_off(why);
		}
		return st;
	}
}

/*
 * Text of the page into out.  SF_OK with *n > 0 bytes; SF_WAIT; SF_DONE at its end; SF_FAILED with
 * *why, where SF_ERR_NETWORK and SF_ERR_TIMEOUT mean that a new download may help.
 */
static sf_status
read_text(sf_query_pages *p, page *pg, char *out, size_t room, size_t *n, sf_error *why)
{
	const char *data;
	size_t len;
	sf_status st;

	if (pg->cut_off)
		return cut_off(why);
	if (pg->gzip)
		return read_gzip(p, pg, out, room, n, why);
	st = sf_http_read(pg->req, &data, &len, why);
	if (st != SF_OK)
		return st;
	*n = len < room ? len : room;
	memcpy(out, data, *n);
	sf_http_consume(pg->req, *n);
	return SF_OK;
}

/* Takes what the parser had before off the front of n bytes; SF_FAILED when it differs. */
static sf_status
skip_text(page *pg, char *text, size_t *n, sf_error *err)
{
	size_t m = *n < pg->skip ? *n : (size_t) pg->skip;

	sf_sum_add(&pg->again, text, m);
	pg->skip -= m;
	if (pg->skip == 0 && !sf_sum_equal(&pg->again, &pg->sum))
	{
		sf_error_set(err, SF_ERR_PROTOCOL,
					 "a result page came with other contents when it was read again");
		sf_error_detail(err, "Rows of its first download had been handed out already.");
		return SF_FAILED;
	}
	memmove(text, text + m, *n - m);
	*n -= m;
	return SF_OK;
}

/* Fills the parser's block as far as there is text.  SF_OK when the parser has something new. */
static sf_status
fill(sf_query_pages *p, page *pg, sf_error *err)
{
	sf_error why = {0};
	sf_status st = SF_OK;
	size_t filled = 0;
	size_t room;
	char *ptr;

	if (!pg->opened)
	{
		/* when no byte ever came, sf_http has asked for it as often as it may */
		if (!sf_http_has_headers(pg->req))
			return sf_http_check(pg->req, err);
		if (open_page(p, pg, err) != SF_OK)
			return SF_FAILED;
	}
	if (sf_csv_block_begin(pg->csv, &ptr, &room, err) != SF_OK)
		return SF_FAILED;
	while (filled < room && filled < FILL_ENOUGH && st == SF_OK)
	{
		size_t n = 0;

		st = read_text(p, pg, ptr + filled, room - filled, &n, &why);
		if (st == SF_OK && pg->skip > 0 && skip_text(pg, ptr + filled, &n, err) != SF_OK)
			return SF_FAILED;
		filled += n;
	}
	/* also when nothing is left of it: what was skipped has been written there */
	sf_sum_add(&pg->sum, ptr, filled);
	if (sf_csv_block_filled(pg->csv, filled, err) != SF_OK)
		return SF_FAILED;
	if (st == SF_FAILED)
	{
		/* with rows in hand the news can wait: the next call meets the same failure */
		return filled > 0 && why.cls != SF_ERR_NONE ? SF_OK : restart(p, pg, &why, err);
	}
	if (st == SF_DONE && filled == 0)
	{
		if (pg->skip > 0)
			return sf_error_set(err, SF_ERR_PROTOCOL,
								"a result page was shorter when it was read again");
		return sf_csv_finish(pg->csv, err);
	}
	return filled > 0 ? SF_OK : st;
}

/* All rows of a page were handed out: was it whole? */
static sf_status
close_page(sf_query_pages *p, page *pg, sf_error *err)
{
	int64_t rows = sf_csv_rows(pg->csv);

	if (pg->expected >= 0 && rows != pg->expected)
	{
		sf_error_set(err, SF_ERR_PROTOCOL,
					 "a result page of query job %s has %" PRId64 " rows instead of %" PRId64,
					 p->job_id, rows, pg->expected);
		sf_error_detail(err, "Its Sforce-NumberOfRecords header and its contents differ.");
		return SF_FAILED;
	}
	/* a chain must not end with a page whose headers nobody looked at */
	if (p->chain && follow_chain(p, pg, err) != SF_OK)
		return SF_FAILED;
	p->rows_before += rows;
	p->info.pages++;
	p->info.cost.text_bytes += (int64_t) pg->sum.len;
	add_cost(p, pg->req);
	sf_http_end(pg->req);
	free(pg->locator);

	/* keep one of each: the next page is opened soon */
	if (p->spare_csv == NULL)
	{
		sf_csv_restart(pg->csv);
		p->spare_csv = pg->csv;
	}
	else
		sf_csv_free(pg->csv);
	if (pg->inflate != NULL && p->spare_inflate == NULL)
	{
		sf_inflate_reset(pg->inflate);
		p->spare_inflate = pg->inflate;
	}
	else
		sf_inflate_free(pg->inflate);
	memset(pg, 0, sizeof(*pg));
	p->current = -1;
	return SF_OK;
}

/* ---- rows -------------------------------------------------------------------------- */

/*
 * A page that has something to read, or to find out; -1 when there is none.  not_this was found to
 * have nothing, -1 if none was; the search goes round from there.
 */
static int
pick_page(const sf_query_pages *p, int not_this)
{
	int nopen = 0;

	for (int i = 0; i < p->streams; i++)
		nopen += p->pages[i].csv != NULL;
	for (int i = 1; i <= p->streams; i++)
	{
		int slot = (not_this + i) % p->streams;
		const page *pg = &p->pages[slot];

		if (pg->req != NULL && slot != not_this && (pg->csv != NULL || nopen < OPEN_MAX) &&
			(sf_http_waiting(pg->req) > 0 || sf_http_check(pg->req, NULL) != SF_WAIT))
			return slot;
	}
	return -1;
}

/* No page has anything: is that the end? */
static sf_status
check_end(sf_query_pages *p, sf_error *err)
{
	if (p->links_req != NULL || p->links.count > 0 || !p->no_more_links)
		return SF_WAIT;
	for (int i = 0; i < p->streams; i++)
	{
		if (p->pages[i].req != NULL)
			return SF_WAIT;
	}
	if (p->records >= 0 && p->rows_before != p->records)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"query job %s gave %" PRId64 " rows instead of %" PRId64,
							p->job_id, p->rows_before, p->records);
	p->finished = true;
	return SF_DONE;
}

/* Adds where it happened to an error. */
static sf_status
page_failed(const sf_query_pages *p, sf_error *err)
{
	sf_error_job(err, p->job_id);
	if (sf_error_is_set(err) && p->current >= 0)
	{
		if (err->http_status == 409)
			sf_error_detail(err,
							"A result must be read with the API version that its job was "
							"created with (here %s).",
							p->api_version);
		else if (p->pages[p->current].locator != NULL &&
				 p->pages[p->current].locator[0] != '\0')
			sf_error_detail(err, "It is the page with the locator \"%s\".",
							p->pages[p->current].locator);
	}
	return SF_FAILED;
}

sf_status
sf_query_pages_next_row(sf_query_pages *p, sf_value **values, sf_error *err)
{
	int dry = -1; /* the page that had nothing at last */

	if (p->finished)
		return SF_DONE;
	for (;;)
	{
		page *pg;
		sf_status st = SF_WAIT;

		if (p->current < 0)
		{
			p->current = pick_page(p, dry);
			if (p->current < 0)
			{
				p->current = dry;
				st = check_end(p, err);
				return st == SF_FAILED ? page_failed(p, err) : st;
			}
		}
		pg = &p->pages[p->current];
		if (pg->csv != NULL)
			st = sf_csv_next(pg->csv, values, err);
		if (st == SF_OK)
		{
			p->info.rows++;
			return SF_OK;
		}
		if (st == SF_DONE)
		{
			dry = -1;
			if (close_page(p, pg, err) != SF_OK || start_pages(p, err) != SF_OK)
				return page_failed(p, err);
			continue;
		}
		if (st == SF_WAIT)
			st = fill(p, pg, err);
		if (st == SF_FAILED)
			return page_failed(p, err);
		if (st == SF_WAIT)
		{
			dry = p->current;
			p->current = -1;
		}
	}
}
