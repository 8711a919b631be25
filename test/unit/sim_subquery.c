/*
 * sim_subquery.c
 *		SOQL beyond one table: subqueries, polymorphic parents, TYPEOF, semi-joins; and functions:
 *		FORMAT, toLabel, DISTANCE, subtotals; and queries that are kept.
 */
#include "tap.h"
#include "query.h"
#include "store.h"

#include <cjson/cJSON.h>

static sim_org *org;

/* ---------------------------------------------------------------- helpers */

static sim_query *
start(const char *soql, unsigned flags, const char *version)
{
	sim_error err = {0};
	sim_query *q = sim_query_prepare(org, soql, flags, version, &err);

	if (q == NULL)
		diag("%s: %s: %s", soql, err.code, err.message);
	return q;
}

/* All records as one JSON array; the caller deletes it. */
static cJSON *
records(const char *soql)
{
	sim_query *q = start(soql, SIM_QUERY_REST, "62.0");
	sim_error err = {0};
	sim_buf b = {0};
	cJSON *tree;

	sim_buf_char(&b, '[');
	while (q != NULL && sim_query_step(q, &err) == 1)
	{
		if (b.len > 1)
			sim_buf_char(&b, ',');
		sim_query_row_json(q, &b);
	}
	sim_buf_char(&b, ']');
	sim_query_free(q);
	tree = cJSON_Parse(b.data);
	sim_buf_free(&b);
	return tree;
}

static const char *
text_at(const cJSON *o, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return s ? s : "";
}

static int64_t
count(const char *soql)
{
	sim_query *q = start(soql, SIM_QUERY_REST, "62.0");
	sim_error err = {0};
	int64_t n = 0;

	if (q == NULL)
		return -1;
	while (sim_query_step(q, &err) == 1)
		n++;
	if (n != sim_query_total(q, &err))
		n = -2;
	sim_query_free(q);
	return n;
}

static void
refuses(const char *soql, unsigned flags, const char *version, const char *code,
		const char *part)
{
	sim_error err = {0};
	sim_query *q = sim_query_prepare(org, soql, flags, version, &err);

	if (!ok(q == NULL && strcmp(err.code, code) == 0 && strstr(err.message, part) != NULL,
			"refused: %.75s", soql))
		diag("%s: %s", err.code, err.message);
	sim_query_free(q);
}

static void
no(const char *soql, const char *code, const char *part)
{
	refuses(soql, SIM_QUERY_REST, "62.0", code, part);
}

static void
set(const char *name, const char *value)
{
	sim_error err = {0};

	if (!sim_org_set_switch(org, name, value, &err))
		ok(false, "switch %s: %s", name, err.message);
}

/* ---------------------------------------------------------------- subqueries */

/* Every account's contacts are those that say so themselves. */
static void
test_children(void)
{
	cJSON *accounts =
		records("SELECT Id, (SELECT Id, LastName, Account.Name FROM Contacts WHERE "
				"LastName != 'Smith' ORDER BY LastName DESC), Name FROM Account");
	const cJSON *a;
	int64_t children = 0;
	int64_t empty = 0;
	bool good = cJSON_GetArraySize(accounts) == 1000;

	cJSON_ArrayForEach (a, accounts)
	{
		const cJSON *sub = cJSON_GetObjectItemCaseSensitive(a, "Contacts");
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(sub, "records");
		const cJSON *c;

		good = good && strcmp(a->child->next->next->string, "Contacts") == 0;
		empty += cJSON_IsNull(sub);
		if (cJSON_IsNull(sub))
			continue;
		good = good && strcmp(sub->child->string, "totalSize") == 0 &&
			   strcmp(sub->child->next->string, "done") == 0 &&
			   cJSON_IsTrue(sub->child->next) &&
			   (int) sub->child->valuedouble == cJSON_GetArraySize(list);
		cJSON_ArrayForEach (c, list)
		{
			const cJSON *parent = cJSON_GetObjectItemCaseSensitive(c, "Account");

			children++;
			good = good && strcmp(text_at(parent, "Name"), text_at(a, "Name")) == 0;
		}
	}
	ok(good && empty > 0, "children belong to their parents, and none is null");
	cJSON_Delete(accounts);
	is_int(children,
		   count("SELECT Id FROM Contact WHERE LastName != 'Smith' AND AccountId != null AND "
				 "Account.IsDeleted = false"),
		   "no child is missing");
}

