/*
 * sf_client_pages.c
 *		Results that several sessions read: the lists of a job's pages, and readers of pages that they
 *		are given.  What they do is sf_query_job's; here they get a session.
 */
#include "sf_client_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_query_job_pages.h"
#include "sf_query_job_lists.h"

#define DEFAULT_STREAMS 5

struct sf_page_links
{
	sf_query_result result;
	sf_query_lists lists;
	char *locator; /* the one handed out last */
};

static void
add_cost(sf_query_stats *stats, const sf_http_cost *cost)
{
	stats->api_calls = cost->calls;
	stats->retries = cost->retries;
	stats->wire_bytes = cost->wire_bytes;
	stats->text_bytes = cost->text_bytes;
}

/* ---- links ------------------------------------------------------------------------- */

sf_page_links *
sf_page_links_start(sf_session *s, const sf_job_result *result, const char *list,
					sf_error *err)
{
	sf_page_links *l = calloc(1, sizeof(*l));

	if (l == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	sf_http_set_account(s->http, result->object);
	l->result.http = s->http;
	l->result.account = sf_http_current_account(s->http);
	l->result.records = result->records;
	l->result.page_rows = result->page_rows;
	snprintf(l->result.api_version, sizeof(l->result.api_version), "%s", result->api_version);
	snprintf(l->result.job_id, sizeof(l->result.job_id), "%s", result->job_id);
	if (sf_query_lists_ask(&l->lists, &l->result, list, err) != SF_OK)
	{
		sf_page_links_free(l);
		return NULL;
	}
	return l;
}

sf_status
sf_page_links_next(sf_page_links *l, const char **locator, sf_error *err)
{
	sf_status st = sf_query_lists_step(&l->lists, err);

	free(l->locator);
	l->locator = NULL;
	if (st == SF_FAILED)
		sf_error_job(err, l->result.job_id);
	if (st != SF_OK)
		return st;
	l->locator = sf_links_take(&l->lists.links);
	if (l->locator == NULL)
		return SF_DONE;
	*locator = l->locator;
	return SF_OK;
}

const char *
sf_page_links_next_list(const sf_page_links *l)
{
	return l->lists.links.next;
}

bool
sf_page_links_chain(const sf_page_links *l)
{
	return l->lists.chain;
}

void
sf_page_links_get_stats(const sf_page_links *l, sf_query_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	add_cost(stats, &l->lists.cost);
}

void
sf_page_links_free(sf_page_links *l)
{
	if (l == NULL)
		return;
	sf_query_lists_free(&l->lists);
	free(l->locator);
	free(l);
}

/* ---- pages ------------------------------------------------------------------------- */

sf_pages *
sf_pages_start(sf_session *s, const sf_pages_spec *spec, sf_error *err)
{
	const char **names = calloc((size_t) spec->ncolumns + 1, sizeof(*names));
	sf_query_pages_spec inner = {.api_version = spec->result->api_version,
								 .job_id = spec->result->job_id,
								 .columns = names,
								 .ncolumns = spec->ncolumns,
								 .records = spec->result->records,
								 .page_rows = spec->result->page_rows,
								 .streams = spec->download_streams > 0 ? spec->download_streams
																	   : DEFAULT_STREAMS,
								 .max_retries = s->max_retries,
								 .no_threads = spec->no_threads,
								 .given = true,
								 .chain = spec->chain};
	sf_query_pages *p;

	if (names == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	for (int i = 0; i < spec->ncolumns; i++)
		names[i] = spec->columns[i].path;
	sf_http_set_account(s->http, spec->result->object);
	p = sf_query_pages_start(s->http, &inner, err);
	free(names);
	return p;
}

sf_status
sf_pages_next_row(sf_pages *p, sf_value **values, sf_error *err)
{
	return sf_query_pages_next_row(p, values, err);
}

void
sf_pages_get_stats(const sf_pages *p, sf_query_stats *stats)
{
	sf_query_pages_info info;

	sf_query_pages_get_info(p, &info);
	memset(stats, 0, sizeof(*stats));
	stats->transport = SF_TRANSPORT_BULK;
	stats->rows = info.rows;
	stats->total_rows = -1;
	stats->pages = info.pages;
	add_cost(stats, &info.cost);
}

void
sf_pages_free(sf_pages *p)
{
	sf_query_pages_free(p);
}
