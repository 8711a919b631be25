/*
 * bulk1_query.c
 *		Bulk API 1.0: query batches, and what PK chunking makes of them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bulk1_int.h"
#include "schema.h"

/* Written to disk in pieces of this size. */
#define PIECE ((size_t) 1 << 20)

/* More parts than an org may add batches in a day. */
#define MAX_PARTS 15000

/* ---------------------------------------------------------------- result files */

/* A result file on its way. */
typedef struct sink
{
	srv_bulk1 *b;
	sim_buf piece;
	FILE *f; /* NULL: all is in piece */
	char *path;
	int64_t bytes; /* in f */
} sink;

static bool
flush_piece(sink *s)
{
	bool ok;

	if (s->f == NULL)
	{
		s->path = bulk1_temp_path(s->b);
		s->f = s->path ? fopen(s->path, "we") : NULL;
	}
	ok = s->f && fwrite(s->piece.data, 1, s->piece.len, s->f) == s->piece.len;
	s->bytes += (int64_t) s->piece.len;
	sim_buf_reset(&s->piece);
	return ok;
}

/* The file is complete: one more result. */
static bool
finish_file(sink *s, bulk1_outcome *o)
{
	bulk1_result *more = realloc(o->results, (size_t) (o->nresults + 1) * sizeof(*more));
	bulk1_result *r;
	bool ok;

	if (more == NULL)
		return bulk1_fail(o, "InternalServerError", "out of memory");
	o->results = more;
	r = &o->results[o->nresults++];
	memset(r, 0, sizeof(*r));
	pthread_mutex_lock(&s->b->lock);
	sim_id_make("752", s->b->next_result++, r->id);
	pthread_mutex_unlock(&s->b->lock);
	if (s->f == NULL)
		ok = !s->piece.failed &&
			 bulk1_blob_set(s->b, &r->blob, s->piece.data ? s->piece.data : "", s->piece.len);
	else
	{
		ok = !s->piece.failed && flush_piece(s);
		ok = fclose(s->f) == 0 && ok;
		s->f = NULL;
		r->blob.path = s->path;
		r->blob.len = s->bytes;
		s->path = NULL;
	}
	sim_buf_reset(&s->piece);
	s->bytes = 0;
	return ok || bulk1_fail(o, "InternalServerError", "no room for the results");
}

static void
drop_sink(sink *s)
{
	if (s->f)
		fclose(s->f);
	if (s->path)
		remove(s->path);
	free(s->path);
	sim_buf_free(&s->piece);
}

/* ---------------------------------------------------------------- running a query */

/* "InvalidBatch : Failed to process query: CODE: text". */
static bool
query_failed(bulk1_outcome *o, const sim_error *err)
{
	const char *code = err->code;

	/* this API keeps the codes of SOQL, which the other one has made its own */
	if (strstr(err->message, "not supported in Bulk Query"))
		code = "FUNCTIONALITY_NOT_ENABLED";
	return bulk1_fail(o, "InvalidBatch", "Failed to process query: %s: %s", code,
					  err->message);
}

static sim_query *
prepare(srv_bulk1 *b, const bulk1_job *j, const char *soql, bulk1_outcome *o)
{
	sim_error err = {0};
	sim_query *q = sim_query_prepare(
		b->s->org, soql, j->op == BULK1_QUERY_ALL ? SIM_QUERY_ALL : 0, j->version, &err);

	if (q == NULL || !sim_query_bulk_check(q, &err))
		query_failed(o, &err);
	else if (sim_query_object(q) != j->object)
		bulk1_fail(
			o, "InvalidBatch",
			"Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the "
			"requested query (%s) does not match the entity of the requested Bulk API Job "
			"(%s).",
			sim_object_name(sim_query_object(q)), sim_object_name(j->object));
	else
		return q;
	sim_query_free(q);
	return NULL;
}

static void
run(srv_bulk1 *b, const bulk1_job *j, const char *soql, bulk1_outcome *o)
{
	int64_t most = (int64_t) srv_options_get(b->s).result_file_kb * 1024;
	sim_query *q = prepare(b, j, soql, o);
	sim_buf scratch = {0};
	sink s = {.b = b};
	sim_error err = {0};
	int64_t rows = 0;
	bool ok = q != NULL;
	int rc = 0;

	if (ok)
		bulk1_render_begin(j, q, &s.piece);
	while (ok && (rc = sim_query_step(q, &err)) > 0)
	{
		if (rows > 0 && s.bytes + (int64_t) s.piece.len >= most)
		{
			bulk1_render_end(j, q, rows, &s.piece);
			ok = finish_file(&s, o);
			bulk1_render_begin(j, q, &s.piece);
			rows = 0;
		}
		bulk1_render_row(j, q, rows == 0, &scratch, &s.piece);
		rows++;
		o->processed++;
		if (s.piece.len >= PIECE && ok)
			ok = flush_piece(&s) ||
				 bulk1_fail(o, "InternalServerError", "no room for the results");
	}
	if (ok && rc < 0)
		ok = query_failed(o, &err);
	if (ok)
	{
		bulk1_render_end(j, q, rows, &s.piece);
		ok = finish_file(&s, o);
	}
	o->done = ok;
	sim_query_free(q);
	sim_buf_free(&scratch);
	drop_sink(&s);
}

