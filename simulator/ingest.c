/*
 * ingest.c
 *		Bulk API 2.0 ingest jobs: create, upload, close, abort, look at, delete (protocol notes, 2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "body.h"
#include "clock.h"
#include "job.h"
#include "multipart.h"

/* Data that a multipart create may carry. */
#define MULTIPART_CHARS 100000

/* From this version on the text about a field that is no key has its long form. */
#define LONG_KEY_TEXT_VERSION 48

/* ---------------------------------------------------------------- create */

/* May rows be found by this field? */
static bool
is_key(const sim_object *obj, const char *name)
{
	const sim_field *field = sim_field_find(obj, name);

	return field && sim_field_is_key(field);
}

/* externalIdFieldName of an upsert; false after the error is filled in. */
static bool
check_external_id(srv_request *req, const sim_object *obj, const char *name, job *j)
{
	const char *object = sim_object_name(obj);

	if (strcmp(j->operation, "upsert") != 0)
		return true;
	if (name == NULL)
	{
		srv_error(
			req, 400, "INVALIDJOB",
			"InvalidJob : External ID was blank for %s. An External ID must be specified "
			"for upsert.",
			object);
		return false;
	}
	if (is_key(obj, name))
	{
		snprintf(j->external_id, sizeof(j->external_id), "%s", name);
		return true;
	}
	srv_error(req, 400, "INVALIDJOB",
			  atoi(req->version) < LONG_KEY_TEXT_VERSION
				  ? "InvalidJob : Field name provided, %s does not match an External ID for %s"
				  : "InvalidJob : Field name provided, %s does not match an External ID, "
					"Salesforce Id, or indexed field for %s",
			  name, object);
	return false;
}

/* assignmentRuleId; false after the error is filled in. */
static bool
check_rule(srv_request *req, const char *rule, job *j)
{
	if (rule == NULL || rule[0] == '\0')
		return true;
	if ((strcmp(j->object, "Case") == 0 || strcmp(j->object, "Lead") == 0) &&
		strncmp(rule, "01Q", 3) == 0 && sim_id_normalise(rule, strlen(rule), j->rule))
		return true;
	srv_error(req, 400, "INVALIDJOB", "InvalidJob : Invalid assignment rule id: %s", rule);
	return false;
}

/* What request headers say about the rows. */
static void
read_headers(srv_request *req, job *j)
{
	const char *assign = srv_header_get(req, "Sforce-Auto-Assign");
	const char *duplicates = srv_header_get(req, "Sforce-Duplicate-Rule-Header");

	if (!srv_options_get(req->srv).ingest_headers)
		assign = duplicates = NULL;
	j->write.bulk = true;
	j->write.no_auto_assign = assign && strcasecmp(assign, "FALSE") == 0;
	j->write.allow_duplicates = duplicates && strcasestr(duplicates, "allowSave=true") != NULL;
	if (assign && strncmp(assign, "01Q", 3) == 0 && j->rule[0] == '\0')
		sim_id_normalise(assign, strlen(assign), j->rule);
	j->write.assignment_rule = j->rule[0] ? j->rule : NULL;
}

