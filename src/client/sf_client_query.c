/*
 * sf_client_query.c
 *		Queries: which way they go, and what happens when a way turns out closed.
 *
 *		auto	REST; more rows than rest_row_limit, a query that is too long or takes too long
 *				there: bulk; what bulk does not do: REST again, to the end
 *		rest	REST to the end
 *		bulk	a query job, of Bulk API 2.0 or 1.0
 *
 * A count has no rows to give: where REST cannot count, a job that could read the rows' Ids does, as a
 * complete job says how many it has.  Nothing of them is downloaded.
 */
#include "sf_client_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_query_job1.h"
#include "sf_query_job_pages.h"
#include "sf_query_result1.h"
#include "sf_rest.h"

#define DEFAULT_ROW_LIMIT		 2000
#define DEFAULT_STREAMS			 5
#define DEFAULT_POLL_INTERVAL_MS 10000

typedef enum query_phase
{
	QUERY_ASKING, /* auto: the first REST answer decides */
	QUERY_REST,
	QUERY_JOB,	/* until it is complete */
	QUERY_HELD, /* it is, and no page is read before somebody asks for a row */
	QUERY_PAGES,
	QUERY_FILES,	/* of Bulk API 1.0: rows come while the job may still run */
	QUERY_COUNTED,	/* by a job, which is on its way out */
	QUERY_FINISHED, /* the last row was handed out and every check passed */
	QUERY_FAILED
} query_phase;

struct sf_query
{
	sf_session *session;
	sf_query *next;
	query_phase phase;

	/* the spec */
	char *soql;
	char object[SF_OBJECT_MAX]; /* that pays */
	sf_column *columns;
	int ncolumns;
	bool any_columns;
	bool count_only;
	bool query_all;
	bool keep_result;
	bool may_switch; /* auto, and both ways are open to it */
	int row_limit;
	int page_rows;
	int streams;
	bool no_threads;
	bool hold_pages;
	bool no_job;
	int poll_max_ms;
	int64_t job_timeout_ms;
	bool bulk1;
	int chunk_size;
	char *chunk_parent;

	sf_rest *rest;
	sf_query_job *job;
	sf_query_pages *pages;
	sf_query_job1 *job1; /* these two in place of the two above */
	sf_query_result1 *files;
	bool by_rest; /* how the result came */

	sf_query_job_info job_info; /* of the last job, also when it is gone */
	sf_http_cost spent;			/* by what is freed already */
	int polls;
	int pages_before;
	sf_error error; /* why it failed; of a count before that, why REST could not do it */

	/* the row of a count by a job */
	bool count_given;
	sf_value count_value;
	char count_text[24];
};

/* ---- the spec ---------------------------------------------------------------------- */

static void
query_destroy(sf_query *q)
{
	for (int i = 0; i < q->ncolumns; i++)
		free((char *) q->columns[i].path);
	free(q->columns);
	free(q->soql);
	free(q->chunk_parent);
	free(q);
}

static sf_query *
query_new(sf_session *s, const sf_query_spec *spec, sf_error *err)
{
	sf_query *q = calloc(1, sizeof(*q));

	if (q == NULL)
		goto nomem;
	q->session = s;
	q->any_columns = spec->any_columns;
	q->count_only = spec->count_only;
	q->query_all = spec->query_all;
	q->keep_result = spec->keep_result;
	q->no_threads = spec->no_threads;
	q->hold_pages = spec->hold_pages;
	q->no_job = spec->no_job && spec->transport == SF_TRANSPORT_AUTO;
	q->row_limit = spec->rest_row_limit > 0 ? spec->rest_row_limit : DEFAULT_ROW_LIMIT;
	q->page_rows = spec->page_rows > 0 ? spec->page_rows : 0;
	q->streams = spec->download_streams > 0 ? spec->download_streams : DEFAULT_STREAMS;
	q->poll_max_ms =
		spec->poll_interval_max_ms > 0 ? spec->poll_interval_max_ms : DEFAULT_POLL_INTERVAL_MS;
	q->job_timeout_ms = spec->job_timeout_ms > 0 ? spec->job_timeout_ms : 0;
	q->job_info.records = -1;
	q->bulk1 = spec->bulk1;
	q->chunk_size = spec->pk_chunk_size;
	q->soql = strdup(spec->soql);
	q->columns = calloc((size_t) spec->ncolumns + 1, sizeof(*q->columns));
	if (spec->pk_parent != NULL)
		q->chunk_parent = strdup(spec->pk_parent);
	if (q->soql == NULL || q->columns == NULL ||
		(spec->pk_parent != NULL && q->chunk_parent == NULL))
		goto nomem;
	if (!sf_soql_object(q->soql, q->object, sizeof(q->object)))
		q->object[0] = '\0';
	for (; q->ncolumns < spec->ncolumns; q->ncolumns++)
	{
		q->columns[q->ncolumns].kind = spec->columns[q->ncolumns].kind;
		q->columns[q->ncolumns].path = strdup(spec->columns[q->ncolumns].path);
		if (q->columns[q->ncolumns].path == NULL)
			goto nomem;
	}
	return q;

nomem:
	if (q != NULL)
		query_destroy(q);
	sf_error_nomem(err);
	return NULL;
}

