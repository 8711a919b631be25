/*
 * sf_bulk1.c
 *		The requests of Bulk API 1.0 and what their answers say.
 */
#include "sf_bulk1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_job.h"
#include "sf_json.h"
#include "sf_xml.h"

/* A list of batches takes some 500 bytes for each; jobs of ours have a few hundred at most. */
#define LIST_MAX (16 * SF_BODY_SMALL)

/* ---- requests ---------------------------------------------------------------------- */

/* A request below the job, or to all jobs; more as the spec says. */
static sf_http_request *
start(const sf_bulk1_where *w, sf_http_spec *spec, const char *below, const char *doing,
	  sf_error *err)
{
	char url[256];
	char text[128];
	const char *id = w->job_id;

	snprintf(url, sizeof(url), SF_ASYNC_PATH "%s/job%s%s%s", w->api_version,
			 id[0] != '\0' ? "/" : "", id, below);
	snprintf(text, sizeof(text), "%s %s%s%s", doing, w->noun, id[0] != '\0' ? " " : "", id);
	spec->url = url;
	spec->doing = text;
	spec->account = w->account;
	return sf_http_start(w->http, spec, err);
}

static sf_http_request *
post_json(const sf_bulk1_where *w, sf_http_spec *spec, const sf_buf *body, const char *doing,
		  sf_error *err)
{
	if (sf_buf_check(body, "the request", err) != SF_OK)
		return NULL;
	spec->method = SF_HTTP_POST;
	spec->body = sf_buf_text(body);
	spec->body_len = body->len;
	spec->content_type = "application/json; charset=UTF-8";
	return start(w, spec, "", doing, err);
}

sf_http_request *
sf_bulk1_create(const sf_bulk1_where *w, const sf_bulk1_job_spec *what, sf_error *err)
{
	sf_http_spec spec = {
		.retry = SF_RETRY_REFUSED, .header = what->header, .nfailed = what->nfailed};
	sf_http_request *req;
	sf_buf body;

	sf_buf_init(&body, SF_BODY_SMALL);
	sf_buf_puts(&body, "{");
	sf_json_put_string(&body, "operation", what->operation);
	sf_json_put_string(&body, "object", what->object);
	sf_json_put_string(&body, "contentType", "CSV");
	sf_json_put_string(&body, "concurrencyMode", what->serial ? "Serial" : "Parallel");
	if (what->external_id_field != NULL)
		sf_json_put_string(&body, "externalIdFieldName", what->external_id_field);
	if (what->assignment_rule_id != NULL)
		sf_json_put_string(&body, "assignmentRuleId", what->assignment_rule_id);
	sf_buf_puts(&body, "}");
	req = post_json(w, &spec, &body, w->noun[0] == 'i' ? "create an" : "create a", err);
	sf_buf_free(&body);
	return req;
}

sf_http_request *
sf_bulk1_set_state(const sf_bulk1_where *w, const char *state, int nfailed, sf_error *err)
{
	sf_http_spec spec = {.retry = SF_RETRY_HARMLESS, .nfailed = nfailed};
	sf_http_request *req;
	sf_buf body;

	sf_buf_init(&body, SF_BODY_SMALL);
	sf_buf_puts(&body, "{");
	sf_json_put_string(&body, "state", state);
	sf_buf_puts(&body, "}");
	req = post_json(w, &spec, &body, strcmp(state, "Closed") == 0 ? "close" : "abort", err);
	sf_buf_free(&body);
	return req;
}

sf_http_request *
sf_bulk1_add_batch(const sf_bulk1_where *w, const char *body, size_t len, int nfailed,
				   sf_error *err)
{
	sf_http_spec spec = {.method = SF_HTTP_POST,
						 .retry = SF_RETRY_REFUSED,
						 .body = body,
						 .body_len = len,
						 .upload = body == NULL,
						 .content_type = "text/csv; charset=UTF-8",
						 .nfailed = nfailed};

	return start(w, &spec, "/batch", "add a batch to", err);
}

