/*
 * request.c
 *		The queries of a scan: one, or several where a list is too long for one.
 *
 * Salesforce takes SOQL of 100,000 characters by bulk and a URI of 16,384 bytes by REST, which is some 4,700 or
 * some 400 ids.  So the longest list is cut, and each of its parts has a query of its own; as the values differ,
 * no row is in two of them.  Texts are compared without regard to case over there, so that a row may come
 * with another's query; it is taken with its own.  A list that would make too many queries is not sent:
 * the rows come without it, and are looked up in it here.
 *
 * Sources: SOQL and SOQL Reference, "SOQL limits" (length of a statement); REST API developer guide, "Status
 * codes and error responses" (414, 431).
 */
#include "postgres.h"

#include "nodes/value.h"

#include "compat.h"
#include "lists.h"

/* Shorter ones are part of a query as any condition. */
#define SHORT_LIST 20

/* Bytes of a query; of a REST URI what the address, a token and other headers leave of it for certain. */
#define MAX_QUERY	  (SFB_MAX_SOQL - 500)
#define MAX_QUERY_URI 12000

/* Queries by REST, rather than fewer by bulk, while auto may choose. */
#define FEW_REST_QUERIES 5

/* As SFB_MAX_JOBS, by REST. */
#define MAX_REST_QUERIES 500

/* Queries under way at a time. */
#define AT_ONCE 5

typedef struct Builder
{
	List *soql;
	int nexprs;
	const Datum *values;
	const bool *nulls;
	SfbRequest *request;
	SfbClauseText *texts;
	bool by_uri; /* the queries are measured as URIs */
} Builder;

/* ---- the lists of a query --------------------------------------------------------------------------- */

static int
int_at(List *list, int n)
{
	return intVal(list_nth(list, n));
}

static int
field_place(List *fields, const char *field)
{
	int i = 0;
	ListCell *lc;

	foreach (lc, fields)
	{
		if (pg_strcasecmp(strVal(lfirst(lc)), field) == 0)
			return i;
		i++;
	}
	return -1;
}

/* The list of a top clause that has a long one and can be said, or NULL. */
static SfbList *
list_of(Builder *b, List *top, int place)
{
	List *clause = lsecond(top);
	SfbList *list;
	int operand;
	SfbType type;

	if (int_at(clause, 0) != SFB_CLAUSE_COMPARE || int_at(clause, 1) != SFB_OP_IN)
		return NULL;
	type = int_at(clause, 3);
	operand = int_at(clause, 5);
	if (b->nulls[operand] || sfb_array_length(b->values[operand]) <= SHORT_LIST)
		return NULL;
	list = sfb_list_new(type, int_at(clause, 4),
						list_nth_oid(list_nth(b->soql, SfbSoqlOperandTypes), operand),
						b->values[operand]);

	/* Without any value the clause says by itself that there is no row. */
	if (list == NULL || list->count == 0)
		return NULL;
	list->clause = place;
	list->field = strVal(list_nth(clause, 2));
	list->exact = int_at(top, 0) != 0;
	list->column = field_place(list_nth(b->soql, SfbSoqlFields), list->field);
	return list;
}

static void
find_lists(Builder *b)
{
	List *clauses = list_nth(b->soql, SfbSoqlClauses);
	SfbRequest *request = b->request;
	int i = 0;
	ListCell *lc;

	request->lists = palloc0(sizeof(SfbList) * Max(list_length(clauses), 1));
	foreach (lc, clauses)
	{
		SfbList *list = list_of(b, lfirst(lc), i++);

		if (list != NULL)
			request->lists[request->nlists++] = *list;
	}
	b->texts = palloc0(sizeof(SfbClauseText) * Max(request->nlists, 1));
}

static int
size_of_list(const Builder *b, const SfbList *list)
{
	return (b->by_uri ? sfb_uri_bytes(list->field) + list->uri_bytes
					  : (int) strlen(list->field) + list->bytes) +
		   40;
}

/* ---- text ------------------------------------------------------------------------------------------ */