/* What only REST can give: compound fields as JSON. */
static const char *
rest_only(const sf_query_spec *spec)
{
	for (int i = 0; i < spec->ncolumns; i++)
	{
		if (spec->columns[i].kind == SF_COLUMN_JSON)
			return spec->columns[i].path;
	}
	return NULL;
}

static sf_status
check_spec(const sf_query_spec *spec, sf_error *err)
{
	if (spec->soql == NULL || spec->soql[0] == '\0')
		return sf_error_set(err, SF_ERR_CONFIG, "the query is empty");
	if (spec->ncolumns < 0 || (spec->ncolumns == 0) != (spec->count_only || spec->any_columns))
		return sf_error_set(err, SF_ERR_CONFIG, "the query has no columns");
	if (spec->download_streams > SF_STREAMS_MAX)
		return sf_error_set(err, SF_ERR_CONFIG, "more than %d download streams",
							SF_STREAMS_MAX);
	if (spec->transport == SF_TRANSPORT_BULK && rest_only(spec) != NULL)
		return sf_error_set(err, SF_ERR_CONFIG, "%s cannot be read by the Bulk API",
							rest_only(spec));
	if (spec->pk_chunk_size < 0 || spec->pk_chunk_size > SF_CHUNK_SIZE_MAX)
		return sf_error_set(err, SF_ERR_CONFIG, "chunks have from 1 to %d ids",
							SF_CHUNK_SIZE_MAX);
	if (!spec->bulk1 && spec->pk_chunk_size > 0)
		return sf_error_set(err, SF_ERR_CONFIG,
							"only Bulk API 1.0 divides queries by PK chunking");
	if (spec->any_columns && (spec->count_only || spec->bulk1 || spec->hold_pages))
		return sf_error_set(err, SF_ERR_CONFIG, "the query needs to have its columns named");
	if (spec->bulk1 && spec->hold_pages)
		return sf_error_set(err, SF_ERR_CONFIG, "a result of Bulk API 1.0 cannot be shared");
	return SF_OK;
}

/* ---- ways -------------------------------------------------------------------------- */

static sf_rest_spec
rest_spec(const sf_query *q)
{
	return (sf_rest_spec){.soql = q->soql,
						  .api_version = q->session->config.api_version,
						  .columns = q->columns,
						  .ncolumns = q->ncolumns,
						  .json = q->any_columns,
						  .count_only = q->count_only,
						  .query_all = q->query_all,
						  .batch_size = q->page_rows};
}

static sf_status
start_rest(sf_query *q, query_phase phase, sf_error *err)
{
	sf_rest_spec spec = rest_spec(q);

	sf_http_set_account(q->session->http, q->object);
	q->rest = sf_rest_start(q->session->http, &spec, err);
	if (q->rest == NULL)
		return SF_FAILED;
	q->by_rest = true;
	q->phase = phase;
	return SF_OK;
}

/* What is behind a word of a query, NULL when it is another one. */
static const char *
skip_word(const char *soql, const char *word)
{
	size_t len = strlen(word);

	if (soql == NULL)
		return NULL;
	soql += strspn(soql, " \t\r\n");
	return strncasecmp(soql, word, len) == 0 ? soql + len : NULL;
}

