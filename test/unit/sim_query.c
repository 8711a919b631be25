/*
 * sim_query.c
 *		Queries of the simulated org: nulls, order, parents, aggregates, rendering, errors,
 *		threads.
 */
#include "tap.h"
#include "engine.h"

#include <cjson/cJSON.h>
#include <pthread.h>

static sim_org *org;

/* ---------------------------------------------------------------- helpers */

static sim_query *
start(const char *soql, unsigned flags)
{
	sim_error err = {0};
	sim_query *q = sim_query_prepare(org, soql, flags, "62.0", &err);

	if (q == NULL)
		diag("%s: %s: %s", soql, err.code, err.message);
	return q;
}

/* Number of rows, after checking that the total announced is the number that came. */
static int64_t
count_flags(const char *soql, unsigned flags)
{
	sim_query *q = start(soql, flags);
	sim_error err = {0};
	int64_t n = 0;
	int64_t total;

	if (q == NULL)
		return -1;
	total = sim_query_total(q, &err);
	while (sim_query_step(q, &err) == 1)
		n++;
	sim_query_free(q);
	if (n != total)
		diag("%.200s: announced %lld rows, gave %lld", soql, (long long) total, (long long) n);
	return n == total ? n : -2;
}

static int64_t
count(const char *soql)
{
	return count_flags(soql, 0);
}

/* The number SELECT COUNT() answers. */
static int64_t
number(const char *soql)
{
	sim_query *q = start(soql, 0);
	sim_error err = {0};
	int64_t n = q ? sim_query_total(q, &err) : -1;

	if (q != NULL && (!sim_query_is_count(q) || sim_query_step(q, &err) != 0))
		n = -2;
	sim_query_free(q);
	return n;
}

/* All rows as CSV (without a header) or JSON lines; the caller frees. */
static sim_buf
rows_of(const char *soql, bool json)
{
	sim_query *q = start(soql, SIM_QUERY_REST);
	sim_error err = {0};
	sim_buf b = {0};

	while (q != NULL && sim_query_step(q, &err) == 1)
	{
		if (json)
			sim_query_row_json(q, &b);
		else
			sim_query_row_csv(q, ',', "\n", &b);
	}
	sim_query_free(q);
	return b;
}

static void
gives(const char *soql, const char *expected, const char *name)
{
	sim_buf b = rows_of(soql, false);

	is_text(b.data ? b.data : "", expected, name);
	sim_buf_free(&b);
}

static void
refuses(const char *soql, unsigned flags, const char *code, const char *part)
{
	sim_error err = {0};
	sim_query *q = sim_query_prepare(org, soql, flags, "62.0", &err);

	if (!ok(q == NULL && strcmp(err.code, code) == 0 && strstr(err.message, part) != NULL,
			"refused: %.75s", soql))
		diag("%s: %s", err.code, err.message);
	sim_query_free(q);
}

static void
set(const char *name, const char *value)
{
	sim_error err = {0};

	if (!sim_org_set_switch(org, name, value, &err))
		ok(false, "switch %s: %s", name, err.message);
}

/* ---------------------------------------------------------------- nulls and switches */

