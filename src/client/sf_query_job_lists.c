/*
 * sf_query_job_lists.c
 *		Finding out which result pages a complete query job has.
 */
#include "sf_query_job_lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_url.h"

/* resultPages begins with 58.0 */
#define LISTS_SINCE 58

sf_http_request *
sf_query_result_ask(const sf_query_result *result, const char *what, const char *locator,
					bool is_page, int nfailed, sf_error *err)
{
	char doing[96];
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .doing = doing,
						 .retry = SF_RETRY_HARMLESS,
						 .stream = is_page,
						 .accept = is_page ? "text/csv" : NULL,
						 .nfailed = nfailed,
						 .account = result->account};
	sf_http_request *req = NULL;
	sf_buf url;

	snprintf(doing, sizeof(doing), "read %s of query job %s",
			 is_page ? "a result page" : "the list of result pages", result->job_id);
	sf_buf_init(&url, 8192);
	if (result->bulk1)
		sf_buf_printf(&url, "/services/async/%s/job/%s/batch/%s", result->api_version,
					  result->job_id, locator);
	else
		sf_buf_printf(&url, "/services/data/v%s/jobs/query/%s/%s", result->api_version,
					  result->job_id, what);
	if (!result->bulk1 && locator[0] != '\0')
	{
		sf_buf_puts(&url, "?locator=");
		sf_url_escape(&url, locator, strlen(locator));
	}
	if (!result->bulk1 && is_page && result->page_rows > 0)
		sf_buf_printf(&url, "%cmaxRecords=%d", locator[0] != '\0' ? '&' : '?',
					  result->page_rows);
	if (sf_buf_check(&url, "the URL of a result page", err) == SF_OK)
	{
		spec.url = sf_buf_text(&url);
		req = sf_http_start(result->http, &spec, err);
	}
	sf_buf_free(&url);
	return req;
}

sf_status
sf_query_lists_ask(sf_query_lists *l, const sf_query_result *result, const char *locator,
				   sf_error *err)
{
	l->result = result;
	if (locator[0] != '\0')
	{
		if (!l->started && sf_links_expect(&l->links, locator, err) != SF_OK)
			return SF_FAILED;
		l->started = true;
	}
	else
		/*
		 * maxRecords is a parameter of /results alone, so pages of a chosen size come by the chain; so
		 * does a result without rows, which saves a call.
		 */
		l->chain = atoi(result->api_version) < LISTS_SINCE || result->page_rows > 0 ||
				   result->records == 0;
	if (l->chain)
		return sf_links_add(&l->links, "", err);
	l->req = sf_query_result_ask(result, "resultPages", locator, false, 0, err);
	return l->req != NULL ? SF_OK : SF_FAILED;
}

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

sf_status
sf_query_lists_step(sf_query_lists *l, sf_error *err)
{
	sf_error why = {0};
	sf_status st;
	const char *body;
	size_t len;

	if (l->req == NULL)
		return SF_OK;
	st = sf_http_check(l->req, &why);
	if (st == SF_WAIT)
		return SF_WAIT;
	if (st == SF_OK)
	{
		body = sf_http_body(l->req, &len);
		st = sf_links_read(&l->links, body, len, l->result->records >= 0, &why);
	}
	sf_http_add_cost(&l->cost, l->req);
	sf_http_end(l->req);
	l->req = NULL;
	if (st == SF_OK)
	{
		l->started = true;
		return SF_OK;
	}
	if (!l->started && chain_may_work(&why))
	{
		sf_links_free(&l->links);
		l->chain = true;
		return sf_links_add(&l->links, "", err);
	}
	if (err != NULL && !sf_error_is_set(err))
		*err = why;
	return SF_FAILED;
}

void
sf_query_lists_free(sf_query_lists *l)
{
	sf_http_end(l->req);
	l->req = NULL;
	sf_links_free(&l->links);
}