/* What is behind SELECT COUNT() of a query; NULL when it begins otherwise. */
static const char *
skip_count(const char *soql)
{
	const char *rest = skip_word(skip_word(soql, "SELECT"), "COUNT");

	rest = skip_word(skip_word(rest, "("), ")");
	return skip_word(rest, "FROM") != NULL ? rest : NULL;
}

bool
sf_soql_is_count(const char *soql)
{
	return skip_count(soql) != NULL;
}

/* SELECT COUNT() FROM … as a job can take it (which has no aggregates), malloc'd: SELECT Id FROM …. */
static char *
rows_to_count(const char *soql, sf_error *err)
{
	static const char select_id[] = "SELECT Id";
	const char *rest = skip_count(soql);
	char *rows;

	if (rest == NULL)
	{
		sf_error_set(err, SF_ERR_CONFIG, "the query does not count rows");
		return NULL;
	}
	rows = malloc(sizeof(select_id) + strlen(rest));
	if (rows == NULL)
	{
		sf_error_nomem(err);
		return NULL;
	}
	memcpy(rows, select_id, sizeof(select_id) - 1);
	memcpy(rows + sizeof(select_id) - 1, rest, strlen(rest) + 1);
	return rows;
}

static sf_status
start_job1(sf_query *q, const char *soql, sf_error *err)
{
	sf_query_job1_spec spec = {.soql = soql,
							   .api_version = q->session->config.api_version,
							   .query_all = q->query_all,
							   .chunk_size = q->chunk_size,
							   .chunk_parent = q->chunk_parent,
							   .poll_interval_max_ms = q->poll_max_ms,
							   .timeout_ms = q->job_timeout_ms,
							   .max_retries = q->session->max_retries};

	q->job1 = sf_query_job1_start(q->session->http, &spec, err);
	return q->job1 != NULL ? SF_OK : SF_FAILED;
}

static sf_status
start_job2(sf_query *q, const char *soql, sf_error *err)
{
	sf_query_job_spec spec = {.soql = soql,
							  .api_version = q->session->config.api_version,
							  .query_all = q->query_all,
							  .poll_interval_max_ms = q->poll_max_ms,
							  .timeout_ms = q->job_timeout_ms,
							  .max_retries = q->session->max_retries};

	q->job = sf_query_job_start(q->session->http, &spec, err);
	return q->job != NULL ? SF_OK : SF_FAILED;
}

static sf_status
start_job(sf_query *q, sf_error *err)
{
	const char *soql = q->soql;
	char *rows = NULL;
	sf_status st;

	if (q->no_job)
	{
		sf_error_code(err, SF_CODE_NO_JOB);
		return sf_error_set(err, SF_ERR_LIMIT, "the query needs a bulk job");
	}
	if (q->count_only)
	{
		soql = rows = rows_to_count(q->soql, err);
		if (rows == NULL)
			return SF_FAILED;
	}
	sf_http_set_account(q->session->http, q->object);
	st = q->bulk1 ? start_job1(q, soql, err) : start_job2(q, soql, err);
	free(rows);
	if (st != SF_OK)
		return SF_FAILED;
	q->by_rest = false;
	q->phase = QUERY_JOB;
	return SF_OK;
}

/* The names of the columns, as readers take them; free() it. */
static const char **
column_names(const sf_query *q, sf_error *err)
{
	const char **names = calloc((size_t) q->ncolumns + 1, sizeof(*names));

	if (names == NULL)
		sf_error_nomem(err);
	for (int i = 0; names != NULL && i < q->ncolumns; i++)
		names[i] = q->columns[i].path;
	return names;
}

