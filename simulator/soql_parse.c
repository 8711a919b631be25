/*
 * soql_parse.c
 *		SOQL tokens to a syntax tree, by recursive descent: SELECT, FROM and the clauses.
 *
 * Nothing here knows the schema.  The grammar is Salesforce's: clauses have a fixed order, few words are
 * reserved, and what cannot be is reported as its parser (an ANTLR one) reports it.
 */
#include "soql.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- tokens */

bool
soql_advance(soql_parser *p)
{
	return soql_next_token(&p->lx, &p->tok);
}

bool
soql_unexpected(soql_parser *p)
{
	const soql_token *t = &p->tok;

	if (t->kind == SOQL_EOF)
		return soql_syntax_at(p->lx.err, p->lx.text, t->pos, "unexpected token: '<EOF>'");
	/* a string is several tokens to Salesforce; the quote is the first of them */
	return soql_syntax_at(p->lx.err, p->lx.text, t->pos, "unexpected token: '%.*s'",
						  t->kind == SOQL_STRING ? 1
						  : t->len > 80			 ? 80
												 : t->len,
						  t->text);
}

bool
soql_unexpected_from(soql_parser *p, int from)
{
	int end = p->tok.pos + p->tok.len;

	if (p->tok.kind == SOQL_EOF || end - from > 200)
		return soql_unexpected(p);
	return soql_syntax_at(p->lx.err, p->lx.text, p->tok.pos, "unexpected token: '%.*s'",
						  end - from, p->lx.text + from);
}

void *
soql_node(soql_parser *p, size_t size)
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

bool
soql_is_word(const soql_parser *p, const char *word)
{
	return token_is(&p->tok, word);
}

bool
soql_is_punct(const soql_parser *p, char c)
{
	return p->tok.kind == SOQL_PUNCT && p->tok.text[0] == c;
}

bool
soql_expect_word(soql_parser *p, const char *word)
{
	return soql_is_word(p, word) ? soql_advance(p) : soql_unexpected(p);
}

bool
soql_expect_punct(soql_parser *p, char c)
{
	return soql_is_punct(p, c) ? soql_advance(p) : soql_unexpected(p);
}

bool
soql_expect_close(soql_parser *p)
{
	static const char *const follow[] = {"FROM",  "GROUP",	"HAVING", "ORDER",
										 "LIMIT", "OFFSET", "WITH",	  "FOR"};

	if (soql_is_punct(p, ')'))
		return soql_advance(p);
	/* where the token fits behind the parenthesis, the parser takes that one for forgotten */
	for (size_t i = 0; i < sizeof(follow) / sizeof(follow[0]); i++)
	{
		if (soql_is_word(p, follow[i]))
			return soql_syntax_at(p->lx.err, p->lx.text, p->tok.pos, "missing value at '%.*s'",
								  p->tok.len, p->tok.text);
	}
	return soql_unexpected(p);
}

char *
soql_token_copy(soql_parser *p)
{
	char *s = soql_strndup(p->lx.arena, p->tok.text, (size_t) p->tok.len);

	if (s == NULL)
		sim_error_set(p->lx.err, "UNKNOWN_EXCEPTION", "out of memory");
	return s;
}

bool
soql_is_reserved(const soql_token *t)
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

/* ---------------------------------------------------------------- paths */

bool
soql_parse_path(soql_parser *p, soql_path *path)
{
	path->pos = p->tok.pos;
	for (;;)
	{
		/* Group and Order are relationships, too */
		if (p->tok.kind != SOQL_IDENT ||
			(path->nsteps == 0 && soql_is_reserved(&p->tok) && p->lx.text[p->lx.at] != '.'))
			return soql_unexpected(p);
		if (path->nsteps == SOQL_MAX_DEPTH + 3)
			return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, path->pos,
								 "only %d levels of child-to-parent relationships are allowed",
								 SOQL_MAX_DEPTH);
		if ((path->step[path->nsteps++] = soql_token_copy(p)) == NULL || !soql_advance(p))
			return false;
		if (!soql_is_punct(p, '.'))
			return true;
		if (!soql_advance(p))
			return false;
	}
}

/* ---------------------------------------------------------------- the SELECT list */

static soql_item *parse_item(soql_parser *p, bool alone);

/* Items with commas between them; the first token is already there. */
static soql_item *
parse_item_list(soql_parser *p)
{
	soql_item *first = NULL;
	soql_item **last = &first;

	for (;;)
	{
		*last = parse_item(p, true);
		if (*last == NULL)
			return NULL;
		last = &(*last)->next;
		if (!soql_is_punct(p, ','))
			return first;
		if (!soql_advance(p))
			return NULL;
	}
}