/* A query with the part of the cut list; NULL when no row can be. */
static char *
build(Builder *b, int part)
{
	SfbRequest *request = b->request;
	bool limited = true;
	bool never;

	for (int i = 0; i < request->nlists; i++)
	{
		const SfbList *list = &request->lists[i];
		StringInfoData text;

		b->texts[i].clause = list->clause;
		b->texts[i].text = NULL;
		initStringInfo(&text);
		if (list->use == SFB_LIST_WHOLE)
			sfb_list_append(&text, list, 0, list->count);
		else if (list->use == SFB_LIST_CUT && part >= 0)
			sfb_list_append(&text, list, list->parts[part], list->parts[part + 1]);
		else if (list->use != SFB_LIST_CUT)
			limited = false;
		if (text.len > 0)
			b->texts[i].text = text.data;
	}
	return sfb_soql_build_with(b->soql, b->nexprs, b->values, b->nulls, b->texts,
							   request->nlists, limited, &never);
}

static char *
build_shown(Builder *b)
{
	SfbRequest *request = b->request;
	bool never;

	for (int i = 0; i < request->nlists; i++)
	{
		const SfbList *list = &request->lists[i];
		StringInfoData text;

		b->texts[i].clause = list->clause;
		b->texts[i].text = NULL;
		if (list->use != SFB_LIST_WHOLE && list->use != SFB_LIST_CUT)
			continue;
		initStringInfo(&text);
		sfb_list_append_short(&text, list);
		b->texts[i].text = text.data;
	}
	return sfb_soql_build_with(b->soql, b->nexprs, b->values, b->nulls, b->texts,
							   request->nlists, true, &never);
}

/* ---- cutting ------------------------------------------------------------------------------------------ */

/* The first values of the parts that fit into so much room; their number. */
static int
cut(const Builder *b, SfbList *list, int room)
{
	int parts = 0;
	int used = 0;

	room -= (b->by_uri ? sfb_uri_bytes(list->field) : (int) strlen(list->field)) + 40;
	list->parts = palloc(sizeof(int) * (list->count + 1));
	for (int i = 0; i < list->count; i++)
	{
		int size = b->by_uri ? sfb_uri_bytes(list->literals[i]) + SFB_LIST_URI_SEPARATOR
							 : (int) strlen(list->literals[i]) + SFB_LIST_SEPARATOR;

		if (i == 0 || used + size > room)
		{
			list->parts[parts++] = i;
			used = 0;
		}
		used += size;
	}
	list->parts[parts] = list->count;
	return parts;
}

/* Of a list that cannot be sent: what else can be done about it? */
static SfbListUse
use_instead(const SfbList *list, SfbListUse otherwise)
{
	if (!list->exact)
		return SFB_LIST_LEFT;
	return list->column >= 0 && sfb_is_lookup_type(list->type) ? SFB_LIST_HERE : otherwise;
}

/*
 * May the list be cut?  Not if the rows are to come in order, and not if one could come with two queries
 * and cannot be looked at here.
 */
static bool
can_be_cut(const Builder *b, const SfbList *list)
{
	return list_nth(b->soql, SfbSoqlOrder) == NIL &&
		   (list->exact || list->column >= 0 || !sfb_is_text_type(list->type));
}