/* ---------------------------------------------------------------- PK chunking */

/*
 * Standard objects that it divides (Bulk API guide, "PK Chunking", Winter '25), as far as this org may have them; all
 * custom objects are, too.
 */
static const char *const divided[] = {"Account",
									  "AccountContactRelation",
									  "AccountTeamMember",
									  "Asset",
									  "Campaign",
									  "CampaignMember",
									  "Case",
									  "CaseArticle",
									  "CaseComment",
									  "Contact",
									  "ContentDistribution",
									  "ContentDocument",
									  "ContentNote",
									  "ContentVersion",
									  "Contract",
									  "ContractLineItem",
									  "EmailMessage",
									  "Entitlement",
									  "Event",
									  "EventRelation",
									  "FeedItem",
									  "Individual",
									  "Lead",
									  "LiveChatTranscript",
									  "LoginHistory",
									  "Note",
									  "Opportunity",
									  "OpportunityContactRole",
									  "OpportunityHistory",
									  "OpportunityLineItem",
									  "OpportunitySplit",
									  "OpportunityTeamMember",
									  "Order",
									  "OrderItem",
									  "Pricebook2",
									  "PricebookEntry",
									  "Product2",
									  "Quote",
									  "QuoteLineItem",
									  "ServiceAppointment",
									  "ServiceContract",
									  "Task",
									  "TaskRelation",
									  "User",
									  "UserRole",
									  "VoiceCall",
									  "WorkOrder",
									  "WorkOrderLineItem"};

static bool
is_divided(const sim_object *obj)
{
	const char *name = sim_object_name(obj);
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(divided) / sizeof(*divided); i++)
		if (strcmp(divided[i], name) == 0)
			return true;
	return n > 3 && strcmp(name + n - 3, "__c") == 0;
}

/* AccountShare and AccountHistory of Account, Invoice__Share and Invoice__History of Invoice__c. */
static bool
belongs_to(const sim_object *obj, const sim_object *parent)
{
	const char *name = sim_object_name(obj);
	const char *of = sim_object_name(parent);
	size_t n = strlen(of);

	if (n > 3 && strcmp(of + n - 3, "__c") == 0)
		n--;
	return strncmp(name, of, n) == 0 &&
		   (strcmp(name + n, "Share") == 0 || strcmp(name + n, "History") == 0);
}

bool
bulk1_may_divide(const bulk1_job *j, char *why, size_t size)
{
	const sim_object *parent =
		j->chunking.parent[0] ? sim_object_find(j->chunking.parent) : NULL;

	if (parent && !belongs_to(j->object, parent))
		snprintf(why, size, "%s is not the parent of a share or history object %s",
				 sim_object_name(parent), sim_object_name(j->object));
	else if (!is_divided(parent ? parent : j->object))
		snprintf(why, size, "PK chunking is not supported for %s",
				 sim_object_name(parent ? parent : j->object));
	else
		return true;
	return false;
}

/* Where the keyword WHERE of the outer query begins; NULL: it has none. */
static const char *
find_where(const char *soql)
{
	int depth = 0;

	for (const char *p = soql; *p; p++)
	{
		if (*p == '\'')
		{
			for (p++; *p && *p != '\''; p++)
				if (*p == '\\' && p[1])
					p++;
			if (*p == '\0')
				return NULL;
		}
		else if (*p == '(' || *p == ')')
			depth += *p == '(' ? 1 : -1;
		else if (depth == 0 && strncasecmp(p, "WHERE", 5) == 0 && p > soql &&
				 isspace((unsigned char) p[-1]) &&
				 !(isalnum((unsigned char) p[5]) || p[5] == '_'))
			return p;
	}
	return NULL;
}

/* The first (or last) id that the object has; 0 when it has no rows. */
static int64_t
edge(srv_bulk1 *b, const sim_object *obj, bool last)
{
	char soql[160];
	sim_error err;
	sim_query *q;
	sim_value v;
	int64_t number = 0;

	snprintf(soql, sizeof(soql), "SELECT Id FROM %s ORDER BY Id %s LIMIT 1",
			 sim_object_name(obj), last ? "DESC" : "ASC");
	q = sim_query_prepare(b->s->org, soql, SIM_QUERY_ALL, "62.0", &err);
	if (q && sim_query_step(q, &err) > 0)
	{
		sim_query_value(q, 0, &v);
		number = sim_id_number(v.text, v.len, sim_object_prefix(obj));
	}
	sim_query_free(q);
	return number;
}

