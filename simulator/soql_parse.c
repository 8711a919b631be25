/*
 * soql_parse.c
 *		SOQL tokens to a syntax tree, by recursive descent.
 *
 * Nothing here knows the schema.  The grammar is Salesforce's: AND and OR are never mixed
 * without parentheses, numbers have no exponent, clauses have a fixed order.
 */
#include "soql.h"
#include "calendar.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct parser
{
	soql_lexer lx;
	soql_token tok; /* the one to look at */
	int depth;
} parser;

static soql_query *parse_query(parser *p, bool nested);
static soql_cond *parse_cond(parser *p);

/* ---------------------------------------------------------------- tokens */

static bool
advance(parser *p)
{
	return soql_next_token(&p->lx, &p->tok);
}

static bool
unexpected(parser *p)
{
	if (p->tok.kind == SOQL_EOF)
		return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
							 "unexpected token: '<EOF>'");
	return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
						 "unexpected token: '%.*s'", p->tok.len > 80 ? 80 : p->tok.len,
						 p->tok.text);
}

static void *
node(parser *p, size_t size)
{
	void *n = soql_alloc(p->lx.arena, size);

	if (n == NULL)
		sim_error_set(p->lx.err, "UNKNOWN_EXCEPTION", "out of memory");
	return n;
}

static bool
token_is(const soql_token *t, const char *word)
{
	return t->kind == SOQL_IDENT && (size_t) t->len == strlen(word) &&
		   strncasecmp(t->text, word, (size_t) t->len) == 0;
}

static bool
is_word(const parser *p, const char *word)
{
	return token_is(&p->tok, word);
}

static bool
is_punct(const parser *p, char c)
{
	return p->tok.kind == SOQL_PUNCT && p->tok.text[0] == c;
}

/* Go past a word or sign that must be there. */
static bool
expect_word(parser *p, const char *word)
{
	return is_word(p, word) ? advance(p) : unexpected(p);
}

static bool
expect_punct(parser *p, char c)
{
	return is_punct(p, c) ? advance(p) : unexpected(p);
}

static char *
token_copy(parser *p)
{
	char *s = soql_strndup(p->lx.arena, p->tok.text, (size_t) p->tok.len);

	if (s == NULL)
		sim_error_set(p->lx.err, "UNKNOWN_EXCEPTION", "out of memory");
	return s;
}