static void
test_child_forms(void)
{
	cJSON *t =
		records("SELECT (SELECT Id FROM Account.Contacts LIMIT 1) FROM Account WHERE Id IN "
				"(SELECT AccountId FROM Contact) LIMIT 1");
	const cJSON *first = t ? t->child : NULL;
	cJSON *deep;

	ok(cJSON_GetArraySize(first) == 2 &&
		   strncmp(text_at(cJSON_GetObjectItem(first, "attributes"), "url"),
				   "/services/data/v62.0/sobjects/Account/001", 41) == 0,
	   "a subquery may be all that is selected");
	cJSON_Delete(t);
	deep = records(
		"SELECT Id, (SELECT Id, (SELECT Id FROM Invoices__r) FROM Contacts) FROM Account "
		"WHERE Id IN (SELECT AccountId FROM Contact) LIMIT 1");
	ok(deep != NULL && deep->child != NULL, "subqueries nest from v58");
	cJSON_Delete(deep);
	refuses(
		"SELECT Id, (SELECT Id, (SELECT Id FROM Invoices__r) FROM Contacts) FROM Account",
		SIM_QUERY_REST, "57.0", "MALFORMED_QUERY",
		"SOQL statements cannot query aggregate relationships more than 1 level away from the "
		"root entity object.");
	no("SELECT Id, (SELECT Id FROM Contact) FROM Account", "INVALID_TYPE",
	   "\nSELECT Id, (SELECT Id FROM Contact) FROM Account\n                           "
	   "^\nERROR at "
	   "Row:1:Column:28\nDidn't understand relationship 'Contact' in FROM part of query call. "
	   "If");
	no("SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account", "MALFORMED_QUERY",
	   "only root queries support aggregate expressions");
	no("SELECT COUNT(Id), (SELECT Id FROM Contacts) FROM Account", "MALFORMED_QUERY",
	   "Grouped query cannot use child relationships in the SELECT list");
	no("SELECT Id, (SELECT Id FROM Contacts), (SELECT Name FROM Contacts) FROM Account",
	   "INVALID_FIELD", "duplicate field selected: Contacts");
	no("SELECT Id, (SELECT Nope FROM Contacts) FROM Account", "INVALID_FIELD",
	   "No such column 'Nope' on entity 'Contact'");
	refuses("SELECT Id, (SELECT Id FROM Contacts) FROM Account", 0, "62.0",
			"FEATURENOTENABLED", "Aggregate Relationships not supported in Bulk Query");
}

typedef struct paged
{
	int calls;
	int rows;
} paged;

static bool
pager(void *arg, const sim_buf *rows, const int64_t *ends, int n, char url[SIM_PAGE_URL_SIZE])
{
	paged *p = arg;

	p->calls++;
	p->rows += n;
	if ((size_t) ends[n - 1] != rows->len)
		p->rows = -1000000;
	snprintf(url, SIM_PAGE_URL_SIZE, "/next/%d", p->calls);
	return true;
}

static void
test_pager(void)
{
	sim_query *q = start("SELECT Id, (SELECT Id FROM Opportunities) FROM Account",
						 SIM_QUERY_REST, "62.0");
	sim_error err = {0};
	sim_buf b = {0};
	paged p = {0};
	bool good = q != NULL;

	if (q != NULL)
		sim_query_set_pager(q, 2, pager, &p);
	while (good && sim_query_step(q, &err) == 1)
	{
		cJSON *o;
		const cJSON *sub;

		sim_buf_reset(&b);
		sim_query_row_json(q, &b);
		o = cJSON_Parse(b.data);
		sub = cJSON_GetObjectItem(o, "Opportunities");
		if (cJSON_IsObject(sub) && !cJSON_IsTrue(cJSON_GetObjectItem(sub, "done")))
			good = strncmp(text_at(sub, "nextRecordsUrl"), "/next/", 6) == 0 &&
				   cJSON_GetArraySize(cJSON_GetObjectItem(sub, "records")) == 2 &&
				   cJSON_GetObjectItem(sub, "totalSize")->valueint > 2;
		else
			good = cJSON_GetArraySize(cJSON_GetObjectItem(sub, "records")) <= 2;
		cJSON_Delete(o);
	}
	ok(good && p.calls > 10 && p.rows > 3 * p.calls - 1, "long lists of children have pages");
	sim_query_free(q);
	sim_buf_free(&b);
}

