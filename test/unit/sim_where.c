/*
 * sim_where.c
 *		Random conditions of the simulated org against a second, simpler evaluator, over rows
 *		with nulls, other-case text, awkward characters and boundary dates.
 */
#include "tap.h"
#include "engine.h"
#include "text.h"

#include <strings.h>

static sim_org *org;

static sim_query *
start(const char *soql, unsigned flags)
{
	sim_error err = {0};
	sim_query *q = sim_query_prepare(org, soql, flags, "62.0", &err);

	if (q == NULL)
		diag("%s: %s: %s", soql, err.code, err.message);
	return q;
}

/* ---------------------------------------------------------------- random conditions */

#define NROWS 1000

enum
{
	C_NAME,
	C_CODE,
	C_PRIORITY,
	C_KEY,
	C_AMOUNT,
	C_EMPLOYEES,
	C_CLOSE,
	C_DUE,
	C_PAID,
	C_TAGS,
	C_ACCOUNT,
	C_PARENT_NAME,
	C_PARENT_SIZE,
	NCOLS
};

static const char *const invoice_paths[NCOLS] = {"Name",
												 "Code__c",
												 "Priority__c",
												 "Legacy_Code__c",
												 "Amount__c",
												 "Employees__c",
												 "Close_Date__c",
												 "Due_At__c",
												 "Is_Paid__c",
												 "Tags__c",
												 "Account__c",
												 "Account__r.Name",
												 "Account__r.NumberOfEmployees"};

/* The same kinds of columns by way of polymorphic references; NULL: there is none of the kind. */
static const char *const task_paths[NCOLS] = {
	[C_NAME] = "Subject",		[C_CODE] = "What.Type",		  [C_PRIORITY] = "Priority",
	[C_CLOSE] = "ActivityDate", [C_DUE] = "CreatedDate",	  [C_PAID] = "IsClosed",
	[C_ACCOUNT] = "WhatId",		[C_PARENT_NAME] = "What.Name"};

static const char *const *paths = invoice_paths;
static const char *object = "Invoice__c";
static int nrows = NROWS;

/* A value with memory of its own. */
typedef struct copy
{
	sim_kind kind;
	int64_t i;
	double d;
	char *text;
} copy;

static copy table[NROWS][NCOLS];
static char ids[NROWS][SIM_ID_SIZE];
static uint64_t seed = 20240229;

static unsigned
dice(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned) ((seed >> 20) % n);
}

static bool
load_table(void)
{
	sim_buf soql = {0};
	sim_error err = {0};
	sim_query *q;
	int n = 0;

	sim_buf_str(&soql, "SELECT Id");
	for (int c = 0; c < NCOLS; c++)
		if (paths[c] != NULL)
			sim_buf_printf(&soql, ", %s", paths[c]);
	sim_buf_printf(&soql, " FROM %s", object);
	q = start(soql.data, 0);
	sim_buf_free(&soql);
	while (q != NULL && n < nrows && sim_query_step(q, &err) == 1)
	{
		sim_value v;

		sim_query_value(q, 0, &v);
		memcpy(ids[n], v.text, SIM_ID_LEN);
		for (int c = 0, at = 1; c < NCOLS; c++)
		{
			if (paths[c] == NULL)
				continue;
			sim_query_value(q, at++, &v);
			table[n][c].kind = v.kind;
			table[n][c].i = v.i;
			table[n][c].d = v.d;
			if (v.text != NULL)
				table[n][c].text = strndup(v.text, v.len);
		}
		n++;
	}
	sim_query_free(q);
	return n == nrows;
}

typedef enum op
{
	EQ,
	NE,
	LT,
	LE,
	GT,
	GE,
	LIKE,
	IN,
	NOT_IN,
	IS_NULL,
	NOT_NULL,
	INCLUDES,
	EXCLUDES
} op;

typedef struct cond
{
	char kind; /* 't'est, 'a'nd, 'o'r, 'n'ot */
	struct cond *a;
	struct cond *b;
	int col;
	op op;
	const copy *value[3]; /* a value of some row; text of a pattern */
	int nvalues;
	char pattern[64];
} cond;

static bool
is_text_column(int c)
{
	return c == C_NAME || c == C_CODE || c == C_PRIORITY || c == C_KEY || c == C_PARENT_NAME;
}

static int
compare(int col, const copy *a, const copy *b)
{
	const char *ta = a->text ? a->text : "";
	const char *tb = b->text ? b->text : "";

	if (col == C_KEY)
		return strcmp(ta, tb);
	if (is_text_column(col) || col == C_TAGS)
		return sim_text_compare(NULL, (int) strlen(ta), ta, (int) strlen(tb), tb);
	if (col == C_ACCOUNT)
		return strcmp(ta, tb);
	if (col == C_AMOUNT)
		return (a->d > b->d) - (a->d < b->d);
	return (a->i > b->i) - (a->i < b->i);
}