static bool
is_reserved(const soql_token *t)
{
	static const char *const words[] = {
		"AND",		"ASC",	 "DESC", "EXCLUDES", "FIRST",  "FROM", "GROUP", "HAVING", "IN",
		"INCLUDES", "LAST",	 "LIKE", "LIMIT",	 "NOT",	   "NULL", "NULLS", "OR",	  "SELECT",
		"USING",	"WHERE", "WITH", "ORDER",	 "OFFSET", "FOR",  "TRUE",	"FALSE"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
	{
		if (token_is(t, words[i]))
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------- paths, expressions */

static bool
parse_path(parser *p, soql_path *path)
{
	path->pos = p->tok.pos;
	for (;;)
	{
		if (p->tok.kind != SOQL_IDENT || is_reserved(&p->tok))
			return unexpected(p);
		if (path->nsteps == SOQL_MAX_DEPTH + 3)
			return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, path->pos,
								 "only %d levels of child-to-parent relationships are allowed",
								 SOQL_MAX_DEPTH);
		if ((path->step[path->nsteps++] = token_copy(p)) == NULL || !advance(p))
			return false;
		if (!is_punct(p, '.'))
			return true;
		if (!advance(p))
			return false;
	}
}

/* The argument of a function: a path, perhaps in convertTimezone(), which changes nothing. */
static bool
parse_argument(parser *p, soql_expr *e)
{
	if (!parse_path(p, &e->path))
		return false;
	if (is_punct(p, '(') && e->path.nsteps == 1 &&
		strcasecmp(e->path.step[0], "convertTimezone") == 0)
	{
		memset(&e->path, 0, sizeof(e->path));
		return advance(p) && parse_path(p, &e->path) && expect_punct(p, ')');
	}
	return true;
}

/* A path, or a function of one; COUNT() has no argument. */
static bool
parse_expr(parser *p, soql_expr *e)
{
	e->pos = p->tok.pos;
	if (!parse_path(p, &e->path))
		return false;
	if (!is_punct(p, '('))
		return true;
	if (e->path.nsteps != 1)
		return unexpected(p);
	e->func = e->path.step[0];
	memset(&e->path, 0, sizeof(e->path));
	if (!advance(p))
		return false;
	if (is_punct(p, ')') && strcasecmp(e->func, "COUNT") == 0)
		return advance(p);
	return parse_argument(p, e) && expect_punct(p, ')');
}

/* ---------------------------------------------------------------- literals */

static bool
parse_number(parser *p, const char *text, int64_t *out)
{
	char *end;
	long long n;

	n = strtoll(text, &end, 10);
	if (*end != '\0' || n < 0 || n > INT_MAX)
		return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
							 "unexpected token: '%s'", text);
	*out = n;
	return true;
}

/* null, true, false, TODAY, LAST_N_DAYS:5, USD5000 */
static bool
parse_word_literal(parser *p, soql_literal *lit)
{
	const char *word = token_copy(p);
	int takes;

	if (word == NULL)
		return false;
	lit->text = word;
	lit->len = strlen(word);
	if (is_word(p, "null"))
		lit->kind = SOQL_L_NULL;
	else if (is_word(p, "true") || is_word(p, "false"))
	{
		lit->kind = SOQL_L_BOOL;
		lit->number = is_word(p, "true");
	}
	else if (lit->len > 3 && strspn(word + 3, "0123456789") == lit->len - 3)
	{
		lit->kind = SOQL_L_NUMBER;
		lit->currency = true;
		lit->text += 3;
		lit->len -= 3;
	}
	else
	{
		takes = sim_relative_takes_number(word);
		if (takes < 0)
			return unexpected(p);
		lit->kind = SOQL_L_RELATIVE;
		if (takes > 0)
		{
			char *n;

			if (!advance(p) || !expect_punct(p, ':'))
				return false;
			if (p->tok.kind != SOQL_NUMBER)
				return unexpected(p);
			if ((n = token_copy(p)) == NULL || !parse_number(p, n, &lit->number))
				return false;
		}
	}
	return advance(p);
}

static bool
parse_date_literal(parser *p, soql_literal *lit)
{
	size_t len = (size_t) p->tok.len;
	bool ok;
	int64_t day;

	if (p->tok.kind == SOQL_DATE)
	{
		lit->kind = SOQL_L_DATE;
		ok = sim_parse_date(lit->text, len, &lit->number);
		day = lit->number;
	}
	else if (p->tok.kind == SOQL_DATETIME)
	{
		lit->kind = SOQL_L_DATETIME;
		ok = sim_parse_datetime(lit->text, len, &lit->number);
		day = sim_floor_div(lit->number, MS_PER_DAY);
	}
	else
	{
		lit->kind = SOQL_L_TIME;
		ok = sim_parse_time(lit->text, len, &lit->number);
		day = 0;
	}
	if (!ok)
		return unexpected(p);
	if (day < SIM_FIRST_DAY || day > SIM_LAST_DAY)
		return soql_error_at(p->lx.err, "INVALID_FIELD", p->lx.text, p->tok.pos,
							 "date literal %s is outside of 1700-01-01 to 4000-12-31",
							 lit->text);
	return advance(p);
}

static soql_literal *
parse_literal(parser *p, bool like)
{
	soql_literal *lit = node(p, sizeof(*lit));
	bool ok;

	if (lit == NULL)
		return NULL;
	lit->pos = p->tok.pos;
	lit->text = token_copy(p);
	lit->len = (size_t) p->tok.len;
	if (lit->text == NULL)
		return NULL;
	switch (p->tok.kind)
	{
		case SOQL_IDENT:
			ok = parse_word_literal(p, lit);
			break;
		case SOQL_STRING:
			lit->kind = SOQL_L_STRING;
			ok = soql_string_value(&p->lx, &p->tok, like, &lit->text, &lit->len) && advance(p);
			break;
		case SOQL_CURRENCY:
			lit->currency = true;
			lit->text += 3;
			lit->len -= 3;
			ok = advance(p);
			lit->kind = SOQL_L_NUMBER;
			break;
		case SOQL_NUMBER:
			lit->kind = SOQL_L_NUMBER;
			ok = advance(p);
			break;
		case SOQL_DATE:
		case SOQL_DATETIME:
		case SOQL_TIME:
			ok = parse_date_literal(p, lit);
			break;
		default:
			ok = unexpected(p);
	}
	return ok ? lit : NULL;
}

/* ('a', 'b'), with the parentheses already looked at */
static soql_literal *
parse_list(parser *p)
{
	soql_literal *first = NULL;
	soql_literal **last = &first;

	do
	{
		if (!advance(p))
			return NULL;
		if (is_word(p, "null"))
		{
			unexpected(p);
			return NULL;
		}
		*last = parse_literal(p, false);
		if (*last == NULL)
			return NULL;
		last = &(*last)->next;
	} while (is_punct(p, ','));
	return expect_punct(p, ')') ? first : NULL;
}

/* ---------------------------------------------------------------- conditions */

static bool
parse_operator(parser *p, soql_op *op)
{
	static const struct
	{
		const char *text;
		soql_op op;
	} ops[] = {{"=", SOQL_EQ},
			   {"!=", SOQL_NE},
			   {"<>", SOQL_NE},
			   {"<=", SOQL_LE},
			   {">=", SOQL_GE},
			   {"<", SOQL_LT},
			   {">", SOQL_GT},
			   {"LIKE", SOQL_LIKE},
			   {"IN", SOQL_IN},
			   {"INCLUDES", SOQL_INCLUDES},
			   {"EXCLUDES", SOQL_EXCLUDES}};

	if (is_word(p, "NOT"))
	{
		*op = SOQL_NOT_IN;
		return advance(p) && expect_word(p, "IN");
	}
	if (p->tok.kind != SOQL_OP && p->tok.kind != SOQL_IDENT)
		return unexpected(p);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
	{
		if (strlen(ops[i].text) == (size_t) p->tok.len &&
			strncasecmp(ops[i].text, p->tok.text, (size_t) p->tok.len) == 0)
		{
			*op = ops[i].op;
			return advance(p);
		}
	}
	return unexpected(p);
}

/* The right side of IN and its kin. */
static bool
parse_set(parser *p, soql_cond *c)
{
	soql_lexer saved = p->lx;
	soql_token open = p->tok;

	if (!is_punct(p, '('))
		return unexpected(p);
	if (!advance(p))
		return false;
	if (is_word(p, "SELECT") && (c->op == SOQL_IN || c->op == SOQL_NOT_IN))
	{
		c->sub = parse_query(p, true);
		return c->sub != NULL && expect_punct(p, ')');
	}
	p->lx = saved;
	p->tok = open;
	c->values = parse_list(p);
	return c->values != NULL;
}

static soql_cond *
parse_test(parser *p)
{
	soql_cond *c = node(p, sizeof(*c));
	bool ok;

	if (c == NULL)
		return NULL;
	c->kind = SOQL_C_TEST;
	if (!parse_expr(p, &c->expr))
		return NULL;
	c->op_pos = p->tok.pos;
	if (!parse_operator(p, &c->op))
		return NULL;
	if (c->op >= SOQL_IN)
		ok = parse_set(p, c);
	else
	{
		c->values = parse_literal(p, c->op == SOQL_LIKE);
		ok = c->values != NULL;
	}
	return ok ? c : NULL;
}

static soql_cond *
parse_simple(parser *p)
{
	soql_cond *c = NULL;

	if (++p->depth > SOQL_MAX_NEST)
	{
		soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
					  "conditions are nested too deeply");
		return NULL;
	}
	if (is_punct(p, '('))
	{
		if (advance(p) && (c = parse_cond(p)) != NULL && !expect_punct(p, ')'))
			c = NULL;
	}
	else if (is_word(p, "NOT"))
	{
		c = node(p, sizeof(*c));
		if (c != NULL)
		{
			c->kind = SOQL_C_NOT;
			c->nkids = 1;
			if (!advance(p) || (c->kids = parse_simple(p)) == NULL)
				c = NULL;
		}
	}
	else
		c = parse_test(p);
	p->depth--;
	return c;
}