/* ---------------------------------------------------------------- polymorphic parents */

static void
test_polymorphic(void)
{
	cJSON *tasks = records("SELECT Id, WhatId, What.Name, What.Type, What.Id FROM Task");
	const cJSON *t;
	int kinds[3] = {0, 0, 0};
	bool good = tasks != NULL;

	cJSON_ArrayForEach (t, tasks)
	{
		const cJSON *what = cJSON_GetObjectItemCaseSensitive(t, "What");
		const char *type = text_at(what, "Type");
		const char *url = text_at(cJSON_GetObjectItem(what, "attributes"), "url");
		const char *id = text_at(t, "WhatId");
		char expected[120];

		if (cJSON_IsNull(what))
		{
			kinds[0]++;
			good = good && *id == '\0';
			continue;
		}
		snprintf(expected, sizeof(expected), "/services/data/v62.0/sobjects/%s/%s", type, id);
		good = good && strcmp(url, expected) == 0 && strcmp(text_at(what, "Id"), id) == 0 &&
			   strcmp(text_at(cJSON_GetObjectItem(what, "attributes"), "type"), "Name") == 0 &&
			   *text_at(what, "Name") != '\0';
		kinds[strncmp(id, "001", 3) == 0 ? 1 : 2]++;
	}
	ok(good && kinds[1] > 0 && kinds[2] > 0, "a polymorphic parent has its name and type");
	cJSON_Delete(tasks);
	is_int(count("SELECT Id FROM Task WHERE What.Type = 'account'"), kinds[1],
		   "types are filtered, whatever their case");
	is_int(count("SELECT Id FROM Task WHERE What.Type NOT IN ('Account') AND WhatId != null"),
		   kinds[2], "and the other way round");
	is_int(count("SELECT Id FROM Task WHERE WhatId >= '001000000000000' AND WhatId < "
				 "'002000000000000'"),
		   kinds[1], "ids of several objects sort by their prefix");
	is_int(count("SELECT Id FROM Account WHERE Id IN (SELECT OwnerId FROM Lead)") < 0 ? 1 : 0,
		   1, "a semi-join of ids of another kind is refused");
	ok(count("SELECT Id FROM User WHERE Id IN (SELECT OwnerId FROM Lead)") > 0,
	   "a semi-join may go by a polymorphic reference");
	is_int(count("SELECT Id FROM Lead WHERE OwnerId IN (SELECT Id FROM User)"),
		   count("SELECT Id FROM Lead WHERE Owner.Type = 'User'"), "or start from one");
	set("polymorphic_type", "real");
	tasks = records("SELECT What.Name FROM Task WHERE What.Type = 'Account' LIMIT 1");
	t = cJSON_GetObjectItem(cJSON_GetObjectItem(tasks ? tasks->child : NULL, "What"),
							"attributes");
	is_text(text_at(t, "type"), "Account", "attributes say what it is, by a switch");
	cJSON_Delete(tasks);
	sim_org_reset_switches(org);
	no("SELECT What.Owner.Name FROM Task", "INVALID_FIELD",
	   "Didn't understand relationship 'Owner'");
	no("SELECT What.Phone2 FROM Task", "INVALID_FIELD",
	   "No such column 'Phone2' on entity 'Name'");
	no("SELECT Id FROM Task WHERE WhatId = 'x'", "INVALID_QUERY_FILTER_OPERATOR",
	   "invalid ID field: x");
}