/* Fill the job from the request's JSON; false after the error is filled in. */
static bool
fill_job(srv_request *req, const cJSON *body, job *j)
{
	static const char *const known[] = {"object",		   "operation",	 "externalIdFieldName",
										"contentType",	   "lineEnding", "columnDelimiter",
										"concurrencyMode", NULL,		 NULL};
	static const char *const operations[] = {"insert", "update", "upsert", "delete",
											 "hardDelete"};
	const char *names[sizeof(known) / sizeof(*known)];
	const char *object = NULL, *operation = NULL, *key = NULL, *rule = NULL;
	const sim_object *obj;
	bool good = false;

	memcpy(names, known, sizeof(known));
	if (atoi(req->version) >= 49)
		names[sizeof(known) / sizeof(*known) - 2] = "assignmentRuleId";
	if (!job_known_members(req, body, names) ||
		!job_text_member(req, body, "object", &object) ||
		!job_text_member(req, body, "operation", &operation) ||
		!job_text_member(req, body, "externalIdFieldName", &key) ||
		!job_text_member(req, body, "assignmentRuleId", &rule))
		return false;
	for (size_t i = 0; operation && i < sizeof(operations) / sizeof(*operations); i++)
		good |= strcmp(operations[i], operation) == 0;
	if (!good)
		return job_bad_value(req, "operation", operation ? operation : "");
	if (!job_format(req, body, j))
		return false;
	snprintf(j->operation, sizeof(j->operation), "%s", operation);
	obj = object ? sim_object_find(object) : NULL;
	if (obj == NULL)
	{
		srv_error(req, 400, "INVALIDJOB", "InvalidJob : Unable to find object: %s",
				  object ? object : "null");
		return false;
	}
	snprintf(j->object, sizeof(j->object), "%s", sim_object_name(obj));
	if (!sim_object_bulk(obj))
	{
		srv_error(req, 400, "INVALIDENTITY",
				  "InvalidEntity : Entity '%s' is not supported by the Bulk API.", j->object);
		return false;
	}
	if (strcmp(operation, "hardDelete") == 0 && !srv_options_get(req->srv).hard_delete)
	{
		srv_error(req, 400, "FEATURENOTENABLED",
				  "FeatureNotEnabled : hardDelete operation requires special user profile "
				  "permission, please contact your system administrator");
		return false;
	}
	return check_external_id(req, obj, key, j) && check_rule(req, rule, j);
}

/* The job's directory, once it has an id. */
static bool
make_dir(srv_request *req, job *j)
{
	snprintf(j->dir, sizeof(j->dir), "%s/%s", req->srv->temp_dir, j->id);
	if (mkdir(j->dir, 0700) == 0)
		return true;
	j->dir[0] = '\0';
	srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
	return false;
}

static bool
write_upload(const job *j, const char *data, size_t len)
{
	char path[400];
	FILE *f;
	bool ok;

	ingest_path(j, "upload", false, path);
	f = fopen(path, "we");
	if (f == NULL)
		return false;
	ok = fwrite(data, 1, len, f) == len;
	return fclose(f) == 0 && ok;
}

/* The parts of a multipart create; false after the error is filled in. */
static bool
take_parts(srv_request *req, const char *boundary, multipart_part *json, multipart_part *csv)
{
	const char *body = req->body.data ? req->body.data : "";
	multipart_part part;
	size_t at = 0;
	int rc;

	json->data = csv->data = NULL;
	while ((rc = multipart_next(body, req->body.len, boundary, &at, &part)) > 0)
	{
		if (strcmp(part.name, "job") == 0)
			*json = part;
		else if (strcmp(part.name, "content") == 0)
			*csv = part;
	}
	if (rc < 0 || json->data == NULL)
		srv_error(req, 400, "API_ERROR",
				  rc < 0 ? "The multipart request could not be parsed"
						 : "The multipart request has no part named 'job'");
	else if (csv->data == NULL)
		srv_error(req, 400, "API_ERROR", "The multipart request has no part named 'content'");
	else if (csv->len > MULTIPART_CHARS)
		srv_error(req, 400, "CLIENTINPUTERROR",
				  "ClientInputError : Job data of a multipart request may have at most %d "
				  "characters",
				  MULTIPART_CHARS);
	else
		return true;
	return false;
}

