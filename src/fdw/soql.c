/*
 * soql.c
 *		SOQL text out of the planned form (planner.h).
 *
 * The text is made when the operands have values.  A condition may then turn out to be always true, never
 * true, or not to be expressible after all: the last is dropped, which is right because planning has
 * classed it as one that is checked again.  Everything here is UTF-8 until it is shown.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"

#include "compat.h"
#include "lists.h"

/* The operands as far as they are known; the others have names to show. */
typedef struct Operands
{
	List *types; /* OidList */
	const Datum *values;
	const bool *nulls;
	const char *const *names; /* NULL, or of each operand NULL when its value is known */
	const bool *unknown;	  /* NULL, or operands whose conditions are to be left out */
} Operands;

/* Lists longer than this are shortened in EXPLAIN. */
#define LONG_LIST 100

static inline int
int_at(List *list, int n)
{
	return intVal(list_nth(list, n));
}

static inline char *
text_at(List *list, int n)
{
	Node *node = list_nth(list, n);

	return node != NULL ? strVal(node) : NULL;
}

/* ---- conditions ------------------------------------------------------------------------------ */

static SfbFold append_clause(StringInfo buf, List *clause, const Operands *operands);
static bool
append_conditions(StringInfo buf, const char *word, List *clauses, const Operands *operands,
				  const SfbClauseText *texts, int ntexts);

/* For EXPLAIN: a list of constants that is too long to be shown; false when it is not. */
static bool
append_long_list(StringInfo buf, List *clause, const Operands *operands)
{
	int operand = int_at(clause, 5);
	SfbList *list;

	if (int_at(clause, 1) != SFB_OP_IN || operands->nulls[operand] ||
		sfb_array_length(operands->values[operand]) <= LONG_LIST)
		return false;
	list = sfb_list_new(int_at(clause, 3), int_at(clause, 4),
						list_nth_oid(operands->types, operand), operands->values[operand]);
	if (list == NULL || list->count <= LONG_LIST)
		return false;
	list->field = text_at(clause, 2);
	sfb_list_append_short(buf, list);
	return true;
}

static SfbFold
append_comparison(StringInfo buf, List *clause, const Operands *operands)
{
	SfbOp op = int_at(clause, 1);
	char *field = text_at(clause, 2);
	int operand = int_at(clause, 5);

	if (operands->unknown != NULL && operands->unknown[operand])
		return SFB_FOLD_DROP;
	if (operands->names != NULL && operands->names[operand] != NULL)
	{
		sfb_append_compare(buf, field, op, operands->names[operand]);
		return SFB_FOLD_SEND;
	}
	if (operands->names != NULL && append_long_list(buf, clause, operands))
		return SFB_FOLD_SEND;
	return sfb_fold_compare(buf, field, op, int_at(clause, 3), int_at(clause, 4),
							list_nth_oid(operands->types, operand), operands->values[operand],
							operands->nulls[operand]);
}

static SfbFold
append_day(StringInfo buf, List *clause, const Operands *operands)
{
	SfbOp op = int_at(clause, 1);
	char *field = text_at(clause, 2);
	int operand = int_at(clause, 4);

	if (operands->unknown != NULL && operands->unknown[operand])
		return SFB_FOLD_DROP;
	if (operands->names != NULL && operands->names[operand] != NULL)
	{
		/* without the colon */
		sfb_append_day(buf, field, op, operands->names[operand] + 1);
		return SFB_FOLD_SEND;
	}
	return sfb_fold_day(buf, field, op, int_at(clause, 3), operands->values[operand],
						operands->nulls[operand]);
}

/*
 * An arm that cannot be expressed counts as true for an AND, which only widens it, and makes the whole
 * OR inexpressible.
 */
static SfbFold
append_and_or(StringInfo buf, List *clause, const Operands *operands)
{
	bool is_and = (int_at(clause, 0) == SFB_CLAUSE_AND);
	StringInfoData text;
	SfbFold result = SFB_FOLD_SEND;
	bool dropped = false;
	int count = 0;
	int i;

	initStringInfo(&text);
	for (i = 1; i < list_length(clause); i++)
	{
		StringInfoData arm;
		SfbFold fold;

		initStringInfo(&arm);
		fold = append_clause(&arm, list_nth(clause, i), operands);
		if (fold == SFB_FOLD_DROP && !is_and)
			return SFB_FOLD_DROP;
		if (fold == SFB_FOLD_DROP)
			dropped = true;
		else if (fold == (is_and ? SFB_FOLD_FALSE : SFB_FOLD_TRUE))
			return fold;
		else if (fold == SFB_FOLD_SEND || fold == SFB_FOLD_WIDE)
		{
			appendStringInfo(&text, "%s%s", count > 0 ? (is_and ? " AND " : " OR ") : "",
							 arm.data);
			count++;
			if (fold == SFB_FOLD_WIDE)
				result = SFB_FOLD_WIDE;
		}
	}

	if (count == 0)
		return dropped ? SFB_FOLD_DROP : is_and ? SFB_FOLD_TRUE : SFB_FOLD_FALSE;
	appendStringInfo(buf, count > 1 ? "(%s)" : "%s", text.data);
	return dropped ? SFB_FOLD_WIDE : result;
}

