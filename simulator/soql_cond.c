/*
 * soql_cond.c
 *		The parser's other half: functions, literals and conditions.
 *
 * AND and OR are never mixed without parentheses, and numbers have no exponent.
 */
#include "soql.h"
#include "calendar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- functions */

/* A decimal number with its sign; *out. */
static bool
parse_decimal(soql_parser *p, double *out)
{
	char *text;

	if (p->tok.kind != SOQL_NUMBER)
		return soql_unexpected(p);
	text = soql_token_copy(p);
	if (text == NULL)
		return false;
	*out = strtod(text, NULL);
	return soql_advance(p);
}

/* The arguments of DISTANCE: field, GEOLOCATION(latitude, longitude), 'mi' or 'km' */
static bool
parse_distance(soql_parser *p, soql_expr *e)
{
	e->is_distance = true;
	if (!soql_parse_path(p, &e->path) || !soql_expect_punct(p, ',') ||
		!soql_expect_word(p, "GEOLOCATION") || !soql_expect_punct(p, '(') ||
		!parse_decimal(p, &e->latitude) || !soql_expect_punct(p, ',') ||
		!parse_decimal(p, &e->longitude) || !soql_expect_close(p) ||
		!soql_expect_punct(p, ','))
		return false;
	if (p->tok.kind != SOQL_STRING)
		return soql_unexpected(p);
	e->miles = p->tok.len == 4 && strncasecmp(p->tok.text + 1, "mi", 2) == 0;
	if (!e->miles && (p->tok.len != 4 || strncasecmp(p->tok.text + 1, "km", 2) != 0))
		return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
							 "Invalid distance unit: %.*s. Valid unit: 'mi', 'km'",
							 p->tok.len > 100 ? 100 : p->tok.len, p->tok.text);
	return soql_advance(p) && soql_expect_close(p);
}

/* A path, or a function of one, perhaps inside of another; COUNT() has no argument. */
bool
soql_parse_expr(soql_parser *p, soql_expr *e)
{
	e->pos = p->tok.pos;
	if (!soql_parse_path(p, &e->path))
		return false;
	if (!soql_is_punct(p, '('))
		return true;
	if (e->path.nsteps != 1)
		return soql_unexpected(p);
	e->func = e->path.step[0];
	memset(&e->path, 0, sizeof(e->path));
	if (!soql_advance(p))
		return false;
	if (soql_is_punct(p, ')') && strcasecmp(e->func, "COUNT") == 0)
		return soql_advance(p);
	if (strcasecmp(e->func, "DISTANCE") == 0)
		return parse_distance(p, e);
	if (!soql_parse_path(p, &e->path))
		return false;
	if (soql_is_punct(p, '(') && e->path.nsteps == 1)
	{
		e->inner = e->path.step[0];
		memset(&e->path, 0, sizeof(e->path));
		if (!soql_advance(p) || !soql_parse_path(p, &e->path) || !soql_expect_close(p))
			return false;
	}
	return soql_expect_close(p);
}

/* ---------------------------------------------------------------- literals */

/* A bare word where a value should be is taken for a variable of Apex. */
static bool
parse_variable(soql_parser *p, soql_literal *lit)
{
	soql_path path = {0};

	lit->kind = SOQL_L_BIND;
	p->has_bind = true;
	return soql_parse_path(p, &path);
}

/* null, true, false, TODAY, LAST_N_DAYS:5, USD5000 */
static bool
parse_word_literal(soql_parser *p, soql_literal *lit)
{
	const char *word = soql_token_copy(p);
	int takes;

	if (word == NULL)
		return false;
	lit->text = word;
	lit->len = strlen(word);
	if (soql_is_word(p, "null"))
		lit->kind = SOQL_L_NULL;
	else if (soql_is_word(p, "true") || soql_is_word(p, "false"))
	{
		lit->kind = SOQL_L_BOOL;
		lit->number = soql_is_word(p, "true");
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
			return parse_variable(p, lit);
		lit->kind = SOQL_L_RELATIVE;
		if (takes > 0)
		{
			char *n;

			if (!soql_advance(p) || !soql_expect_punct(p, ':'))
				return false;
			if (p->tok.kind != SOQL_NUMBER)
				return soql_unexpected(p);
			if ((n = soql_token_copy(p)) == NULL || !soql_parse_number(p, n, &lit->number))
				return false;
		}
	}
	return soql_advance(p);
}