static void
test_nulls(void)
{
	int64_t all = count("SELECT Id FROM Invoice__c");
	int64_t null = count("SELECT Id FROM Invoice__c WHERE Code__c = null");
	int64_t acme = count("SELECT Id FROM Invoice__c WHERE Code__c = 'acme'");
	int64_t amounts = count("SELECT Id FROM Invoice__c WHERE Amount__c != NULL");

	ok(all == 1000 && null > 0 && acme > 1 && amounts > 0 && amounts < all, "there are nulls");
	is_int(count("SELECT Id FROM Invoice__c WHERE Code__c = 'AcMe'"), acme,
		   "text ignores case");
	is_int(count("SELECT Id FROM Invoice__c WHERE Code__c != 'acme'"), all - acme,
		   "null rows qualify under !=");
	is_int(count("SELECT Id FROM Invoice__c WHERE Code__c = ''"), null, "'' is null");
	set("null_not_equal", "false");
	is_int(count("SELECT Id FROM Invoice__c WHERE Code__c != 'acme'"), all - acme - null,
		   "or do not, by a switch");
	is_int(count("SELECT Id FROM Invoice__c WHERE NOT Code__c = 'acme'"), all - acme - null,
		   "and then not under NOT either");
	is_int(count("SELECT Id FROM Invoice__c WHERE Code__c NOT IN ('acme')"), all - acme - null,
		   "nor under NOT IN");
	set("empty_is_null", "false");
	is_int(count("SELECT Id FROM Invoice__c WHERE Code__c = ''"), 0,
		   "'' is nothing, by a switch");
	sim_org_reset_switches(org);

	is_int(count("SELECT Id FROM Invoice__c WHERE Amount__c <= 9999999999999999999"), amounts,
		   "null numbers are not less");
	set("null_less", "true");
	is_int(count("SELECT Id FROM Invoice__c WHERE Amount__c <= 9999999999999999999"), all,
		   "or are, by a switch");
	sim_org_reset_switches(org);
	ok(count("SELECT Id FROM Invoice__c WHERE Code__c < 'm'") >= null,
	   "null text sorts first");
	is_int(count("SELECT Id FROM Invoice__c WHERE Is_Paid__c = null"),
		   count("SELECT Id FROM Invoice__c WHERE Is_Paid__c = false"),
		   "booleans are never null");
	is_int(count("SELECT Id FROM Opportunity WHERE Account.Type = null AND AccountId = null"),
		   count("SELECT Id FROM Opportunity WHERE AccountId = null"),
		   "a missing parent's fields are null");
	is_int(count("SELECT Id FROM Invoice__c WHERE Account__r.IsDeleted = false"), all,
		   "a missing parent's booleans are false");
	ok(count("SELECT Id FROM Invoice__c WHERE Legacy_Code__c = 'KEY-0000003'") == 1 &&
		   count("SELECT Id FROM Invoice__c WHERE Legacy_Code__c = 'Key-0000003'") == 0 &&
		   count("SELECT Id FROM Invoice__c WHERE External_Key__c = 'eXT-0000003'") == 1,
	   "a caseSensitive field is compared so");
}

static void
test_deleted(void)
{
	int64_t deleted =
		count_flags("SELECT Id FROM Account WHERE IsDeleted = true", SIM_QUERY_ALL);

	ok(deleted > 0, "there are deleted rows");
	is_int(count("SELECT Id FROM Account WHERE IsDeleted = true"), 0,
		   "query does not see them");
	is_int(count_flags("SELECT Id FROM Account", SIM_QUERY_ALL),
		   count("SELECT Id FROM Account") + deleted, "queryAll does");
	is_int(count_flags("SELECT Id FROM User", SIM_QUERY_ALL), 20, "users have no recycle bin");
}

/* ---------------------------------------------------------------- shapes */

static void
test_ids(void)
{
	sim_buf b = rows_of("SELECT Id FROM Account LIMIT 1", false);
	char id[SIM_ID_SIZE] = "";
	char soql[200];

	if (b.len >= 19)
		memcpy(id, b.data + 1, 18);
	snprintf(soql, sizeof(soql), "SELECT Id FROM Account WHERE Id = '%s'", id);
	is_int(count(soql), 1, "an id of 18 characters is found");
	snprintf(soql, sizeof(soql), "SELECT Id FROM Account WHERE Id IN ('%.15s')", id);
	is_int(count(soql), 1, "so is one of 15");
	snprintf(soql, sizeof(soql), "SELECT Id FROM Account WHERE Id >= '%.15s'", id);
	is_int(count(soql), 1000, "ids have an order");
	is_int(count("SELECT Id FROM Account WHERE Id < '00199000000AAAA'"), 1000,
		   "also with ids of another org");
	is_int(count("SELECT Id FROM Contact WHERE AccountId = '0035g000002cKf7AAE'"), 0,
		   "an id of another object matches nothing");
	is_int(count("SELECT Id FROM Contact WHERE AccountId != '0035g000002cKf7AAE'"), 2000,
		   "and differs from everything");
	sim_buf_free(&b);
}

