/*
 * sim_soql.c
 *		The SOQL lexer and parser by themselves: trees of good queries, errors of bad ones.
 */
#include "tap.h"
#include "soql.h"

/* ---------------------------------------------------------------- a tree as text */

static void
dump_expr(sim_buf *b, const soql_expr *e)
{
	if (e->func != NULL)
		sim_buf_printf(b, "%s(", e->func);
	for (int i = 0; i < e->path.nsteps; i++)
		sim_buf_printf(b, "%s%s", i ? "." : "", e->path.step[i]);
	if (e->func != NULL)
		sim_buf_char(b, ')');
}

static void
dump_literal(sim_buf *b, const soql_literal *l)
{
	static const char *const kinds[] = {"str",	"num", "bool", "null",
										"date", "dt",  "time", "rel"};

	sim_buf_printf(b, " %s:", kinds[l->kind]);
	if (l->kind == SOQL_L_STRING || l->kind == SOQL_L_NUMBER || l->kind == SOQL_L_RELATIVE)
		sim_buf_add(b, l->text, l->len);
	if (l->kind != SOQL_L_STRING && l->kind != SOQL_L_NUMBER && l->kind != SOQL_L_NULL)
		sim_buf_printf(b, "%s%lld", l->kind == SOQL_L_RELATIVE ? ":" : "",
					   (long long) l->number);
	if (l->currency)
		sim_buf_char(b, '$');
}

static void dump_query(sim_buf *b, const soql_query *q);

static void
dump_cond(sim_buf *b, const soql_cond *c)
{
	static const char *const ops[] = {
		"=", "!=", "<", "<=", ">", ">=", "like", "in", "not-in", "includes", "excludes"};
	static const char *const kinds[] = {"and", "or", "not"};

	sim_buf_char(b, '(');
	if (c->kind != SOQL_C_TEST)
	{
		sim_buf_str(b, kinds[c->kind]);
		for (const soql_cond *k = c->kids; k != NULL; k = k->next)
		{
			sim_buf_char(b, ' ');
			dump_cond(b, k);
		}
	}
	else
	{
		sim_buf_printf(b, "%s ", ops[c->op]);
		dump_expr(b, &c->expr);
		for (const soql_literal *l = c->values; l != NULL; l = l->next)
			dump_literal(b, l);
		if (c->sub != NULL)
		{
			sim_buf_char(b, ' ');
			dump_query(b, c->sub);
		}
	}
	sim_buf_char(b, ')');
}

static void
dump_items(sim_buf *b, const soql_item *i)
{
	for (; i != NULL; i = i->next)
	{
		if (i->kind == SOQL_I_CHILDREN)
			dump_query(b, i->sub);
		else
			dump_expr(b, &i->expr);
		if (i->alias != NULL)
			sim_buf_printf(b, " as %s", i->alias);
		sim_buf_str(b, i->next ? ", " : " ");
	}
}

static void
dump_query(sim_buf *b, const soql_query *q)
{
	sim_buf_char(b, '[');
	dump_items(b, q->items);
	sim_buf_printf(b, "from %s", q->object);
	for (const soql_alias *a = q->aliases; a != NULL; a = a->next)
		sim_buf_printf(b, " alias %s", a->name);
	if (q->scope != NULL)
		sim_buf_printf(b, " scope %s", q->scope);
	if (q->where != NULL)
	{
		sim_buf_str(b, " where ");
		dump_cond(b, q->where);
	}
	for (const soql_group *g = q->groups; g != NULL; g = g->next)
	{
		sim_buf_str(b, " group ");
		dump_expr(b, &g->expr);
	}
	if (q->having != NULL)
	{
		sim_buf_str(b, " having ");
		dump_cond(b, q->having);
	}
	for (const soql_order *o = q->orders; o != NULL; o = o->next)
	{
		sim_buf_str(b, o->desc ? " desc " : " asc ");
		dump_expr(b, &o->expr);
		sim_buf_str(b, o->nulls == 1 ? " first" : o->nulls == 2 ? " last" : "");
	}
	if (q->limit >= 0)
		sim_buf_printf(b, " limit %lld", (long long) q->limit);
	if (q->offset >= 0)
		sim_buf_printf(b, " offset %lld", (long long) q->offset);
	sim_buf_char(b, ']');
}