static SfbFold
append_semijoin(StringInfo buf, List *clause, const Operands *operands)
{
	StringInfoData inner;

	initStringInfo(&inner);
	if (!append_conditions(&inner, "WHERE", list_nth(clause, 4), operands, NULL, 0))
		return SFB_FOLD_FALSE;
	appendStringInfo(buf, "%s IN (SELECT %s FROM %s%s)", text_at(clause, 1),
					 text_at(clause, 3), text_at(clause, 2), inner.data);
	return SFB_FOLD_SEND;
}

static SfbFold
append_clause(StringInfo buf, List *clause, const Operands *operands)
{
	switch ((SfbClauseKind) int_at(clause, 0))
	{
		case SFB_CLAUSE_AND:
		case SFB_CLAUSE_OR:
			return append_and_or(buf, clause, operands);
		case SFB_CLAUSE_COMPARE:
			return append_comparison(buf, clause, operands);
		case SFB_CLAUSE_DAY:
			return append_day(buf, clause, operands);
		case SFB_CLAUSE_NULL:
			appendStringInfo(buf, "%s %s null", text_at(clause, 2),
							 int_at(clause, 1) ? "=" : "!=");
			return SFB_FOLD_SEND;
		case SFB_CLAUSE_BOOLEAN:
			appendStringInfo(buf, "%s = %s", text_at(clause, 2),
							 int_at(clause, 1) ? "true" : "false");
			return SFB_FOLD_SEND;
		case SFB_CLAUSE_SEMIJOIN:
			return append_semijoin(buf, clause, operands);
	}
	elog(ERROR, "unrecognized kind of condition: %d", int_at(clause, 0));
	return SFB_FOLD_DROP; /* keep compiler quiet */
}

/* ---- words of SOQL ---------------------------------------------------------------------------------- */

/* Does a query have one of these words, outside of strings? */
static bool
has_word(const char *query, const char *const *words)
{
	const char *p = query;

	while (*p != '\0')
	{
		if (*p == '\'')
		{
			/* past the string */
			for (p++; *p != '\0' && *p != '\''; p++)
				if (*p == '\\' && p[1] != '\0')
					p++;
			if (*p != '\0')
				p++;
		}
		else if (isalpha((unsigned char) *p))
		{
			size_t len = 0;
			int i;

			while (isalnum((unsigned char) p[len]) || p[len] == '_' || p[len] == '.')
				len++;
			for (i = 0; words[i] != NULL; i++)
				if (strlen(words[i]) == len && pg_strncasecmp(words[i], p, len) == 0)
					return true;
			p += len;
		}
		else
			p++;
	}
	return false;
}

bool
sfb_query_needs_rest(const char *query)
{
	/* Bulk API 2.0 guide, "SOQL considerations"; these words are no field names. */
	static const char *const words[] = {"group", "offset",		   "typeof", "count", "sum",
										"avg",	 "count_distinct", "min",	 "max",	  NULL};

	return has_word(query, words);
}

/* ---- the whole query ---------------------------------------------------------------------------- */

/*
 * Appends " WHERE …" or " HAVING …"; false when nothing can fulfil the conditions.  Some may have texts
 * that stand for them.
 */
