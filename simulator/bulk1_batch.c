/*
 * bulk1_batch.c
 *		Bulk API 1.0: batches over HTTP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>
#include <zlib.h>

#include "bulk1_int.h"
#include "xml.h"

/* Longer results are sent from their files. */
#define FROM_MEMORY (4 * 1024 * 1024)

static sim_buf *
answer(bulk1_request *r, int status)
{
	srv_text(r->req, status, r->json ? "application/json" : "application/xml", NULL);
	return &r->req->resp.body;
}

/* ---------------------------------------------------------------- add */

/* The types that a Content-Type may stand for. */
static bool
type_fits(const bulk1_job *j, const char *type)
{
	static const struct
	{
		const char *name;
		bulk1_type type;
	} types[] = {
		{"text/csv", BULK1_CSV},	  {"application/xml", BULK1_XML},
		{"text/xml", BULK1_XML},	  {"application/json", BULK1_JSON},
		{"zip/csv", BULK1_ZIP_CSV},	  {"zip/xml", BULK1_ZIP_XML},
		{"zip/json", BULK1_ZIP_JSON},
	};
	size_t n = strcspn(type, "; ");

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strlen(types[i].name) == n && strncasecmp(types[i].name, type, n) == 0)
			return types[i].type == j->type;

	/* "application/zip", "text/plain" and the like say nothing of what is inside */
	return true;
}

/* The charset of a text, for what is not UTF-8. */
static void
read_charset(const char *type, char out[32])
{
	const char *at = type ? strcasestr(type, "charset=") : NULL;
	size_t n;

	*out = '\0';
	if (at == NULL)
		return;
	at += 8;
	at += *at == '"';
	n = strcspn(at, "\"; ");
	if (n < 32 && strncasecmp(at, "UTF-8", 5) != 0 && strncasecmp(at, "UTF8", 4) != 0)
		snprintf(out, 32, "%.*s", (int) n, at);
}

/* May a batch be added?  False with the error filled in; the lock is held. */
static bool
may_add(bulk1_request *r, const bulk1_job *j, const char *type)
{
	if (j->state != BULK1_OPEN)
		bulk1_error(r, "InvalidJobState", "Job is not open. Current state of job %s: %s",
					j->id, bulk1_job_state_name(j->state));
	else if (type && !type_fits(j, type))
		bulk1_error(r, "ClientInputError",
					"Content-Type %.100s does not fit the content type of the job: %s", type,
					bulk1_type_name(j->type));
	else if (!srv_limits_use(r->req->srv, LIMIT_BULK_BATCHES, 1))
		bulk1_error(r, "ExceededQuota", "ApiBatchItems Limit exceeded.");
	else
		return true;
	return false;
}

/* What a fault at creation orders for the batch. */
static void
take_orders(srv_request *req, bulk1_batch *t)
{
	const cJSON *orders = cJSON_GetObjectItemCaseSensitive(req->fault, "job");
	const cJSON *fail = cJSON_GetObjectItemCaseSensitive(orders, "fail");
	const char *hold = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(orders, "hold"));

	if (cJSON_IsString(fail))
		t->fails = strdup(fail->valuestring);
	else if (cJSON_IsTrue(fail))
		t->fails = strdup("");
	if (hold)
	{
		t->hold = job_state_parse(hold);
		t->gate = gate_ref(req->gate);
	}
}

void
bulk1_batch_add(bulk1_request *r, const char *job_id)
{
	srv_request *req = r->req;
	const char *type = srv_header_get(req, "Content-Type");
	bulk1_blob request = {0};
	bulk1_batch *t = NULL;
	char id[SIM_ID_SIZE] = "";
	bulk1_job *j;

	if (!bulk1_blob_set(r->b, &request, req->body.data ? req->body.data : "", req->body.len))
	{
		bulk1_error(r, "InternalServerError", "no room for the batch");
		bulk1_blob_free(&request);
		return;
	}
	j = bulk1_lock_job(r, job_id);
	if (j == NULL)
	{
		bulk1_blob_free(&request);
		return;
	}
	r->json = bulk1_text_type(j->type) == BULK1_JSON;
	if (may_add(r, j, type) && (t = bulk1_append(r->b, j)) != NULL)
	{
		t->request = request;
		memset(&request, 0, sizeof(request));
		read_charset(type, t->charset);
		t->split = j->chunking.on;
		take_orders(req, t);
		memcpy(id, t->id, sizeof(id));

		/* as it is before anything happens to it */
		bulk1_put_batch(t, r->json, answer(r, 201));
		srv_set_headerf(&req->resp, "Location", "/services/async/%s/job/%s/batch/%s",
						req->version, j->id, t->id);
	}
	bulk1_unlock(r);
	bulk1_blob_free(&request);
	bulk1_tick(req->srv);
}

void
bulk1_batch_list(bulk1_request *r, const char *job_id)
{
	bulk1_job *j = bulk1_lock_job(r, job_id);

	if (j == NULL)
		return;
	bulk1_put_batches(j, r->json, answer(r, 200));
	bulk1_unlock(r);
}

/* ---------------------------------------------------------------- results */

