/*
 * bulk1.c
 *		Bulk API 1.0: requests, errors, jobs.
 *
 * Answers to what is sent in JSON are JSON, to everything else XML; what is only asked for is JSON when the job's content is
 * (WSC's clients rely on that), or when the client accepts nothing else.  Sessions come as X-SFDC-Session, or as Authorization
 * (protocol notes, 3).
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "bulk1_int.h"
#include "clock.h"
#include "schema.h"
#include "xml.h"

#define CHUNK_SIZE_DEFAULT 100000
#define CHUNK_SIZE_MAX	   250000

/* ---------------------------------------------------------------- answers */

static sim_buf *
answer(bulk1_request *r, int status)
{
	srv_text(r->req, status, r->json ? "application/json" : "application/xml", NULL);
	return &r->req->resp.body;
}

void
bulk1_error(bulk1_request *r, const char *code, const char *fmt, ...)
{
	sim_buf *b = answer(r, 400);
	char text[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (r->json)
	{
		auth_member(b, "exceptionCode", code);
		auth_member(b, "exceptionMessage", text);
		sim_buf_char(b, '}');
	}
	else
	{
		xml_writer w;

		xml_begin(&w, b, "error", BULK1_NS);
		xml_put(&w, "exceptionCode", code);
		xml_put(&w, "exceptionMessage", text);
		xml_end(&w, "error");
	}
}

bool
bulk1_sent_json(const srv_request *req)
{
	const char *type = srv_header_get(req, "Content-Type");

	return type && strcasestr(type, "json");
}

/* Accept has JSON, and nothing that the answer might be instead. */
static bool
wants_json(const srv_request *req)
{
	const char *accept = srv_header_get(req, "Accept");

	return accept && strcasestr(accept, "json") && !strcasestr(accept, "xml") &&
		   !strcasestr(accept, "csv") && !strstr(accept, "*/*");
}

bulk1_job *
bulk1_lock_job(bulk1_request *r, const char *id)
{
	char full[SIM_ID_SIZE];
	bulk1_job *j = NULL;

	pthread_mutex_lock(&r->b->lock);
	if (sim_id_normalise(id, strlen(id), full))
		j = bulk1_find(r->b, full);
	if (j == NULL)
	{
		pthread_mutex_unlock(&r->b->lock);
		bulk1_error(r, "InvalidJob", "Invalid job id: %.100s", id);
		return NULL;
	}
	if (strcmp(r->req->method, "POST") != 0)
		r->json = bulk1_text_type(j->type) == BULK1_JSON || wants_json(r->req);
	if (strcmp(j->user, r->session.user) != 0)
	{
		pthread_mutex_unlock(&r->b->lock);
		bulk1_error(r, "InvalidUser", "The job was created by a different user: %s", j->id);
		return NULL;
	}
	return j;
}

void
bulk1_unlock(bulk1_request *r)
{
	pthread_mutex_unlock(&r->b->lock);
}

/* ---------------------------------------------------------------- what a client says of a job */

/* Members of jobInfo, malloc'd; NULL: not said. */
typedef struct job_text
{
	char *operation;
	char *object;
	char *external_id;
	char *concurrency;
	char *content_type;
	char *rule;
	char *state;
	char *creator;
} job_text;

static char **
member_of(job_text *t, const char *name)
{
	const struct
	{
		const char *name;
		char **at;
	} members[] = {
		{"operation", &t->operation},
		{"object", &t->object},
		{"externalIdFieldName", &t->external_id},
		{"concurrencyMode", &t->concurrency},
		{"contentType", &t->content_type},
		{"assignmentRuleId", &t->rule},
		{"state", &t->state},
		{"createdById", &t->creator},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (strcmp(members[i].name, name) == 0)
			return members[i].at;
	return NULL;
}

static void
free_text(job_text *t)
{
	free(t->operation);
	free(t->object);
	free(t->external_id);
	free(t->concurrency);
	free(t->content_type);
	free(t->rule);
	free(t->state);
	free(t->creator);
}

/* Enumerations may come as their position, which is how simple-salesforce says concurrencyMode. */
static bool
set_member(job_text *t, const cJSON *item)
{
	static const char *const modes[] = {"Parallel", "Serial"};
	char **at = member_of(t, item->string);

	if (at == NULL || cJSON_IsNull(item))
		return true;
	free(*at);
	*at = NULL;
	if (cJSON_IsString(item))
		*at = strdup(item->valuestring);
	else if (at == &t->concurrency && cJSON_IsNumber(item) &&
			 (item->valuedouble == 0 || item->valuedouble == 1))
		*at = strdup(modes[item->valueint]);
	return *at != NULL;
}

/* The jobInfo of the body; false with the error filled in. */
static bool
parse_job(bulk1_request *r, job_text *t)
{
	const sim_buf *body = &r->req->body;
	bool ok = false;

	memset(t, 0, sizeof(*t));
	if (r->json)
	{
		cJSON *tree = cJSON_ParseWithLength(body->data ? body->data : "", body->len);
		const cJSON *item;

		ok = cJSON_IsObject(tree);
		cJSON_ArrayForEach (item, tree)
			ok = ok && set_member(t, item);
		cJSON_Delete(tree);
	}
	else
	{
		xml_doc *doc = xml_parse(body->data ? body->data : "", body->len, NULL);

		ok = doc && strcmp(xml_root(doc)->name, "jobInfo") == 0;
		for (const xml_node *n = ok ? xml_root(doc)->child : NULL; n && ok; n = n->next)
		{
			char **at = member_of(t, n->name);

			if (at == NULL || xml_is_nil(n))
				continue;
			free(*at);
			*at = strdup(n->text);
			ok = *at != NULL;
		}
		xml_free(doc);
	}
	if (!ok)
		bulk1_error(r, "InvalidJob", "Unable to parse Job");
	else if (t->creator)
		bulk1_error(r, "InvalidJob", "CreatedById cannot be specified");
	else
		return true;
	free_text(t);
	return false;
}

/* ---------------------------------------------------------------- create */

static bool
check_external_id(bulk1_request *r, const job_text *t, bulk1_job *j)
{
	const char *name = t->external_id ? t->external_id : "";
	const sim_field *f;

	if (j->op != BULK1_UPSERT)
		return true;
	if (*name == '\0')
	{
		bulk1_error(r, "InvalidJob",
					"External ID was blank for %s. An External ID must be specified for "
					"upsert.",
					sim_object_name(j->object));
		return false;
	}
	f = sim_field_find(j->object, name);
	if (f == NULL || (f->type != SIM_T_ID && !(f->flags & (SF_EXTERNAL | SF_IDLOOKUP))))
	{
		bulk1_error(r, "InvalidJob",
					"Field name provided, %.79s does not match an External ID, Salesforce Id, "
					"or indexed field for %s",
					name, sim_object_name(j->object));
		return false;
	}
	snprintf(j->external_id, sizeof(j->external_id), "%s", name);
	return true;
}

/* operation, object, contentType, concurrencyMode; false with the error filled in. */
static bool
check_job(bulk1_request *r, const job_text *t, bulk1_job *j)
{
	j->op = t->operation ? bulk1_op_parse(t->operation) : BULK1_OPS;
	j->type = t->content_type ? bulk1_type_parse(t->content_type) : BULK1_XML;
	j->object = t->object ? sim_object_find(t->object) : NULL;
	if (t->operation == NULL)
		bulk1_error(r, "InvalidJob", "Operation not set in job");
	else if (j->op == BULK1_OPS || j->type == BULK1_TYPES ||
			 (t->concurrency && strcmp(t->concurrency, "Serial") != 0 &&
			  strcmp(t->concurrency, "Parallel") != 0))
		bulk1_error(r, "InvalidJob", "Unable to parse Job");
	else if (j->object == NULL)
		bulk1_error(r, "InvalidJob", "Unable to find object: %.200s",
					t->object ? t->object : "null");
	else if ((j->object->flags & SO_NOBULK))
		bulk1_error(r, "InvalidEntity", "Entity '%s' is not supported by the Bulk API.",
					sim_object_name(j->object));
	else if (j->op == BULK1_HARD_DELETE && !srv_options_get(r->req->srv).hard_delete)
		bulk1_error(r, "FeatureNotEnabled",
					"hardDelete operation requires special user profile permission, please "
					"contact your system administrator");
	else if (bulk1_is_zip(j->type) && bulk1_is_query(j))
		bulk1_error(r, "InvalidJob", "Zip content types are not supported for queries");
	else if (t->rule && *t->rule && !sim_id_normalise(t->rule, strlen(t->rule), j->rule))
		bulk1_error(r, "InvalidJob", "Invalid assignment rule id: %.100s", t->rule);
	else
	{
		j->serial = t->concurrency && strcmp(t->concurrency, "Serial") == 0;
		return check_external_id(r, t, j);
	}
	return false;
}

/* One "name=value" of the header; false: not understood. */
static bool
chunking_part(bulk1_chunking *c, char *part)
{
	char *value = strchr(part, '=');

	if (value)
		*value++ = '\0';
	part += strspn(part, " ");
	if (value == NULL)
	{
		c->on = strncasecmp(part, "false", 5) != 0;
		return *part == '\0' || strncasecmp(part, "true", 4) == 0 ||
			   strncasecmp(part, "false", 5) == 0;
	}
	value += strspn(value, " ");
	value[strcspn(value, " ")] = '\0';
	part[strcspn(part, " ")] = '\0';
	c->on = true;
	if (strcasecmp(part, "chunkSize") == 0)
	{
		c->size = atoll(value);
		return c->size > 0 && c->size <= CHUNK_SIZE_MAX;
	}
	if (strcasecmp(part, "parent") == 0)
		return snprintf(c->parent, sizeof(c->parent), "%s", value) < (int) sizeof(c->parent) &&
			   sim_object_find(value) != NULL;
	if (strcasecmp(part, "startRow") == 0)
		return sim_id_normalise(value, strlen(value), c->start_row);
	return false;
}

/* "TRUE", "chunkSize=50000; parent=Account; startRow=001…"; false with the error filled in. */
static bool
read_chunking(bulk1_request *r, bulk1_job *j)
{
	const char *h = srv_header_get(r->req, "Sforce-Enable-PKChunking");
	char *copy;
	char *rest;
	char why[400];
	bool ok = true;

	j->chunking.size = CHUNK_SIZE_DEFAULT;
	if (h == NULL || !bulk1_is_query(j))
		return true;
	copy = strdup(h);
	for (char *part = copy ? strtok_r(copy, ";,", &rest) : NULL; part && ok;
		 part = strtok_r(NULL, ";,", &rest))
		ok = chunking_part(&j->chunking, part);
	free(copy);
	if (!ok)
		bulk1_error(r, "InvalidJob", "Invalid Sforce-Enable-PKChunking header: %.200s", h);
	else if (j->chunking.on && !bulk1_may_divide(j, why, sizeof(why)))
	{
		bulk1_error(r, "InvalidJob", "%s", why);
		ok = false;
	}
	return ok;
}

static bool
read_headers(bulk1_request *r, bulk1_job *j)
{
	const char *eol = srv_header_get(r->req, "Sforce-Line-Ending");
	const char *duplicates = srv_header_get(r->req, "Sforce-Duplicate-Rule-Header");

	if (eol && strcasecmp(eol, "LF") != 0 && strcasecmp(eol, "CRLF") != 0)
	{
		bulk1_error(r, "ClientInputError", "Invalid Sforce-Line-Ending header: %.50s", eol);
		return false;
	}
	snprintf(j->line_ending, sizeof(j->line_ending), "%s",
			 eol == NULL				  ? ""
			 : strcasecmp(eol, "LF") == 0 ? "LF"
										  : "CRLF");
	j->write.bulk = true;
	j->write.allow_duplicates = duplicates && strcasestr(duplicates, "allowSave=true");
	j->write.assignment_rule = j->rule[0] ? j->rule : NULL;
	return read_chunking(r, j);
}

static void
create_job(bulk1_request *r)
{
	bulk1_job *j = calloc(1, sizeof(*j));
	job_text t;

	if (j == NULL || !parse_job(r, &t))
	{
		free(j);
		return;
	}
	if (!check_job(r, &t, j) || !read_headers(r, j))
		free(j);
	else
	{
		snprintf(j->version, sizeof(j->version), "%s", r->req->version);
		memcpy(j->user, r->session.user, sizeof(j->user));
		j->created = j->changed = sim_clock_now();
		pthread_mutex_lock(&r->b->lock);
		bulk1_enlist(r->b, j);
		bulk1_put_job(j, r->json, answer(r, 201));
		srv_set_headerf(&r->req->resp, "Location", "/services/async/%s/job/%s", j->version,
						j->id);
		pthread_mutex_unlock(&r->b->lock);
	}
	free_text(&t);
}

/* ---------------------------------------------------------------- the life of a job */

static bool
all_final(const bulk1_job *j)
{
	for (const bulk1_batch *t = j->batches; t; t = t->next)
		if (t->state < BULK1_COMPLETED)
			return false;
	return true;
}

static void
update_job(bulk1_request *r, const char *id)
{
	job_text t;
	bulk1_job *j;
	bool close;

	if (!parse_job(r, &t))
		return;
	close = t.state && strcmp(t.state, "Closed") == 0;
	j = bulk1_lock_job(r, id);
	if (j == NULL)
	{
		free_text(&t);
		return;
	}
	if (!close && (t.state == NULL || strcmp(t.state, "Aborted") != 0))
		bulk1_error(r, "InvalidJobState", "Invalid job state: %.50s",
					t.state ? t.state : "null");
	else if (j->state == BULK1_ABORTED || j->state == BULK1_JOB_FAILED ||
			 (close && j->state == BULK1_CLOSED))
		bulk1_error(r, "InvalidJobState", "%s already %s Job not allowed",
					close ? "Closing" : "Aborting", bulk1_job_state_name(j->state));
	else if (!close && j->state == BULK1_CLOSED && all_final(j))
		bulk1_error(r, "InvalidJobState", "Aborting already Completed Job not allowed");
	else
	{
		/* recorded answers (v51, v56) have the new state and the old systemModstamp */
		int64_t before = j->changed;
		int64_t now;

		bulk1_set_job_state(r->b, j, close ? BULK1_CLOSED : BULK1_ABORTED);
		now = j->changed;
		j->changed = before;
		bulk1_put_job(j, r->json, answer(r, 200));
		j->changed = now;
	}
	bulk1_unlock(r);
	free_text(&t);
}

static void
get_job(bulk1_request *r, const char *id)
{
	bulk1_job *j = bulk1_lock_job(r, id);

	if (j == NULL)
		return;
	bulk1_put_job(j, r->json, answer(r, 200));
	bulk1_unlock(r);
}

/* ---------------------------------------------------------------- dispatch */

/* "62.0" of the URL; false with the error filled in. */
static bool
check_version(bulk1_request *r)
{
	const char *text = r->req->segs[2];
	int n = atoi(text);

	if (strlen(text) > 5 || !isdigit((unsigned char) text[0]) ||
		strcmp(text + strspn(text, "0123456789"), ".0") != 0 || n > BULK1_NEWEST)
	{
		bulk1_error(r, "InvalidUrl", "unknown version: %.20s", text);
		return false;
	}
	if (n < BULK1_OLDEST)
	{
		bulk1_error(r, "InvalidVersion", "Api version %.20s is not supported", text);
		return false;
	}
	snprintf(r->req->version, sizeof(r->req->version), "%d.0", n);
	return true;
}

static bool
check_session(bulk1_request *r)
{
	srv_request *req = r->req;
	const char *text = srv_header_get(req, "X-SFDC-Session");

	if (text == NULL)
		text = auth_bearer(req);
	if (text && fault_number(req, "expire_token", 0))
		auth_expire(req->srv, text);
	if (auth_session_of(req, &r->session))
		return true;
	bulk1_error(r, "InvalidSessionId",
				text ? "Invalid session id" : "Unable to find session id");
	return false;
}

/* Everything below the version: segs is job[/id[/spec|/batch[/id[/request|result[/id]]]]]. */
static void
dispatch(bulk1_request *r, char *const *segs, int n)
{
	bool post = strcmp(r->req->method, "POST") == 0;
	bool get = strcmp(r->req->method, "GET") == 0 || strcmp(r->req->method, "HEAD") == 0;
	bool batch = n > 2 && strcasecmp(segs[2], "batch") == 0;
	bool part =
		n > 4 && (strcasecmp(segs[4], "request") == 0 || strcasecmp(segs[4], "result") == 0);

	if (n == 3 && post && strcasecmp(segs[0], "job") == 0 && strcasecmp(segs[2], "spec") == 0)
		bulk1_spec_set(r, segs[1]);
	else if (n < 1 || strcasecmp(segs[0], "job") != 0 || (n > 2 && !batch) ||
			 (n > 4 && !part) || n > 6 || (n == 6 && strcasecmp(segs[4], "result") != 0))
		bulk1_error(r, "InvalidUrl", "Invalid url: %.500s", r->req->path);
	else if (n == 1 && post)
		create_job(r);
	else if (n == 2 && post)
		update_job(r, segs[1]);
	else if (n == 2 && get)
		get_job(r, segs[1]);
	else if (n == 3 && post)
		bulk1_batch_add(r, segs[1]);
	else if (n == 3 && get)
		bulk1_batch_list(r, segs[1]);
	else if (n > 3 && get)
		bulk1_batch_get(r, segs[1], segs[3], n > 4 ? segs[4] : NULL, n > 5 ? segs[5] : NULL);
	else
	{
		bulk1_error(r, "InvalidOperation", "HTTP Method '%s' not allowed", r->req->method);
		r->req->resp.status = 405;
	}
}

static void
bulk1_handle(srv_request *req)
{
	bulk1_request r = {.req = req, .b = req->srv->bulk1, .json = bulk1_sent_json(req)};

	if (!check_session(&r) || !check_version(&r))
		return;
	if (req->conn && !srv_limits_use(req->srv, LIMIT_API_REQUESTS, 1))
	{
		bulk1_error(&r, "ExceededQuota", "TotalRequests Limit exceeded.");
		return;
	}
	dispatch(&r, req->segs + 3, req->nsegs - 3);
}

#define ANY (SRV_GET | SRV_POST | SRV_PATCH | SRV_PUT | SRV_DELETE)

const srv_endpoint bulk1_routes[] = {
	{ANY, 0, "services/async/*", bulk1_handle},
	{ANY, 0, "services/async/*/*", bulk1_handle},
	{ANY, 0, "services/async/*/*/*", bulk1_handle},
	{ANY, 0, "services/async/*/*/*/*", bulk1_handle},
	{ANY, 0, "services/async/*/*/*/*/*", bulk1_handle},
	{ANY, 0, "services/async/*/*/*/*/*/*", bulk1_handle},
	{ANY, 0, "services/async/*/*/*/*/*/*/*", bulk1_handle},
	{ANY, 0, "services/async/*/*/*/*/*/*/*/*", bulk1_handle},
	{0, 0, NULL, NULL},
};