static sf_http_request *
ask(const sf_bulk1_where *w, const char *below, size_t body_max, const char *doing,
	sf_error *err)
{
	sf_http_spec spec = {
		.method = SF_HTTP_GET, .retry = SF_RETRY_HARMLESS, .body_max = body_max};

	return start(w, &spec, below, doing, err);
}

sf_http_request *
sf_bulk1_ask_job(const sf_bulk1_where *w, sf_error *err)
{
	return ask(w, "", 0, "ask for the state of", err);
}

sf_http_request *
sf_bulk1_ask_batches(const sf_bulk1_where *w, sf_error *err)
{
	return ask(w, "/batch", LIST_MAX, "list the batches of", err);
}

sf_http_request *
sf_bulk1_ask_batch(const sf_bulk1_where *w, const char *batch_id, sf_error *err)
{
	char below[64];

	snprintf(below, sizeof(below), "/batch/%s", batch_id);
	return ask(w, below, 0, "ask for the state of a batch of", err);
}

sf_http_request *
sf_bulk1_download(const sf_bulk1_where *w, const char *batch_id, const char *part,
				  const char *result_id, bool stream, int nfailed, sf_error *err)
{
	/* what is accepted besides JSON is what the job's content is */
	sf_http_spec spec = {.method = SF_HTTP_GET,
						 .retry = SF_RETRY_HARMLESS,
						 .stream = stream,
						 .accept = stream ? "text/csv" : NULL,
						 .nfailed = nfailed};
	char below[128];
	char doing[64];

	snprintf(below, sizeof(below), "/batch/%s/%s%s%s", batch_id, part,
			 result_id != NULL ? "/" : "", result_id != NULL ? result_id : "");
	snprintf(doing, sizeof(doing), "read the %s of batch %s of", part, batch_id);
	return start(w, &spec, below, doing, err);
}

/* ---- answers ----------------------------------------------------------------------- */

/* What is said of one job or batch, in JSON or else in XML. */
typedef struct said
{
	const sf_json *json; /* NULL: XML */
	const char *xml;
	size_t len;
} said;

/* An answer taken apart. */
typedef struct reply
{
	sf_json *root; /* NULL: XML */
	said all;
} reply;

static sf_status
open_answer(const sf_http_request *req, const char *what, reply *a, sf_error *err)
{
	size_t len;
	const char *body = sf_http_body(req, &len);
	size_t blanks = strspn(body, " \t\r\n");

	memset(a, 0, sizeof(*a));
	if (body[blanks] == '<')
	{
		a->all.xml = body;
		a->all.len = len;
		return SF_OK;
	}
	a->root = sf_json_parse(body, len, what, err);
	a->all.json = a->root;
	return a->root != NULL ? SF_OK : SF_FAILED;
}

/* The text of a member; false when there is none. */
static bool
get_text(const said *i, const char *name, sf_buf *out)
{
	const char *text;

	sf_buf_reset(out);
	if (i->json == NULL)
		return sf_xml_element(i->xml, i->len, name, out);
	text = sf_json_text(sf_json_get(i->json, name));
	return text != NULL && sf_buf_puts(out, text) == SF_OK;
}

/* A count; what is missing stays as it is. */
static void
get_number(const said *i, const char *name, sf_buf *scratch, int64_t *value)
{
	char *end;
	long long number;

	if (i->json != NULL)
	{
		sf_json_int64(sf_json_get(i->json, name), value);
		return;
	}
	if (!get_text(i, name, scratch))
		return;
	number = strtoll(sf_buf_text(scratch), &end, 10);
	if (scratch->len > 0 && *end == '\0')
		*value = number;
}

static sf_status
get_id(const said *i, const char *what, sf_buf *scratch, char id[SF_JOB_ID_MAX], sf_error *err)
{
	if (get_text(i, "id", scratch) && sf_job_take_id(sf_buf_text(scratch), id))
		return SF_OK;
	if (scratch->failed == SF_ERR_MEMORY)
		return sf_error_nomem(err);
	return sf_error_set(err, SF_ERR_PROTOCOL, "the %s has no id, or a malformed one", what);
}