static sf_status
start_pages(sf_query *q, sf_error *err)
{
	const char **names = column_names(q, err);
	sf_query_pages_spec spec = {.api_version = q->session->config.api_version,
								.job_id = q->job_info.id,
								.columns = names,
								.ncolumns = q->ncolumns,
								.records = q->job_info.records,
								.page_rows = q->page_rows,
								.streams = q->streams,
								.max_retries = q->session->max_retries,
								.no_threads = q->no_threads};

	if (names == NULL)
		return SF_FAILED;
	sf_http_set_account(q->session->http, q->object);
	q->pages = sf_query_pages_start(q->session->http, &spec, err);
	free(names);
	if (q->pages == NULL)
		return SF_FAILED;
	q->phase = QUERY_PAGES;
	return SF_OK;
}

static sf_status
start_files(sf_query *q, sf_error *err)
{
	const char **names = column_names(q, err);
	sf_query_result1_spec spec = {.api_version = q->session->config.api_version,
								  .job_id = q->job_info.id,
								  .columns = names,
								  .ncolumns = q->ncolumns,
								  .streams = q->streams,
								  .max_retries = q->session->max_retries,
								  .no_threads = q->no_threads};

	if (names == NULL)
		return SF_FAILED;
	sf_http_set_account(q->session->http, q->object);
	q->files = sf_query_result1_start(q->session->http, &spec, err);
	free(names);
	if (q->files == NULL)
		return SF_FAILED;
	q->phase = QUERY_FILES;
	return SF_OK;
}

static void
add_cost(sf_http_cost *to, const sf_http_cost *cost)
{
	to->calls += cost->calls;
	to->retries += cost->retries;
	to->wire_bytes += cost->wire_bytes;
	to->text_bytes += cost->text_bytes;
}

static void
drop_rest(sf_query *q)
{
	sf_rest_info info;

	if (q->rest == NULL)
		return;
	sf_rest_get_info(q->rest, &info);
	add_cost(&q->spent, &info.cost);
	sf_rest_free(q->rest);
	q->rest = NULL;
}

static void
drop_pages(sf_query *q)
{
	sf_query_pages_info info = {0};

	if (q->pages != NULL)
		sf_query_pages_get_info(q->pages, &info);
	else if (q->files != NULL)
		sf_query_result1_get_info(q->files, &info);
	add_cost(&q->spent, &info.cost);
	q->pages_before += info.pages;
	sf_query_pages_free(q->pages);
	sf_query_result1_free(q->files);
	q->pages = NULL;
	q->files = NULL;
}

/* Hands the job to the session, which aborts and deletes it, or ends it where it cannot be deleted. */
static void
drop_job(sf_query *q)
{
	if (q->job == NULL && q->job1 == NULL)
		return;
	q->job_info =
		q->job != NULL ? *sf_query_job_get_info(q->job) : *sf_query_job1_get_info(q->job1);
	add_cost(&q->spent, &q->job_info.cost);
	q->polls += q->job_info.polls;
	if (q->job != NULL)
		sf_session_discard_job(q->session, q->job);
	else
		sf_session_discard_job1(q->session, q->job1);
	q->job = NULL;
	q->job1 = NULL;
}

/* ---- moving on --------------------------------------------------------------------- */

/* REST cannot do it, but bulk may: too long, too big, too slow. */
static bool
bulk_may_work(const sf_error *why)
{
	return why->cls == SF_ERR_LIMIT || why->http_status == 414 || why->http_status == 431 ||
		   strcmp(why->code, "QUERY_TIMEOUT") == 0;
}

static sf_status
advance_asking(sf_query *q, sf_error *why)
{
	sf_status st = sf_rest_step(q->rest, why);

	if (st == SF_OK && (q->count_only || sf_rest_total(q->rest) <= q->row_limit))
		q->phase = QUERY_REST;
	else if (st == SF_OK || (st == SF_FAILED && bulk_may_work(why)))
	{
		if (q->count_only)
			q->error = *why;
		sf_error_reset(why);
		drop_rest(q);
		st = start_job(q, why);
	}
	return st == SF_FAILED ? SF_FAILED : SF_WAIT;
}

/* The job has looked at all rows: their number is all that is wanted of it. */
static sf_status
take_count(sf_query *q, sf_error *why)
{
	if (q->job_info.records < 0)
	{
		sf_error_set(why, SF_ERR_PROTOCOL, "query job %s does not say how many rows it has",
					 q->job_info.id);
		sf_error_job(why, q->job_info.id);
		return SF_FAILED;
	}
	drop_job(q);
	sf_error_reset(&q->error);
	q->count_value.data = q->count_text;
	q->count_value.len =
		snprintf(q->count_text, sizeof(q->count_text), "%" PRId64, q->job_info.records);
	q->phase = QUERY_COUNTED;
	return SF_OK;
}