static void
test_limits(void)
{
	is_int(count("SELECT Id FROM Account LIMIT 7"), 7, "LIMIT");
	is_int(count("SELECT Id FROM Account LIMIT 0"), 0, "LIMIT 0");
	is_int(count("SELECT Id FROM Account LIMIT 5000"), 1000, "LIMIT above the rows");
	is_int(count("SELECT Id FROM Account OFFSET 990"), 10, "OFFSET");
	is_int(count("SELECT Id FROM Account LIMIT 7 OFFSET 998"), 2, "LIMIT and OFFSET");
	is_int(count("SELECT Id FROM Account WHERE Name != null LIMIT 7 OFFSET 998"), 2,
		   "the same with a condition");
	is_int(number("SELECT COUNT() FROM Account"), 1000, "COUNT()");
	is_int(number("SELECT COUNT() FROM Account LIMIT 3"), 3, "COUNT() with LIMIT");
	is_int(number("SELECT COUNT() FROM Account WHERE Id = null"), 0, "COUNT() of nothing");
}

/* Is column 0 of the query in the order that cmp says, with nulls where they belong? */
static bool
ordered(const char *soql, int sign, bool nulls_first)
{
	sim_query *q = start(soql, 0);
	sim_error err = {0};
	double last = 0;
	bool have = false;
	bool null_seen = false;
	bool good = q != NULL;

	while (good && sim_query_step(q, &err) == 1)
	{
		sim_value v;
		double d;

		sim_query_value(q, 0, &v);
		if (v.kind == SIM_NULL)
		{
			good = !nulls_first || !have;
			null_seen = true;
			continue;
		}
		d = v.kind == SIM_DOUBLE ? v.d : (double) v.i;
		good = (nulls_first || !null_seen) && (!have || sign * d >= sign * last);
		last = d;
		have = true;
	}
	sim_query_free(q);
	return good && null_seen && have;
}

static void
test_order(void)
{
	ok(ordered("SELECT Amount__c FROM Invoice__c ORDER BY Amount__c", 1, true),
	   "ascending, nulls first");
	ok(ordered("SELECT Amount__c FROM Invoice__c ORDER BY Amount__c DESC", -1, true),
	   "descending, nulls first as well");
	set("nulls_first", "asc");
	ok(ordered("SELECT Amount__c FROM Invoice__c ORDER BY Amount__c DESC", -1, false),
	   "or last, by a switch");
	sim_org_reset_switches(org);
	ok(ordered("SELECT Close_Date__c FROM Invoice__c ORDER BY Close_Date__c NULLS LAST", 1,
			   false),
	   "NULLS LAST");
	ok(ordered("SELECT Due_At__c FROM Invoice__c ORDER BY Due_At__c DESC NULLS LAST", -1,
			   false),
	   "datetimes");
	gives("SELECT Name FROM Account WHERE Id = null ORDER BY Rating", "", "order of nothing");
	gives("SELECT Rating, COUNT(Id) FROM Account WHERE Rating IN ('hot','warm','cold') "
		  "GROUP BY Rating HAVING COUNT(Id) > 100000 ORDER BY Rating",
		  "", "a HAVING that nothing meets");
	gives(
		"SELECT Name FROM Account WHERE Name IN ('acme', '0', 'x', '_', '日本語株式会社') AND "
		"Name != 'acme' GROUP BY Name ORDER BY Name DESC",
		"\"日本語株式会社\"\n\"_\"\n\"x\"\n\"0\"\n", "text sorts upper-cased");
}

