/*
 * sf_client_org.h
 *		The part of the border that is about the org itself: its jobs, what planning asks of it, its limits, its
 *		metadata.  Include sf_client.h, which has the types used here and includes this.
 */
#ifndef SF_CLIENT_ORG_H
#define SF_CLIENT_ORG_H

#include "sf_client.h"

/* ---- the jobs of the org ------------------------------------------------------------ */

typedef enum sf_job_family
{
	SF_JOBS_INGEST,
	SF_JOBS_QUERY,
	SF_JOBS_CLASSIC /* of Bulk API 1.0; in both lists, and never a list of its own */
} sf_job_family;

/* A line of the job list; texts are "" where the answer has none. */
typedef struct sf_job_entry
{
	const char *id;
	const char *job_type; /* V2Ingest, V2Query, Classic, … */
	const char *operation;
	const char *object;
	const char *state;
	const char *created_by_id;
	const char *created_date; /* as sent: 2022-01-02T17:38:59.000+0000 */
	const char *system_modstamp;
	const char *content_type;
	const char *concurrency_mode;
	double api_version;
} sf_job_entry;

typedef struct sf_jobs sf_jobs;

/* GET /jobs/ingest or /jobs/query, page after page.  Free it with sf_jobs_free. */
extern sf_jobs *sf_jobs_start(sf_session *s, sf_job_family family, sf_error *err);

/* SF_OK with *entry (valid until the next call), SF_WAIT, SF_DONE, SF_FAILED. */
extern sf_status sf_jobs_next(sf_jobs *jobs, const sf_job_entry **entry, sf_error *err);

extern void sf_jobs_free(sf_jobs *jobs);

/* What is to happen with one job. */
typedef enum sf_job_action
{
	SF_JOB_ASK,
	SF_JOB_ABORT,
	SF_JOB_DELETE /* not of SF_JOBS_CLASSIC: Bulk API 1.0 deletes no job */
} sf_job_action;

/* A job as its own resource has it: more than the line of the list.  -1 and NULL where it says nothing. */
typedef struct sf_job_detail
{
	const char *operation;
	const char *object;
	const char *state;
	const char *external_id_field;
	const char *error_message;
	int64_t processed; /* records, the refused ones included */
	int64_t failed;
	int64_t retries;
	int64_t total_ms; /* of all batches together */
	int64_t api_ms;	  /* the part of it that was spent on records */
	int64_t apex_ms;  /* … and of that in triggers and the like */
	int64_t batches;  /* SF_JOBS_CLASSIC alone */
	int64_t batches_failed;
} sf_job_detail;

typedef struct sf_job_ask sf_job_ask;

/*
 * Queues one request about one job: GET, PATCH (POST in Bulk API 1.0) with the state Aborted, or DELETE.
 * api_version: of the job's creation, 0 for the session's (Bulk API 2.0 guide, get_job_info, query_get_one_job,
 * close_job, delete_job; Bulk API guide, asynch_api_jobs_get_details, asynch_api_jobs_abort).  NULL with *err
 * filled on failure: SF_ERR_CONFIG for a malformed id.  Free it with sf_job_ask_free.
 */
extern sf_job_ask *sf_job_ask_start(sf_session *s, sf_job_family family, const char *job_id,
									double api_version, sf_job_action action, sf_error *err);

/*
 * SF_WAIT; SF_OK with *detail, owned by the request (after a deletion it says nothing; after an abort what the
 * short answer has); SF_FAILED: SF_ERR_REMOTE with http_status 404 where there is no such job in the family,
 * with sf_job_error_is_state where its state does not allow it.
 */
extern sf_status sf_job_ask_check(sf_job_ask *a, const sf_job_detail **detail, sf_error *err);

/* The job's state does not allow what was asked for. */
extern bool sf_job_error_is_state(const sf_error *err);

/* The org has no such job, or none of the family that was asked for. */
extern bool sf_job_error_is_missing(const sf_error *err);

/* Frees it in whatever state.  NULL is fine. */
extern void sf_job_ask_free(sf_job_ask *a);

/* ---- what a check asks ---------------------------------------------------------------- */