static bool
append_conditions(StringInfo buf, const char *word, List *clauses, const Operands *operands,
				  const SfbClauseText *given, int ngiven)
{
	int rest = SFB_MAX_SOQL - buf->len;
	char **texts = palloc0(sizeof(char *) * Max(list_length(clauses), 1));
	const char *separator = psprintf(" %s ", word);
	int total = 0;
	int i;

	for (i = 0; i < list_length(clauses); i++)
	{
		List *top = list_nth(clauses, i);
		bool exact = int_at(top, 0) != 0;
		StringInfoData text;
		SfbFold fold;
		int n = 0;

		while (n < ngiven && given[n].clause != i)
			n++;
		if (n < ngiven)
		{
			texts[i] = (char *) given[n].text;
			total += texts[i] != NULL ? strlen(texts[i]) + 7 : 0;
			continue;
		}
		initStringInfo(&text);
		fold = append_clause(&text, lsecond(top), operands);
		if (fold == SFB_FOLD_FALSE)
			return false;
		if (exact && operands->unknown == NULL &&
			(fold == SFB_FOLD_DROP || fold == SFB_FOLD_WIDE))
			elog(ERROR, "a condition planned as exact cannot be sent");
		if (fold == SFB_FOLD_SEND || fold == SFB_FOLD_WIDE)
		{
			texts[i] = text.data;
			total += text.len + 7;
		}
	}

	/* Too long: the longest of those that are checked again anyway goes, until it fits. */
	while (total > rest)
	{
		int longest = -1;

		for (i = 0; i < list_length(clauses); i++)
			if (texts[i] != NULL && int_at(list_nth(clauses, i), 0) == 0 &&
				(longest < 0 || strlen(texts[i]) > strlen(texts[longest])))
				longest = i;
		if (longest < 0)
			break;
		total -= strlen(texts[longest]) + 7;
		texts[longest] = NULL;
	}

	for (i = 0; i < list_length(clauses); i++)
	{
		if (texts[i] == NULL)
			continue;
		appendStringInfo(buf, "%s%s", separator, texts[i]);
		separator = " AND ";
	}
	return true;
}

/* Appends " LIMIT n" when the sum is known and worth sending; false when it is not above 0. */
static bool
append_limit(StringInfo buf, List *limit, const Operands *operands)
{
	int count = list_nth_int(limit, SfbLimitCount);
	int offset = list_nth_int(limit, SfbLimitOffset);
	int64 sum;

	if (operands->unknown != NULL &&
		(operands->unknown[count] || (offset >= 0 && operands->unknown[offset])))
		return true;
	if (operands->names != NULL &&
		(operands->names[count] != NULL || (offset >= 0 && operands->names[offset] != NULL)))
	{
		StringInfoData known;

		/* Shown with a name; a part that is known is shown as it is. */
		initStringInfo(&known);
		appendStringInfoString(buf, " LIMIT ");
		if (operands->names[count] != NULL)
			appendStringInfoString(buf, operands->names[count]);
		else
			appendStringInfo(buf, INT64_FORMAT, DatumGetInt64(operands->values[count]));
		if (offset >= 0 && operands->names[offset] != NULL)
			appendStringInfo(buf, " + %s", operands->names[offset]);
		else if (offset >= 0)
			appendStringInfo(buf, " + " INT64_FORMAT, DatumGetInt64(operands->values[offset]));
		return true;
	}

	/* NULL is no limit; the local Limit raises the error for a negative one. */
	if (operands->nulls[count])
		return true;
	sum = DatumGetInt64(operands->values[count]);
	if (sum <= 0)
		return false;
	if (offset >= 0 && !operands->nulls[offset])
	{
		int64 skipped = DatumGetInt64(operands->values[offset]);

		if (skipped < 0)
			return false;
		if (skipped > PG_INT32_MAX)
			return true;
		sum = Min(sum, PG_INT32_MAX) + skipped;
	}
	if (sum <= list_nth_int(limit, SfbLimitMax))
		appendStringInfo(buf, " LIMIT " INT64_FORMAT, sum);
	return true;
}

static void
append_list(StringInfo buf, const char *word, List *items)
{
	const char *separator = word;
	ListCell *lc;

	foreach (lc, items)
	{
		appendStringInfo(buf, "%s%s", separator, strVal(lfirst(lc)));
		separator = ", ";
	}
}

/* The text in UTF-8, or NULL when no row can fulfil the conditions. */
static char *
build(List *soql, const Operands *operands, const SfbClauseText *texts, int ntexts,
	  bool limited)
{
	char *query = text_at(soql, SfbSoqlQuery);
	List *fields = list_nth(soql, SfbSoqlFields);
	List *select = list_nth(soql, SfbSoqlSelect);
	List *limit = list_nth(soql, SfbSoqlLimit);
	StringInfoData buf;

	if (query != NULL)
		return pg_server_to_any(query, strlen(query), PG_UTF8);

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	if (fields == NIL)
		appendStringInfoString(&buf, "COUNT()");
	append_list(&buf, "", select != NIL ? select : fields);
	appendStringInfo(&buf, " FROM %s", text_at(soql, SfbSoqlObject));

	if (!append_conditions(&buf, "WHERE", list_nth(soql, SfbSoqlClauses), operands, texts,
						   ntexts))
		return NULL;
	append_list(&buf, " GROUP BY ", list_nth(soql, SfbSoqlGroup));
	if (!append_conditions(&buf, "HAVING", list_nth(soql, SfbSoqlHaving), operands, NULL, 0))
		return NULL;
	append_list(&buf, " ORDER BY ", list_nth(soql, SfbSoqlOrder));
	if (limited && limit != NIL && !append_limit(&buf, limit, operands))
		return NULL;
	return buf.data;
}