/* TYPEOF What WHEN Account THEN Phone, Name WHEN … ELSE Name END, with TYPEOF behind us */
static bool
parse_typeof(soql_parser *p, soql_item *item)
{
	soql_when **last = &item->whens;

	item->kind = SOQL_I_TYPEOF;
	if (!soql_parse_path(p, &item->expr.path))
		return false;
	while (soql_is_word(p, "WHEN") || soql_is_word(p, "ELSE"))
	{
		bool is_when = soql_is_word(p, "WHEN");
		soql_when *w = soql_node(p, sizeof(*w));

		if (w == NULL || !soql_advance(p))
			return false;
		w->pos = p->tok.pos;
		if (is_when)
		{
			if (p->tok.kind != SOQL_IDENT || soql_is_reserved(&p->tok))
				return soql_unexpected(p);
			if ((w->object = soql_token_copy(p)) == NULL || !soql_advance(p) ||
				!soql_expect_word(p, "THEN"))
				return false;
		}
		if ((w->fields = parse_item_list(p)) == NULL)
			return false;
		*last = w;
		last = &w->next;
		if (!is_when)
			break;
	}
	if (item->whens == NULL || item->whens->object == NULL)
		return soql_unexpected(p);
	return soql_expect_word(p, "END");
}

static bool
may_be_alias(const soql_parser *p)
{
	return p->tok.kind == SOQL_IDENT && !soql_is_reserved(&p->tok);
}

/* inside: of a TYPEOF, where there are fields only. */
static soql_item *
parse_item(soql_parser *p, bool inside)
{
	soql_item *item = soql_node(p, sizeof(*item));

	if (item == NULL)
		return NULL;
	item->pos = p->tok.pos;
	if (inside)
	{
		item->expr.pos = p->tok.pos;
		return soql_parse_path(p, &item->expr.path) ? item : NULL;
	}
	if (soql_is_punct(p, '('))
	{
		item->kind = SOQL_I_CHILDREN;
		if (!soql_advance(p) || (item->sub = soql_parse_query(p, true)) == NULL)
			return NULL;
		return soql_expect_close(p) ? item : NULL;
	}
	if (soql_is_word(p, "TYPEOF"))
		return soql_advance(p) && parse_typeof(p, item) ? item : NULL;
	if (!soql_parse_expr(p, &item->expr))
		return NULL;
	if (item->expr.func != NULL && strcasecmp(item->expr.func, "FIELDS") == 0)
		item->kind = SOQL_I_FIELDS;
	if (may_be_alias(p))
	{
		item->alias = soql_token_copy(p);
		if (item->alias == NULL || !soql_advance(p))
			return NULL;
	}
	return item;
}

static bool
parse_items(soql_parser *p, soql_query *q)
{
	soql_item **last = &q->items;
	int start = p->tok.pos;

	do
	{
		if (!soql_advance(p)) /* SELECT or the comma */
			return false;
		/* nothing at all is told with the word that asked for it */
		if (q->items == NULL && soql_is_word(p, "FROM"))
			return soql_unexpected_from(p, start);
		*last = parse_item(p, false);
		if (*last == NULL)
			return false;
		last = &(*last)->next;
	} while (soql_is_punct(p, ','));
	return true;
}

/* ---------------------------------------------------------------- FROM */

/* Words that follow the object name without being an alias. */
static bool
starts_clause(const soql_parser *p)
{
	return soql_is_reserved(&p->tok) || soql_is_word(p, "ALL") || soql_is_word(p, "UPDATE");
}

static bool
add_alias(soql_parser *p, soql_alias ***last, const soql_path *path)
{
	soql_alias *alias = soql_node(p, sizeof(*alias));

	if (alias == NULL)
		return false;
	if (path != NULL)
		alias->path = *path;
	if (soql_is_word(p, "AS") && !soql_advance(p))
		return false;
	if (p->tok.kind != SOQL_IDENT || starts_clause(p))
		return soql_unexpected(p);
	alias->name = soql_token_copy(p);
	**last = alias;
	*last = &alias->next;
	return alias->name != NULL && soql_advance(p);
}