/* Decides how the lists are used so that the queries are no longer than limit; their number. */
static int
choose_uses(Builder *b, int limit)
{
	SfbRequest *request = b->request;
	SfbList *longest = NULL;
	const char *base;
	int room;
	int parts;

	for (int i = 0; i < request->nlists; i++)
	{
		SfbList *list = &request->lists[i];

		list->use = SFB_LIST_LEFT;
		if (longest == NULL || size_of_list(b, list) > size_of_list(b, longest))
			longest = list;
	}
	base = build(b, -1);
	if (base == NULL)
		return 0;
	room = limit - (b->by_uri ? sfb_uri_bytes(base) : (int) strlen(base));
	for (int i = 0; i < request->nlists; i++)
	{
		SfbList *list = &request->lists[i];

		/* At least half of what is left is for the parts of the longest. */
		if (list == longest)
			continue;
		list->use = size_of_list(b, list) <= room / 2 ? SFB_LIST_WHOLE
													  : use_instead(list, SFB_LIST_WHOLE);
		if (list->use == SFB_LIST_WHOLE)
			room -= size_of_list(b, list);
	}

	longest->use = SFB_LIST_WHOLE;
	if (size_of_list(b, longest) <= room)
		return 1;
	if (can_be_cut(b, longest) && room > limit / 10)
	{
		parts = cut(b, longest, room);
		longest->use = SFB_LIST_CUT;
		if (parts <= (b->by_uri ? MAX_REST_QUERIES : SFB_MAX_JOBS))
			return parts;
	}
	else
		parts = 1;
	longest->use = use_instead(longest, longest->use);
	if (longest->use != SFB_LIST_CUT && longest->use != SFB_LIST_WHOLE)
		return 1;
	request->fits = false;
	return parts;
}

/* By which way, and in how many queries. */
static int
plan_queries(Builder *b)
{
	SfbRequest *request = b->request;

	if (request->transport != SF_TRANSPORT_BULK)
	{
		int count;
		bool sent;

		b->by_uri = true;
		count = choose_uses(b, MAX_QUERY_URI);
		if (request->transport == SF_TRANSPORT_REST)
			return count;
		sent = request->fits && count <= FEW_REST_QUERIES;
		for (int i = 0; i < request->nlists; i++)
			sent = sent && request->lists[i].use != SFB_LIST_HERE &&
				   request->lists[i].use != SFB_LIST_LEFT;
		if (sent)
			return count;
	}
	b->by_uri = false;
	request->fits = true;
	return choose_uses(b, MAX_QUERY);
}

static void
build_queries(Builder *b)
{
	SfbRequest *request = b->request;
	int count = plan_queries(b);

	request->soql = palloc0(sizeof(char *) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		request->soql[i] = build(b, i);
		if (request->soql[i] == NULL)
			return;
		request->count++;
	}
	if (request->count == 0)
		return;
	request->shown = build_shown(b);
	for (int i = 0; i < request->nlists; i++)
	{
		const SfbList *list = &request->lists[i];

		if (list->use == SFB_LIST_HERE ||
			(list->use == SFB_LIST_CUT && !list->exact && sfb_is_text_type(list->type)))
			request->checks = true;
	}
}

/* ---- requests ----------------------------------------------------------------------------------------- */

SfbRequest *
sfb_request_new(List *soql, sf_transport transport, int nexprs, const Datum *values,
				const bool *nulls)
{
	SfbRequest *request = palloc0(sizeof(SfbRequest));
	Builder b = {soql, nexprs, values, nulls, request, NULL, false};

	request->transport = transport;
	request->fits = true;
	request->at_once = list_nth(soql, SfbSoqlLimit) != NIL ? 1 : AT_ONCE;
	find_lists(&b);
	if (request->nlists > 0)
		build_queries(&b);
	else
	{
		bool never;

		request->soql = palloc0(sizeof(char *));
		request->soql[0] = sfb_soql_build(soql, nexprs, values, nulls, &never);
		request->count = never ? 0 : 1;
		request->shown = request->soql[0];
	}
	return request;
}

bool
sfb_request_equals(const SfbRequest *a, const SfbRequest *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
		if (strcmp(a->soql[i], b->soql[i]) != 0)
			return false;
	return true;
}

bool
sfb_request_takes(const SfbRequest *request, int query, const sf_value *values)
{
	for (int i = 0; i < request->nlists; i++)
	{
		const SfbList *list = &request->lists[i];
		bool cut = (list->use == SFB_LIST_CUT && !list->exact && sfb_is_text_type(list->type));
		const sf_value *value;
		int place;

		if (!cut && list->use != SFB_LIST_HERE)
			continue;
		value = &values[list->column];
		place = value->data != NULL ? sfb_list_place(list, value->data, value->len) : -1;
		if (place < 0 ||
			(cut && (place < list->parts[query] || place >= list->parts[query + 1])))
			return false;
	}
	return true;
}
