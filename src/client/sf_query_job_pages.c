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
#include "sf_query_job_lists.h"
#include "sf_sum.h"

/*
 * Pages that have a parser and a decoder, some 350 kB each.  With more downloads than this the others
 * wait compressed until one of these is through.
 */
#define OPEN_MAX 8

/* With so much text in hand a reader does not wait for more: it can be decompressed meanwhile. */
#define FILL_ENOUGH (64 * 1024)

/* A page that is being downloaded or read. */
typedef struct page
{
	sf_http_request *req; /* NULL: the slot is free */
	char *locator;		  /* "" for the first page of the chain */
	int restarts;
	bool chained; /* its Sforce-Locator was passed on */

	/* once it is read */
	bool opened; /* the headers of this download were looked at */
	bool named;	 /* with any_columns: the file's columns were looked at */
	bool gzip;
	bool cut_off;		 /* the answer was complete, its gzip was not */
	int64_t expected;	 /* Sforce-NumberOfRecords, or what its giver said; -1 when missing */
	sf_files_read *read; /* counts it, if somebody asked for that */
	sf_inflate *inflate;
	sf_csv *csv;
	sf_sum sum;	   /* of the text that the parser got */
	sf_sum again;  /* of the same text in a download after the first */
	uint64_t skip; /* bytes of it still to come */
} page;

struct sf_query_pages
{
	sf_query_result result;
	const char **columns;
	int ncolumns;
	bool any_columns; /* those of the first page that gives a row */
	int streams;
	int max_retries;

	sf_query_lists lists;