static void
test_aggregates(void)
{
	sim_buf b;
	sim_buf c = {0};
	sim_query *q = start("SELECT Amount__c, Stage__c FROM Invoice__c", 0);
	sim_error err = {0};
	double sum = 0;
	int64_t n = 0;
	int64_t paid = 0;
	char text[SIM_DOUBLE_SIZE];

	while (q != NULL && sim_query_step(q, &err) == 1)
	{
		sim_value v;

		sim_query_value(q, 0, &v);
		n += v.kind != SIM_NULL;
		sum += v.d;
		sim_query_value(q, 1, &v);
		paid += v.kind == SIM_TEXT && v.len == 4 && memcmp(v.text, "Paid", 4) == 0;
	}
	sim_query_free(q);
	sim_format_double(sum, text);
	sim_buf_printf(&c, "\"%lld\",\"1000\",\"%s\"\n", (long long) n, text);
	gives("SELECT COUNT(Amount__c), COUNT(Id), SUM(Amount__c) FROM Invoice__c", c.data,
		  "COUNT leaves nulls out, SUM sums");
	sim_buf_reset(&c);
	sim_buf_printf(&c, "\"Paid\",\"%lld\"\n", (long long) paid);
	gives("SELECT Stage__c s, COUNT(Id) FROM Invoice__c GROUP BY Stage__c HAVING Stage__c = "
		  "'paid' ORDER BY COUNT(Id) DESC LIMIT 5",
		  c.data, "GROUP BY, HAVING and an alias");
	sim_buf_free(&c);
	gives("SELECT SUM(Amount__c), MAX(Name), COUNT(Id) FROM Invoice__c WHERE Id = null",
		  "\"\",\"\",\"0\"\n", "aggregates over nothing");
	gives("SELECT MIN(Priority__c), MAX(Priority__c) FROM Invoice__c WHERE Priority__c IN "
		  "('low','HIGH')",
		  "\"low\",\"HIGH\"\n", "MIN and MAX of a picklist go by setup order");
	b = rows_of("SELECT COUNT_DISTINCT(Code__c) FROM Invoice__c", false);
	set("group_ignores_case", "false");
	c = rows_of("SELECT COUNT_DISTINCT(Code__c) FROM Invoice__c", false);
	sim_org_reset_switches(org);
	ok(b.len > 3 && c.len > 3 && atoi(b.data + 1) < atoi(c.data + 1),
	   "COUNT_DISTINCT folds case, or not, by a switch");
	sim_buf_free(&b);
	sim_buf_free(&c);
	b = rows_of(
		"SELECT Rating, COUNT(Id) n, MAX(CreatedDate), CALENDAR_YEAR(CreatedDate) y FROM "
		"Account WHERE Rating = 'Hot' GROUP BY Rating, CALENDAR_YEAR(CreatedDate) ORDER BY "
		"CALENDAR_YEAR(CreatedDate) LIMIT 1",
		true);
	ok(b.len > 0 &&
		   strncmp(b.data,
				   "{\"attributes\":{\"type\":\"AggregateResult\"},\"Rating\":\"Hot\",\"n\":",
				   60) == 0 &&
		   strstr(b.data, ",\"expr0\":\"2015-") && strstr(b.data, "+0000\",\"y\":2015}"),
	   "an aggregate row as JSON");
	sim_buf_free(&b);
}

static void
test_semijoins(void)
{
	int64_t in =
		count("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE "
			  "LastName = 'SMITH')");
	int64_t out =
		count("SELECT Id FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact "
			  "WHERE LastName = 'smith')");
	sim_query *q =
		start("SELECT AccountId FROM Contact WHERE LastName = 'Smith' AND AccountId != "
			  "null AND Account.IsDeleted = false GROUP BY AccountId",
			  0);
	sim_error err = {0};

	is_int(in, q ? sim_query_total(q, &err) : -1, "a semi-join finds the parents");
	is_int(out, 1000 - in, "an anti-join the others");
	sim_query_free(q);
}

static void
test_relative_dates(void)
{
	set("now", "2024-02-29T13:00:00Z");
	is_int(
		count("SELECT Id FROM Account WHERE CreatedDate = LAST_MONTH"),
		count(
			"SELECT Id FROM Account WHERE CreatedDate >= 2024-01-01T00:00:00Z AND CreatedDate "
			"< 2024-02-01T00:00:00Z"),
		"a relative literal is a span");
	is_int(count("SELECT Id FROM Account WHERE CreatedDate <= THIS_YEAR"),
		   count("SELECT Id FROM Account WHERE CreatedDate < 2025-01-01T00:00:00Z"),
		   "<= includes the span");
	is_int(count("SELECT Id FROM Opportunity WHERE CloseDate > LAST_N_DAYS:30"),
		   count("SELECT Id FROM Opportunity WHERE CloseDate > 2024-02-29"),
		   "> is behind the span");
	is_int(count("SELECT Id FROM Opportunity WHERE CloseDate != TODAY"),
		   count("SELECT Id FROM Opportunity WHERE CloseDate != 2024-02-29"), "!= is outside");
	is_int(count("SELECT Id FROM Opportunity WHERE CALENDAR_YEAR(CloseDate) = 2024"),
		   count("SELECT Id FROM Opportunity WHERE CloseDate = THIS_YEAR"),
		   "date functions agree with it");
	sim_org_reset_switches(org);
}