static void
parses(const char *soql, const char *expected)
{
	soql_arena *a = soql_arena_new();
	sim_error err = {0};
	sim_buf b = {0};
	soql_query *q = soql_parse(a, soql, &err);

	char name[80];

	if (q != NULL)
		dump_query(&b, q);
	snprintf(name, sizeof(name), "parsed: %.60s", soql);
	for (char *c = name; *c != '\0'; c++)
		*c = *c < ' ' && *c > 0 ? ' ' : *c; /* a test's name is one line */
	is_text(q ? b.data : err.message, expected, name);
	sim_buf_free(&b);
	soql_arena_free(a);
}

/* reason is the last line of the message; column what the message says. */
static void
refuses(const char *soql, int row, int column, const char *reason)
{
	soql_arena *a = soql_arena_new();
	sim_error err = {0};
	char tail[400];
	soql_query *q = soql_parse(a, soql, &err);
	size_t len;
	size_t tlen;

	snprintf(tail, sizeof(tail), "\nERROR at Row:%d:Column:%d\n%s", row, column, reason);
	len = strlen(err.message);
	tlen = strlen(tail);
	if (!ok(q == NULL && strcmp(err.code, "MALFORMED_QUERY") == 0 && len >= tlen &&
				strcmp(err.message + len - tlen, tail) == 0,
			"refused: %.70s", strchr(soql, '\n') ? "two lines" : soql))
		diag("%s: %s", err.code, err.message);
	soql_arena_free(a);
}

/* ---------------------------------------------------------------- tests */

static void
test_good(void)
{
	parses("SELECT Id FROM Account", "[Id from Account]");
	parses("select id,Account.Owner.Name\nfrom\tContact c where c.Id!=null limit 5 offset 0",
		   "[id, Account.Owner.Name from Contact alias c where (!= c.Id null:) limit 5 offset "
		   "0]");
	parses("SELECT COUNT() FROM A", "[COUNT() from A]");
	parses("SELECT COUNT(Id) n, MAX(B.C) FROM A GROUP BY D, CALENDAR_YEAR(E) "
		   "HAVING COUNT(Id) > 1 AND MAX(B.C) < 2.5 ORDER BY COUNT(Id) DESC NULLS LAST, D",
		   "[COUNT(Id) as n, MAX(B.C) from A group D group CALENDAR_YEAR(E) having (and (> "
		   "COUNT(Id) num:1) (< MAX(B.C) num:2.5)) desc COUNT(Id) last asc D]");
	parses("SELECT FIELDS(ALL) FROM A LIMIT 200", "[FIELDS(ALL) from A limit 200]");
	parses("SELECT A FROM B WHERE (NOT (a = 1)) AND (b = 2)",
		   "[A from B where (and (not (= a num:1)) (= b num:2))]");
	parses("SELECT A FROM B WHERE NOT a = 1 AND b = 2 AND c = 3",
		   "[A from B where (and (not (= a num:1)) (= b num:2) (= c num:3))]");
	parses("SELECT A FROM B WHERE a = 1 AND (b = 2 OR c <> -3)",
		   "[A from B where (and (= a num:1) (or (= b num:2) (!= c num:-3)))]");
	parses("SELECT A FROM B WHERE a IN ('x','y') AND b NOT IN (1,2) AND c LIKE 'a%'",
		   "[A from B where (and (in a str:x str:y) (not-in b num:1 num:2) (like c str:a%))]");
	parses("SELECT A FROM B WHERE t INCLUDES ('a;b','c') AND u EXCLUDES ('d')",
		   "[A from B where (and (includes t str:a;b str:c) (excludes u str:d))]");
	parses("SELECT A FROM B WHERE Id IN (SELECT C FROM D WHERE e = true)",
		   "[A from B where (in Id [C from D where (= e bool:1)])]");
	parses("SELECT Id, (SELECT Id FROM Contacts LIMIT 1) FROM Account",
		   "[Id, [Id from Contacts limit 1] from Account]");
	parses("SELECT A FROM B USING SCOPE mine WHERE a = null FOR VIEW UPDATE TRACKING",
		   "[A from B scope mine where (= a null:)]");
	parses("SELECT A FROM B c, c.Owner o ORDER BY a ASC NULLS FIRST",
		   "[A from B alias c alias o asc a first]");
	parses("SELECT toLabel(A) FROM B WHERE HOUR_IN_DAY(convertTimezone(c)) = 3",
		   "[toLabel(A) from B where (= HOUR_IN_DAY(c) num:3)]");
}