static bool
parse_date_literal(soql_parser *p, soql_literal *lit)
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
		return soql_syntax_at(p->lx.err, p->lx.text, p->tok.pos, "Invalid %s: %s",
							  lit->kind == SOQL_L_DATE		 ? "date"
							  : lit->kind == SOQL_L_DATETIME ? "datetime"
															 : "time",
							  lit->text);
	if (day < SIM_FIRST_DAY || day > SIM_LAST_DAY)
		return soql_error_at(p->lx.err, "INVALID_FIELD", p->lx.text, p->tok.pos,
							 "date literal %s is outside of 1700-01-01 to 4000-12-31",
							 lit->text);
	return soql_advance(p);
}

static soql_literal *
parse_literal(soql_parser *p, bool like)
{
	soql_literal *lit = soql_node(p, sizeof(*lit));
	bool ok;

	if (lit == NULL)
		return NULL;
	lit->pos = p->tok.pos;
	lit->text = soql_token_copy(p);
	lit->len = (size_t) p->tok.len;
	if (lit->text == NULL)
		return NULL;
	switch (p->tok.kind)
	{
		case SOQL_IDENT:
			if (soql_is_reserved(&p->tok) && !soql_is_word(p, "null") &&
				!soql_is_word(p, "true") && !soql_is_word(p, "false"))
				ok = soql_unexpected(p);
			else
				ok = parse_word_literal(p, lit);
			break;
		case SOQL_STRING:
			lit->kind = SOQL_L_STRING;
			ok = soql_string_value(&p->lx, &p->tok, like, &lit->text, &lit->len) &&
				 soql_advance(p);
			break;
		case SOQL_CURRENCY:
			lit->currency = true;
			lit->text += 3;
			lit->len -= 3;
			ok = soql_advance(p);
			lit->kind = SOQL_L_NUMBER;
			break;
		case SOQL_NUMBER:
			lit->kind = SOQL_L_NUMBER;
			ok = soql_advance(p);
			break;
		case SOQL_DATE:
		case SOQL_DATETIME:
		case SOQL_TIME:
			ok = parse_date_literal(p, lit);
			break;
		default:
			ok = soql_is_punct(p, ':') ? soql_advance(p) && parse_variable(p, lit)
									   : soql_unexpected(p);
	}
	return ok ? lit : NULL;
}

/* ('a', 'b'), with the first value there; field is where the condition starts */
static soql_literal *
parse_list(soql_parser *p, int field)
{
	soql_literal *first = NULL;
	soql_literal **last = &first;

	for (;;)
	{
		if (soql_is_word(p, "null"))
		{
			soql_unexpected(p);
			return NULL;
		}
		if (first == NULL && soql_is_punct(p, ')'))
		{
			soql_unexpected_from(p, field);
			return NULL;
		}
		*last = parse_literal(p, false);
		if (*last == NULL)
			return NULL;
		last = &(*last)->next;
		if (!soql_is_punct(p, ','))
			return soql_expect_close(p) ? first : NULL;
		if (!soql_advance(p))
			return NULL;
	}
}

/* ---------------------------------------------------------------- conditions */

static bool
parse_operator(soql_parser *p, soql_op *op)
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

	if (soql_is_word(p, "NOT"))
	{
		*op = SOQL_NOT_IN;
		return soql_advance(p) && soql_expect_word(p, "IN");
	}
	if (p->tok.kind != SOQL_OP && p->tok.kind != SOQL_IDENT)
		return soql_unexpected(p);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
	{
		if (strlen(ops[i].text) == (size_t) p->tok.len &&
			strncasecmp(ops[i].text, p->tok.text, (size_t) p->tok.len) == 0)
		{
			*op = ops[i].op;
			return soql_advance(p);
		}
	}
	return soql_unexpected(p);
}