/* Every member of wanted is one of have; splits both by itself. */
static bool
has_all(const char *have, const char *wanted)
{
	char buf[300];
	char *save;

	snprintf(buf, sizeof(buf), "%s", wanted);
	for (char *w = strtok_r(buf, ";", &save); w != NULL; w = strtok_r(NULL, ";", &save))
	{
		size_t len = strlen(w);
		bool found = false;

		for (const char *h = have; h != NULL && !found;
			 h = strchr(h, ';') ? strchr(h, ';') + 1 : NULL)
			found = strncasecmp(h, w, len) == 0 && (h[len] == ';' || h[len] == '\0');
		if (!found)
			return false;
	}
	return true;
}

/* Salesforce's semantics with the default switches, written a second time. */
static bool
holds(const cond *c, int row)
{
	const copy *v = &table[row][c->col];
	bool null = v->kind == SIM_NULL;
	bool hit = false;
	int order;

	switch (c->kind)
	{
		case 'a':
			return holds(c->a, row) && holds(c->b, row);
		case 'o':
			return holds(c->a, row) || holds(c->b, row);
		case 'n':
			return !holds(c->a, row);
	}
	if (c->op == IS_NULL || c->op == NOT_NULL)
	{
		if (c->col == C_PAID)
			return (v->i != 0) == (c->op == NOT_NULL);
		return null == (c->op == IS_NULL);
	}
	for (int i = 0; i < c->nvalues && !null; i++)
	{
		if (c->op == INCLUDES || c->op == EXCLUDES)
			hit |= has_all(v->text, c->value[i]->text);
		else
			hit |= compare(c->col, v, c->value[i]) == 0;
	}
	order = null && !is_text_column(c->col) ? 0 : compare(c->col, v, c->value[0]);
	switch (c->op)
	{
		case EQ:
		case IN:
		case INCLUDES:
			return hit;
		case NE:
		case NOT_IN:
		case EXCLUDES:
			return !hit;
		case LIKE:
			return !null && sim_text_like(c->pattern, strlen(c->pattern), v->text,
										  strlen(v->text), c->col != C_KEY);
		default:
			/* null text sorts as empty text, other nulls compare to nothing */
			if (null && !is_text_column(c->col))
				return false;
			return c->op == LT	 ? order < 0
				   : c->op == LE ? order <= 0
				   : c->op == GT ? order > 0
								 : order >= 0;
	}
}

static void
print_text(sim_buf *b, const char *text)
{
	sim_buf_char(b, '\'');
	for (; *text != '\0'; text++)
	{
		if (*text == '\'' || *text == '\\')
			sim_buf_char(b, '\\');
		if (*text == '\n')
			sim_buf_str(b, "\\n");
		else
			sim_buf_char(b, *text);
	}
	sim_buf_char(b, '\'');
}

static void
print_value(sim_buf *b, int col, const copy *v)
{
	char text[SIM_DATETIME_SIZE];

	if (v->text != NULL)
		print_text(b, v->text);
	else if (col == C_AMOUNT)
		sim_buf_printf(b, "%.2f", v->d);
	else if (col == C_CLOSE)
		sim_buf_add(b, text, sim_format_date(v->i, text));
	else if (col == C_DUE)
		sim_buf_add(b, text, sim_format_datetime(v->i, "Z", text));
	else if (col == C_PAID)
		sim_buf_str(b, v->i ? "true" : "false");
	else
		sim_buf_printf(b, "%lld", (long long) v->i);
}

static void
print_cond(sim_buf *b, const cond *c)
{
	static const char *const ops[] = {"=",		 "!=",		 "<",		"<=",	  ">",
									  ">=",		 "LIKE",	 "IN",		"NOT IN", "= null",
									  "!= null", "INCLUDES", "EXCLUDES"};

	if (c->kind != 't')
	{
		sim_buf_str(b, c->kind == 'n' ? "(NOT " : "(");
		print_cond(b, c->a);
		if (c->kind != 'n')
		{
			sim_buf_str(b, c->kind == 'a' ? " AND " : " OR ");
			print_cond(b, c->b);
		}
		sim_buf_char(b, ')');
		return;
	}
	sim_buf_printf(b, "(%s %s ", paths[c->col], ops[c->op]);
	if (c->op == LIKE)
	{
		/* the pattern is SOQL already */
		sim_buf_printf(b, "'%s'", c->pattern);
	}
	else if (c->op >= IN && c->op != IS_NULL && c->op != NOT_NULL)
	{
		for (int i = 0; i < c->nvalues; i++)
		{
			sim_buf_char(b, i ? ',' : '(');
			print_value(b, c->col, c->value[i]);
		}
		sim_buf_char(b, ')');
	}
	else if (c->op < IN)
		print_value(b, c->col, c->value[0]);
	sim_buf_char(b, ')');
}