static void
test_literals(void)
{
	parses("SELECT A FROM B WHERE a = 1970-01-02", "[A from B where (= a date:1)]");
	parses("SELECT A FROM B WHERE a = 1700-01-01", "[A from B where (= a date:-98615)]");
	parses("SELECT A FROM B WHERE a = 4000-12-31", "[A from B where (= a date:741807)]");
	parses("SELECT A FROM B WHERE a > 1970-01-01T01:00:00Z",
		   "[A from B where (> a dt:3600000)]");
	parses("SELECT A FROM B WHERE a > 1970-01-01T01:00:00.250+01:00",
		   "[A from B where (> a dt:250)]");
	parses("SELECT A FROM B WHERE a > 1969-12-31T23:00:00-0100",
		   "[A from B where (> a dt:0)]");
	parses("SELECT A FROM B WHERE a = 10:15:00.000Z", "[A from B where (= a time:36900000)]");
	parses("SELECT A FROM B WHERE a = LAST_N_DAYS:30",
		   "[A from B where (= a rel:LAST_N_DAYS:30)]");
	parses("SELECT A FROM B WHERE a = this_month", "[A from B where (= a rel:this_month:0)]");
	parses("SELECT A FROM B WHERE a = +1.50 AND b = .5 AND c = -.25",
		   "[A from B where (and (= a num:+1.50) (= b num:.5) (= c num:-.25))]");
	parses("SELECT A FROM B WHERE a = USD5000 AND b = eur5000.25",
		   "[A from B where (and (= a num:5000$) (= b num:5000.25$))]");
	parses("SELECT A FROM B WHERE a = 'it\\'s \\\"x\\\" \\\\ \\n\\t\\u00e9\\uD83D\\uDE00'",
		   "[A from B where (= a str:it's \"x\" \\ \n\t\xc3\xa9\xf0\x9f\x98\x80)]");
	parses("SELECT A FROM B WHERE a LIKE '50\\%\\_\\\\%'",
		   "[A from B where (like a str:50\\%\\_\\\\%)]");
	parses("SELECT A FROM B WHERE a = '\xc3\xa9, --; \xf0\x9f\x98\x80\n'",
		   "[A from B where (= a str:\xc3\xa9, --; \xf0\x9f\x98\x80\n)]");
	parses("SELECT A FROM B WHERE a = ''", "[A from B where (= a str:)]");
}

#define BIND "Bind variables only allowed in Apex code"

/* A message without a place. */
static void
says(const char *soql, const char *message)
{
	soql_arena *a = soql_arena_new();
	sim_error err = {0};

	ok(soql_parse(a, soql, &err) == NULL && strcmp(err.code, "MALFORMED_QUERY") == 0 &&
		   strcmp(err.message, message) == 0,
	   "refused without a place: %.40s", strchr(soql, '\n') ? "white space" : soql);
	soql_arena_free(a);
}

