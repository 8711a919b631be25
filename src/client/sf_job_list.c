/*
 * sf_job_list.c
 *		The bulk jobs of the org.
 *
 * A page has up to 1,000 jobs.  Of the link to the next one only its locator is used: where requests
 * go is not for an answer to say.
 */
#include "sf_job_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sf_json.h"
#include "sf_url.h"

/* 1,000 jobs of some 500 bytes. */
#define LIST_MAX (4 * 1024 * 1024)

/*
 * More pages than an org has jobs for (10,000 a day of each family, kept for 7 days): then the server
 * leads in circles, and each round costs a call.
 */
#define PAGES_MAX 1000

#define LOCATOR_MAX 1024

struct sf_job_list
{
	sf_http *http;
	sf_http_account *account;
	char api_version[8];
	sf_job_family family;
	sf_http_request *req;
	int pages;
	sf_json *answer;
	const sf_json *node; /* the next job */
	char *locator;		 /* of the page after this one, NULL for none */
	char *asked;		 /* of this one, NULL for the first */
	sf_error error;		 /* what it failed with */
	sf_job_entry entry;
};

static sf_status
ask(sf_job_list *l, sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .doing = "list the jobs of the org",
						 .retry = SF_RETRY_HARMLESS,
						 .account = l->account,
						 .body_max = LIST_MAX};
	sf_buf url;

	sf_buf_init(&url, 8 * LOCATOR_MAX);
	sf_buf_printf(&url, "/services/data/v%s/jobs/%s", l->api_version,
				  l->family == SF_JOBS_INGEST ? "ingest" : "query");
	if (l->locator != NULL)
	{
		sf_buf_puts(&url, "?queryLocator=");
		sf_url_escape(&url, l->locator, strlen(l->locator));
	}
	free(l->asked);
	l->asked = l->locator;
	l->locator = NULL;
	if (sf_buf_check(&url, "the URL of a job list", err) == SF_OK)
	{
		spec.url = sf_buf_text(&url);
		l->req = sf_http_start(l->http, &spec, err);
	}
	sf_buf_free(&url);
	return l->req != NULL ? SF_OK : SF_FAILED;
}

sf_job_list *
sf_job_list_start(sf_http *h, const char *api_version, sf_job_family family, sf_error *err)
{
	sf_job_list *l = calloc(1, sizeof(*l));

	if (l == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	l->http = h;
	l->account = sf_http_current_account(h);
	l->family = family;
	snprintf(l->api_version, sizeof(l->api_version), "%s", api_version);
	if (ask(l, err) != SF_OK)
	{
		sf_job_list_free(l);
		return NULL;
	}
	return l;
}

void
sf_job_list_free(sf_job_list *l)
{
	if (l == NULL)
		return;
	sf_http_end(l->req);
	sf_json_free(l->answer);
	free(l->locator);
	free(l->asked);
	free(l);
}

/* Takes the locator out of the link to the next page. */
static sf_status
read_link(sf_job_list *l, const char *link, sf_error *err)
{
	sf_buf locator;
	sf_status st = SF_FAILED;

	sf_buf_init(&locator, LOCATOR_MAX);
	if (++l->pages > PAGES_MAX)
		sf_error_set(err, SF_ERR_PROTOCOL, "the list of jobs has no end");
	else if (!sf_url_query_param(link, "queryLocator", &locator) || locator.len == 0)
	{
		if (locator.failed == SF_ERR_MEMORY)
			sf_error_nomem(err);
		else
			sf_error_set(err, SF_ERR_PROTOCOL,
						 "the list of jobs has a link to its next page without a locator");
	}
	else if (l->asked != NULL && strcmp(l->asked, sf_buf_text(&locator)) == 0)
		sf_error_set(err, SF_ERR_PROTOCOL, "the list of jobs names itself as the next page");
	else
	{
		l->locator = sf_buf_take(&locator, NULL);
		st = l->locator != NULL ? SF_OK : sf_error_nomem(err);
	}
	sf_buf_free(&locator);
	return st;
}

static sf_status
read_page(sf_job_list *l, sf_error *err)
{
	static const char what[] = "list of jobs";
	const sf_json *records = NULL;
	const char *link = NULL;
	bool done = false;
	bool has_done;
	const sf_json_field fields[] = {{"records", SF_FIELD_ARRAY, &records, true},
									{"nextRecordsUrl", SF_FIELD_STRING, &link, false},
									{"done", SF_FIELD_BOOL, &done, false}};
	size_t len;
	const char *body = sf_http_body(l->req, &len);

	sf_json_free(l->answer);
	l->node = NULL;
	l->answer = sf_json_parse(body, len, what, err);
	sf_http_end(l->req);
	l->req = NULL;
	if (l->answer == NULL || sf_json_read(l->answer, what, fields, 3, err) != SF_OK)
		return SF_FAILED;
	l->node = sf_json_first(records);
	has_done = sf_json_get(l->answer, "done") != NULL;
	if (done || (!has_done && link == NULL))
		return SF_OK;
	if (link == NULL || link[0] == '\0')
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"the list of jobs is not done but names no next page");
	return read_link(l, link, err);
}