/* Values without parentheses: only Apex has those, as a variable. */
static bool
parse_bare_set(soql_parser *p, soql_cond *c)
{
	if (p->tok.kind != SOQL_STRING && p->tok.kind != SOQL_IDENT && !soql_is_punct(p, ':'))
		return soql_unexpected(p);
	p->has_bind = true;
	do
	{
		if (c->values != NULL && !soql_advance(p))
			return false;
		if ((c->values = parse_literal(p, false)) == NULL)
			return false;
	} while (soql_is_punct(p, ','));
	return true;
}

/* The right side of IN and its kin. */
static bool
parse_set(soql_parser *p, soql_cond *c)
{
	if (!soql_is_punct(p, '('))
		return parse_bare_set(p, c);
	if (!soql_advance(p))
		return false;
	if (soql_is_word(p, "SELECT") && (c->op == SOQL_IN || c->op == SOQL_NOT_IN))
	{
		c->sub = soql_parse_query(p, true);
		return c->sub != NULL && soql_expect_close(p);
	}
	c->values = parse_list(p, c->expr.pos);
	return c->values != NULL;
}

static soql_cond *
parse_test(soql_parser *p)
{
	soql_cond *c = soql_node(p, sizeof(*c));
	bool ok;

	if (c == NULL)
		return NULL;
	c->kind = SOQL_C_TEST;
	if (!soql_parse_expr(p, &c->expr))
		return NULL;
	c->op_pos = p->tok.pos;
	if (!parse_operator(p, &c->op))
		return NULL;
	if (c->op >= SOQL_IN)
		ok = parse_set(p, c);
	else if (c->op == SOQL_LIKE && soql_is_word(p, "null"))
		ok = soql_unexpected(p);
	else
	{
		c->values = parse_literal(p, c->op == SOQL_LIKE);
		ok = c->values != NULL;
	}
	return ok ? c : NULL;
}

static soql_cond *
parse_simple(soql_parser *p)
{
	soql_cond *c = NULL;

	if (++p->depth > SOQL_MAX_NEST)
	{
		soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
					  "conditions are nested too deeply");
		return NULL;
	}
	if (soql_is_punct(p, '('))
	{
		if (soql_advance(p) && (c = soql_parse_cond(p)) != NULL && !soql_expect_close(p))
			c = NULL;
	}
	else if (soql_is_word(p, "NOT"))
	{
		c = soql_node(p, sizeof(*c));
		if (c != NULL)
		{
			c->kind = SOQL_C_NOT;
			c->nkids = 1;
			if (!soql_advance(p) || (c->kids = parse_simple(p)) == NULL)
				c = NULL;
		}
	}
	else
		c = parse_test(p);
	p->depth--;
	return c;
}

/* a AND b AND c, or a OR b OR c; the other word in between is an error. */
soql_cond *
soql_parse_cond(soql_parser *p)
{
	soql_cond *first = parse_simple(p);
	soql_cond *chain;
	soql_cond *last = first;
	bool is_or;

	if (first == NULL || (!soql_is_word(p, "AND") && !soql_is_word(p, "OR")))
		return first;
	is_or = soql_is_word(p, "OR");
	chain = soql_node(p, sizeof(*chain));
	if (chain == NULL)
		return NULL;
	chain->kind = is_or ? SOQL_C_OR : SOQL_C_AND;
	chain->kids = first;
	chain->nkids = 1;
	while (soql_is_word(p, "AND") || soql_is_word(p, "OR"))
	{
		if (soql_is_word(p, "OR") != is_or)
		{
			soql_unexpected(p);
			return NULL;
		}
		if (!soql_advance(p) || (last->next = parse_simple(p)) == NULL)
			return NULL;
		last = last->next;
		chain->nkids++;
	}
	return chain;
}