/* FROM Contact c, c.Account a; of a subquery FROM Account.Contacts, too */
static bool
parse_from(soql_parser *p, soql_query *q, bool nested)
{
	soql_alias **last = &q->aliases;

	if (!soql_expect_word(p, "FROM"))
		return false;
	/* Group and Order are objects as well as words of the grammar */
	if (p->tok.kind != SOQL_IDENT)
		return soql_unexpected(p);
	q->object_pos = p->tok.pos;
	if ((q->object = soql_token_copy(p)) == NULL || !soql_advance(p))
		return false;
	if (nested && soql_is_punct(p, '.'))
	{
		if (!soql_advance(p))
			return false;
		if (p->tok.kind != SOQL_IDENT)
			return soql_unexpected(p);
		q->object_pos = p->tok.pos;
		if ((q->object = soql_token_copy(p)) == NULL || !soql_advance(p))
			return false;
	}
	if (p->tok.kind == SOQL_IDENT && !starts_clause(p) && !add_alias(p, &last, NULL))
		return false;
	while (soql_is_punct(p, ','))
	{
		soql_path path = {0};

		if (!soql_advance(p) || !soql_parse_path(p, &path) || !add_alias(p, &last, &path))
			return false;
	}
	return true;
}

static bool
parse_scope(soql_parser *p, soql_query *q)
{
	if (!soql_advance(p) || !soql_expect_word(p, "SCOPE"))
		return false;
	if (p->tok.kind != SOQL_IDENT)
		return soql_unexpected(p);
	q->scope_pos = p->tok.pos;
	q->scope = soql_token_copy(p);
	return q->scope != NULL && soql_advance(p);
}

/* ---------------------------------------------------------------- the other clauses */

/* One expression, or with a comma behind it several; the last one ends the list. */
static bool
parse_group_list(soql_parser *p, soql_group ***last)
{
	for (;;)
	{
		soql_group *g = soql_node(p, sizeof(*g));

		if (g == NULL || !soql_parse_expr(p, &g->expr))
			return false;
		**last = g;
		*last = &g->next;
		if (!soql_is_punct(p, ','))
			return true;
		if (!soql_advance(p))
			return false;
	}
}

static bool
parse_groups(soql_parser *p, soql_query *q)
{
	soql_group **last = &q->groups;

	if (!soql_advance(p) || !soql_expect_word(p, "BY"))
		return false;
	if (soql_is_word(p, "ROLLUP") || soql_is_word(p, "CUBE"))
	{
		q->grouping = soql_token_copy(p);
		return q->grouping != NULL && soql_advance(p) && soql_expect_punct(p, '(') &&
			   parse_group_list(p, &last) && soql_expect_close(p);
	}
	return parse_group_list(p, &last);
}

static bool
parse_orders(soql_parser *p, soql_query *q)
{
	soql_order **last = &q->orders;

	if (!soql_advance(p) || !soql_is_word(p, "BY"))
		return soql_unexpected(p);
	do
	{
		soql_order *o = soql_node(p, sizeof(*o));

		if (o == NULL || !soql_advance(p) || !soql_parse_expr(p, &o->expr))
			return false;
		if (soql_is_word(p, "ASC") || soql_is_word(p, "DESC"))
		{
			o->desc = soql_is_word(p, "DESC");
			if (!soql_advance(p))
				return false;
		}
		if (soql_is_word(p, "NULLS"))
		{
			if (!soql_advance(p))
				return false;
			if (!soql_is_word(p, "FIRST") && !soql_is_word(p, "LAST"))
				return soql_unexpected(p);
			o->nulls = soql_is_word(p, "FIRST") ? 1 : 2;
			if (!soql_advance(p))
				return false;
		}
		*last = o;
		last = &o->next;
	} while (soql_is_punct(p, ','));
	return true;
}

bool
soql_parse_number(soql_parser *p, const char *text, int64_t *out)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	if (*end != '\0' || n < 0 || n > INT_MAX)
		return soql_unexpected(p);
	*out = n;
	return true;
}

static bool
parse_count(soql_parser *p, int64_t *out, int *pos)
{
	char *text;

	if (!soql_advance(p))
		return false;
	*pos = p->tok.pos;
	if (soql_is_punct(p, ':'))
	{
		p->has_bind = true;
		*out = 1;
		return soql_advance(p) &&
			   (p->tok.kind == SOQL_IDENT ? soql_advance(p) : soql_unexpected(p));
	}
	if (p->tok.kind != SOQL_NUMBER)
		return soql_unexpected(p);
	text = soql_token_copy(p);
	return text != NULL && soql_parse_number(p, text, out) && soql_advance(p);
}

