/*
 * sim_org.c
 *		The simulated org without queries: ids, calendar, text rules, number texts, generated
 *		rows, options, describes.
 */
#include "tap.h"
#include "calendar.h"
#include "data.h"
#include "ids.h"
#include "text.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <math.h>
#include <unistd.h>

/* ---------------------------------------------------------------- ids */

static void
test_ids(void)
{
	char id[SIM_ID_SIZE];
	int64_t n = 0;
	bool ordered = true;
	char last[SIM_ID_SIZE] = "";

	ok(sim_id_normalise("0013h00000FffwF", 15, id), "15 characters are an id");
	is_text(id, "0013h00000FffwFAAR", "checksum as in a real org");
	ok(sim_id_normalise("0013h00000Ffg18AAB", 18, id), "18 characters are an id");
	ok(!sim_id_normalise("0013h00000Ffg18AAC", 18, id), "a wrong checksum is refused");
	ok(!sim_id_normalise("0013h00000ffg18AAB", 18, id), "another case is another checksum");
	ok(!sim_id_normalise("0013h00000Ffg1", 14, id) &&
		   !sim_id_normalise("0013h00000Ffg1-", 15, id) &&
		   !sim_id_normalise("0013h00000Ffg18AA", 17, id) && !sim_id_normalise("", 0, id),
	   "other lengths and characters are refused");
	for (int64_t i = 0; i < 200000; i += 61)
	{
		sim_id_make("a00", i, id);
		ordered = ordered && memcmp(last, id, 15) < 0 && sim_id_number(id, 18, "a00") == i &&
				  sim_id_number(id, 15, "a00") == i;
		memcpy(last, id, sizeof(last));
	}
	ok(ordered, "ids sort as their rows and lead back to them");
	is_int(sim_id_number(id, 18, "001"), -1, "an id of another object is none of ours");
	ok(sim_id_place("00199000000AAAA", "001", &n) == 1 &&
		   sim_id_place("001000000000000", "001", &n) == -1,
	   "ids of other orgs have a place around ours");
}

/* ---------------------------------------------------------------- calendar */

static void
test_calendar(void)
{
	char text[SIM_DATETIME_SIZE];
	int64_t y;
	int m;
	int d;
	bool good = true;
	int64_t out;

	for (int64_t day = SIM_FIRST_DAY; good && day <= SIM_LAST_DAY; day++)
	{
		int64_t back;

		sim_civil_from_days(day, &y, &m, &d);
		good = sim_civil_valid(y, m, d) && sim_days_from_civil(y, m, d) == day &&
			   sim_format_date(day, text) == 10 && sim_parse_date(text, 10, &back) &&
			   back == day;
	}
	ok(good, "every day of 1700 to 4000 survives printing and parsing");
	sim_format_date(SIM_FIRST_DAY, text);
	is_text(text, "1700-01-01", "the first day");
	sim_format_date(SIM_LAST_DAY, text);
	is_text(text, "4000-12-31", "the last day");
	sim_format_datetime(-1, "Z", text);
	is_text(text, "1969-12-31T23:59:59.999Z", "a millisecond before 1970");
	sim_format_datetime(INT64_C(951827696789), "+0000", text);
	is_text(text, "2000-02-29T12:34:56.789+0000", "a leap day, as REST writes it");
	sim_format_time(36900000, text);
	is_text(text, "10:15:00.000Z", "a time");
	ok(sim_parse_datetime("2000-02-29T12:34:56.789Z", 24, &out) &&
		   out == INT64_C(951827696789),
	   "a datetime is read");
	ok(sim_parse_datetime("2000-02-29T12:34:56-05:30", 25, &out) &&
		   out == INT64_C(951847496000),
	   "a zone is read");
	ok(!sim_parse_date("1900-02-29", 10, &out) && !sim_parse_date("2000-13-01", 10, &out) &&
		   !sim_parse_datetime("2000-02-29T12:34:60Z", 20, &out) &&
		   !sim_parse_time("25:00:00Z", 9, &out),
	   "what is no day or clock is refused");
}

