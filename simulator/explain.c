/*
 * explain.c
 *		The query plans that Salesforce's optimizer would talk of: which indexes it has, what they cost.
 *
 * Salesforce indexes Id, Name, owner, record type, the audit dates, lookups, external ids and unique fields.  An
 * index is worth while below a part of the table: 30 % of the first million rows and 15 % of the rest for
 * standard fields, a third of that for custom ones; the cost of a plan is its rows divided by that number.
 * (The rule is documented; the cost of a table scan is fitted to what orgs have answered.)
 */
#include "query.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct plan
{
	const char *operation;
	const sim_field *field; /* NULL: none */
	int64_t cardinality;
	double cost;
} plan;

#define MAX_PLANS 8

static bool
is_indexed(const sim_field *f)
{
	static const char *const audit[] = {"CreatedDate", "SystemModstamp", "LastModifiedDate"};

	if (f->type == SIM_T_ID || f->type == SIM_T_REFERENCE ||
		(f->flags & (SF_NAME | SF_EXTERNAL | SF_UNIQUE | SF_IDLOOKUP)))
		return true;
	for (size_t i = 0; i < sizeof(audit) / sizeof(audit[0]); i++)
	{
		if (strcmp(audit[i], f->name) == 0)
			return true;
	}
	return f->type == SIM_T_EMAIL && !sim_field_is_custom(f);
}

/* Can an index answer this condition? */
static bool
is_optimizable(const soql_cond *c)
{
	if (c->kind != SOQL_C_TEST || c->expr.func != NULL || c->expr.path.nsteps != 1)
		return false;
	switch (c->op)
	{
		case SOQL_EQ:
		case SOQL_LT:
		case SOQL_LE:
		case SOQL_GT:
		case SOQL_GE:
			return c->values != NULL && c->values->kind != SOQL_L_NULL;
		case SOQL_IN:
			return true;
		case SOQL_LIKE:
			return c->values != NULL && c->values->len > 0 && c->values->text[0] != '%' &&
				   c->values->text[0] != '_';
		default:
			return false;
	}
}

/* Rows up to which an index is worth while. */
static double
threshold(const sim_field *f, int64_t rows)
{
	int64_t first = rows < 1000000 ? rows : 1000000;
	int64_t rest = rows - first;
	bool custom = f != NULL && sim_field_is_custom(f);
	int64_t n = custom ? first / 10 + rest / 20 : first * 3 / 10 + rest * 15 / 100;

	return n < 1 ? 1 : (double) n;
}

/* What answers of orgs of 3, 1,001 and 1,500,000 rows have in common. */
static double
scan_cost(bool filtered, int64_t rows, double limit)
{
	if (!filtered)
		return (1.05 * (double) (rows - 1) + 0.65) / limit;
	return (limit <= 1 ? 0.3 : 1.159) + 0.35 * (double) rows / limit;
}

static int
by_cost(const void *a, const void *b)
{
	const plan *x = a;
	const plan *y = b;

	return x->cost < y->cost ? -1 : x->cost > y->cost;
}

static void
add_plan(plan *plans, int *n, const char *operation, const sim_field *f, int64_t cardinality,
		 double cost)
{
	for (int i = 0; i < *n; i++)
	{
		if (f != NULL && plans[i].field == f)
			return;
	}
	if (*n < MAX_PLANS)
		plans[(*n)++] = (plan){operation, f, cardinality, cost};
}

static void
add_indexes(const soql_plan *p, const soql_cond *c, int64_t found, int64_t rows, plan *plans,
			int *n)
{
	const sim_field *f;

	if (c == NULL)
		return;
	if (c->kind == SOQL_C_AND)
	{
		for (const soql_cond *kid = c->kids; kid != NULL; kid = kid->next)
			add_indexes(p, kid, found, rows, plans, n);
		return;
	}
	if (!is_optimizable(c))
		return;
	f = sim_field_find(p->object, c->expr.path.step[0]);
	if (f != NULL && is_indexed(f))
		add_plan(plans, n, "Index", f, found < 1 ? 1 : found,
				 (double) found / threshold(f, rows));
}

static void
print_plan(const plan *p, const sim_object *obj, int64_t rows, sim_buf *out)
{
	char cost[SIM_DOUBLE_SIZE];

	sim_format_double(p->cost, cost);
	sim_buf_printf(out, "{\"cardinality\":%lld,\"fields\":[", (long long) p->cardinality);
	if (p->field != NULL)
		sim_buf_printf(out, "\"%s\"", p->field->name);
	sim_buf_printf(out, "],\"leadingOperationType\":\"%s\",\"notes\":[", p->operation);
	if (sim_object_has_deleted(obj))
		sim_buf_printf(out,
					   "{\"description\":\"Not considering filter for optimization because "
					   "unindexed\",\"fields\":[\"IsDeleted\"],\"tableEnumOrId\":\"%s\"}",
					   obj->name);
	sim_buf_printf(out,
				   "],\"relativeCost\":%s,\"sobjectCardinality\":%lld,\"sobjectType\":\"%s\"}",
				   cost, (long long) rows, obj->name);
}

bool
sim_query_explain(sim_org *org, const char *soql, unsigned flags, const char *version,
				  sim_buf *out, sim_error *err)
{
	sim_query *q = sim_query_prepare(org, soql, flags, version, err);
	const soql_plan *p;
	plan plans[MAX_PLANS];
	int n = 0;
	int64_t rows;
	int64_t found;
	int64_t scanned;

	if (q == NULL)
		return false;
	p = q->shape->plan;
	rows = sim_org_row_count(org, p->object);
	found = sim_query_total(q, err); /* estimates may be exact */
	if (found < 0)
	{
		sim_query_free(q);
		return false;
	}
	add_indexes(p, p->tree->where, found, rows, plans, &n);
	/* without a filter half of the table is expected, and a limit is an optimization of its own */
	if (p->tree->where == NULL && p->tree->limit >= 0)
		add_plan(plans, &n, "Other", NULL, p->tree->limit,
				 (double) p->tree->limit / threshold(NULL, rows));
	scanned = p->tree->where == NULL ? (rows + 1) / 2 : found;
	if (scanned < 1)
		scanned = 1;
	add_plan(plans, &n, "TableScan", NULL, scanned,
			 scan_cost(p->tree->where != NULL, scanned, threshold(NULL, rows)));
	qsort(plans, (size_t) n, sizeof(plans[0]), by_cost);
	sim_buf_str(out, "{\"plans\":[");
	for (int i = 0; i < n; i++)
	{
		sim_buf_str(out, i > 0 ? "," : "");
		print_plan(&plans[i], p->object, rows, out);
	}
	sim_buf_str(out, "],\"sourceQuery\":");
	sim_json_string(out, soql, strlen(soql));
	sim_buf_char(out, '}');
	sim_query_free(q);
	return !out->failed || sim_error_set(err, "UNKNOWN_EXCEPTION", "out of memory");
}