static op
random_op(int col)
{
	static const op text[] = {EQ, NE, LT, LE, GT, GE, LIKE, IN, NOT_IN, IS_NULL, NOT_NULL};
	static const op plain[] = {EQ, NE, LT, LE, GT, GE, IN, NOT_IN, IS_NULL, NOT_NULL};
	static const op multi[] = {EQ, NE, INCLUDES, EXCLUDES, IS_NULL, NOT_NULL};
	static const op flags[] = {EQ, NE, IS_NULL, NOT_NULL};

	if (is_text_column(col))
		return text[dice(11)];
	if (col == C_TAGS)
		return multi[dice(6)];
	return col == C_PAID ? flags[dice(4)] : plain[dice(10)];
}

static void
random_pattern(cond *c)
{
	static const char *const some[] = {"%a%",  "acme",	"A%",	 "%\\\\%", "_",
									   "__%_", "%\\%%", "%\\_%", "%E%",	   "key-00000_0",
									   "%,%",  "",		"%"};

	snprintf(c->pattern, sizeof(c->pattern), "%s", some[dice(13)]);
}

static cond *
random_cond(int depth)
{
	cond *c = calloc(1, sizeof(*c));
	unsigned kind = depth > 0 ? dice(5) : 4;

	c->kind = "aonat"[kind];
	if (c->kind != 't')
	{
		c->a = random_cond(depth - 1);
		if (c->kind != 'n')
			c->b = random_cond(depth - 1);
		return c;
	}
	do
		c->col = (int) dice(NCOLS);
	while (paths[c->col] == NULL);
	c->op = random_op(c->col);
	c->nvalues = c->op >= IN ? 1 + (int) dice(3) : 1;
	for (int i = 0; i < c->nvalues; i++)
	{
		/* a value of some row, so that conditions hit */
		do
			c->value[i] = &table[dice((unsigned) nrows)][c->col];
		while (c->value[i]->kind == SIM_NULL);
	}
	random_pattern(c);
	return c;
}

static void
free_cond(cond *c)
{
	if (c == NULL)
		return;
	free_cond(c->a);
	free_cond(c->b);
	free(c);
}

/* Do the rows of the query have exactly the ids the second evaluator expects? */
static bool
agrees(const cond *c, int *hits)
{
	sim_buf b = {0};
	sim_error err = {0};
	sim_query *q;
	int row = 0;
	bool good = true;

	sim_buf_printf(&b, "SELECT Id FROM %s WHERE ", object);
	print_cond(&b, c);
	q = start(b.data, 0);
	for (;;)
	{
		sim_value v;
		int rc = q ? sim_query_step(q, &err) : -1;

		while (row < nrows && !holds(c, row))
			row++;
		if (rc != 1)
		{
			good = rc == 0 && row == nrows;
			break;
		}
		sim_query_value(q, 0, &v);
		if (row == nrows || memcmp(v.text, ids[row], SIM_ID_LEN) != 0)
		{
			good = false;
			break;
		}
		row++;
		(*hits)++;
	}
	if (!good)
		diag("row %d (%s): %s", row, row < nrows ? ids[row] : "end", b.data);
	sim_query_free(q);
	sim_buf_free(&b);
	return good;
}

static void
test_random(void)
{
	int hits = 0;
	bool good = true;

	if (!ok(load_table(), "the table is read"))
		return;
	for (int i = 0; good && i < 3000; i++)
	{
		cond *c = random_cond(i < 1500 ? 0 : 3);

		good = agrees(c, &hits);
		free_cond(c);
	}
	ok(good, "%s: 3,000 random conditions give the rows a second evaluator expects", object);
	ok(hits > 100 * nrows, "they do hit (%d rows)", hits);
	for (int r = 0; r < nrows; r++)
	{
		for (int c = 0; c < NCOLS; c++)
		{
			free(table[r][c].text);
			table[r][c].text = NULL;
		}
	}
}

int
main(void)
{
	sim_options opt;
	sim_error err = {0};

	sim_options_init(&opt);
	org = sim_org_open(&opt, &err);
	if (ok(org != NULL, "an org is opened"))
	{
		test_random();
		object = "Task";
		paths = task_paths;
		nrows = 400;
		test_random();
	}
	else
		diag("%s", err.message);
	sim_org_close(org);
	return tap_done();
}
