/*
 * bulk1_info.c
 *		What the Bulk API 1.0 tells of jobs and batches, in XML and JSON.
 *
 * Order, layout and null members are those of recorded answers: XML in the order of the schema, indented by one
 * blank; JSON in alphabetical order, compact, with all members.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bulk1_int.h"
#include "xml.h"

/* Dates in whole seconds, with ".000Z" or ".000+0000". */
static void
date_text(int64_t ms, bool json, char out[SIM_DATETIME_SIZE])
{
	sim_format_datetime(ms - ms % 1000, json ? "+0000" : "Z", out);
}

/* Numbers that a job sums up over its batches. */
typedef struct sums
{
	int state[BULK1_NOT_PROCESSED + 1];
	int total;
	int64_t processed;
	int64_t failed;
	int64_t total_ms;
	int64_t active_ms;
} sums;

static void
add_up(const bulk1_job *j, sums *n)
{
	memset(n, 0, sizeof(*n));
	for (const bulk1_batch *t = j->batches; t; t = t->next)
	{
		n->state[t->state]++;
		n->total++;
		n->processed += t->processed;
		n->failed += t->failed;
		n->total_ms += t->total_ms;
		n->active_ms += t->active_ms;
	}
}

static void
number(sim_buf *out, const char *key, int64_t value)
{
	sim_buf_printf(out, ",\"%s\":%lld", key, (long long) value);
}

static void
text_or_null(sim_buf *out, const char *key, const char *value)
{
	if (*value)
		auth_member(out, key, value);
	else
		sim_buf_printf(out, ",\"%s\":null", key);
}

static void
job_json(const bulk1_job *j, const sums *n, sim_buf *out)
{
	char created[SIM_DATETIME_SIZE];
	char changed[SIM_DATETIME_SIZE];

	date_text(j->created, true, created);
	date_text(j->changed, true, changed);
	sim_buf_printf(out,
				   "{\"apexProcessingTime\":0,\"apiActiveProcessingTime\":%lld,"
				   "\"apiVersion\":%s",
				   (long long) n->active_ms, j->version);
	text_or_null(out, "assignmentRuleId", j->rule);
	auth_member(out, "concurrencyMode", j->serial ? "Serial" : "Parallel");
	auth_member(out, "contentType", bulk1_type_name(j->type));
	auth_member(out, "createdById", j->user);
	auth_member(out, "createdDate", created);
	text_or_null(out, "externalIdFieldName", j->external_id);
	sim_buf_str(out, ",\"fastPathEnabled\":false");
	auth_member(out, "id", j->id);
	number(out, "numberBatchesCompleted", n->state[BULK1_COMPLETED]);
	number(out, "numberBatchesFailed", n->state[BULK1_FAILED]);
	number(out, "numberBatchesInProgress", n->state[BULK1_IN_PROGRESS]);
	number(out, "numberBatchesQueued", n->state[BULK1_QUEUED]);
	number(out, "numberBatchesTotal", n->total);
	number(out, "numberRecordsFailed", n->failed);
	number(out, "numberRecordsProcessed", n->processed);
	number(out, "numberRetries", 0);
	auth_member(out, "object", sim_object_name(j->object));
	auth_member(out, "operation", bulk1_op_name(j->op));
	auth_member(out, "state", bulk1_job_state_name(j->state));
	auth_member(out, "systemModstamp", changed);
	number(out, "totalProcessingTime", n->total_ms);
	sim_buf_char(out, '}');
}

static void
put_number(xml_writer *w, const char *name, int64_t value)
{
	xml_putf(w, name, "%lld", (long long) value);
}

static void
job_xml(const bulk1_job *j, const sums *n, sim_buf *out)
{
	char date[SIM_DATETIME_SIZE];
	xml_writer w;

	xml_begin(&w, out, "jobInfo", BULK1_NS);
	xml_put(&w, "id", j->id);
	xml_put(&w, "operation", bulk1_op_name(j->op));
	xml_put(&w, "object", sim_object_name(j->object));
	xml_put(&w, "createdById", j->user);
	date_text(j->created, false, date);
	xml_put(&w, "createdDate", date);
	date_text(j->changed, false, date);
	xml_put(&w, "systemModstamp", date);
	xml_put(&w, "state", bulk1_job_state_name(j->state));
	if (j->external_id[0])
		xml_put(&w, "externalIdFieldName", j->external_id);
	xml_put(&w, "concurrencyMode", j->serial ? "Serial" : "Parallel");
	xml_put(&w, "contentType", bulk1_type_name(j->type));
	put_number(&w, "numberBatchesQueued", n->state[BULK1_QUEUED]);
	put_number(&w, "numberBatchesInProgress", n->state[BULK1_IN_PROGRESS]);
	put_number(&w, "numberBatchesCompleted", n->state[BULK1_COMPLETED]);
	put_number(&w, "numberBatchesFailed", n->state[BULK1_FAILED]);
	put_number(&w, "numberBatchesTotal", n->total);
	put_number(&w, "numberRecordsProcessed", n->processed);
	put_number(&w, "numberRetries", 0);
	xml_put(&w, "apiVersion", j->version);
	if (j->rule[0])
		xml_put(&w, "assignmentRuleId", j->rule);
	put_number(&w, "numberRecordsFailed", n->failed);
	put_number(&w, "totalProcessingTime", n->total_ms);
	put_number(&w, "apiActiveProcessingTime", n->active_ms);
	put_number(&w, "apexProcessingTime", 0);
	xml_end(&w, "jobInfo");
}