bool
sfb_soql_is_grouped(List *soql)
{
	return list_nth(soql, SfbSoqlGroup) != NIL;
}

char *
sfb_soql_build_with(List *soql, int nexprs, const Datum *values, const bool *nulls,
					const SfbClauseText *texts, int ntexts, bool limited, bool *never)
{
	Operands operands = {list_nth(soql, SfbSoqlOperandTypes), values, nulls, NULL, NULL};
	char *result;

	if (nexprs != list_length(operands.types))
		elog(ERROR, "the query has %d operands, not %d", list_length(operands.types), nexprs);
	result = build(soql, &operands, texts, ntexts, limited);
	*never = (result == NULL);
	return result;
}

char *
sfb_soql_build(List *soql, int nexprs, const Datum *values, const bool *nulls, bool *never)
{
	return sfb_soql_build_with(soql, nexprs, values, nulls, NULL, 0, true, never);
}

char *
sfb_soql_explain(List *soql, List *fdw_exprs, List *names)
{
	int count = list_length(fdw_exprs);
	Datum *values = palloc0(sizeof(Datum) * Max(count, 1));
	bool *nulls = palloc0(sizeof(bool) * Max(count, 1));
	const char **shown = palloc0(sizeof(char *) * Max(count, 1));
	Operands operands = {list_nth(soql, SfbSoqlOperandTypes), values, nulls, shown, NULL};
	char *result;
	int i;

	for (i = 0; i < count; i++)
	{
		Node *expr = list_nth(fdw_exprs, i);
		char *name = list_nth(names, i);

		if (IsA(expr, Const))
		{
			values[i] = ((Const *) expr)->constvalue;
			nulls[i] = ((Const *) expr)->constisnull;
		}
		else
		{
			char *text = psprintf(":%s", name);

			shown[i] = pg_server_to_any(text, strlen(text), PG_UTF8);
		}
	}
	result = build(soql, &operands, NULL, 0, true);
	return result != NULL ? pg_any_to_server(result, strlen(result), PG_UTF8) : NULL;
}

char *
sfb_soql_estimate(List *soql, List *operand_list, bool *filtered)
{
	static const char *const words[] = {"where", "limit", NULL};
	int count = list_length(operand_list);
	Datum *values = palloc0(sizeof(Datum) * Max(count, 1));
	bool *nulls = palloc0(sizeof(bool) * Max(count, 1));
	bool *unknown = palloc0(sizeof(bool) * Max(count, 1));
	Operands operands = {list_nth(soql, SfbSoqlOperandTypes), values, nulls, NULL, unknown};
	char *result;

	for (int i = 0; i < count; i++)
	{
		Const *value = list_nth(operand_list, i);

		if (value != NULL && IsA(value, Const))
		{
			values[i] = value->constvalue;
			nulls[i] = value->constisnull;
		}
		else
			unknown[i] = true;
	}
	result = build(soql, &operands, NULL, 0, true);
	*filtered = result != NULL && has_word(result, words);
	return result;
}

int
sfb_soql_columns(List *soql, sf_column **columns)
{
	List *fields = list_nth(soql, SfbSoqlFields);
	List *types = list_nth(soql, SfbSoqlTypes);
	int count = list_length(fields);
	int i;

	/* API names are ASCII, whatever the database encoding. */
	*columns = palloc0(sizeof(sf_column) * Max(count, 1));
	for (i = 0; i < count; i++)
	{
		(*columns)[i].path = text_at(fields, i);
		(*columns)[i].kind = sfb_column_kind((SfbType) list_nth_int(types, i));
	}
	return count;
}

List *
sfb_soql_of_rows(List *soql)
{
	List *result = list_copy(soql);
	List *fields = list_make1(makeString("Id"));
	List *types = list_make1_int(SFB_ID);
	ListCell *lc;

	foreach (lc, list_nth(soql, SfbSoqlClauses))
	{
		List *clause = lsecond(lfirst_node(List, lc));
		SfbType type;

		if (int_at(clause, 0) != SFB_CLAUSE_COMPARE || int_at(clause, 1) != SFB_OP_IN)
			continue;
		type = int_at(clause, 3);
		if (!sfb_is_lookup_type(type) || pg_strcasecmp(text_at(clause, 2), "Id") == 0)
			continue;
		fields = lappend(fields, list_nth(clause, 2));
		types = lappend_int(types, type);
	}
	lfirst(list_nth_cell(result, SfbSoqlFields)) = fields;
	lfirst(list_nth_cell(result, SfbSoqlTypes)) = types;
	return result;
}

const char *
sfb_soql_object(List *soql)
{
	return text_at(soql, SfbSoqlObject);
}