static void
result_list(bulk1_request *r, const bulk1_job *j, const bulk1_batch *t)
{
	bool json = bulk1_text_type(j->type) == BULK1_JSON;
	sim_buf *b;

	r->json = json;
	b = answer(r, 200);
	sim_buf_str(b, json ? "[" : "<result-list xmlns=\"" BULK1_NS "\">");
	for (int i = 0; i < t->nresults; i++)
	{
		/* ids of results have 15 characters */
		if (json)
			sim_buf_printf(b, "%s\"%.15s\"", i ? "," : "", t->results[i].id);
		else
			sim_buf_printf(b, "<result>%.15s</result>", t->results[i].id);
	}
	sim_buf_str(b, json ? "]" : "</result-list>");
}

/* A blob as the body; true when it is too long for memory and path says where it is. */
static void
send_blob(bulk1_request *r, const char *type, bulk1_blob *blob)
{
	srv_request *req = r->req;

	srv_text(req, 200, type, NULL);
	if (blob->path == NULL || blob->len <= FROM_MEMORY)
	{
		if (!bulk1_blob_get(blob, &req->resp.body))
			bulk1_error(r, "InternalServerError", "the file is gone");
		return;
	}
	req->resp.file = strdup(blob->path);
	if (blob->gz)
		req->resp.file_gz = strdup(blob->gz);
	else
		req->resp.no_gzip = true;
}

/* Compress a long result for a client that wants that; once.  The lock is not held. */
static char *
compress_file(srv_bulk1 *b, const char *path)
{
	char *gz = bulk1_temp_path(b);
	FILE *in = fopen(path, "re");
	gzFile out = gz ? gzopen(gz, "wb1") : NULL;
	static const size_t size = 256 * 1024;
	char *buf = malloc(size);
	bool ok = in && out && buf;
	size_t n;

	while (ok && (n = fread(buf, 1, size, in)) > 0)
		ok = gzwrite(out, buf, (unsigned int) n) == (int) n;
	if (in)
		fclose(in);
	if (out && gzclose(out) != Z_OK)
		ok = false;
	free(buf);
	if (ok)
		return gz;
	if (gz)
		remove(gz);
	free(gz);
	return NULL;
}

static bulk1_result *
find_result(bulk1_batch *t, const char *id)
{
	char full[SIM_ID_SIZE];

	if (!sim_id_normalise(id, strlen(id), full))
		return NULL;
	for (int i = 0; i < t->nresults; i++)
		if (strcmp(t->results[i].id, full) == 0)
			return &t->results[i];
	return NULL;
}

/*
 * Let a long result have its compressed twin before it is sent.  Takes the lock away and back: the job stays
 * because of the caller's reference, results do not change any more.
 */
static void
prepare_result(bulk1_request *r, bulk1_result *result)
{
	char *gz;

	if (result->blob.path == NULL || result->blob.gz || result->blob.len <= FROM_MEMORY ||
		!srv_accepts_gzip(r->req))
		return;
	bulk1_unlock(r);
	gz = compress_file(r->b, result->blob.path);
	pthread_mutex_lock(&r->b->lock);
	if (gz && result->blob.gz == NULL)
		result->blob.gz = gz;
	else if (gz)
	{
		remove(gz);
		free(gz);
	}
}

static void
get_result(bulk1_request *r, bulk1_job *j, bulk1_batch *t, const char *result_id)
{
	bulk1_result *result;

	if (t->state < BULK1_COMPLETED)
		bulk1_error(r, "InvalidBatch", "Batch not completed");
	else if (t->state == BULK1_NOT_PROCESSED ||
			 (t->state == BULK1_FAILED && !bulk1_is_query(j) && t->answer.len == 0))
		bulk1_error(r, "InvalidBatch", "Records not processed");
	else if (!bulk1_is_query(j))
	{
		if (result_id)
			bulk1_error(r, "InvalidBatch", "Invalid result id: %.100s", result_id);
		else
			send_blob(r, bulk1_media_type(bulk1_text_type(j->type)), &t->answer);
	}
	else if (result_id == NULL)
		result_list(r, j, t);
	else if ((result = find_result(t, result_id)) == NULL)
		bulk1_error(r, "InvalidBatch", "Invalid result id: %.100s", result_id);
	else
	{
		prepare_result(r, result);
		/* the results of loads come without a charset, those of queries with one */
		send_blob(r,
				  j->type == BULK1_CSV ? "text/csv; charset=UTF-8" : bulk1_media_type(j->type),
				  &result->blob);
	}
}

void
bulk1_batch_get(bulk1_request *r, const char *job_id, const char *batch_id, const char *part,
				const char *result)
{
	bulk1_job *j = bulk1_lock_job(r, job_id);
	bulk1_batch *t;

	if (j == NULL)
		return;
	j->refs++;
	t = bulk1_find_batch(j, batch_id);
	if (t == NULL)
		bulk1_error(r, "InvalidBatch", "Invalid batch id: %.100s", batch_id);
	else if (part == NULL)
		bulk1_put_batch(t, r->json, answer(r, 200));
	else if (strcasecmp(part, "request") == 0)
		send_blob(r, bulk1_media_type(j->type), &t->request);
	else
		get_result(r, j, t, result);
	bulk1_unref(j);
	bulk1_unlock(r);
}