	/* where somebody else says which pages to read */
	bool given;
	bool ended;		 /* no further page comes */
	int last;		 /* slot of the page given last, or -1 */
	bool next_known; /* the chain's page behind it was named */
	char *next;		 /* its locator; NULL when there is none */

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

/* ---- start and end ----------------------------------------------------------------- */

sf_query_pages *
sf_query_pages_start(sf_http *h, const sf_query_pages_spec *spec, sf_error *err)
{
	sf_query_pages *p = calloc(1, sizeof(*p));

	if (p == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	p->current = -1;
	p->last = -1;
	p->given = spec->given;
	p->result.http = h;
	p->result.account = sf_http_current_account(h);
	p->result.records = spec->records;
	p->result.page_rows = spec->page_rows;
	p->result.bulk1 = spec->files;
	p->max_retries = spec->max_retries;
	p->ahead_mode = spec->no_threads ? SF_AHEAD_NEVER : SF_AHEAD_AUTO;
	p->streams = spec->streams < 1 ? 1 : spec->streams;
	if (p->streams > SF_STREAMS_MAX)
		p->streams = SF_STREAMS_MAX;
	snprintf(p->result.api_version, sizeof(p->result.api_version), "%s", spec->api_version);
	snprintf(p->result.job_id, sizeof(p->result.job_id), "%s", spec->job_id);
	p->columns = calloc((size_t) spec->ncolumns + 1, sizeof(*p->columns));
	if (p->columns == NULL)
		goto nomem;
	p->any_columns = spec->ncolumns == 0;
	for (; p->ncolumns < spec->ncolumns; p->ncolumns++)
	{
		p->columns[p->ncolumns] = strdup(spec->columns[p->ncolumns]);
		if (p->columns[p->ncolumns] == NULL)
			goto nomem;
	}

	if (p->given)
		p->lists.chain = spec->chain;
	else if (sf_query_lists_ask(&p->lists, &p->result, "", err) != SF_OK ||
			 (p->lists.chain && sf_query_pages_step(p, err) == SF_FAILED))
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
	sf_query_lists_free(&p->lists);
	free(p->next);
	for (int i = 0; i < SF_STREAMS_MAX; i++)
	{
		if (p->pages[i].req != NULL)
			sf_http_charge(p->result.account, SF_CHARGE_RESULT_BYTES,
						   (int64_t) p->pages[i].sum.len);
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
	info->cost.calls += p->lists.cost.calls;
	info->cost.retries += p->lists.cost.retries;
	info->cost.wire_bytes += p->lists.cost.wire_bytes;
	info->cost.text_bytes += p->lists.cost.text_bytes;
	for (int i = 0; i < SF_STREAMS_MAX; i++)
	{
		if (p->pages[i].req == NULL)
			continue;
		sf_http_add_cost(&info->cost, p->pages[i].req);
		info->cost.text_bytes += (int64_t) p->pages[i].sum.len;
	}
}

/* ---- links ------------------------------------------------------------------------- */

/* Something else than a result page, as a proxy's message is. */
static bool
is_no_page(const sf_http_headers *h)
{
	return strncmp(h->content_type, "text/html", 9) == 0 ||
		   strncmp(h->content_type, "application/json", 16) == 0 ||
		   strncmp(h->content_type, "application/xml", 15) == 0;
}

/* The chain's next page, NULL when there is none: to be read, or for whoever gives the pages. */
static sf_status
chain_names(sf_query_pages *p, const char *locator, sf_error *err)
{
	if (!p->given)
		return locator != NULL ? sf_links_add(&p->lists.links, locator, err) : SF_OK;
	p->next_known = true;
	if (locator == NULL)
		return SF_OK;
	p->next = strdup(locator);
	return p->next != NULL ? SF_OK : sf_error_nomem(err);
}

/* Passes on the chain's next page, as soon as the headers of the one before are there. */
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
	if (h->last_page || (h->status == 204 && p->result.records == 0))
		return chain_names(p, NULL, err);
	if (!h->has_locator && is_no_page(h))
		return SF_OK; /* check_headers says what is wrong */
	if (!h->has_locator)
	{
		sf_error_set(err, SF_ERR_PROTOCOL, "a result page lacks the Sforce-Locator header");
		sf_error_detail(err, "Without it nobody can say whether more pages follow.");
		sf_error_hint(err, "A proxy may have removed it.");
		return SF_FAILED;
	}
	return chain_names(p, h->locator, err);
}

/* ---- downloads --------------------------------------------------------------------- */

static sf_status
start_pages(sf_query_pages *p, sf_error *err)
{
	for (int i = 0; i < p->streams && p->lists.links.count > 0; i++)
	{
		page *pg = &p->pages[i];

		if (pg->req != NULL)
			continue;
		memset(pg, 0, sizeof(*pg));
		pg->locator = sf_links_take(&p->lists.links);
		pg->expected = -1;
		p->last = i;
		pg->req = sf_query_result_ask(&p->result, "results", pg->locator, true, 0, err);
		if (pg->req == NULL)
			return SF_FAILED;
	}
	return SF_OK;
}

/* Asks for the next list while pages of this one still wait. */
static sf_status
ask_ahead(sf_query_pages *p, sf_error *err)
{
	char *next = p->lists.links.next;
	sf_status st;

	if (next == NULL || p->lists.req != NULL || p->lists.links.count >= p->streams)
		return SF_OK;
	p->lists.links.next = NULL;
	st = sf_query_lists_ask(&p->lists, &p->result, next, err);
	free(next);
	return st;
}

sf_status
sf_query_pages_step(sf_query_pages *p, sf_error *err)
{
	if (sf_query_lists_step(&p->lists, err) == SF_FAILED)
		goto failed;
	for (int i = 0; p->lists.chain && i < p->streams; i++)
	{
		if (p->pages[i].req != NULL && follow_chain(p, &p->pages[i], err) != SF_OK)
			goto failed;
	}
	if (start_pages(p, err) != SF_OK || ask_ahead(p, err) != SF_OK)
		goto failed;
	return SF_WAIT;

failed:
	sf_error_job(err, p->result.job_id);
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
	sf_http_add_cost(&p->info.cost, pg->req);
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
	pg->req = sf_query_result_ask(&p->result, "results", pg->locator, true, pg->restarts, err);
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
	pg->gzip = h->gzip;
	if (p->result.bulk1)
		return SF_OK;
	if (h->records < 0 && p->result.records < 0)
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
				(!p->any_columns &&
				 sf_csv_map_columns(pg->csv, p->columns, p->ncolumns, err) != SF_OK))
				return SF_FAILED;
			if (p->result.bulk1)
				sf_csv_set_no_rows(pg->csv, SF_BULK1_NO_ROWS);
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
					 p->result.job_id, rows, pg->expected);
		sf_error_detail(err,
						p->result.bulk1
							? "Its batch's numberRecordsProcessed and its contents differ."
							: "Its Sforce-NumberOfRecords header and its contents differ.");
		return SF_FAILED;
	}
	/* a chain must not end with a page whose headers nobody looked at */
	if (p->lists.chain && follow_chain(p, pg, err) != SF_OK)
		return SF_FAILED;
	p->rows_before += rows;
	p->info.pages++;
	if (pg->read != NULL)
	{
		pg->read->files++;
		pg->read->rows += rows;
	}
	p->info.cost.text_bytes += (int64_t) pg->sum.len;
	sf_http_charge(p->result.account, SF_CHARGE_RESULT_BYTES, (int64_t) pg->sum.len);
	sf_http_add_cost(&p->info.cost, pg->req);
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

static bool
is_over(const sf_query_pages *p)
{
	const sf_query_lists *l = &p->lists;

	if (l->req != NULL || l->links.count > 0)
		return false;
	for (int i = 0; i < p->streams; i++)
	{
		if (p->pages[i].req != NULL)
			return false;
	}
	if (p->given)
		return p->ended;
	return l->chain || (l->started && l->links.next == NULL);
}

sf_status
sf_pages_check_total(const sf_query_pages *p, int64_t rows, sf_error *err)
{
	if (p->result.records < 0 || rows == p->result.records)
		return SF_OK;
	sf_error_set(err, SF_ERR_PROTOCOL,
				 "query job %s gave %" PRId64 " rows instead of %" PRId64, p->result.job_id,
				 rows, p->result.records);
	sf_error_job(err, p->result.job_id);
	return SF_FAILED;
}