/* ---------------------------------------------------------------- rendering */

static void
test_csv(void)
{
	sim_query *q = start("SELECT id, NAME, account__r.owner.name, IsDeleted, Amount__c, "
						 "Close_Date__c, Due_At__c, Reminder_Time__c, Employees__c FROM "
						 "invoice__c WHERE Name = '\"quoted\"' AND Amount__c != null LIMIT 1",
						 0);
	sim_error err = {0};
	sim_buf b = {0};

	if (!ok(q != NULL && sim_query_step(q, &err) == 1, "a row with quotes"))
		return;
	sim_query_header_csv(q, ',', "\n", &b);
	is_text(b.data,
			"\"Id\",\"Name\",\"Account__r.Owner.Name\",\"IsDeleted\",\"Amount__c\","
			"\"Close_Date__c\",\"Due_At__c\",\"Reminder_Time__c\",\"Employees__c\"\n",
			"the header is in metadata case");
	sim_buf_reset(&b);
	sim_query_row_csv(q, ';', "\r\n", &b);
	ok(strstr(b.data, ";\"\"\"quoted\"\"\";") != NULL && strstr(b.data, "\"false\"") != NULL &&
		   strcmp(b.data + b.len - 2, "\r\n") == 0,
	   "quotes are doubled, delimiter and line end are the wanted ones");
	sim_query_free(q);
	sim_buf_free(&b);
	set("csv_header_case", "query");
	q = start("SELECT id, account__R.name FROM Invoice__c LIMIT 1", 0);
	sim_query_header_csv(q, '|', "\n", &b);
	is_text(b.data, "\"id\"|\"account__R.name\"\n", "or as the query spells it, by a switch");
	sim_query_free(q);
	sim_buf_free(&b);
	sim_org_reset_switches(org);
	gives("SELECT Reminder_Time__c FROM Invoice__c WHERE Reminder_Time__c = 23:59:59.999Z "
		  "LIMIT 1",
		  "\"23:59:59.999Z\"\n", "times as bulk writes them");
	gives("SELECT MIN(Due_At__c), MAX(Due_At__c) FROM Invoice__c WHERE Due_At__c < "
		  "1700-01-01T00:00:01Z",
		  "\"1700-01-01T00:00:00.000Z\",\"1700-01-01T00:00:00.000Z\"\n",
		  "datetimes as bulk writes them");
	gives("SELECT Amount__c FROM Invoice__c WHERE Amount__c = 90000000 LIMIT 1", "\"9.0E7\"\n",
		  "numbers as Java writes them");
}