static void
is_range(const char *name, int64_t n, const char *from, const char *to)
{
	char got[SIM_DATETIME_SIZE * 2 + 8];
	char expected[SIM_DATETIME_SIZE * 2 + 8];
	char a[SIM_DATETIME_SIZE] = "-";
	char b[SIM_DATETIME_SIZE] = "-";
	int64_t first;
	int64_t end;
	int64_t now = sim_days_from_civil(2024, 2, 29) * MS_PER_DAY + 50000000; /* a Thursday */

	if (sim_relative_range(name, n, now, &first, &end) && first % MS_PER_DAY == 0 &&
		end % MS_PER_DAY == 0)
	{
		sim_format_date(first / MS_PER_DAY, a);
		sim_format_date(end / MS_PER_DAY, b);
	}
	snprintf(got, sizeof(got), "%s %s", a, b);
	snprintf(expected, sizeof(expected), "%s %s", from, to);
	is_text(got, expected, name);
}

static void
test_relative(void)
{
	is_range("TODAY", 0, "2024-02-29", "2024-03-01");
	is_range("yesterday", 0, "2024-02-28", "2024-02-29");
	is_range("TOMORROW", 0, "2024-03-01", "2024-03-02");
	is_range("THIS_WEEK", 0, "2024-02-25", "2024-03-03");
	is_range("LAST_WEEK", 0, "2024-02-18", "2024-02-25");
	is_range("NEXT_WEEK", 0, "2024-03-03", "2024-03-10");
	is_range("THIS_MONTH", 0, "2024-02-01", "2024-03-01");
	is_range("LAST_MONTH", 0, "2024-01-01", "2024-02-01");
	is_range("NEXT_MONTH", 0, "2024-03-01", "2024-04-01");
	is_range("THIS_QUARTER", 0, "2024-01-01", "2024-04-01");
	is_range("LAST_QUARTER", 0, "2023-10-01", "2024-01-01");
	is_range("NEXT_FISCAL_QUARTER", 0, "2024-04-01", "2024-07-01");
	is_range("THIS_YEAR", 0, "2024-01-01", "2025-01-01");
	is_range("LAST_FISCAL_YEAR", 0, "2023-01-01", "2024-01-01");
	is_range("LAST_90_DAYS", 0, "2023-12-01", "2024-03-01");
	is_range("NEXT_90_DAYS", 0, "2024-03-01", "2024-05-30");
	is_range("LAST_N_DAYS", 7, "2024-02-22", "2024-03-01");
	is_range("NEXT_N_DAYS", 7, "2024-03-01", "2024-03-08");
	is_range("N_DAYS_AGO", 60, "2023-12-31", "2024-01-01");
	is_range("LAST_N_MONTHS", 3, "2023-11-01", "2024-02-01");
	is_range("N_MONTHS_AGO", 2, "2023-12-01", "2024-01-01");
	is_range("NEXT_N_YEARS", 2, "2025-01-01", "2027-01-01");
	is_range("N_WEEKS_AGO", 1, "2024-02-18", "2024-02-25");
	ok(sim_relative_takes_number("LAST_N_QUARTERS") == 1 &&
		   sim_relative_takes_number("TODAY") == 0 &&
		   sim_relative_takes_number("NAME") == -1 &&
		   sim_relative_takes_number("LAST_N_") == -1 &&
		   sim_relative_takes_number("N_AGO") == -1,
	   "which literals take a number");
}

/* ---------------------------------------------------------------- text */

static bool
same(const char *a, const char *b)
{
	return sim_text_compare(NULL, (int) strlen(a), a, (int) strlen(b), b) == 0;
}

static bool
like(const char *text, const char *pattern)
{
	return sim_text_like(pattern, strlen(pattern), text, strlen(text), true);
}

static bool
includes(const char *text, const char *wanted)
{
	return sim_text_includes(wanted, strlen(wanted), text, strlen(text));
}