/* The job is complete: counts, reads its pages, or waits for who wants them. */
static sf_status
job_complete(sf_query *q, sf_error *err)
{
	if (q->count_only)
		return take_count(q, err);
	if (!q->hold_pages)
		return start_pages(q, err);
	q->phase = QUERY_HELD;
	return SF_WAIT;
}

/* Bulk does not do it: may REST? */
static sf_status
bulk_failed(sf_query *q, sf_error *why)
{
	if (q->may_switch && sf_query_job_is_unsupported(why))
	{
		sf_error_reset(why);
		drop_job(q);
		if (sf_error_is_set(&q->error))
		{
			/* Nobody can count these rows, and REST has said why. */
			*why = q->error;
			return SF_FAILED;
		}
		q->may_switch = false;
		return start_rest(q, QUERY_REST, why);
	}
	return SF_FAILED;
}

static sf_status
advance_job(sf_query *q, sf_error *why)
{
	sf_status st = sf_query_job_step(q->job, why);

	q->job_info = *sf_query_job_get_info(q->job);
	if (st == SF_OK)
		return job_complete(q, why);
	return st == SF_FAILED ? bulk_failed(q, why) : st;
}

/* The batches that are Completed are read, while others may still run. */
static sf_status
take_batches(sf_query *q, sf_error *why)
{
	const sf_bulk1_batch *batch;

	while ((batch = sf_query_job1_next_batch(q->job1)) != NULL)
	{
		if (q->files == NULL && start_files(q, why) != SF_OK)
			return SF_FAILED;
		if (sf_query_result1_add(q->files, batch, why) != SF_OK)
			return SF_FAILED;
	}
	return SF_WAIT;
}

static sf_status
advance_job1(sf_query *q, sf_error *why)
{
	sf_status st;

	if (q->job1 == NULL)
		return SF_OK;
	st = sf_query_job1_step(q->job1, why);
	q->job_info = *sf_query_job1_get_info(q->job1);
	if (st == SF_FAILED)
		return q->phase == QUERY_JOB ? bulk_failed(q, why) : SF_FAILED;
	if (q->count_only)
		return st == SF_OK ? take_count(q, why) : SF_WAIT;
	if (take_batches(q, why) == SF_FAILED)
		return SF_FAILED;
	if (st == SF_OK && q->files != NULL)
		sf_query_result1_end(q->files);
	return st;
}

static sf_status
advance_files(sf_query *q, sf_error *why)
{
	if (advance_job1(q, why) == SF_FAILED)
		return SF_FAILED;
	return sf_query_result1_step(q->files, why);
}

static void
query_advance(sf_query *q)
{
	sf_error why = {0};
	sf_status st = SF_WAIT;

	switch (q->phase)
	{
		case QUERY_ASKING:
			st = advance_asking(q, &why);
			break;
		case QUERY_REST:
			st = sf_rest_step(q->rest, &why);
			break;
		case QUERY_JOB:
			st = q->job != NULL ? advance_job(q, &why) : advance_job1(q, &why);
			break;
		case QUERY_FILES:
			st = advance_files(q, &why);
			break;
		case QUERY_PAGES:
			st = sf_query_pages_step(q->pages, &why);
			break;
		case QUERY_HELD:
		case QUERY_COUNTED:
		case QUERY_FINISHED:
		case QUERY_FAILED:
			break;
	}
	if (st == SF_FAILED)
	{
		q->error = why;
		q->phase = QUERY_FAILED;
	}
}

void
sf_queries_advance(sf_session *s)
{
	for (sf_query *q = s->queries; q != NULL; q = q->next)
		query_advance(q);
}

/* ---- the public functions ---------------------------------------------------------- */