/* Every record is JSON, has the selected keys in their order, and nests its parents. */
static void
test_json(void)
{
	sim_query *q = start("SELECT Id, Account__r.Name, Account__r.Owner.Name, Name, "
						 "Account__r.BillingAddress, Geolocation__c, Document__c, Is_Paid__c, "
						 "Notes__c, Account__c FROM Invoice__c",
						 0);
	sim_error err = {0};
	sim_buf b = {0};
	bool good = q != NULL;
	int missing = 0;

	while (good && sim_query_step(q, &err) == 1)
	{
		cJSON *o;
		const cJSON *parent;
		sim_value v;

		sim_buf_reset(&b);
		sim_query_row_json(q, &b);
		o = cJSON_Parse(b.data);
		parent = cJSON_GetObjectItem(o, "Account__r");
		sim_query_value(q, 3, &v);
		good = o != NULL && cJSON_GetArraySize(o) == 9 && parent != NULL &&
			   strcmp(o->child->next->string, "Id") == 0 &&
			   strcmp(o->child->next->next->string, "Account__r") == 0 &&
			   strcmp(o->child->next->next->next->string, "Name") == 0 &&
			   strlen(cJSON_GetObjectItem(o, "Name")->valuestring) == v.len &&
			   memcmp(cJSON_GetObjectItem(o, "Name")->valuestring, v.text, v.len) == 0 &&
			   cJSON_IsNull(parent) == cJSON_IsNull(cJSON_GetObjectItem(o, "Account__c"));
		if (good && !cJSON_IsNull(parent))
			good = cJSON_GetObjectItem(cJSON_GetObjectItem(parent, "Owner"), "Name") != NULL &&
				   cJSON_GetArraySize(cJSON_GetObjectItem(parent, "BillingAddress")) % 8 == 0;
		missing += cJSON_IsNull(parent);
		if (!good)
			diag("%s", b.data);
		cJSON_Delete(o);
	}
	ok(good && missing > 0, "records are JSON with parents inside, or null");
	sim_query_free(q);
	sim_buf_free(&b);
	b = rows_of(
		"SELECT BillingAddress, Website FROM Account WHERE BillingLatitude != null AND "
		"BillingStreet LIKE '%Suite%' AND Website = null LIMIT 1",
		true);
	ok(b.data != NULL && strstr(b.data, "\"BillingAddress\":{\"city\":") != NULL &&
		   strstr(b.data, "\\nSuite 4, \\\"B\\\"\"},\"Website\":null}") != NULL,
	   "an address is an object, its keys sorted");
	sim_buf_free(&b);
	sim_json_string(&b, "a\"b\\\x01\x1f\n\xc3\xa9/", 10);
	is_text(b.data, "\"a\\\"b\\\\\\u0001\\u001f\\n\xc3\xa9/\"", "a JSON string");
	sim_buf_free(&b);
}

/* ---------------------------------------------------------------- refusals */