/*
 * WITH SECURITY_ENFORCED, USER_MODE and SYSTEM_MODE are of Apex: an API call applies the user's rights
 * anyway and refuses the words (the text is what Salesforce's parser says of its own grammar).
 */
static bool
parse_with(soql_parser *p)
{
	if (!soql_advance(p))
		return false;
	if (p->tok.kind != SOQL_IDENT)
		return soql_unexpected(p);
	return soql_syntax_at(p->lx.err, p->lx.text, p->tok.pos,
						  "rule soqlWithIdentifierClause failed predicate: "
						  "{this.helper.allowApexSyntax() && this.helper.hasApexContext()}?");
}

/* FOR VIEW, FOR REFERENCE, UPDATE TRACKING, UPDATE VIEWSTAT: no effect on the rows. */
static bool
parse_trailer(soql_parser *p)
{
	while (soql_is_word(p, "FOR") || soql_is_word(p, "UPDATE"))
	{
		bool is_for = soql_is_word(p, "FOR");

		do
		{
			if (!soql_advance(p))
				return false;
			if (is_for && soql_is_word(p, "UPDATE"))
				return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, p->tok.pos,
									 "FOR UPDATE not allowed in this context");
			if (is_for ? !soql_is_word(p, "VIEW") && !soql_is_word(p, "REFERENCE")
					   : !soql_is_word(p, "TRACKING") && !soql_is_word(p, "VIEWSTAT"))
				return soql_unexpected(p);
			if (!soql_advance(p))
				return false;
		} while (soql_is_punct(p, ','));
	}
	if (soql_is_word(p, "ALL"))
	{
		int pos = p->tok.pos;

		if (!soql_advance(p) || !soql_expect_word(p, "ROWS"))
			return false;
		return soql_error_at(p->lx.err, "MALFORMED_QUERY", p->lx.text, pos,
							 "ALL ROWS not allowed in this context");
	}
	return true;
}

static bool
parse_clauses(soql_parser *p, soql_query *q)
{
	if (soql_is_word(p, "USING") && !parse_scope(p, q))
		return false;
	if (soql_is_word(p, "WHERE") &&
		(!soql_advance(p) || (q->where = soql_parse_cond(p)) == NULL))
		return false;
	if (soql_is_word(p, "WITH") && !parse_with(p))
		return false;
	if (soql_is_word(p, "GROUP") && !parse_groups(p, q))
		return false;
	if (soql_is_word(p, "HAVING") &&
		(!soql_advance(p) || (q->having = soql_parse_cond(p)) == NULL))
		return false;
	if (soql_is_word(p, "ORDER") && !parse_orders(p, q))
		return false;
	if (soql_is_word(p, "LIMIT") && !parse_count(p, &q->limit, &q->limit_pos))
		return false;
	if (soql_is_word(p, "OFFSET") && !parse_count(p, &q->offset, &q->offset_pos))
		return false;
	return parse_trailer(p);
}

soql_query *
soql_parse_query(soql_parser *p, bool nested)
{
	soql_query *q = soql_node(p, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->limit = -1;
	q->offset = -1;
	if (++p->depth > SOQL_MAX_NEST || !soql_is_word(p, "SELECT"))
	{
		soql_unexpected(p);
		return NULL;
	}
	if (!parse_items(p, q) || !parse_from(p, q, nested) || !parse_clauses(p, q))
		return NULL;
	p->depth--;
	if (!nested && p->tok.kind != SOQL_EOF)
	{
		soql_unexpected(p);
		return NULL;
	}
	return q;
}

soql_query *
soql_parse(soql_arena *a, const char *text, sim_error *err)
{
	soql_parser p = {0};
	size_t len = strlen(text);
	soql_query *q;

	if (len > SOQL_MAX_LENGTH)
	{
		sim_error_set(err, "MALFORMED_QUERY",
					  "SOQL statements cannot be longer than %d characters.", SOQL_MAX_LENGTH);
		return NULL;
	}
	if (text[strspn(text, " \t\r\n\f")] == '\0')
	{
		sim_error_set(err, "MALFORMED_QUERY", "SOQL statements cannot be empty or null");
		return NULL;
	}
	p.lx.text = text;
	p.lx.len = (int) len;
	p.lx.arena = a;
	p.lx.err = err;
	if (!soql_advance(&p) || (q = soql_parse_query(&p, false)) == NULL)
		return NULL;
	if (p.has_bind)
	{
		sim_error_set(err, "MALFORMED_QUERY", "Bind variables only allowed in Apex code");
		return NULL;
	}
	return q;
}