/* The object whose ids are divided, and the field that has them. */
static const sim_object *
chunked_by(const bulk1_job *j, const char **field, bulk1_outcome *o)
{
	const sim_object *parent =
		j->chunking.parent[0] ? sim_object_find(j->chunking.parent) : NULL;

	*field = "Id";
	if (parent == NULL || parent == j->object)
		return j->object;
	for (int i = 0; i < sim_object_field_count(j->object); i++)
	{
		const sim_field *f = sim_object_field(j->object, i);

		if (f->type == SIM_T_REFERENCE && sim_field_refers_to(f, parent))
		{
			*field = f->name;
			return parent;
		}
	}
	bulk1_fail(o, "InvalidBatch", "%s is not a parent of %s", j->chunking.parent,
			   sim_object_name(j->object));
	return NULL;
}

/* The query for one range of ids. */
static char *
part_query(const char *soql, const char *field, const char *from, const char *to)
{
	const char *where = find_where(soql);
	sim_buf out = {0};

	if (where)
		sim_buf_printf(&out, "%.*sWHERE (%s) AND (%s >= '%.15s' AND %s < '%.15s')",
					   (int) (where - soql), soql, where + 5 + strspn(where + 5, " \t\r\n"),
					   field, from, field, to);
	else
		sim_buf_printf(&out, "%s WHERE %s >= '%.15s' AND %s < '%.15s'", soql, field, from,
					   field, to);
	if (out.failed)
	{
		sim_buf_free(&out);
		return NULL;
	}
	return out.data;
}

static void
divide(srv_bulk1 *b, const bulk1_job *j, const char *soql, bulk1_outcome *o)
{
	sim_query *q = prepare(b, j, soql, o);
	bool chunkable = q && sim_query_is_divisible(q);
	const char *field;
	const sim_object *obj;
	int64_t from, to, parts;

	sim_query_free(q);
	if (q == NULL)
		return;
	if (!chunkable)
	{
		bulk1_fail(
			o, "InvalidBatch",
			"Failed to process query: FUNCTIONALITY_NOT_ENABLED: PK chunking supports only "
			"queries with conditions in WHERE");
		return;
	}
	if ((obj = chunked_by(j, &field, o)) == NULL)
		return;
	from = edge(b, obj, false);
	to = edge(b, obj, true);
	if (j->chunking.start_row[0])
		from = sim_id_number(j->chunking.start_row, SIM_ID_LEN, sim_object_prefix(obj));
	parts = to >= from ? (to - from) / j->chunking.size + 1 : 1;
	if (from < 0 || parts > MAX_PARTS ||
		(o->requests = calloc((size_t) parts, sizeof(char *))) == NULL)
	{
		bulk1_fail(o, "InvalidBatch", "The query cannot be divided");
		return;
	}
	for (; o->nrequests < parts; o->nrequests++)
	{
		char low[SIM_ID_SIZE];
		char high[SIM_ID_SIZE];

		sim_id_make(sim_object_prefix(obj), from + o->nrequests * j->chunking.size, low);
		sim_id_make(sim_object_prefix(obj), from + (o->nrequests + 1) * j->chunking.size,
					high);
		o->requests[o->nrequests] = part_query(soql, field, low, high);
		if (o->requests[o->nrequests] == NULL)
		{
			bulk1_fail(o, "InternalServerError", "out of memory");
			return;
		}
	}
	o->not_processed = true;
}

void
bulk1_query(srv_bulk1 *b, const bulk1_job *j, const bulk1_batch *t, bulk1_outcome *o)
{
	sim_buf soql = {0};

	if (!bulk1_blob_get(&t->request, &soql))
		bulk1_fail(o, "InternalServerError", "the request is gone");
	else
	{
		while (soql.len > 0 && isspace((unsigned char) soql.data[soql.len - 1]))
			soql.data[--soql.len] = '\0';
		if (soql.len == 0)
			bulk1_fail(o, "InvalidBatch",
					   "Failed to process query: MALFORMED_QUERY: A query "
					   "string has to be specified");
		else if (strlen(soql.data) != soql.len)
			bulk1_fail(o, "InvalidBatch",
					   "Failed to process query: MALFORMED_QUERY: unexpected character");
		else if (t->split)
			divide(b, j, soql.data, o);
		else
			run(b, j, soql.data, o);
	}
	sim_buf_free(&soql);
}