static void
test_text(void)
{
	ok(same("acme", "ACME") && same("Ünïcödé", "ÜNÏCÖDÉ") && same("ελλάδα", "ΕΛΛΆΔΑ") &&
		   same("привет", "ПРИВЕТ"),
	   "case does not count in any alphabet");
	ok(same("οδος", "ΟΔΟΣ") && same("οδός", "ΟΔΌΣ"), "both sigmas are one letter");
	ok(!same("acme", "acmé") && !same("straße", "strasse") && !same("a", "a "),
	   "accents, ligatures and blanks count");
	ok(sim_text_compare(NULL, 1, "Z", 1, "a") > 0 &&
		   sim_text_compare(NULL, 1, "a", 2, "AB") < 0,
	   "text sorts by upper-cased characters");
	ok(like("Acme Corp", "acme%") && like("Acme Corp", "%CORP") &&
		   like("Acme Corp", "%e c%") && like("Acme", "%") && like("", "%") &&
		   !like("Acme", "acm") && !like("Acme", "_cm"),
	   "a percent sign is any run");
	ok(like("Acme", "a__e") && like("日本", "__") && !like("日本", "_") && like("😀", "_"),
	   "an underscore is one character");
	ok(like("50%", "50\\%") && !like("500", "50\\%") && like("a_b", "a\\_b") &&
		   !like("axb", "a\\_b") && like("a\\b", "a\\\\b"),
	   "a backslash makes the next one plain");
	ok(like("aaaaaaaaab", "%a%a%a%b") && !like("aaaaaaaaaa", "%a%a%a%b"), "runs are retried");
	ok(!sim_text_like("ACME", 4, "acme", 4, false), "a case-sensitive field is compared so");
	ok(includes("A;B;C", "b") && includes("A;B;C", "C;A") && !includes("A;B", "A;C") &&
		   !includes("AB;C", "A") && !includes("A;B", ""),
	   "multi-select members are whole");
}

/* ---------------------------------------------------------------- numbers as text */

static void
is_double(double d, const char *expected)
{
	char text[SIM_DOUBLE_SIZE];

	sim_format_double(d, text);
	is_text(text, expected, expected);
}

static void
test_doubles(void)
{
	bool good = true;
	uint64_t bits = 88172645463325252u;

	is_double(0, "0.0");
	is_double(100, "100.0");
	is_double(9e7, "9.0E7");
	is_double(115056052, "1.15056052E8");
	is_double(16147805824397.0, "1.6147805824397E13");
	is_double(9999999.99, "9999999.99");
	is_double(10000000, "1.0E7");
	is_double(0.001, "0.001");
	is_double(0.000999, "9.99E-4");
	is_double(1e-5, "1.0E-5");
	is_double(-0.5, "-0.5");
	is_double(-123456.78, "-123456.78");
	is_double(0.1 + 0.2, "0.30000000000000004");
	is_double(1234567, "1234567.0");
	is_double(120, "120.0");
	is_double(1e22, "1.0E22");
	is_double(1.7976931348623157e308, "1.7976931348623157E308");
	is_double(2147483648.0, "2.147483648E9");
	for (int i = 0; good && i < 200000; i++)
	{
		char text[SIM_DOUBLE_SIZE];
		char shorter[40];
		double d;
		int digits = 0;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&d, &bits, sizeof(d));
		if (i % 2 == 0)
			d = (double) (int64_t) (bits % 2000000000000u) / (i % 4 == 0 ? 100 : 1000000);
		if (!isfinite(d) || d == 0)
			continue;
		good = sim_format_double(d, text) == strlen(text) && strtod(text, NULL) == d;
		for (const char *c = text; *c != '\0' && *c != 'E'; c++)
			digits += *c >= '0' && *c <= '9';
		/* one digit less must not do, except for the zero that Java always shows */
		snprintf(shorter, sizeof(shorter), "%.*e", digits > 2 ? digits - 2 : 0, d);
		if (digits > 2 && strstr(text, ".0") == NULL && fabs(d) >= 1)
			good = good && strtod(shorter, NULL) != d;
		if (!good)
			diag("%.17g gives %s", d, text);
	}
	ok(good, "200,000 random numbers read back the same, with the fewest digits");
}

/* ---------------------------------------------------------------- rows */

static bool
same_cell(const sim_cell *a, const sim_cell *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == SIM_CELL_TEXT || a->kind == SIM_CELL_BLOB)
		return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
	if (a->kind == SIM_CELL_REAL)
		return a->d == b->d;
	return a->kind == SIM_CELL_NULL || a->i == b->i;
}