static void
test_typeof(void)
{
	cJSON *tasks = records("SELECT Id, TYPEOF What WHEN Account THEN Phone, Owner.Name WHEN "
						   "Opportunity THEN Amount END, Subject FROM Task");
	const cJSON *t;
	int seen[3] = {0, 0, 0};
	bool good = tasks != NULL;

	cJSON_ArrayForEach (t, tasks)
	{
		const cJSON *what = cJSON_GetObjectItemCaseSensitive(t, "What");
		const char *type = text_at(cJSON_GetObjectItem(what, "attributes"), "type");

		good = good && what != NULL && what == t->child->next->next;
		if (strcmp(type, "Account") == 0)
		{
			seen[0]++;
			good = good && cJSON_GetArraySize(what) == 3 &&
				   cJSON_GetObjectItem(cJSON_GetObjectItem(what, "Owner"), "Name") != NULL;
		}
		else if (strcmp(type, "Opportunity") == 0)
		{
			seen[1]++;
			good = good && cJSON_GetArraySize(what) == 2 &&
				   cJSON_GetObjectItem(what, "Amount") != NULL;
		}
		else
		{
			seen[2]++;
			good = good && cJSON_IsNull(what);
		}
	}
	ok(good && seen[0] > 0 && seen[1] > 0 && seen[2] > 0, "TYPEOF selects by type");
	cJSON_Delete(tasks);
	tasks = records("SELECT TYPEOF What WHEN Account THEN Phone ELSE Name END FROM Task WHERE "
					"What.Type = 'Opportunity' LIMIT 1");
	t = cJSON_GetObjectItem(tasks ? tasks->child : NULL, "What");
	ok(cJSON_GetArraySize(t) == 2 && cJSON_GetObjectItem(t, "Name") != NULL,
	   "ELSE is for the others");
	cJSON_Delete(tasks);
	no("SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact", "INVALID_FIELD",
	   "Account");
	no("SELECT TYPEOF What WHEN Xyzzy THEN Name END FROM Task", "INVALID_TYPE", "'Xyzzy'");
	no("SELECT TYPEOF What WHEN Account THEN Nope END FROM Task", "INVALID_FIELD",
	   "No such column 'Nope' on entity 'Account'");
	refuses("SELECT TYPEOF What WHEN Account THEN Name END FROM Task", 0, "62.0",
			"MALFORMED_QUERY", "TYPEOF");
	ok(count("SELECT Id, (SELECT Id, What.Name FROM Tasks) FROM Account") == 1000,
	   "children by a polymorphic reference");
}

/* A reference to what the org does not have is an id and nothing more. */
static void
test_unknown_reference(void)
{
	char id[SIM_ID_SIZE];
	const sim_object *user = sim_object_find("User");
	char real[SIM_ID_SIZE];

	is_text(query_packed_id(sim_ref_pack(user, 5), id), "User",
			"a packed reference names its object");
	sim_id_make("005", 5, real);
	is_text(id, real, "and gives its id");
	is_text(query_packed_id(((int64_t) 61 * 62 * 62 + 61 * 62 + 61) << SIM_REF_SHIFT | 5, id),
			"Name", "one that leads nowhere has no object");
	ok(strncmp(id, "zzz", 3) == 0 && strlen(id) == 18, "but an id");
	query_packed_id(-1, id);
	ok(strlen(id) == 18, "whatever the number");
}

/* ---------------------------------------------------------------- semi-joins */

static void
test_semijoins(void)
{
	no("SELECT Id FROM Account WHERE Name = 'x' OR Id IN (SELECT AccountId FROM Contact)",
	   "MALFORMED_QUERY", "Semi join sub-selects are not allowed with the 'OR' operator");
	no("SELECT Id FROM Account WHERE Name = 'x' AND (Name = 'y' OR Id IN (SELECT AccountId "
	   "FROM "
	   "Contact))",
	   "MALFORMED_QUERY", "only allowed at the top level WHERE expressions and not in nested");
	no("SELECT Id FROM Account WHERE NOT Id IN (SELECT AccountId FROM Contact)",
	   "MALFORMED_QUERY", "only allowed at the top level");
	no("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact) AND Id IN (SELECT "
	   "AccountId FROM Opportunity) AND OwnerId IN (SELECT Id FROM User)",
	   "MALFORMED_QUERY", "Maximum 2 semi join sub-selects are allowed");
	no("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE OwnerId IN "
	   "(SELECT "
	   "Id FROM User))",
	   "MALFORMED_QUERY", "Nesting of semi join sub-selects is not supported");
	no("SELECT Id FROM Account WHERE Id IN (SELECT LastName FROM Contact)", "MALFORMED_QUERY",
	   "semi join sub-selects can only query id fields, cannot use: 'LastName'");
	no("SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)",
	   "MALFORMED_QUERY", "should be an id field, cannot use: 'Name'");
	no("SELECT Id FROM Contact WHERE Account.OwnerId IN (SELECT Id FROM User)",
	   "MALFORMED_QUERY",
	   "The left operand 'Account.OwnerId' cannot have more than one level of relationships");
	no("SELECT Id FROM Contact WHERE Id IN (SELECT WhoId FROM Task)", "MALFORMED_QUERY",
	   "Entity 'Task' is not supported for semi join inner selects");
	no("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact GROUP BY AccountId)",
	   "MALFORMED_QUERY", "GROUP BY");
}