static void
name_answer(char out[96], const sf_bulk1_where *w, const char *what)
{
	snprintf(out, 96, "%s %s%s%s", what, w->noun, w->job_id[0] != '\0' ? " " : "", w->job_id);
}

sf_status
sf_bulk1_read_job(const sf_bulk1_where *w, const sf_http_request *req, sf_bulk1_job *job,
				  sf_error *err)
{
	char what[96];
	reply a;
	sf_buf text;
	sf_status st;

	memset(job, 0, sizeof(*job));
	name_answer(what, w, "state of");
	if (open_answer(req, what, &a, err) != SF_OK)
		return SF_FAILED;
	sf_buf_init(&text, SF_BODY_SMALL);
	st = get_id(&a.all, what, &text, job->id, err);
	if (st == SF_OK && !get_text(&a.all, "state", &text) && text.failed != SF_ERR_MEMORY)
		st = sf_error_set(err, SF_ERR_PROTOCOL, "the %s has no state", what);
	if (st == SF_OK)
		sf_text_copy(job->state, sizeof(job->state), sf_buf_text(&text), text.len);
	get_number(&a.all, "numberBatchesQueued", &text, &job->batches_queued);
	get_number(&a.all, "numberBatchesInProgress", &text, &job->batches_in_progress);
	get_number(&a.all, "numberBatchesCompleted", &text, &job->batches_completed);
	get_number(&a.all, "numberBatchesFailed", &text, &job->batches_failed);
	get_number(&a.all, "numberBatchesTotal", &text, &job->batches_total);
	get_number(&a.all, "numberRecordsProcessed", &text, &job->processed);
	get_number(&a.all, "numberRecordsFailed", &text, &job->failed);
	get_number(&a.all, "totalProcessingTime", &text, &job->server_ms);
	get_number(&a.all, "apiActiveProcessingTime", &text, &job->api_ms);
	get_number(&a.all, "apexProcessingTime", &text, &job->apex_ms);
	get_number(&a.all, "numberRetries", &text, &job->retries);
	if (text.failed == SF_ERR_MEMORY)
		st = sf_error_nomem(err);
	sf_buf_free(&text);
	sf_json_free(a.root);
	return st;
}

/* Spelt with a blank in places. */
static bool
parse_state(const char *text, sf_bulk1_state *state)
{
	static const struct
	{
		const char *name;
		sf_bulk1_state state;
	} states[] = {{"Queued", SF_BATCH_QUEUED},
				  {"InProgress", SF_BATCH_IN_PROGRESS},
				  {"In Progress", SF_BATCH_IN_PROGRESS},
				  {"Completed", SF_BATCH_COMPLETED},
				  {"Failed", SF_BATCH_FAILED},
				  {"NotProcessed", SF_BATCH_NOT_PROCESSED},
				  {"Not Processed", SF_BATCH_NOT_PROCESSED}};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
	{
		if (strcasecmp(text, states[i].name) == 0)
		{
			*state = states[i].state;
			return true;
		}
	}
	return false;
}

static sf_status
read_batch(const said *i, const char *what, sf_bulk1_batch *batch, sf_error *err)
{
	sf_buf text;
	sf_status st;

	memset(batch, 0, sizeof(*batch));
	sf_buf_init(&text, SF_BODY_SMALL);
	st = get_id(i, what, &text, batch->id, err);
	if (st == SF_OK &&
		(!get_text(i, "state", &text) || !parse_state(sf_buf_text(&text), &batch->state)) &&
		text.failed != SF_ERR_MEMORY)
		st = sf_error_set(err, SF_ERR_PROTOCOL,
						  "batch %s in the %s has the unknown state \"%.40s\"", batch->id,
						  what, sf_buf_text(&text));
	get_number(i, "numberRecordsProcessed", &text, &batch->processed);
	get_number(i, "numberRecordsFailed", &text, &batch->failed);
	get_number(i, "totalProcessingTime", &text, &batch->server_ms);
	if (st == SF_OK && get_text(i, "stateMessage", &text) && text.len > 0)
	{
		batch->message = sf_buf_take(&text, NULL);
		if (batch->message == NULL)
			st = sf_error_nomem(err);
	}
	if (text.failed == SF_ERR_MEMORY)
		st = sf_error_nomem(err);
	sf_buf_free(&text);
	if (st != SF_OK)
	{
		free(batch->message);
		batch->message = NULL;
	}
	return st;
}