/* Is text something that the org could have stored? */
static bool
storable(const sim_field *f, const sim_cell *c)
{
	if (c->kind != SIM_CELL_TEXT)
		return true;
	if (c->len == 0 || sim_text_chars(c->text, c->len) > (size_t) f->length)
		return false;
	return strchr(" \t\r\n", c->text[0]) == NULL &&
		   strchr(" \t\r\n", c->text[c->len - 1]) == NULL;
}

static void
test_rows(void)
{
	sim_population rows[SIM_MAX_OBJECTS];
	sim_cell *a = malloc(sizeof(*a));
	sim_cell *b = malloc(sizeof(*b));
	bool repeat = true;
	bool stored = true;
	bool required = true;
	int64_t different = 0;
	int n;
	const sim_object *const *list = sim_object_list(&n);

	for (int i = 0; i < n; i++)
		rows[list[i]->slot] = sim_population_for(list[i], 3000);
	for (int i = 0; i < n; i++)
	{
		const sim_object *obj = list[i];

		for (int f = 0; f < obj->nfields; f++)
		{
			for (int64_t r = 0; r < 2500; r += r < 400 ? 1 : 37)
			{
				const sim_field *field = &obj->fields[f];

				sim_data_cell(7, obj, f, r, rows, a);
				sim_data_cell(7, obj, f, r, rows, b);
				repeat = repeat && same_cell(a, b);
				if (stored && !storable(field, a))
					stored = ok(false, "%s.%s of row %d", obj->name, field->name, (int) r);
				if ((field->flags & SF_REQUIRED) && field->gen != NULL &&
					a->kind == SIM_CELL_NULL && required)
					required = ok(false, "%s.%s of row %d", obj->name, field->name, (int) r);
				sim_data_cell(8, obj, f, r, rows, b);
				different += !same_cell(a, b);
			}
		}
	}
	ok(repeat, "the same row is made again");
	ok(stored, "no text is empty, too long or has blanks around it");
	ok(required, "what is required is there");
	ok(different > 20000, "another seed makes other rows");
	free(a);
	free(b);
}

static void
test_population(void)
{
	const sim_object *account = sim_object_find("account");
	bool good = true;

	for (int64_t live = 0; good && live < 3000; live++)
	{
		sim_population p = sim_population_for(account, live);
		int64_t deleted = 0;

		for (int64_t r = 0; r < p.total; r++)
			deleted += sim_row_is_deleted(&p, r);
		good = deleted == p.deleted && p.total - deleted == live;
	}
	ok(good, "--rows counts the rows that are not deleted");
	is_int(sim_population_for(sim_object_find("User"), 500).deleted, 0,
		   "users cannot be deleted");
}

/* ---------------------------------------------------------------- options, files */