/* ---------------------------------------------------------------- functions */

static void
test_format(void)
{
	cJSON *t =
		records("SELECT Amount, FORMAT(Amount) money, FORMAT(CloseDate), FORMAT(CreatedDate) "
				"at, Probability FROM Opportunity WHERE Amount > 1000 LIMIT 1");
	const cJSON *o = t ? t->child : NULL;
	const char *money = text_at(o, "money");
	const char *at = text_at(o, "at");

	ok(money[0] == '$' && strchr(money, ',') != NULL && money[strlen(money) - 3] == '.',
	   "FORMAT of money");
	ok(strchr(text_at(o, "CloseDate"), '/') != NULL, "of a date, under its own name");
	ok(strstr(at, ", ") != NULL && (strstr(at, " AM") || strstr(at, " PM")), "of a datetime");
	cJSON_Delete(t);
	t = records(
		"SELECT FORMAT(MIN(CloseDate)) a, FORMAT(convertCurrency(Amount)) FROM Opportunity");
	ok(t == NULL || t->child == NULL, "no aggregate beside a field");
	cJSON_Delete(t);
	t = records("SELECT FORMAT(SUM(Amount)) a FROM Opportunity");
	ok(text_at(t ? t->child : NULL, "a")[0] == '$', "FORMAT of an aggregate");
	cJSON_Delete(t);
	no("SELECT FORMAT(Name) FROM Account", "MALFORMED_QUERY", "Name");
	no("SELECT Name n FROM Account", "MALFORMED_QUERY",
	   "only aggregate expressions use field aliasing");
	no("SELECT FORMAT(Amount) a, FORMAT(CloseDate) a FROM Opportunity", "MALFORMED_QUERY",
	   "duplicate alias: a");
	no("SELECT Amount, FORMAT(Amount) FROM Opportunity", "INVALID_FIELD",
	   "duplicate field selected: Amount");
	no("SELECT convertCurrency(Name) FROM Account", "MALFORMED_QUERY", "Name");
}

static void
test_labels(void)
{
	const sim_object *obj = sim_object_find("Case");
	bool found = false;
	int n = 0;
	const sim_object *const *list = sim_object_list(&n);

	/* some picklist whose labels are not its values, on rows that are there */
	for (int i = 0; i < n && !found; i++)
	{
		obj = list[i];
		for (int k = 0; sim_object_queryable(obj) && k < obj->nfields && !found; k++)
		{
			const sim_field *f = &obj->fields[k];
			char soql[300];
			cJSON *t;

			for (int p = 0; f->picks != NULL && f->picks[p].value != NULL && !found; p++)
			{
				if (f->picks[p].label == NULL || f->type != SIM_T_PICKLIST ||
					strcmp(f->picks[p].label, f->picks[p].value) == 0)
					continue;
				snprintf(soql, sizeof(soql),
						 "SELECT toLabel(%s), %s.%s FROM %s WHERE %s = '%s' LIMIT 1", f->name,
						 obj->name, "Id", obj->name, f->name, f->picks[p].value);
				t = records(soql);
				if (t != NULL && t->child != NULL)
				{
					found = true;
					is_text(text_at(t->child, f->name), f->picks[p].label,
							"toLabel gives labels");
					snprintf(soql, sizeof(soql), "SELECT Id FROM %s WHERE toLabel(%s) = '%s'",
							 obj->name, f->name, f->picks[p].label);
					ok(count(soql) > 0, "and filters by them");
				}
				cJSON_Delete(t);
			}
		}
	}
	ok(found, "there is a picklist with labels of its own");
}