sf_query *
sf_query_start(sf_session *s, const sf_query_spec *spec, sf_error *err)
{
	sf_query *q;
	sf_status st;

	if (check_spec(spec, err) != SF_OK)
		return NULL;
	q = query_new(s, spec, err);
	if (q == NULL)
		return NULL;
	q->may_switch = spec->transport == SF_TRANSPORT_AUTO && rest_only(spec) == NULL;
	if (spec->transport == SF_TRANSPORT_BULK)
		st = start_job(q, err);
	else if (!q->may_switch)
		st = start_rest(q, QUERY_REST, err);
	else if (spec->job_first)
		st = start_job(q, err);
	else
	{
		sf_rest_spec rest = rest_spec(q);

		st = sf_rest_fits(s->http, &rest) ? start_rest(q, QUERY_ASKING, err)
										  : start_job(q, err);
	}
	if (st != SF_OK)
	{
		query_destroy(q);
		return NULL;
	}
	q->next = s->queries;
	s->queries = q;
	return q;
}

/* The last row is out: the job is of no more use, unless its result may be read again. */
static sf_status
query_finished(sf_query *q)
{
	q->phase = QUERY_FINISHED;
	if (!q->by_rest && !q->keep_result)
		drop_job(q);
	return SF_DONE;
}

/* What a failed query answers from then on; its reason is in q->error. */
static sf_status
report_failure(sf_query *q, sf_error *err)
{
	q->phase = QUERY_FAILED;
	if (err != NULL && !sf_error_is_set(err))
		*err = q->error;
	return SF_FAILED;
}

sf_status
sf_query_next_row(sf_query *q, sf_value **values, sf_error *err)
{
	sf_status st;

	if (q->phase == QUERY_HELD && start_pages(q, &q->error) != SF_OK)
		return report_failure(q, err);
	switch (q->phase)
	{
		case QUERY_PAGES:
			st = sf_query_pages_next_row(q->pages, values, &q->error);
			break;
		case QUERY_FILES:
			st = sf_query_result1_next_row(q->files, values, &q->error);
			break;
		case QUERY_REST:
			st = sf_rest_next_row(q->rest, values, &q->error);
			break;
		case QUERY_COUNTED:
			if (q->count_given)
				return SF_DONE;
			q->count_given = true;
			*values = &q->count_value;
			return SF_OK;
		case QUERY_FINISHED:
			return SF_DONE;
		case QUERY_FAILED:
			return report_failure(q, err);
		default:
			return SF_WAIT;
	}
	if (st == SF_DONE)
		return query_finished(q);
	return st == SF_FAILED ? report_failure(q, err) : st;
}

bool
sf_query_is_json(const sf_query *q)
{
	return q->any_columns && q->by_rest;
}

int
sf_query_ncolumns(const sf_query *q)
{
	if (!q->any_columns)
		return q->count_only ? 1 : q->ncolumns;
	return q->pages != NULL ? sf_query_pages_ncolumns(q->pages) : 1;
}

const char *
sf_query_column(const sf_query *q, int i)
{
	if (!q->any_columns)
		return i < q->ncolumns ? q->columns[i].path : "";
	return q->pages != NULL ? sf_query_pages_column(q->pages, i) : "";
}

sf_status
sf_query_job_ready(sf_query *q, sf_job_result *result, sf_error *err)
{
	if (q->phase == QUERY_FAILED)
		return report_failure(q, err);
	if (q->phase == QUERY_ASKING || q->phase == QUERY_JOB)
		return SF_WAIT;
	if (q->job == NULL)
	{
		sf_error_set(err, SF_ERR_CONFIG, "the query has no job whose result could be shared");
		return SF_FAILED;
	}
	memset(result, 0, sizeof(*result));
	snprintf(result->job_id, sizeof(result->job_id), "%s", q->job_info.id);
	snprintf(result->api_version, sizeof(result->api_version), "%s",
			 q->session->config.api_version);
	result->records = q->job_info.records;
	result->page_rows = q->page_rows;
	memcpy(result->object, q->object, sizeof(result->object));
	return SF_OK;
}