static int
files_in(const char *dir)
{
	DIR *d = opendir(dir);
	int n = -2; /* . and .. */

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

static void
test_options(void)
{
	static const char *const bad[] = {
		"Account",	   "Account=", "=5",	 "Account=x", "Account=-1",
		"Account=1.5", "Nix=5",	   "User=0", "Name=5",	  "Account=99999999999999999999"};
	sim_options opt;
	sim_error err;
	char dir[] = "/tmp/sim_org_test.XXXXXX";
	sim_org *org;
	bool refused = true;
	char value[64];

	sim_options_init(&opt);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused = refused && !sim_options_rows(&opt, bad[i], &err);
	ok(refused, "wrong --rows are refused");
	ok(sim_options_rows(&opt, "account=123", &err), "--rows account=123");
	opt.dir = mkdtemp(dir);
	org = sim_org_open(&opt, &err);
	if (!ok(org != NULL, "an org is opened"))
		return;
	is_int(sim_org_row_count(org, sim_object_find("Account")), 123, "it has that many rows");
	is_int(files_in(dir), 1, "its files are where they were asked for");
	ok(!sim_org_set_switch(org, "nix", "true", &err) &&
		   !sim_org_set_switch(org, "null_less", "maybe", &err) &&
		   !sim_org_set_switch(org, "now", "yesterday", &err),
	   "unknown switches and values are refused");
	ok(sim_org_set_switch(org, "null_less", "true", &err) &&
		   sim_org_get_switch(org, "null_less", value, sizeof(value)) &&
		   strcmp(value, "true") == 0,
	   "a switch is set");
	ok(sim_org_set_switch(org, "now", "2024-02-29T00:00:00Z", &err) &&
		   sim_org_get_switch(org, "now", value, sizeof(value)) &&
		   strcmp(value, "2024-02-29T00:00:00.000Z") == 0,
	   "the clock is set");
	for (int i = 0; sim_org_switch_name(i) != NULL; i++)
		refused = refused && sim_org_get_switch(org, sim_org_switch_name(i), value, 64);
	ok(refused, "every switch can be read");
	sim_org_close(org);
	is_int(files_in(dir), 0, "nothing is left behind");
	rmdir(dir);
	opt.dir = "/nonexistent/place";
	ok(sim_org_open(&opt, &err) == NULL && strstr(err.message, "/nonexistent/place") != NULL,
	   "a missing directory is named");
}

/* ---------------------------------------------------------------- describes */

static int
count_keys(const cJSON *o, bool *sorted)
{
	int n = 0;
	const char *last = "";

	for (const cJSON *c = o->child; c != NULL; c = c->next, n++)
	{
		*sorted = *sorted && strcmp(last, c->string) < 0;
		last = c->string;
	}
	return n;
}

static bool
flag(const cJSON *fields, const char *name, const char *key)
{
	const cJSON *f;

	cJSON_ArrayForEach (f, fields)
	{
		if (strcmp(cJSON_GetObjectItem(f, "name")->valuestring, name) == 0)
			return cJSON_IsTrue(cJSON_GetObjectItem(f, key));
	}
	return false;
}

static void
test_describe(void)
{
	cJSON *o =
		sim_describe_object(sim_object_find("Invoice__c"), "62.0", "http://127.0.0.1:1");
	cJSON *all = sim_describe_global("62.0");
	cJSON *fields = cJSON_GetObjectItem(o, "fields");
	const cJSON *f;
	bool complete = true;
	bool sorted = true;
	bool seen[SIM_T_BASE64 + 1] = {false};
	bool every = true;
	int hidden = 0;

	cJSON_ArrayForEach (f, fields)
	{
		complete = complete && count_keys(f, &sorted) == 57;
		for (int t = 0; t <= SIM_T_BASE64; t++)
			seen[t] |=
				strcmp(cJSON_GetObjectItem(f, "type")->valuestring, sim_type_name(t)) == 0;
	}
	ok(complete && sorted, "every field has 57 keys in alphabetical order");
	seen[SIM_T_ADDRESS] = sim_field_find(sim_object_find("Account"), "BillingAddress") != NULL;
	for (int t = 0; t <= SIM_T_BASE64; t++)
		every = every && seen[t];
	ok(every, "every type there is appears in a describe");
	sorted = true;
	is_int(count_keys(o, &sorted), 45, "the object has 45 keys");
	ok(flag(fields, "Legacy_Code__c", "caseSensitive") &&
		   !flag(fields, "External_Key__c", "caseSensitive") &&
		   flag(fields, "External_Key__c", "unique"),
	   "one external id is case-sensitive, one is not");
	ok(!flag(fields, "Notes__c", "filterable") &&
		   flag(fields, "Description__c", "filterable") &&
		   !flag(fields, "Card__c", "filterable") &&
		   !flag(fields, "Document__c", "filterable") &&
		   !flag(fields, "Amount__c", "groupable") &&
		   !flag(fields, "Is_Paid__c", "aggregatable"),
	   "what can be filtered, grouped, aggregated follows from the type");
	ok(flag(fields, "Weighted_Amount__c", "calculated") &&
		   !flag(fields, "Weighted_Amount__c", "createable"),
	   "a formula is calculated");
	cJSON_ArrayForEach (f, cJSON_GetObjectItem(all, "sobjects"))
	{
		hidden += cJSON_IsFalse(cJSON_GetObjectItem(f, "queryable")) ||
				  cJSON_IsTrue(cJSON_GetObjectItem(f, "deprecatedAndHidden"));
	}
	ok(hidden > 0, "some objects are there to be skipped");
	cJSON_Delete(o);
	cJSON_Delete(all);
}

int
main(void)
{
	test_ids();
	test_calendar();
	test_relative();
	test_text();
	test_doubles();
	test_rows();
	test_population();
	test_options();
	test_describe();
	return tap_done();
}