void
bulk1_put_job(const bulk1_job *j, bool json, sim_buf *out)
{
	sums n;

	add_up(j, &n);
	if (json)
		job_json(j, &n, out);
	else
		job_xml(j, &n, out);
}

static void
batch_json(const bulk1_batch *t, sim_buf *out)
{
	char created[SIM_DATETIME_SIZE];
	char changed[SIM_DATETIME_SIZE];

	date_text(t->created, true, created);
	date_text(t->changed, true, changed);
	sim_buf_printf(out, "{\"apexProcessingTime\":0,\"apiActiveProcessingTime\":%lld",
				   (long long) t->active_ms);
	auth_member(out, "createdDate", created);
	auth_member(out, "id", t->id);
	auth_member(out, "jobId", t->job->id);
	number(out, "numberRecordsFailed", t->failed);
	number(out, "numberRecordsProcessed", t->processed);
	auth_member(out, "state", bulk1_state_name(t->state));
	text_or_null(out, "stateMessage", t->message);
	auth_member(out, "systemModstamp", changed);
	number(out, "totalProcessingTime", t->total_ms);
	sim_buf_char(out, '}');
}

static void
batch_xml(const bulk1_batch *t, xml_writer *w)
{
	char date[SIM_DATETIME_SIZE];

	xml_put(w, "id", t->id);
	xml_put(w, "jobId", t->job->id);
	xml_put(w, "state", bulk1_state_name(t->state));
	if (t->message[0])
		xml_put(w, "stateMessage", t->message);
	date_text(t->created, false, date);
	xml_put(w, "createdDate", date);
	date_text(t->changed, false, date);
	xml_put(w, "systemModstamp", date);
	put_number(w, "numberRecordsProcessed", t->processed);
	put_number(w, "numberRecordsFailed", t->failed);
	put_number(w, "totalProcessingTime", t->total_ms);
	put_number(w, "apiActiveProcessingTime", t->active_ms);
	put_number(w, "apexProcessingTime", 0);
}

void
bulk1_put_batch(const bulk1_batch *t, bool json, sim_buf *out)
{
	xml_writer w;

	if (json)
	{
		batch_json(t, out);
		return;
	}
	xml_begin(&w, out, "batchInfo", BULK1_NS);
	batch_xml(t, &w);
	xml_end(&w, "batchInfo");
}

void
bulk1_put_batches(const bulk1_job *j, bool json, sim_buf *out)
{
	xml_writer w;

	if (json)
	{
		sim_buf_str(out, "{\"batchInfo\":[");
		for (const bulk1_batch *t = j->batches; t; t = t->next)
		{
			if (t != j->batches)
				sim_buf_char(out, ',');
			batch_json(t, out);
		}
		sim_buf_str(out, "]}");
		return;
	}
	xml_begin(&w, out, "batchInfoList", BULK1_NS);
	for (const bulk1_batch *t = j->batches; t; t = t->next)
	{
		xml_open(&w, "batchInfo");
		batch_xml(t, &w);
		xml_close(&w, "batchInfo");
	}
	xml_end(&w, "batchInfoList");
}

void
bulk1_put_classic(const bulk1_job *j, sim_buf *out)
{
	char created[SIM_DATETIME_SIZE];
	char changed[SIM_DATETIME_SIZE];

	date_text(j->created, true, created);
	date_text(j->changed, true, changed);
	sim_buf_printf(out,
				   "{\"id\":\"%s\",\"operation\":\"%s\",\"object\":\"%s\",\"createdById\":"
				   "\"%s\",\"createdDate\":\"%s\",\"systemModstamp\":\"%s\",\"state\":\"%s\","
				   "\"concurrencyMode\":\"%s\",\"contentType\":\"%s\",\"apiVersion\":%s,"
				   "\"jobType\":\"Classic\"}",
				   j->id, bulk1_op_name(j->op), sim_object_name(j->object), j->user, created,
				   changed, bulk1_job_state_name(j->state), j->serial ? "Serial" : "Parallel",
				   bulk1_type_name(j->type), j->version);
}