static void
test_bad(void)
{
	says("", "SOQL statements cannot be empty or null");
	says(" \n", "SOQL statements cannot be empty or null");
	refuses("SELET Id FROM A", 1, 1, "unexpected token: 'SELET'");
	refuses("SELECT FROM A", 1, 7, "unexpected token: 'SELECT FROM'");
	refuses("SELECT", 1, 6, "unexpected token: '<EOF>'");
	refuses("SELECT Id", 1, 9, "unexpected token: '<EOF>'");
	refuses("SELECT Id,\nFROM A", 2, 1, "unexpected token: 'FROM'");
	refuses("SELECT * FROM A", 1, 7, "unexpected token: '*'");
	refuses("SELECT Id FROM A;", 1, 16, "unexpected token: ';'");
	refuses("SELECT Id FROM A WHERE", 1, 22, "unexpected token: '<EOF>'");
	refuses("SELECT Id FROM A WHERE a = 1 AND b = 2 OR c = 3", 1, 39,
			"unexpected token: 'OR'");
	refuses("SELECT Id FROM A WHERE a = 1 OR b = 2 AND c = 3", 1, 38,
			"unexpected token: 'AND'");
	refuses("SELECT Id FROM A WHERE a NOT LIKE 'x'", 1, 29, "unexpected token: 'LIKE'");
	refuses("SELECT Id FROM A WHERE a == 1", 1, 26, "unexpected token: '='");
	refuses("SELECT Id FROM A WHERE a = 1e5", 1, 28, "unexpected token: 'e5'");
	refuses("SELECT Id FROM A WHERE a = 5.", 1, 28, "unexpected token: '.'");
	says("SELECT Id FROM A WHERE a = b", BIND);
	says("SELECT Id FROM A WHERE a = :b AND c IN :d LIMIT :e", BIND);
	says("SELECT Id FROM A WHERE a IN 'x'", BIND);
	says("SELECT Id FROM A WHERE a IN b.c", BIND);
	refuses("SELECT Id, Name FROM Contact WHERE Email = liam.carter@example.com", 1, 54,
			"unexpected token: '@'");
	refuses("select Id from Account where id = $sfid", 1, 34,
			"line 1:34 no viable alternative at character '$'");
	refuses("SELECT Id FROM A WHERE a IN ()", 1, 29, "unexpected token: 'a IN ()'");
	refuses("SELECT Id FROM A WHERE a IN ('x', null)", 1, 34, "unexpected token: 'null'");
	refuses("SELECT Id FROM A WHERE a BETWEEN 1 AND 2", 1, 25, "unexpected token: 'BETWEEN'");
	refuses("SELECT Id FROM A WHERE (a = 1", 1, 29, "unexpected token: '<EOF>'");
	refuses("SELECT Id FROM A WHERE a = 'x", 1, 29, "unexpected token: '<EOF>'");
	refuses("SELECT Id FROM A WHERE a = 'x\\", 1, 30, "unexpected token: '<EOF>'");
	refuses("SELECT Id FROM A WHERE ('x', 'y')", 1, 24, "unexpected token: '''");
	refuses("SELECT Id FROM A WHERE Id IN (SELECT B FROM C GROUP BY B HAVING COUNT(Id) > 1", 1,
			77, "unexpected token: '<EOF>'");
	refuses("SELECT Id FROM A WHERE (a = 1 LIMIT 5", 1, 30, "missing value at 'LIMIT'");
	refuses("SELECT Id FROM A WHERE a LIKE NULL", 1, 30, "unexpected token: 'NULL'");
	refuses("SELECT Id FROM A USING everything", 1, 23, "unexpected token: 'everything'");
	refuses("SELECT convertCurrency(calendar_year(convertTimezone(a))) FROM B", 1, 52,
			"unexpected token: '('");
	refuses("SELECT Id FROM A WITH SECURITY_ENFORCED", 1, 22,
			"rule soqlWithIdentifierClause failed predicate: "
			"{this.helper.allowApexSyntax() && this.helper.hasApexContext()}?");
	refuses("SELECT Id FROM A FOR UPDATE", 1, 22, "FOR UPDATE not allowed in this context");
	refuses("SELECT TYPEOF What ELSE Name END FROM A", 1, 29, "unexpected token: 'END'");
	refuses("SELECT DISTANCE(a, GEOLOCATION(1,2), 'm') FROM A", 1, 38,
			"Invalid distance unit: 'm'. Valid unit: 'mi', 'km'");
	refuses("SELECT Id FROM A WHERE a = 'x\\q'", 1, 28,
			"Invalid string literal 'x\\q'. Illegal character sequence in string literal.");
	refuses("SELECT Id FROM A WHERE a = '50\\%'", 1, 28,
			"Invalid string literal '50\\%'. Illegal character sequence in string literal.");
	refuses("SELECT Id FROM A WHERE a = '\\ud83d'", 1, 28,
			"Invalid string literal '\\ud83d'. Illegal character sequence in string literal.");
	refuses("SELECT Id FROM A WHERE a = 'it''s'", 1, 31, "unexpected token: '''");
	refuses("SELECT Id FROM A WHERE a = 2023-02-29", 1, 27, "Invalid date: 2023-02-29");
	refuses("SELECT Id FROM A WHERE a = 2023-02-28T24:00:00Z", 1, 27,
			"Invalid datetime: 2023-02-28T24:00:00Z");
	refuses("SELECT Id FROM A WHERE a = 2023-02-28T12:00:00", 1, 27,
			"Invalid datetime: 2023-02-28T12:00:00");
	refuses("SELECT Id FROM A WHERE a = LAST_N_DAYS", 1, 38, "unexpected token: '<EOF>'");
	refuses("SELECT Id FROM A WHERE a = LAST_N_DAYS:x", 1, 39, "unexpected token: 'x'");
	refuses("SELECT Id FROM A LIMIT -1", 1, 23, "unexpected token: '-1'");
	refuses("SELECT Id FROM A LIMIT 1.5", 1, 23, "unexpected token: '1.5'");
	refuses("SELECT Id FROM A OFFSET 1 LIMIT 1", 1, 26, "unexpected token: 'LIMIT'");
	refuses("SELECT Id FROM A ORDER a", 1, 23, "unexpected token: 'a'");
	refuses("SELECT Id FROM A ALL ROWS", 1, 18, "ALL ROWS not allowed in this context");
	refuses("SELECT Id limit FROM A", 1, 10, "unexpected token: 'limit'");
	refuses("SELECT A.B.C.D.E.F.G.H.I FROM X", 1, 8,
			"only 5 levels of child-to-parent relationships are allowed");
}