/* a AND b AND c, or a OR b OR c; the other word in between is an error. */
static soql_cond *
parse_cond(parser *p)
{
	soql_cond *first = parse_simple(p);
	soql_cond *chain;
	soql_cond *last = first;
	bool is_or;

	if (first == NULL || (!is_word(p, "AND") && !is_word(p, "OR")))
		return first;
	is_or = is_word(p, "OR");
	chain = node(p, sizeof(*chain));
	if (chain == NULL)
		return NULL;
	chain->kind = is_or ? SOQL_C_OR : SOQL_C_AND;
	chain->kids = first;
	chain->nkids = 1;
	while (is_word(p, "AND") || is_word(p, "OR"))
	{
		if (is_word(p, "OR") != is_or)
		{
			unexpected(p);
			return NULL;
		}
		if (!advance(p) || (last->next = parse_simple(p)) == NULL)
			return NULL;
		last = last->next;
		chain->nkids++;
	}
	return chain;
}

/* ---------------------------------------------------------------- clauses */

static soql_item *
parse_item(parser *p)
{
	soql_item *item = node(p, sizeof(*item));

	if (item == NULL)
		return NULL;
	item->pos = p->tok.pos;
	if (is_punct(p, '('))
	{
		item->kind = SOQL_I_CHILDREN;
		if (!advance(p) || (item->sub = parse_query(p, true)) == NULL)
			return NULL;
		return expect_punct(p, ')') ? item : NULL;
	}
	if (is_word(p, "TYPEOF"))
	{
		soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
					  "TYPEOF is not supported here: the org has no polymorphic fields");
		return NULL;
	}
	if (!parse_expr(p, &item->expr))
		return NULL;
	if (item->expr.func != NULL && strcasecmp(item->expr.func, "FIELDS") == 0)
		item->kind = SOQL_I_FIELDS;
	if (p->tok.kind == SOQL_IDENT && !is_reserved(&p->tok))
	{
		item->alias = token_copy(p);
		if (item->alias == NULL || !advance(p))
			return NULL;
	}
	return item;
}