static void
test_distance(void)
{
	const char *here = "DISTANCE(BillingAddress, GEOLOCATION(37.775, -122.418), 'km')";
	char soql[600];
	cJSON *t;
	const cJSON *o;
	double last = -1;
	bool good = true;

	snprintf(soql, sizeof(soql),
			 "SELECT %s d, BillingLatitude FROM Account WHERE %s < 9000 ORDER BY %s", here,
			 here, here);
	t = records(soql);
	cJSON_ArrayForEach (o, t)
	{
		double d = cJSON_GetObjectItem(o, "d")->valuedouble;

		good = good && d >= last && d < 9000;
		last = d;
	}
	ok(good && last > 0, "DISTANCE filters, sorts and is selected");
	cJSON_Delete(t);
	t = records("SELECT DISTANCE(BillingAddress, GEOLOCATION(0,0), 'mi') FROM Account WHERE "
				"BillingLatitude != null LIMIT 1");
	ok(cJSON_GetObjectItem(t ? t->child : NULL, "expr0") != NULL,
	   "without an alias it is expr0");
	cJSON_Delete(t);
	no("SELECT Id FROM Account WHERE DISTANCE(BillingAddress, GEOLOCATION(0,0), 'mi') = 5",
	   "MALFORMED_QUERY", "< and >");
	no("SELECT Id FROM Account WHERE BillingAddress = 'x'", "INVALID_FIELD",
	   "Address fields can only be filtered using Distance expressions");
	no("SELECT Id FROM Account WHERE DISTANCE(Name, GEOLOCATION(0,0), 'mi') < 5",
	   "INVALID_FIELD", "Name");
}

static void
test_subtotals(void)
{
	int64_t groups =
		count("SELECT Rating, Type, COUNT(Id) FROM Account GROUP BY Rating, Type");
	int64_t ratings = count("SELECT Rating FROM Account GROUP BY Rating");
	int64_t types = count("SELECT Type FROM Account GROUP BY Type");
	cJSON *t;

	is_int(count("SELECT Rating, Type, COUNT(Id) FROM Account GROUP BY ROLLUP(Rating, Type)"),
		   groups + ratings + 1, "ROLLUP has subtotals of the first and a total");
	is_int(count("SELECT Rating, Type, COUNT(Id) FROM Account WHERE Name != 'x' GROUP BY "
				 "CUBE(Rating, Type)"),
		   groups + ratings + types + 1, "CUBE has those of each");
	is_int(
		count("SELECT Rating, COUNT(Id) FROM Account WHERE Id = null GROUP BY ROLLUP(Rating)"),
		0, "of nothing there is no total");
	t = records("SELECT Rating, COUNT(Id) n, GROUPING(Rating) g FROM Account GROUP BY "
				"ROLLUP(Rating) ORDER BY GROUPING(Rating) DESC, COUNT(Id) LIMIT 1");
	ok(cJSON_GetObjectItem(t ? t->child : NULL, "n")->valueint == 1000 &&
		   cJSON_GetObjectItem(t ? t->child : NULL, "g")->valueint == 1,
	   "GROUPING tells a total from a null");
	cJSON_Delete(t);
	no("SELECT GROUPING(Rating) FROM Account GROUP BY Rating", "MALFORMED_QUERY", "GROUPING");
}

static void
test_groups(void)
{
	no("SELECT Rating, COUNT(Rating) FROM Account GROUP BY Rating", "MALFORMED_QUERY",
	   "Grouped field should not be aggregated: Rating");
	no("SELECT COUNT(Id) n FROM Account GROUP BY Rating ORDER BY n", "INVALID_FIELD",
	   "No such column 'n' on entity 'Account'");
	set("order_by_alias", "true");
	ok(count("SELECT COUNT(Id) n FROM Account GROUP BY Rating ORDER BY n DESC") > 1,
	   "or by its alias, by a switch");
	sim_org_reset_switches(org);
	no("SELECT Name, CALENDAR_YEAR(CreatedDate) FROM Account ORDER BY Name", "MALFORMED_QUERY",
	   "Ordered field must be grouped or aggregated: Name");
	no("SELECT COUNT(IsDeleted) FROM Account", "MALFORMED_QUERY",
	   "field IsDeleted does not support aggregate operator COUNT");
	no("SELECT MAX(Name) FROM Account OFFSET 5", "MALFORMED_QUERY",
	   "Non-grouped query that uses overall aggregate functions cannot also use OFFSET");
	no("SELECT Id FROM Account ORDER BY Description", "MALFORMED_QUERY",
	   "field 'Description' can not be sorted in a query call");
	ok(count("SELECT CALENDAR_YEAR(convertTimezone(CreatedDate)) y, COUNT(Id) FROM Account "
			 "GROUP BY "
			 "CALENDAR_YEAR(convertTimezone(CreatedDate))") > 1,
	   "convertTimezone in a date function");
	no("SELECT CALENDAR_YEAR(convertTimezone(CloseDate)) FROM Opportunity GROUP BY "
	   "CALENDAR_YEAR(convertTimezone(CloseDate))",
	   "MALFORMED_QUERY", "CloseDate");
}