sf_status
sf_bulk1_read_batch(const sf_bulk1_where *w, const sf_http_request *req, sf_bulk1_batch *batch,
					sf_error *err)
{
	char what[96];
	reply a;
	sf_status st;

	name_answer(what, w, "state of a batch of");
	if (open_answer(req, what, &a, err) != SF_OK)
		return SF_FAILED;
	st = read_batch(&a.all, what, batch, err);
	sf_json_free(a.root);
	return st;
}

static sf_status
add_batch(sf_bulk1_batches *list, int *alloc, const said *i, const char *what, sf_error *err)
{
	if (list->n >= *alloc)
	{
		int n = *alloc > 0 ? 2 * *alloc : 16;
		sf_bulk1_batch *items = realloc(list->items, (size_t) n * sizeof(*items));

		if (items == NULL)
			return sf_error_nomem(err);
		list->items = items;
		*alloc = n;
	}
	if (read_batch(i, what, &list->items[list->n], err) != SF_OK)
		return SF_FAILED;
	list->n++;
	return SF_OK;
}

static sf_status
read_json_list(sf_bulk1_batches *list, const sf_json *root, const char *what, sf_error *err)
{
	const sf_json *items = sf_json_get(root, "batchInfo");
	int alloc = 0;

	if (sf_json_kind_of(items) != SF_JSON_ARRAY)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the %s has no batchInfo", what);
	for (items = sf_json_first(items); items != NULL; items = sf_json_next(items))
	{
		said i = {.json = items};

		if (add_batch(list, &alloc, &i, what, err) != SF_OK)
			return SF_FAILED;
	}
	return SF_OK;
}

static sf_status
read_xml_list(sf_bulk1_batches *list, const said *all, const char *what, sf_error *err)
{
	const char *xml = all->xml;
	size_t len = all->len;
	int alloc = 0;
	said i = {0};

	if (memmem(xml, len, "batchInfoList", strlen("batchInfoList")) == NULL)
		return sf_error_set(err, SF_ERR_PROTOCOL, "the %s has no batchInfoList", what);
	while (sf_xml_next(&xml, &len, "batchInfo", &i.xml, &i.len))
	{
		if (add_batch(list, &alloc, &i, what, err) != SF_OK)
			return SF_FAILED;
	}
	return SF_OK;
}

sf_status
sf_bulk1_read_batches(const sf_bulk1_where *w, const sf_http_request *req,
					  sf_bulk1_batches *list, sf_error *err)
{
	char what[96];
	reply a;
	sf_status st;

	memset(list, 0, sizeof(*list));
	name_answer(what, w, "list of batches of");
	if (open_answer(req, what, &a, err) != SF_OK)
		return SF_FAILED;
	if (a.root != NULL)
		st = read_json_list(list, a.root, what, err);
	else
		st = read_xml_list(list, &a.all, what, err);
	sf_json_free(a.root);
	if (st != SF_OK)
		sf_bulk1_batches_free(list);
	return st;
}

void
sf_bulk1_batches_free(sf_bulk1_batches *list)
{
	for (int i = 0; i < list->n; i++)
		free(list->items[i].message);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

const sf_bulk1_batch *
sf_bulk1_find_batch(const sf_bulk1_batches *list, const char *id)
{
	for (int i = 0; i < list->n; i++)
	{
		/* of either length: 15 characters, or 18 with what tells their case */
		if (strncmp(list->items[i].id, id, 15) == 0)
			return &list->items[i];
	}
	return NULL;
}