/* No page has anything: is that the end? */
static sf_status
check_end(sf_query_pages *p, sf_error *err)
{
	if (!is_over(p))
		return SF_WAIT;
	/* of pages that somebody gave, others may have been given to others */
	if (!p->given && sf_pages_check_total(p, p->rows_before, err) != SF_OK)
		return SF_FAILED;
	p->finished = true;
	return SF_DONE;
}

/* Adds where it happened to an error. */
static sf_status
page_failed(const sf_query_pages *p, sf_error *err)
{
	sf_error_job(err, p->result.job_id);
	if (sf_error_is_set(err) && p->current >= 0)
	{
		if (err->http_status == 409)
			sf_error_detail(err,
							"A result must be read with the API version that its job was "
							"created with (here %s).",
							p->result.api_version);
		else if (p->pages[p->current].locator != NULL &&
				 p->pages[p->current].locator[0] != '\0')
			sf_error_detail(err, "It is the %s \"%s\".",
							p->result.bulk1 ? "file of batch" : "page with the locator",
							p->pages[p->current].locator);
	}
	return SF_FAILED;
}

/* The first page that gives a row says which columns there are; the others must have the same. */
static sf_status
check_names(sf_query_pages *p, const sf_csv *csv, sf_error *err)
{
	int n = sf_csv_ncolumns(csv);

	if (p->ncolumns == 0)
	{
		const char **columns = calloc((size_t) n + 1, sizeof(*columns));

		if (columns == NULL)
			return sf_error_nomem(err);
		free(p->columns);
		p->columns = columns;
		for (; p->ncolumns < n; p->ncolumns++)
		{
			columns[p->ncolumns] = strdup(sf_csv_header_name(csv, p->ncolumns));
			if (columns[p->ncolumns] == NULL)
				return sf_error_nomem(err);
		}
	}
	for (int i = 0; i < n; i++)
		if (n != p->ncolumns || strcmp(p->columns[i], sf_csv_header_name(csv, i)) != 0)
			return sf_error_set(err, SF_ERR_PROTOCOL,
								"result pages of a job have different columns");
	return SF_OK;
}

int
sf_query_pages_ncolumns(const sf_query_pages *p)
{
	return p->ncolumns;
}

const char *
sf_query_pages_column(const sf_query_pages *p, int i)
{
	return i >= 0 && i < p->ncolumns ? p->columns[i] : "";
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
		if (st == SF_OK && p->any_columns && !pg->named &&
			check_names(p, pg->csv, err) != SF_OK)
			return page_failed(p, err);
		if (st == SF_OK)
		{
			pg->named = true;
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

/* ---- pages that are given ---------------------------------------------------------- */

int
sf_pages_open(const sf_query_pages *p)
{
	int n = p->lists.links.count;

	for (int i = 0; i < p->streams; i++)
	{
		const page *pg = &p->pages[i];

		if (pg->req != NULL &&
			!(pg->opened && pg->expected >= 0 && 4 * sf_csv_rows(pg->csv) >= 3 * pg->expected))
			n++;
	}
	return n;
}

sf_status
sf_pages_give(sf_query_pages *p, const char *locator, sf_error *err)
{
	char *before = p->next; /* may be what is given now */
	sf_status st;

	p->next = NULL;
	p->next_known = false;
	p->last = -1;
	st = sf_links_add(&p->lists.links, locator, err);
	free(before);
	if (st == SF_OK && start_pages(p, err) == SF_OK)
		return SF_OK;
	sf_error_job(err, p->result.job_id);
	return SF_FAILED;
}

bool
sf_query_pages_has_room(const sf_query_pages *p)
{
	for (int i = 0; i < p->streams; i++)
	{
		if (p->pages[i].req == NULL)
			return p->lists.links.count == 0;
	}
	return false;
}

sf_status
sf_query_pages_give_file(sf_query_pages *p, const char *file, int64_t records,
						 sf_files_read *read, sf_error *err)
{
	if (sf_pages_give(p, file, err) != SF_OK)
		return SF_FAILED;
	p->pages[p->last].expected = records;
	p->pages[p->last].read = read;
	return SF_OK;
}

sf_status
sf_pages_next_locator(sf_query_pages *p, const char **locator, sf_error *err)
{
	page *pg = p->last >= 0 ? &p->pages[p->last] : NULL;
	sf_status st;

	if (!p->next_known && pg != NULL && pg->req != NULL)
	{
		if (!sf_http_has_headers(pg->req))
			st = sf_http_check(pg->req, err);
		else if ((st = follow_chain(p, pg, err)) == SF_OK && !p->next_known)
			st = check_headers(p, pg, sf_http_response(pg->req), err);
		if (st == SF_FAILED)
		{
			p->current = p->last;
			return page_failed(p, err);
		}
	}
	*locator = p->next;
	return p->next_known ? SF_OK : SF_WAIT;
}

void
sf_pages_end(sf_query_pages *p)
{
	p->ended = true;
}