typedef enum sf_org_question
{
	SF_ORG_REACH,	 /* is the host that logins go to there?  Without a login */
	SF_ORG_IDENTITY, /* who is logged in? */
	SF_ORG_VERSIONS	 /* which API versions are there? */
} sf_org_question;

/* What was answered; texts are "" where nothing was said. */
typedef struct sf_org_facts
{
	/* SF_ORG_REACH; filled also when the question has failed */
	const char *host;
	char address[64]; /* the proxy's where there is one */
	bool resolved;
	bool connected;
	bool encrypted;
	bool answered;	 /* HTTP came back, whatever it says */
	int64_t seconds; /* Salesforce's clock then, or -1 */

	/* SF_ORG_IDENTITY */
	const char *user_id;
	const char *username;
	const char *name;
	const char *org_id;

	/* SF_ORG_VERSIONS */
	const char *configured; /* the session's */
	bool offered;			/* it is there */
	char oldest[8];
	char newest[8];
	const char *label; /* of the newest: Spring '26 */
} sf_org_facts;

typedef struct sf_org_ask sf_org_ask;

/*
 * Queues a question: GET /services/data of the login host, /services/oauth2/userinfo (Identity URLs and OpenID
 * Connect userinfo in Salesforce Help), /services/data (REST guide, resources_versions).  NULL with *err filled
 * on failure.  Free it with sf_org_ask_free.
 */
extern sf_org_ask *sf_org_ask_start(sf_session *s, sf_org_question question, sf_error *err);

/* SF_WAIT; SF_OK with *facts; SF_FAILED, with *facts for SF_ORG_REACH.  They belong to the question. */
extern sf_status sf_org_ask_check(sf_org_ask *a, const sf_org_facts **facts, sf_error *err);

/* Frees it in whatever state.  NULL is fine. */
extern void sf_org_ask_free(sf_org_ask *a);

/* ---- what planning asks ------------------------------------------------------------ */

/* What Salesforce's optimizer would do with a query: the cheapest of its plans. */
typedef struct sf_query_plan
{
	/*
	 * cardinality: the rows that the leading operation is expected to give.  A LIMIT counts; of a query
	 * without conditions orgs say half of the object's rows (recordings), so take object_rows then.
	 */
	int64_t rows;
	int64_t object_rows;  /* sobjectCardinality */
	double relative_cost; /* above 1: the filter is not selective */
	char operation[32];	  /* leadingOperationType: Index, TableScan, Sharing, Other */
} sf_query_plan;

typedef struct sf_explain sf_explain;

/*
 * GET /query?explain=: nothing is run (REST guide, "Get Feedback on Query Performance").  NULL with *err
 * filled on failure: SF_ERR_LIMIT where the query does not fit into a URI.  Free it with sf_explain_free.
 */
extern sf_explain *sf_explain_start(sf_session *s, const char *soql, sf_error *err);

/* SF_WAIT; SF_OK with *plan, owned by the explain; SF_FAILED: some objects cannot be explained. */
extern sf_status sf_explain_check(sf_explain *e, const sf_query_plan **plan, sf_error *err);

extern int sf_explain_api_calls(const sf_explain *e);

/* Frees it in whatever state.  NULL is fine. */
extern void sf_explain_free(sf_explain *e);

/* How many records an object has, about: counted now and then, without those in the recycle bin. */
typedef struct sf_record_count
{
	const char *object; /* as Salesforce spells it */
	int64_t count;
} sf_record_count;

typedef struct sf_record_counts sf_record_counts;

/*
 * GET /limits/recordCount for some objects (REST guide, resources_record_count; needs the permission
 * View Setup).  Free it with sf_record_counts_free.
 */
extern sf_record_counts *
sf_record_counts_start(sf_session *s, const char *const *objects, int nobjects, sf_error *err);

/*
 * SF_OK with *count (valid until the next call), SF_WAIT, SF_DONE, SF_FAILED.  In no particular order;
 * unknown objects are left out, and so may be those without records.
 */
extern sf_status
sf_record_counts_next(sf_record_counts *r, const sf_record_count **count, sf_error *err);

extern int sf_record_counts_api_calls(const sf_record_counts *r);

/* Frees it in whatever state.  NULL is fine. */
extern void sf_record_counts_free(sf_record_counts *r);