static void
ingest_create(srv_request *req)
{
	char boundary[MULTIPART_BOUNDARY_SIZE];
	multipart_part json = {.data = req->body.data, .len = req->body.len};
	multipart_part csv = {.data = NULL};
	srv *s = req->srv;
	cJSON *body;
	job *j;

	if (multipart_boundary(srv_header_get(req, "Content-Type"), boundary) &&
		!take_parts(req, boundary, &json, &csv))
		return;
	body = job_body(req, json.data, json.len);
	j = body ? job_new(req, JOB_V2_INGEST) : NULL;
	if (j == NULL || !fill_job(req, body, j))
	{
		job_free(j);
		cJSON_Delete(body);
		return;
	}
	cJSON_Delete(body);
	read_headers(req, j);
	job_take_orders(req, j);
	job_take_id(s, j);
	if (!make_dir(req, j))
	{
		job_free(j);
		return;
	}
	if (csv.data)
	{
		if (!write_upload(j, csv.data, csv.len))
		{
			job_free(j);
			srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
			return;
		}
		j->uploads = 1;
		j->bytes = (int64_t) csv.len;
		job_set_state(j, JOB_UPLOAD_COMPLETE);
	}
	job_json(s, j, DETAIL_CREATE, srv_json(req, 200));
	job_enlist(s, j);
	log_wake(s);
}

/* ---------------------------------------------------------------- upload */

static void
ingest_upload(srv_request *req)
{
	srv *s = req->srv;
	const char *type = srv_header_get(req, "Content-Type");
	char path[400];
	bool ok = true;
	job *j = job_lock(req, JOB_V2_INGEST);

	if (j == NULL)
		return;
	if (j->state != JOB_OPEN)
	{
		srv_error(req, 400, "INVALIDJOBSTATE",
				  "InvalidJobState : Uploading data to a job in state %s not allowed",
				  job_state_name(j->state));
		job_unlock(req);
		return;
	}
	if (type && strncasecmp(type, "text/csv", 8) != 0 &&
		strncasecmp(type, "text/plain", 10) != 0 &&
		(strncasecmp(type, "application/json", 16) == 0 ||
		 strncasecmp(type, "application/xml", 15) == 0))
	{
		srv_error(req, 415, "UNSUPPORTED_MEDIA_TYPE",
				  "Content type '%s' is not supported by this resource", type);
		job_unlock(req);
		return;
	}

	/* a second one is taken, too, and reported when the job is closed */
	if (j->uploads == 0)
	{
		ingest_path(j, "upload", false, path);
		ok = body_save(req, path);
	}
	if (ok)
	{
		j->uploads++;
		if (j->uploads == 1)
			j->bytes = body_length(req);
		srv_text(req, 201, "text/plain", NULL);
	}
	else
		srv_error(req, 500, "UNKNOWN_EXCEPTION", "An unexpected error occurred");
	job_unlock(req);
	log_wake(s);
}

/* ---------------------------------------------------------------- close and abort */

static void
several_uploads(srv_request *req, const job *j)
{
	bool newer = srv_options_get(req->srv).multiple_spelling;

	srv_error(
		req, 400, newer ? "INVALIDJOB" : "BULK_API_ERROR",
		"%sFound %s contents for job: <%.15s>, please 'Close' / 'Abort' / 'Delete' the "
		"current Job then create a new Job and make sure you only do 'PUT' once on a given "
		"Job.",
		newer ? "InvalidJob : " : "", newer ? "multiple" : "multipe", j->id);
}

/* How the texts about a state that allows no change spell it. */
static const char *
spoken_state(srv_state state)
{
	switch (state)
	{
		case JOB_COMPLETE:
			return "Completed";
		case JOB_UPLOAD_COMPLETE:
		case JOB_IN_PROGRESS:
			return "Closed";
		default:
			return job_state_name(state);
	}
}

static void
close_job(srv_request *req, job *j)
{
	if (j->state != JOB_OPEN)
		srv_error(req, 400, "INVALIDJOBSTATE", "Closing already %s Job not allowed",
				  spoken_state(j->state));
	else if (j->uploads > 1)
		several_uploads(req, j);
	else
	{
		job_set_state(j, JOB_UPLOAD_COMPLETE);
		j->start = sim_clock_mono();
		job_json(req->srv, j, DETAIL_SHORT, srv_json(req, 200));
		job_advance(req->srv, j);
		pthread_cond_broadcast(&req->srv->jobs->work);
	}
}

