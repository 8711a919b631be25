/*
 * describe_cache.c
 *		Describes as text, plain and compressed.  When the schema changes they are made anew; an answer under way may
 *		still need the old ones, which stay.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "rest.h"
#include "schema.h"

/* Beyond, describes are made anew each time. */
#define MOST_BYTES ((size_t) 64 << 20)

struct srv_describe
{
	const sim_object *obj; /* NULL: the global one */
	char version[8];
	unsigned schema; /* sim_schema_version() */
	char etag[REST_ETAG_SIZE];
	char *text;
	size_t len;
	sim_buf gz; /* empty when it could not be compressed */
	struct srv_describe *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static srv_describe *list;
static size_t bytes;

/* The lock is held. */
static srv_describe *
find(const sim_object *obj, const char *version, unsigned schema)
{
	srv_describe *d = list;

	while (d && (d->obj != obj || d->schema != schema || strcmp(d->version, version) != 0))
		d = d->next;
	return d;
}

static void
free_one(srv_describe *d)
{
	if (d == NULL)
		return;
	cJSON_free(d->text);
	sim_buf_free(&d->gz);
	free(d);
}

static srv_describe *
make(srv *s, const sim_object *obj, const char *version, unsigned schema)
{
	srv_describe *d = calloc(1, sizeof(*d));
	cJSON *tree =
		obj ? sim_describe_object(obj, version, s->base_url) : sim_describe_global(version);

	if (d && tree)
		d->text = cJSON_PrintUnformatted(tree);
	cJSON_Delete(tree);
	if (d == NULL || d->text == NULL)
	{
		free_one(d);
		return NULL;
	}
	d->obj = obj;
	d->schema = schema;
	memcpy(d->version, version, strnlen(version, sizeof(d->version) - 1));
	d->len = strlen(d->text);
	rest_etag_describe(d->text, d->len, d->etag);
	if (!srv_gzip(d->text, d->len, 6, &d->gz))
		sim_buf_reset(&d->gz);
	return d;
}

bool
describe_answer(srv_request *req, const sim_object *obj, char *etag)
{
	srv_describe *d;
	srv_describe *fresh = NULL;
	unsigned schema = sim_schema_version();
	bool kept;

	pthread_mutex_lock(&lock);
	d = find(obj, req->version, schema);
	pthread_mutex_unlock(&lock);
	if (d == NULL)
	{
		fresh = make(req->srv, obj, req->version, schema);
		if (fresh == NULL)
		{
			srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
			return false;
		}
		pthread_mutex_lock(&lock);
		d = find(obj, req->version, schema);
		kept = d == NULL && bytes + fresh->len <= MOST_BYTES;
		if (kept)
		{
			fresh->next = list;
			list = fresh;
			bytes += fresh->len + fresh->gz.len;
		}
		pthread_mutex_unlock(&lock);
		if (d == NULL)
			d = fresh;
		if (kept)
			fresh = NULL;
	}
	sim_buf_add(srv_json(req, 200), d->text, d->len);
	memcpy(etag, d->etag, REST_ETAG_SIZE);
	req->resp.describe = fresh ? NULL : d;
	free_one(fresh);
	return true;
}

bool
describe_gzip(const srv_response *resp, sim_buf *out)
{
	const srv_describe *d = resp->describe;

	if (d == NULL || d->gz.len == 0 || resp->body.len != d->len ||
		memcmp(resp->body.data, d->text, d->len) != 0)
		return false;
	sim_buf_add(out, d->gz.data, d->gz.len);
	return !out->failed;
}

void
describe_forget(void)
{
	pthread_mutex_lock(&lock);
	while (list)
	{
		srv_describe *next = list->next;

		free_one(list);
		list = next;
	}
	bytes = 0;
	pthread_mutex_unlock(&lock);
}