static void
test_text_compare(void)
{
	const char *soql =
		"SELECT Id FROM Invoice__c WHERE Name = 'SOCIETE GENERALE' OR Code__c = "
		"'SOCIETE' OR Name LIKE 'CAFE%'";
	int64_t plain = count(soql);
	int64_t upper = count("SELECT Id FROM Account WHERE Rating = 'HOT'");

	set("text_compare", "exact");
	ok(upper > 0 && count("SELECT Id FROM Account WHERE Rating = 'HOT'") == 0,
	   "text can be compared as it is, by a switch");
	set("text_compare", "ignore_accents");
	ok(count(soql) >= plain &&
		   count("SELECT Id FROM Account WHERE Rating = '\xef\xbc\xa8ot'") == upper,
	   "or without accents and width");
	is_int(count("SELECT Id FROM Account WHERE Name LIKE 'societe%'"),
		   count("SELECT Id FROM Account WHERE Name LIKE 'soci\xc3\xa9t\xc3\xa9%'"),
		   "LIKE as well");
	sim_org_reset_switches(org);
}

/* ---------------------------------------------------------------- scope, explain, keeping */

static void
test_scope(void)
{
	ok(count("SELECT Id FROM Account USING SCOPE mine") > 0 &&
		   count("SELECT Id FROM Account USING SCOPE mine") <
			   count("SELECT Id FROM Account USING SCOPE everything"),
	   "a scope leaves rows out");
	is_int(count("SELECT Id FROM Lead USING SCOPE mine"),
		   count("SELECT Id FROM Lead WHERE Owner.Username = 'admin@sfsim.example.com'"),
		   "also by a polymorphic owner");
	is_int(count("SELECT Id FROM Account USING SCOPE team"), 0, "there are no teams");
	no("SELECT Id FROM Account USING SCOPE nope", "MALFORMED_QUERY",
	   "unexpected token: 'nope'");
}

static void
explains(const char *soql, const char *expected)
{
	sim_buf b = {0};
	sim_error err = {0};

	ok(sim_query_explain(org, soql, SIM_QUERY_REST, "62.0", &b, &err) &&
		   strstr(b.data, expected) != NULL,
	   "explained: %.60s", soql);
	if (b.data == NULL || strstr(b.data, expected) == NULL)
		diag("%s%s", b.data ? b.data : "", err.message);
	sim_buf_free(&b);
}

static void
test_explain(void)
{
	explains("SELECT Id FROM Account LIMIT 10",
			 "{\"plans\":[{\"cardinality\":10,\"fields\":[],\"leadingOperationType\":"
			 "\"Other\",\"notes\":"
			 "[{\"description\":\"Not considering filter for optimization because unindexed\","
			 "\"fields\":[\"IsDeleted\"],\"tableEnumOrId\":\"Account\"}],\"relativeCost\":"
			 "0.03333333333333333,\"sobjectCardinality\":1000,\"sobjectType\":\"Account\"},{"
			 "\"cardinality\":500,\"fields\":[],\"leadingOperationType\":\"TableScan\",");
	explains("SELECT Id FROM Account WHERE Name = 'nobody' AND NumberOfEmployees > 5",
			 "{\"plans\":[{\"cardinality\":1,\"fields\":[\"Name\"],\"leadingOperationType\":"
			 "\"Index\"");
	explains(
		"SELECT Id FROM Account WHERE Name LIKE '%qqqx' OR Id = '001000000000000'",
		"{\"plans\":[{\"cardinality\":1,\"fields\":[],\"leadingOperationType\":\"TableScan\"");
}