sf_status
sf_query_rewind(sf_query *q, sf_error *err)
{
	sf_status st;

	if (q->phase == QUERY_FAILED)
		return report_failure(q, err);
	if (q->phase == QUERY_ASKING || q->phase == QUERY_JOB || q->phase == QUERY_HELD)
		return SF_OK; /* nothing was read yet */
	if (q->phase == QUERY_COUNTED)
	{
		q->count_given = false;
		return SF_OK;
	}
	if (q->by_rest)
	{
		q->phase = QUERY_REST;
		if (sf_rest_rewind(q->rest))
			return SF_OK;
		drop_rest(q);
		st = start_rest(q, QUERY_REST, &q->error);
	}
	else if (q->job1 != NULL && q->files != NULL)
	{
		q->phase = QUERY_FILES;
		st = sf_query_result1_rewind(q->files, &q->error);
	}
	else
	{
		drop_pages(q);
		st = q->job != NULL ? job_complete(q, &q->error) : start_job(q, &q->error);
	}
	return st != SF_FAILED ? SF_OK : report_failure(q, err);
}

static sf_query_phase
public_phase(const sf_query *q, const sf_query_job_info *job)
{
	switch (q->phase)
	{
		case QUERY_ASKING:
			break;
		case QUERY_REST:
			return sf_rest_total(q->rest) < 0 ? SF_QUERY_STARTING : SF_QUERY_DOWNLOADING;
		case QUERY_JOB:
			if (job->id[0] == '\0')
				break;
			return job->begun ? SF_QUERY_RUNNING : SF_QUERY_QUEUED;
		case QUERY_HELD:
			return SF_QUERY_READY;
		case QUERY_PAGES:
		case QUERY_FILES:
		case QUERY_COUNTED:
			return SF_QUERY_DOWNLOADING;
		case QUERY_FINISHED:
			return SF_QUERY_FINISHED;
		case QUERY_FAILED:
			return SF_QUERY_FAILED;
	}
	return SF_QUERY_STARTING;
}

void
sf_query_get_stats(const sf_query *q, sf_query_stats *stats)
{
	sf_http_cost cost = q->spent;
	sf_query_job_info job = q->job_info;
	sf_rest_info rest = {0};
	sf_query_pages_info pages = {0};

	memset(stats, 0, sizeof(*stats));
	if (q->rest != NULL)
		sf_rest_get_info(q->rest, &rest);
	if (q->pages != NULL)
		sf_query_pages_get_info(q->pages, &pages);
	if (q->files != NULL)
		sf_query_result1_get_info(q->files, &pages);
	if (q->job != NULL || q->job1 != NULL)
	{
		job =
			q->job != NULL ? *sf_query_job_get_info(q->job) : *sf_query_job1_get_info(q->job1);
		add_cost(&cost, &job.cost);
	}
	add_cost(&cost, &rest.cost);
	add_cost(&cost, &pages.cost);
	stats->phase = public_phase(q, &job);
	stats->transport = q->by_rest ? SF_TRANSPORT_REST : SF_TRANSPORT_BULK;
	memcpy(stats->job_id, job.id, sizeof(stats->job_id));
	if (q->by_rest)
		stats->rows = rest.rows;
	else
		stats->rows = q->count_only ? q->count_given : pages.rows;
	stats->total_rows = q->by_rest ? (q->rest != NULL ? sf_rest_total(q->rest) : -1)
								   : (job.complete ? job.records : -1);
	stats->api_calls = cost.calls;
	stats->bulk1 = !q->by_rest && q->bulk1;
	stats->polls = q->polls + (q->job != NULL || q->job1 != NULL ? job.polls : 0);
	stats->pages = q->by_rest ? rest.pages : q->pages_before + pages.pages;
	stats->retries = cost.retries;
	stats->wire_bytes = cost.wire_bytes;
	stats->text_bytes = cost.text_bytes;
	stats->job_ms = job.job_ms;
	stats->queued_ms = job.queued_ms;
	stats->server_ms = job.server_ms;
}

void
sf_query_free(sf_query *q)
{
	sf_query **at;

	if (q == NULL)
		return;
	for (at = &q->session->queries; *at != NULL; at = &(*at)->next)
	{
		if (*at == q)
		{
			*at = q->next;
			break;
		}
	}
	drop_rest(q);
	drop_pages(q);
	drop_job(q);
	query_destroy(q);
}