static sf_status
read_entry(sf_job_list *l, sf_error *err)
{
	sf_job_entry *e = &l->entry;
	const sf_json_field fields[] = {
		{"id", SF_FIELD_STRING, &e->id, true},
		{"jobType", SF_FIELD_STRING, &e->job_type, false},
		{"operation", SF_FIELD_STRING, &e->operation, false},
		{"object", SF_FIELD_STRING, &e->object, false},
		{"state", SF_FIELD_STRING, &e->state, false},
		{"createdById", SF_FIELD_STRING, &e->created_by_id, false},
		{"createdDate", SF_FIELD_STRING, &e->created_date, false},
		{"systemModstamp", SF_FIELD_STRING, &e->system_modstamp, false},
		{"contentType", SF_FIELD_STRING, &e->content_type, false},
		{"concurrencyMode", SF_FIELD_STRING, &e->concurrency_mode, false},
		{"apiVersion", SF_FIELD_DOUBLE, &e->api_version, false},
	};
	const char **texts[] = {
		&e->id,			  &e->job_type,		   &e->operation,	 &e->object,
		&e->state,		  &e->created_by_id,   &e->created_date, &e->system_modstamp,
		&e->content_type, &e->concurrency_mode};

	memset(e, 0, sizeof(*e));
	if (sf_json_read(l->node, "list of jobs", fields, (int) (sizeof(fields) / sizeof(*fields)),
					 err) != SF_OK)
		return SF_FAILED;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
	{
		if (*texts[i] == NULL)
			*texts[i] = "";
	}
	l->node = sf_json_next(l->node);
	return SF_OK;
}

static sf_status
next_entry(sf_job_list *l, const sf_job_entry **entry, sf_error *err)
{
	sf_status st;

	while (l->node == NULL)
	{
		if (l->req == NULL && l->locator == NULL)
			return SF_DONE;
		if (l->req == NULL && ask(l, err) != SF_OK)
			return SF_FAILED;
		st = sf_http_check(l->req, err);
		if (st != SF_OK)
			return st;
		if (read_page(l, err) != SF_OK)
			return SF_FAILED;
	}
	if (read_entry(l, err) != SF_OK)
		return SF_FAILED;
	*entry = &l->entry;
	return SF_OK;
}

sf_status
sf_job_list_next(sf_job_list *l, const sf_job_entry **entry, sf_error *err)
{
	sf_status st = SF_FAILED;

	if (!sf_error_is_set(&l->error))
		st = next_entry(l, entry, &l->error);
	if (st == SF_FAILED && err != NULL && !sf_error_is_set(err))
		*err = l->error;
	return st;
}