/* A limit of the org, such as DailyApiRequests or DailyBulkV2QueryJobs; up to five minutes old. */
typedef struct sf_limit
{
	const char *name;
	const char
		*part_of; /* the limit that this one is inside of (of a connected app, …), or NULL */
	int64_t max;
	int64_t remaining;
} sf_limit;

typedef struct sf_limits sf_limits;

/* GET /limits (REST guide, resources_limits).  Free it with sf_limits_free. */
extern sf_limits *sf_limits_start(sf_session *s, sf_error *err);

/*
 * SF_OK with *limit (valid until the next call), SF_WAIT, SF_DONE, SF_FAILED.  Those inside of another one
 * follow it, except where their Max is 0: nothing was set for them.
 */
extern sf_status sf_limits_next(sf_limits *l, const sf_limit **limit, sf_error *err);

extern int sf_limits_api_calls(const sf_limits *l);

/* Frees it in whatever state.  NULL is fine. */
extern void sf_limits_free(sf_limits *l);

/* ---- metadata ---------------------------------------------------------------------- */

typedef struct sf_field
{
	const char *name;
	const char *label;
	const char *type;				 /* describe's type text: string, currency, … */
	const char *compound_field_name; /* NULL when none */
	const char *relationship_name;	 /* NULL when none */
	const char *reference_to;		 /* the first object referred to, or NULL */
	const char *const *references;	 /* all of them */
	int nreference_to;
	const char *formula;	   /* of a calculated field, NULL where it is not shown */
	const char *default_value; /* a formula, a text, true or false; NULL when none */
	const char *controller;	   /* the field that decides which values are valid, or NULL */
	const char *help;		   /* inlineHelpText, or NULL */
	int length;				   /* characters */
	int byte_length;
	int precision;
	int scale;
	int digits;
	bool nillable;
	bool filterable;
	bool sortable;
	bool groupable;
	bool aggregatable;
	bool createable;
	bool updateable;
	bool calculated;
	bool case_sensitive;
	bool unique;
	bool external_id;
	bool id_lookup;
	bool name_field;
	bool custom;
	bool restricted_picklist;
	bool dependent_picklist;
	bool auto_number;
	bool encrypted;
	bool html_formatted;
	bool defaulted_on_create;
	bool cascade_delete;	/* the record goes with the one that it refers to */
	bool restricted_delete; /* the record that it refers to cannot be deleted */
	bool deprecated_and_hidden;
	const char *const *picklist; /* values that a new text may have: the active ones */
	int npicklist;				 /* 0 unless restricted_picklist */
	const char *const *values;	 /* all active values, also where others may be written */
	int nvalues;
} sf_field;

/* One object of describeGlobal (no fields) or of a describe (with fields). */
typedef struct sf_object
{
	const char *name;
	const char *label;
	const char *label_plural; /* NULL when none */
	const char *key_prefix;	  /* NULL when none */
	bool custom;
	bool custom_setting;
	bool queryable;
	bool createable;
	bool updateable;
	bool deletable;
	bool undeletable;
	bool mergeable;
	bool retrieveable;
	bool replicateable; /* getUpdated and getDeleted know it */
	bool searchable;
	bool triggerable;
	bool deprecated_and_hidden;
	int nfields; /* 0 in a global describe */
	const sf_field *fields;
} sf_object;

typedef struct sf_describe sf_describe;

/* GET /sobjects: iterate with sf_describe_next. */
extern sf_describe *sf_describe_global_start(sf_session *s, sf_error *err);

/*
 * Full describes of the named objects, 25 per POST /composite.  names are copied.  An unknown
 * object fails the iteration with its name in the message.
 */
extern sf_describe *
sf_describe_objects_start(sf_session *s, const char *const *names, int nnames, sf_error *err);

/*
 * The next object: SF_OK with *object (owned by the describe, valid until the next call),
 * SF_WAIT, SF_DONE, SF_FAILED.  Objects come in the order of the names, or of the server.
 */
extern sf_status sf_describe_next(sf_describe *d, const sf_object **object, sf_error *err);

/* Frees it in whatever state.  NULL is fine. */
extern void sf_describe_free(sf_describe *d);

#endif /* SF_CLIENT_ORG_H */