static void
abort_job(srv_request *req, job *j)
{
	if (j->state >= JOB_COMPLETE)
		srv_error(req, 400, "INVALIDJOBSTATE", "Aborting already %s Job not allowed",
				  spoken_state(j->state));
	else
	{
		ingest_cancel(j);
		job_set_state(j, JOB_ABORTED);
		job_json(req->srv, j, DETAIL_SHORT, srv_json(req, 200));
	}
}

static void
ingest_patch(srv_request *req)
{
	cJSON *body = job_body(req, req->body.data, req->body.len);
	const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "state"));
	bool closes = state && strcmp(state, "UploadComplete") == 0;
	job *j;

	if (body == NULL)
		return;
	if (!closes && (state == NULL || strcmp(state, "Aborted") != 0))
	{
		job_bad_value(req, "state", state ? state : "");
		cJSON_Delete(body);
		return;
	}
	cJSON_Delete(body);
	j = job_lock(req, JOB_V2_INGEST);
	if (j == NULL)
		return;
	if (closes)
		close_job(req, j);
	else
		abort_job(req, j);
	job_unlock(req);
	log_wake(req->srv);
}

/* ---------------------------------------------------------------- info, list, delete */

/*
 * With no durations set a small job is complete at the first poll: the answer
 * waits for its thread a moment.
 */
static void
settle(srv_request *req, job *j)
{
	srv_options opt = srv_options_get(req->srv);
	struct timespec until;

	if (opt.queue_ms > 0 || opt.job_ms > 0 || opt.hold_jobs != JOB_STATES ||
		j->state == JOB_OPEN || j->state >= JOB_COMPLETE || j->orders.script || j->orders.gate)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	while (!j->finished && !j->gone)
		if (pthread_cond_timedwait(&req->srv->jobs->changed, &req->srv->jobs->lock, &until) !=
			0)
			break;
	job_advance(req->srv, j);
}

static void
ingest_info(srv_request *req)
{
	job *j = job_lock(req, JOB_V2_INGEST);

	if (j == NULL)
		return;
	job_ref(j);
	settle(req, j);
	if (j->orders.script && j->state != JOB_OPEN)
		job_advance_script(j);
	job_json(req->srv, j, DETAIL_INFO, srv_json(req, 200));
	job_unlock(req);
	job_unref(req->srv, j);
}

static void
ingest_list(srv_request *req)
{
	job_list_answer(req, JOB_V2_INGEST);
}

static void
ingest_delete(srv_request *req)
{
	bool any = srv_options_get(req->srv).delete_any_state;
	job *j = job_lock(req, JOB_V2_INGEST);

	if (j == NULL)
		return;
	if ((j->state == JOB_OPEN || j->state == JOB_IN_PROGRESS) && !any)
	{
		srv_error(req, 400, "INVALIDJOBSTATE", "Deleting %s Job not allowed",
				  job_state_name(j->state));
		job_unlock(req);
		return;
	}
	job_ref(j);
	job_remove(req->srv, j);
	job_unlock(req);
	job_unref(req->srv, j);
	srv_text(req, 204, "text/plain", NULL);
	log_wake(req->srv);
}

const srv_endpoint ingest_routes[] = {
	{SRV_POST, 41, "jobs/ingest", ingest_create},
	{SRV_GET, 41, "jobs/ingest", ingest_list},
	{SRV_GET, 41, "jobs/ingest/*", ingest_info},
	{SRV_PATCH, 41, "jobs/ingest/*", ingest_patch},
	{SRV_DELETE, 41, "jobs/ingest/*", ingest_delete},
	{SRV_PUT, 41, "jobs/ingest/*/batches", ingest_upload},
	{SRV_GET, 41, "jobs/ingest/*/successfulResults", ingest_successful},
	{SRV_GET, 41, "jobs/ingest/*/failedResults", ingest_failed},
	{SRV_GET, 41, "jobs/ingest/*/unprocessedrecords", ingest_unprocessed},
	{0, 0, NULL, NULL},
};