static bool
parse_items(parser *p, soql_query *q)
{
	soql_item **last = &q->items;

	do
	{
		if (!advance(p)) /* SELECT or the comma */
			return false;
		*last = parse_item(p);
		if (*last == NULL)
			return false;
		last = &(*last)->next;
	} while (is_punct(p, ','));
	return true;
}

/* Words that follow the object name without being an alias. */
static bool
starts_clause(const parser *p)
{
	return is_reserved(&p->tok) || is_word(p, "ALL") || is_word(p, "UPDATE");
}

static bool
add_alias(parser *p, soql_alias ***last, const soql_path *path)
{
	soql_alias *alias = node(p, sizeof(*alias));

	if (alias == NULL)
		return false;
	if (path != NULL)
		alias->path = *path;
	if (is_word(p, "AS") && !advance(p))
		return false;
	if (p->tok.kind != SOQL_IDENT || starts_clause(p))
		return unexpected(p);
	alias->name = token_copy(p);
	**last = alias;
	*last = &alias->next;
	return alias->name != NULL && advance(p);
}

/* FROM Contact c, c.Account a */
static bool
parse_from(parser *p, soql_query *q)
{
	soql_alias **last = &q->aliases;

	if (!expect_word(p, "FROM"))
		return false;
	if (p->tok.kind != SOQL_IDENT)
		return unexpected(p);
	q->object_pos = p->tok.pos;
	if ((q->object = token_copy(p)) == NULL || !advance(p))
		return false;
	if (p->tok.kind == SOQL_IDENT && !starts_clause(p) && !add_alias(p, &last, NULL))
		return false;
	while (is_punct(p, ','))
	{
		soql_path path = {0};

		if (!advance(p) || !parse_path(p, &path) || !add_alias(p, &last, &path))
			return false;
	}
	return true;
}

static bool
parse_scope(parser *p, soql_query *q)
{
	if (!advance(p) || !expect_word(p, "SCOPE"))
		return false;
	if (p->tok.kind != SOQL_IDENT)
		return unexpected(p);
	q->scope_pos = p->tok.pos;
	q->scope = token_copy(p);
	return q->scope != NULL && advance(p);
}

static bool
parse_groups(parser *p, soql_query *q)
{
	soql_group **last = &q->groups;

	if (!advance(p) || !is_word(p, "BY"))
		return unexpected(p);
	do
	{
		soql_group *g = node(p, sizeof(*g));

		if (g == NULL || !advance(p))
			return false;
		if (is_word(p, "ROLLUP") || is_word(p, "CUBE"))
			return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
								 "the simulator has no GROUP BY %.*s", p->tok.len,
								 p->tok.text);
		if (!parse_expr(p, &g->expr))
			return false;
		*last = g;
		last = &g->next;
	} while (is_punct(p, ','));
	return true;
}