static void
test_errors(void)
{
	refuses("SELECT COUNT() FROM XYZZY", 0, "INVALID_TYPE",
			"\nSELECT COUNT() FROM XYZZY\n                    ^\nERROR at Row:1:Column:21\n"
			"sObject type 'XYZZY' is not supported.");
	refuses("SELECT Id FROM Legacy_Order__c", 0, "INVALID_TYPE", "is not supported");
	refuses("SELECT Id FROM AccountChangeEvent", 0, "INVALID_TYPE_FOR_OPERATION",
			"does not support query");
	refuses("SELECT Foo FROM Account", 0, "INVALID_FIELD",
			"No such column 'Foo' on entity 'Account'");
	refuses("SELECT Foo__r.Id FROM Account", 0, "INVALID_FIELD",
			"Didn't understand relationship 'Foo__r'");
	refuses("SELECT Id, id FROM Account", 0, "INVALID_FIELD", "duplicate field selected: Id");
	refuses("SELECT Id, Account.Id FROM Account", 0, "INVALID_FIELD",
			"duplicate field selected");
	refuses("SELECT Id FROM Account WHERE Name = 5", 0, "INVALID_FIELD",
			"'Name' must be of type string and should be enclosed in quotes");
	refuses("SELECT Id FROM Account WHERE NumberOfEmployees = '5'", 0, "INVALID_FIELD",
			"must be of type integer and should not be enclosed in quotes");
	refuses("SELECT Id FROM Account WHERE NumberOfEmployees = 5.5", 0, "INVALID_FIELD",
			"must be of type integer");
	refuses("SELECT Id FROM Account WHERE IsDeleted = 'true'", 0, "INVALID_FIELD", "boolean");
	refuses("SELECT Id FROM Account WHERE CreatedDate > 2020-01-01", 0, "INVALID_FIELD",
			"must be of type dateTime");
	refuses("SELECT Id FROM Opportunity WHERE CloseDate > 2020-01-01T00:00:00Z", 0,
			"INVALID_FIELD", "must be of type date ");
	refuses("SELECT Id FROM Account WHERE Id = TODAY", 0, "INVALID_FIELD",
			"must be of type id");
	refuses("SELECT Id FROM Account WHERE Id = 'xyz'", 0, "INVALID_QUERY_FILTER_OPERATOR",
			"invalid ID field: xyz");
	refuses("SELECT Id FROM Account WHERE Id = '0013h00000Ffg18AAC'", 0,
			"INVALID_QUERY_FILTER_OPERATOR", "invalid ID field");
	refuses("SELECT Id FROM Account WHERE Description = 'x'", 0, "INVALID_FIELD",
			"field 'Description' can not be filtered in a query call");
	refuses("SELECT Id FROM Invoice__c WHERE Card__c = 'x'", 0, "INVALID_FIELD", "filtered");
	refuses("SELECT Id FROM Account WHERE BillingAddress = 'x'", 0, "INVALID_FIELD",
			"filtered");
	refuses("SELECT Id FROM Account WHERE NumberOfEmployees LIKE '5%'", 0,
			"INVALID_QUERY_FILTER_OPERATOR", "invalid operator on int field");
	refuses("SELECT Id FROM Account WHERE Id LIKE '001%'", 0, "INVALID_QUERY_FILTER_OPERATOR",
			"on id field");
	refuses("SELECT Id FROM Account WHERE Name INCLUDES ('x')", 0,
			"INVALID_QUERY_FILTER_OPERATOR", "on string field");
	refuses("SELECT Id FROM Account WHERE Name > null", 0, "INVALID_QUERY_FILTER_OPERATOR",
			"on string field");
	refuses("SELECT Id FROM Account WHERE COUNT(Id) > 1", 0, "MALFORMED_QUERY", "WHERE");
	refuses("SELECT Id FROM Invoice__c ORDER BY Tags__c", 0, "MALFORMED_QUERY", "sorted");
	refuses("SELECT COUNT(Id) FROM Account GROUP BY AnnualRevenue", 0, "MALFORMED_QUERY",
			"can not be grouped");
	refuses("SELECT Name, COUNT(Id) FROM Account", 0, "MALFORMED_QUERY",
			"Field must be grouped or aggregated: Name");
	refuses("SELECT SUM(Name) FROM Account", 0, "MALFORMED_QUERY", "aggregate operator SUM");
	refuses("SELECT MAX(IsDeleted) FROM Account", 0, "MALFORMED_QUERY", "operator MAX");
	refuses("SELECT COUNT(Id) FROM Account LIMIT 1", 0, "MALFORMED_QUERY", "LIMIT");
	refuses("SELECT COUNT() n FROM Account", 0, "MALFORMED_QUERY", "alias");
	refuses("SELECT COUNT(), Id FROM Account", 0, "MALFORMED_QUERY", "only element");
	refuses("SELECT Name n FROM Account", 0, "MALFORMED_QUERY", "aliasing");
	refuses("SELECT CALENDAR_YEAR(CreatedDate) FROM Account", 0, "MALFORMED_QUERY", "grouped");
	refuses("SELECT Foo(Name) FROM Account", 0, "MALFORMED_QUERY", "Invalid function: Foo");
	refuses("SELECT Id FROM Account OFFSET 2001", 0, "NUMBER_OUTSIDE_VALID_RANGE", "2000");
	refuses("SELECT FIELDS(ALL) FROM Account", SIM_QUERY_REST, "MALFORMED_QUERY",
			"The SOQL FIELDS function must have a LIMIT of at most 200");
	refuses("SELECT FIELDS(ALL) FROM Account LIMIT 200", 0, "MALFORMED_QUERY",
			"unbounded set of fields in this API");
	refuses("SELECT Name FROM Contact GROUP BY Id", 0, "MALFORMED_QUERY",
			"Field must be grouped");
	refuses("SELECT Id FROM Contact GROUP BY Id", SIM_QUERY_ALL, "EXCEEDED_ID_LIMIT",
			"does not support queryMore()");
	refuses("SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Contact)", 0,
			"MALFORMED_QUERY", "should not be on the same object type");
	refuses("SELECT Id FROM Contact WHERE AccountId IN (SELECT OwnerId FROM Account)", 0,
			"MALFORMED_QUERY", "should point to the same object type");
	refuses("SELECT Id FROM Contact WHERE Id = null OR AccountId IN (SELECT Id FROM Account)",
			0, "MALFORMED_QUERY", "Semi join");
	refuses("SELECT Id, (SELECT Id FROM Contacts) FROM Account", 0, "FEATURENOTENABLED",
			"Aggregate Relationships not supported in Bulk Query");
}

