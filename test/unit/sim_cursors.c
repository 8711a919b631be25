/*
 * sim_cursors.c
 *		Locators below HTTP: reading all open ones to their end, so that none holds a snapshot.
 */
#include <cjson/cJSON.h>

#include "server.h"
#include "tap.h"

/* The answer to GET uri; the caller deletes it. */
static cJSON *
get(srv *s, const char *uri, void (*handler)(srv_request *))
{
	srv_request *req = srv_request_new(s, uri);
	cJSON *tree = NULL;

	if (req == NULL)
		return NULL;
	srv_route(req);
	handler(req);
	if (req->resp.status == 200)
		tree = cJSON_ParseWithLength(req->resp.body.data, req->resp.body.len);
	srv_request_free(req);
	return tree;
}

static const char *
next_url(const cJSON *answer)
{
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "nextRecordsUrl"));

	return url ? url : "";
}

/* Rows of the first page and of all that follow. */
static int
rows_from(srv *s, const cJSON *first)
{
	int n = cJSON_GetArraySize(cJSON_GetObjectItem(first, "records"));
	cJSON *page = NULL;
	const cJSON *now = first;

	while (*next_url(now) != '\0')
	{
		cJSON *more = get(s, next_url(now), rest_query_more);

		n += cJSON_GetArraySize(cJSON_GetObjectItem(more, "records"));
		cJSON_Delete(page);
		page = more;
		now = more;
	}
	cJSON_Delete(page);
	return n;
}

#define ALL		"/services/data/v62.0/query?q=SELECT+Id,Name+FROM+Account"
#define PARENTS "/services/data/v62.0/query?q=SELECT+Id,(SELECT+Id+FROM+Contacts)+FROM+Account"

static void
test_drain(srv *s)
{
	cJSON *open[3];
	bool good = true;

	s->options.cursor_spool_rows = 0;
	for (int i = 0; i < 3; i++)
		open[i] = get(s, i == 2 ? PARENTS : ALL, rest_query);
	cursors_drain(s);
	cursors_drain(s);
	/* with no cursor left on it the database can go; the locators do not notice */
	for (int i = 0; i < 3; i++)
	{
		good = good && *next_url(open[i]) != '\0' && rows_from(s, open[i]) == 700 &&
			   rows_from(s, open[i]) == 700;
		cJSON_Delete(open[i]);
	}
	ok(good, "locators give all rows after they were drained");
}

/* A child's locator is one like any other. */
static void
test_children(srv *s)
{
	cJSON *first = get(s, PARENTS, rest_query);
	const cJSON *a;
	int children = 0;
	int paged = 0;

	cJSON_ArrayForEach (a, cJSON_GetObjectItem(first, "records"))
	{
		const cJSON *sub = cJSON_GetObjectItem(a, "Contacts");

		children += cJSON_IsNull(sub) ? 0 : rows_from(s, sub);
		paged += *next_url(sub) != '\0';
		if (!cJSON_IsNull(sub) &&
			rows_from(s, sub) != cJSON_GetObjectItem(sub, "totalSize")->valueint)
			ok(false, "a child is missing");
	}
	ok(paged > 0 && children > 5, "children of %d parents came page by page", paged);
	cJSON_Delete(first);
}

int
main(void)
{
	srv s = {0};
	sim_options opt;
	sim_error err;

	sim_options_init(&opt);
	sim_options_rows(&opt, "Account=700", &err);
	sim_options_rows(&opt, "Contact=3000", &err);
	pthread_mutex_init(&s.lock, NULL);
	srv_options_init(&s.options);
	s.options.query_rows = 3;
	s.options.max_cursors = 1000;
	s.temp_dir = "/tmp";
	s.cursors = cursors_new();
	s.faults = faults_new();
	s.org = sim_org_open(&opt, &err);
	if (!ok(s.org != NULL && s.cursors != NULL, "an org is opened"))
		return tap_done();
	test_drain(&s);
	test_children(&s);
	cursors_free(s.cursors);
	faults_free(s.faults);
	sim_org_close(s.org);
	pthread_mutex_destroy(&s.lock);
	return tap_done();
}