static bool
parse_orders(parser *p, soql_query *q)
{
	soql_order **last = &q->orders;

	if (!advance(p) || !is_word(p, "BY"))
		return unexpected(p);
	do
	{
		soql_order *o = node(p, sizeof(*o));

		if (o == NULL || !advance(p) || !parse_expr(p, &o->expr))
			return false;
		if (is_word(p, "ASC") || is_word(p, "DESC"))
		{
			o->desc = is_word(p, "DESC");
			if (!advance(p))
				return false;
		}
		if (is_word(p, "NULLS"))
		{
			if (!advance(p))
				return false;
			if (!is_word(p, "FIRST") && !is_word(p, "LAST"))
				return unexpected(p);
			o->nulls = is_word(p, "FIRST") ? 1 : 2;
			if (!advance(p))
				return false;
		}
		*last = o;
		last = &o->next;
	} while (is_punct(p, ','));
	return true;
}

static bool
parse_count(parser *p, int64_t *out, int *pos)
{
	char *text;

	if (!advance(p))
		return false;
	*pos = p->tok.pos;
	if (p->tok.kind != SOQL_NUMBER)
		return unexpected(p);
	text = token_copy(p);
	return text != NULL && parse_number(p, text, out) && advance(p);
}

/* WITH SECURITY_ENFORCED and the like: the API applies the user's rights anyway. */
static bool
parse_with(parser *p)
{
	if (!advance(p))
		return false;
	if (!is_word(p, "SECURITY_ENFORCED") && !is_word(p, "USER_MODE") &&
		!is_word(p, "SYSTEM_MODE"))
		return unexpected(p);
	return advance(p);
}

/* FOR VIEW, FOR REFERENCE, UPDATE TRACKING, UPDATE VIEWSTAT: no effect on the rows. */
static bool
parse_trailer(parser *p)
{
	if (is_word(p, "ALL"))
		return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
							 "ALL ROWS not allowed in this context");
	while (is_word(p, "FOR") || is_word(p, "UPDATE"))
	{
		bool is_for = is_word(p, "FOR");

		if (!advance(p))
			return false;
		if (is_for ? !is_word(p, "VIEW") && !is_word(p, "REFERENCE")
				   : !is_word(p, "TRACKING") && !is_word(p, "VIEWSTAT"))
			return unexpected(p);
		if (!advance(p))
			return false;
	}
	return true;
}

static bool
parse_clauses(parser *p, soql_query *q)
{
	if (is_word(p, "USING") && !parse_scope(p, q))
		return false;
	if (is_word(p, "WHERE") && (!advance(p) || (q->where = parse_cond(p)) == NULL))
		return false;
	if (is_word(p, "WITH") && !parse_with(p))
		return false;
	if (is_word(p, "GROUP") && !parse_groups(p, q))
		return false;
	if (is_word(p, "HAVING") && (!advance(p) || (q->having = parse_cond(p)) == NULL))
		return false;
	if (is_word(p, "ORDER") && !parse_orders(p, q))
		return false;
	if (is_word(p, "LIMIT") && !parse_count(p, &q->limit, &q->limit_pos))
		return false;
	if (is_word(p, "OFFSET") && !parse_count(p, &q->offset, &q->offset_pos))
		return false;
	return parse_trailer(p);
}

static soql_query *
parse_query(parser *p, bool nested)
{
	soql_query *q = node(p, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->limit = -1;
	q->offset = -1;
	if (++p->depth > SOQL_MAX_NEST || !is_word(p, "SELECT"))
	{
		unexpected(p);
		return NULL;
	}
	if (!parse_items(p, q) || !parse_from(p, q) || !parse_clauses(p, q))
		return NULL;
	p->depth--;
	if (!nested && p->tok.kind != SOQL_EOF)
	{
		unexpected(p);
		return NULL;
	}
	return q;
}

soql_query *
soql_parse(soql_arena *a, const char *text, sim_error *err)
{
	parser p = {0};
	size_t len = strlen(text);

	if (len > SOQL_MAX_LENGTH)
	{
		sim_error_set(err, "MALFORMED_QUERY",
					  "SOQL statements cannot be longer than %d characters.", SOQL_MAX_LENGTH);
		return NULL;
	}
	p.lx.text = text;
	p.lx.len = (int) len;
	p.lx.arena = a;
	p.lx.err = err;
	if (!advance(&p))
		return NULL;
	return parse_query(&p, false);
}