static void
test_long_texts(void)
{
	sim_buf b = {0};

	sim_buf_str(&b, "SELECT Id FROM Account WHERE Name = '");
	for (int i = 0; i < 4001; i++)
		sim_buf_char(&b, 'x');
	sim_buf_char(&b, '\'');
	refuses(b.data, 0, "MALFORMED_QUERY", "longer than 4000");
	sim_buf_reset(&b);
	sim_buf_str(&b, "SELECT Id FROM Account WHERE NumberOfEmployees = 0");
	for (int i = 1; i < 3000; i++)
		sim_buf_printf(&b, " OR NumberOfEmployees = %d", i);
	ok(count(b.data) > 0, "3,000 conditions are no trouble");
	sim_buf_reset(&b);
	sim_buf_str(&b, "SELECT Id FROM Account WHERE NumberOfEmployees NOT IN (0");
	for (int i = 1; i < 15000; i++)
		sim_buf_printf(&b, ",%d", i);
	sim_buf_char(&b, ')');
	ok(count(b.data) > 0, "neither are 15,000 values");
	sim_buf_free(&b);
}

static void
bulk(const char *soql, const char *code)
{
	sim_error err = {0};
	sim_query *q = start(soql, 0);
	bool good = q != NULL && sim_query_bulk_check(q, &err);

	if (!ok(code == NULL ? good : !good && strcmp(err.code, code) == 0, "bulk: %s", soql))
		diag("%s: %s", err.code, err.message);
	sim_query_free(q);
}

static void
test_bulk_check(void)
{
	bulk("SELECT Id, Account.Name FROM Contact ORDER BY Name LIMIT 5", NULL);
	bulk("SELECT FIELDS(STANDARD) FROM Account", NULL);
	bulk("SELECT COUNT() FROM Account", "FEATURENOTENABLED");
	bulk("SELECT MAX(Id) FROM Account", "FEATURENOTENABLED");
	bulk("SELECT Name FROM Account GROUP BY Name LIMIT 5", "FEATURENOTENABLED");
	bulk("SELECT Id FROM Account OFFSET 5", "FEATURENOTENABLED");
	bulk("SELECT BillingAddress FROM Account", "API_ERROR");
	bulk("SELECT Document__c FROM Invoice__c", "FEATURENOTENABLED");
	bulk("SELECT Id FROM TaskStatus", "INVALIDENTITY");
}

/* ---------------------------------------------------------------- threads */

#define THREAD_QUERY                                                                          \
	"SELECT Id, Name, Account.Name FROM Contact WHERE Account.Name != 'x' ORDER BY Name"

static void *
reader(void *arg)
{
	int64_t expected = *(int64_t *) arg;
	bool good = true;

	for (int i = 0; i < 20; i++)
		good = good && count(THREAD_QUERY) == expected;
	return good ? arg : NULL;
}

static void
test_threads(void)
{
	pthread_t t[4];
	int64_t expected = count(THREAD_QUERY);
	bool good = expected > 1900;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, reader, &expected);
	for (int i = 0; i < 4; i++)
	{
		void *result;

		pthread_join(t[i], &result);
		good = good && result != NULL;
	}
	ok(good, "four threads read at the same time");
}

static void
test_rewind(void)
{
	sim_query *q = start("SELECT Id FROM User", 0);
	sim_error err = {0};
	int n = 0;
	uint64_t before = sim_org_data_version(org);

	while (sim_query_step(q, &err) == 1)
		n++;
	sim_query_rewind(q);
	while (sim_query_step(q, &err) == 1)
		n++;
	is_int(n, 40, "a cursor can start again");
	sim_query_free(q);
	ok(sim_org_data_version(org) == before, "reading changes nothing");
	set("null_less", "true");
	ok(sim_org_data_version(org) > before, "a switch makes rendered pages invalid");
	sim_org_reset_switches(org);
}

int
main(void)
{
	sim_options opt;
	sim_error err = {0};

	sim_options_init(&opt);
	org = sim_org_open(&opt, &err);
	if (!ok(org != NULL, "an org is opened"))
	{
		diag("%s", err.message);
		return tap_done();
	}
	test_nulls();
	test_deleted();
	test_ids();
	test_limits();
	test_order();
	test_aggregates();
	test_semijoins();
	test_relative_dates();
	test_csv();
	test_json();
	test_errors();
	test_long_texts();
	test_bulk_check();
	test_threads();
	test_rewind();
	sim_org_close(org);
	return tap_done();
}