/* The same text again is the same plan; other switches are not. */
static void
test_kept(void)
{
	const char *soql = "SELECT Id, Name FROM Account WHERE Rating != 'Hot'";
	sim_error err = {0};
	query_plan *a = query_plan_get(org, soql, SIM_QUERY_REST, "62.0", &err);
	query_plan *b = query_plan_get(org, soql, SIM_QUERY_REST, "62.0", &err);
	query_plan *c = query_plan_get(org, soql, SIM_QUERY_REST, "61.0", &err);
	query_plan *d;
	query_plan *e;
	int64_t n = count(soql);

	ok(a != NULL && a == b && a != c, "a query that was asked before is kept");
	set("null_not_equal", "false");
	d = query_plan_get(org, soql, SIM_QUERY_REST, "62.0", &err);
	ok(d != NULL && d != a && count(soql) < n, "but not beyond a switch");
	sim_org_reset_switches(org);
	is_int(count(soql), n, "which may be switched back");
	e = query_plan_get(org, "SELECT Id FROM Account WHERE CreatedDate = TODAY", 0, "62.0",
					   &err);
	query_plan_release(b);
	b = query_plan_get(org, "SELECT Id FROM Account WHERE CreatedDate = TODAY", 0, "62.0",
					   &err);
	ok(e != NULL && b != NULL && e != b, "what depends on the day is not kept");
	query_plan_release(a);
	query_plan_release(b);
	query_plan_release(c);
	query_plan_release(d);
	query_plan_release(e);
	for (int i = 0; i < 300; i++)
	{
		char text[100];

		snprintf(text, sizeof(text), "SELECT Id FROM User LIMIT %d", i % 20);
		if (count(text) != i % 20)
			ok(false, "query %d", i);
		snprintf(text, sizeof(text), "SELECT Id FROM User LIMIT %d", i);
		if (count(text) != (i < 20 ? i : 20))
			ok(false, "query %d", i);
	}
	ok(true, "more queries than are kept");
}

static void
test_limits(void)
{
	sim_buf b = {0};

	sim_buf_str(&b, "SELECT Id");
	for (int i = 0; i < 21; i++)
		sim_buf_printf(&b, ", (SELECT Id FROM Contacts WHERE LastName = '%d')", i);
	sim_buf_str(&b, " FROM Account");
	refuses(b.data, SIM_QUERY_REST, "62.0", "INVALID_FIELD", "duplicate field selected");
	sim_buf_reset(&b);
	sim_buf_str(&b, "SELECT Id FROM Account WHERE NumberOfEmployees = 0");
	for (int i = 1; b.len < 99000; i++)
		sim_buf_printf(&b, " OR Sic='%d'", i);
	ok(count(b.data) > 0, "as many conditions as a text holds");
	set("query_too_complicated", "true");
	no("SELECT Id FROM Account WHERE Name = 'x'", "QUERY_TOO_COMPLICATED",
	   "Query is either selecting too many fields or the filter conditions are too "
	   "complicated.");
	is_int(count("SELECT Id FROM Account"), 1000, "and then only a filter is too complicated");
	sim_org_reset_switches(org);
	ok(count("SELECT Id FROM Account WHERE CreatedDate < NEXT_N_YEARS:2147483647") == 1000 &&
		   count("SELECT Id FROM Account WHERE CreatedDate > "
				 "LAST_N_FISCAL_QUARTERS:2147483647") >= 0,
	   "far away dates");
	sim_buf_free(&b);
}

int
main(void)
{
	sim_options opt;
	sim_error err = {0};

	sim_options_init(&opt);
	sim_options_rows(&opt, "Account=1000", &err);
	sim_options_rows(&opt, "Contact=2000", &err);
	sim_options_rows(&opt, "Opportunity=1500", &err);
	org = sim_org_open(&opt, &err);
	if (!ok(org != NULL, "an org is opened"))
	{
		diag("%s", err.message);
		return tap_done();
	}
	test_children();
	test_child_forms();
	test_pager();
	test_polymorphic();
	test_typeof();
	test_unknown_reference();
	test_semijoins();
	test_format();
	test_labels();
	test_distance();
	test_subtotals();
	test_groups();
	test_text_compare();
	test_scope();
	test_explain();
	test_kept();
	test_limits();
	sim_org_close(org);
	return tap_done();
}