/* What is shown of a query is what users of Salesforce have quoted. */
static void
shows(const char *soql, const char *expected)
{
	soql_arena *a = soql_arena_new();
	sim_error err = {0};
	char name[64];

	soql_parse(a, soql, &err);
	snprintf(name, sizeof(name), "shown: %.40s", soql);
	for (char *c = name; *c != '\0'; c++)
		*c = *c < ' ' && *c > 0 ? ' ' : *c;
	is_text(err.message, expected, name);
	soql_arena_free(a);
}

static void
test_echo(void)
{
	char message[600];
	sim_error err = {0};
	const char *list =
		"SELECT Id, CreatedById,OCE__ActualCap__c,TPI_Product__c,Name,OCE__JobId__c,Status";

	shows("SELECT Id, Name, \xc3\x9cml\xc3\xa4ut FROM Account",
		  "\nSELECT Id, Name, \xc3\x9cml\xc3\xa4ut FROM Account\n"
		  "                ^\nERROR at Row:1:Column:17\n"
		  "line 1:17 no viable alternative at character '\xc3\x9c'");
	shows("SELECT Id, Name, HG_Insights__HG_Match_Status__c, From Account LIMIT 10",
		  "\nHG_Insights__HG_Match_Status__c, From Account LIMIT 10\n"
		  "                                ^\nERROR at Row:1:Column:50\n"
		  "unexpected token: 'From'");
	shows("SELECT Id, Email, Name\nFROM Contact\nWHERE AccountId = '0014000000p6XlS' AND "
		  "LastName LIKE 'test' OR email LIKE 'test'",
		  "\n'0014000000p6XlS' AND LastName LIKE 'test' OR email LIKE 'test'\n"
		  "                                          ^\nERROR at Row:3:Column:61\n"
		  "unexpected token: 'OR'");
	soql_error_at(&err, "INVALID_FIELD", list, (int) (strstr(list, "TPI") - list), "reason");
	snprintf(message, sizeof(message), "\n%s\n%30s^\nERROR at Row:1:Column:42\nreason",
			 "CreatedById,OCE__ActualCap__c,TPI_Product__c,Name,OCE__JobId__c", "");
	is_text(err.message, message, "commas end the words that are shown");
	soql_error_at(&err, "INVALID_FIELD", "SELECT Id, DepProbeField__c FROM Account LIMIT 1",
				  11, "reason");
	is_text(err.message,
			"\nSELECT Id, DepProbeField__c FROM Account LIMIT\n           ^\n"
			"ERROR at Row:1:Column:12\nreason",
			"what is far behind is not shown");
}

static void
test_limits(void)
{
	soql_arena *a = soql_arena_new();
	sim_error err = {0};
	sim_buf b = {0};
	soql_query *q;

	sim_buf_str(&b, "SELECT Id FROM A WHERE b = 0");
	for (int i = 1; i < 5000; i++)
		sim_buf_printf(&b, " OR b = %d", i);
	q = soql_parse(a, b.data, &err);
	ok(q != NULL && q->where->nkids == 5000, "5,000 ORs are one flat list");

	sim_buf_reset(&b);
	sim_buf_str(&b, "SELECT Id FROM A WHERE ");
	for (int i = 0; i < 20000; i++)
		sim_buf_char(&b, '(');
	ok(soql_parse(a, b.data, &err) == NULL && strstr(err.message, "nested too deeply") != NULL,
	   "20,000 parentheses are refused");

	sim_buf_reset(&b);
	sim_buf_str(&b, "SELECT Id FROM A WHERE b = '");
	while (b.len < SOQL_MAX_LENGTH)
		sim_buf_char(&b, 'x');
	sim_buf_char(&b, '\'');
	ok(soql_parse(a, b.data, &err) == NULL && strcmp(err.code, "MALFORMED_QUERY") == 0 &&
		   strstr(err.message, "100000 characters") != NULL,
	   "more than 100,000 characters are refused");
	sim_buf_free(&b);
	soql_arena_free(a);
}

int
main(void)
{
	test_good();
	test_literals();
	test_bad();
	test_echo();
	test_limits();
	return tap_done();
}
