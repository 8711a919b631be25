/*
 * test_json_rows.c
 *		REST records as rows with the bytes of bulk CSV.
 */
#include <float.h>
#include <math.h>

#include "sf_json.h"
#include "tap.h"

static void
test_doubles(void)
{
	static const struct
	{
		double value;
		const char *text;
	} numbers[] = {
		{0.0, "0.0"},
		{-0.0, "-0.0"},
		{1, "1.0"},
		{-1, "-1.0"},
		{100, "100.0"},
		{0.1, "0.1"},
		{0.001, "0.001"},
		{0.00123, "0.00123"},
		{0.0001, "1.0E-4"},
		{0.00099999, "9.9999E-4"},
		{1234567.891, "1234567.891"},
		{9999999, "9999999.0"},
		{9999999.99, "9999999.99"},
		{1e7, "1.0E7"},
		{9e7, "9.0E7"},
		{115056052, "1.15056052E8"},
		{16147805824397, "1.6147805824397E13"},
		{-912260031, "-9.12260031E8"},
		{123456.0, "123456.0"},
		{120, "120.0"},
		{0.3, "0.3"},
		{0.1 + 0.2, "0.30000000000000004"},
		{1.0 / 3, "0.3333333333333333"},
		{2.0 / 3, "0.6666666666666666"},
		{9007199254740993.0, "9.007199254740992E15"},
		{DBL_MAX, "1.7976931348623157E308"},
		{DBL_MIN, "2.2250738585072014E-308"},
		{4.9e-324, "4.9E-324"},
		{1e-320, "1.0E-320"},
		{INFINITY, "Infinity"},
		{-INFINITY, "-Infinity"},
		{NAN, "NaN"},
	};
	uint64_t bits = 88172645463325252ULL;
	int wrong = 0;
	char out[SF_DOUBLE_TEXT_MAX];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
	{
		int len = sf_double_java_text(numbers[i].value, out);

		is_text(out, numbers[i].text, numbers[i].text);
		is_int(len, (long long) strlen(numbers[i].text), "its length");
	}
	for (int i = 0; i < 200000; i++)
	{
		double value;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&value, &bits, 8);
		/* half of them of the size of amounts */
		if (i % 2 == 0)
			value = (double) (int64_t) (bits % 2000000000000) / 100 - 1e10;
		if (!isfinite(value))
			continue;
		sf_double_java_text(value, out);
		wrong += strtod(out, NULL) != value || strchr(out, '.') == NULL || strlen(out) > 25;
	}
	is_int(wrong, 0, "every double reads back as it was");
}

/* Reads all rows as "a|b|c" lines. */
static sf_status
read_rows(const char *json, const sf_column *columns, int ncolumns, sf_buf *out, sf_error *err)
{
	sf_json *root = sf_json_parse(json, strlen(json), "answer", err);
	sf_json_rows *rows = sf_json_rows_new(columns, ncolumns, err);
	sf_status status = SF_FAILED;
	sf_value *values;

	if (root == NULL)
	{
		sf_json_rows_free(rows);
		return SF_FAILED;
	}
	/* twice: the first pass must leave the records as they were */
	for (int pass = 0; pass < 2; pass++)
	{
		sf_buf_reset(out);
		sf_json_rows_begin(rows, sf_json_get(root, "records"), 11);
		while ((status = sf_json_rows_next(rows, &values, err)) == SF_OK)
		{
			for (int i = 0; i < ncolumns; i++)
			{
				sf_buf_printf(out, "%s%s", i == 0 ? "" : "|",
							  values[i].data == NULL ? "<null>" : values[i].data);
				if (values[i].data != NULL)
				{
					if (strlen(values[i].data) != (size_t) values[i].len)
						sf_buf_puts(out, "WRONG LENGTH");
					memset(values[i].data, '#', (size_t) values[i].len);
				}
			}
			sf_buf_putc(out, '\n');
		}
		if (status == SF_FAILED)
			break;
	}
	sf_json_rows_free(rows);
	sf_json_free(root);
	return status;
}

static void
test_kinds(void)
{
	static const sf_column columns[] = {
		{"Id", SF_COLUMN_TEXT},			  {"name", SF_COLUMN_TEXT},
		{"Account.Name", SF_COLUMN_TEXT}, {"ACCOUNT.Owner.Name", SF_COLUMN_TEXT},
		{"Amount", SF_COLUMN_DOUBLE},	  {"NumberOfEmployees", SF_COLUMN_INT},
		{"IsDeleted", SF_COLUMN_BOOLEAN}, {"CreatedDate", SF_COLUMN_DATETIME},
		{"CloseDate", SF_COLUMN_TEXT},	  {"BillingAddress", SF_COLUMN_JSON},
		{"Any__c", SF_COLUMN_TEXT},
	};
	static const char json[] =
		"{\"records\":["
		"{\"attributes\":{\"type\":\"Opportunity\",\"url\":\"/"
		"x\"},\"Id\":\"006000000000001AAA\","
		"\"Name\":\"Z\\u00fcrich "
		"\\\"x\\\"\\n\",\"Account\":{\"attributes\":{\"type\":\"Account\"},"
		"\"Name\":\"Acme\",\"Owner\":{\"Name\":\"Pat\"}},\"Amount\":90000000,"
		"\"NumberOfEmployees\":12,\"IsDeleted\":false,"
		"\"CreatedDate\":\"2024-11-07T07:00:00.000+0000\",\"CloseDate\":\"2024-11-07\","
		"\"BillingAddress\":{\"attributes\":{},\"city\":\"Bonn\",\"latitude\":50.7374,"
		"\"postalCode\":null},\"Any__c\":100.0},"
		"{\"attributes\":{},\"IsDeleted\":true,\"Id\":\"006000000000002AAA\",\"Name\":\"\","
		"\"Account\":null,\"Any__c\":true,\"BillingAddress\":null,\"Amount\":1.0E-4,"
		"\"NumberOfEmployees\":null,\"CreatedDate\":\"2024-11-07T07:00:00Z\",\"CloseDate\":"
		"null},"
		"{\"Id\":\"3\",\"Name\":\"x\",\"Account\":{\"Name\":null,\"Owner\":null},\"Amount\":"
		"null,"
		"\"NumberOfEmployees\":9007199254740993,\"IsDeleted\":null,"
		"\"CreatedDate\":\"2024-11-07T07:00:00.123+00:00\",\"CloseDate\":\"\","
		"\"BillingAddress\":[1,\"a\"],\"Any__c\":{\"a\":1}}"
		"]}";
	sf_error err = {0};
	sf_buf out;

	sf_buf_init(&out, 100000);
	is_int(read_rows(json, columns, 11, &out, &err), SF_DONE, "rows of every kind");
	is_text(
		out.data,
		"006000000000001AAA|Zürich \"x\"\n|Acme|Pat|9.0E7|12|false|2024-11-07T07:00:00.000Z|"
		"2024-11-07|{\"city\":\"Bonn\",\"latitude\":50.7374,\"postalCode\":null}|100\n"
		"006000000000002AAA|<null>|<null>|<null>|1.0E-4|<null>|true|2024-11-07T07:00:00Z|"
		"<null>|<null>|true\n"
		"3|x|<null>|<null>|<null>|9007199254740993|<null>|2024-11-07T07:00:00.123Z|"
		"<null>|[1,\"a\"]|{\"a\":1}\n",
		"their bytes");
	sf_buf_free(&out);

	sf_buf_init(&out, 100000);
	is_int(read_rows("{\"records\":[]}", columns, 11, &out, &err), SF_DONE, "no records");
	is_int(read_rows("{}", columns, 11, &out, &err), SF_DONE, "not even an array");
	is_int(read_rows("{\"records\":[{},{}]}", columns, 0, &out, &err), SF_DONE, "no columns");
	is_text(out.data, "\n\n", "two rows of nothing");
	sf_buf_free(&out);
}

static void
test_failures(void)
{
	static const struct
	{
		const char *json;
		sf_column column;
		const char *message;
	} cases[] = {
		{"{\"records\":[{\"A\":1},{\"B\":1}]}",
		 {"A", SF_COLUMN_INT},
		 "field \"A\" is missing in row 12 of the query's answer"},
		{"{\"records\":[{\"A\":{\"C\":1}}]}",
		 {"A.B", SF_COLUMN_INT},
		 "field \"A.B\" is missing in row 11 of the query's answer"},
		{"{\"records\":[{\"A\":5}]}",
		 {"A.B", SF_COLUMN_INT},
		 "field \"A.B\" has a parent that is no object in row 11 of the query's answer"},
		{"{\"records\":[{\"A\":5}]}",
		 {"A", SF_COLUMN_BOOLEAN},
		 "field \"A\" is a number in row 11 of the query's answer"},
		{"{\"records\":[{\"A\":1700000000000}]}",
		 {"A", SF_COLUMN_DATETIME},
		 "field \"A\" is a number in row 11 of the query's answer"},
		{"{\"records\":[{\"A\":true}]}",
		 {"A", SF_COLUMN_DOUBLE},
		 "field \"A\" is a boolean in row 11 of the query's answer"},
		{"{\"records\":[{\"A\":{}}]}",
		 {"A", SF_COLUMN_DOUBLE},
		 "field \"A\" is not a simple value in row 11 of the query's answer"},
		{"{\"records\":[{\"A\":1e999}]}",
		 {"A", SF_COLUMN_DOUBLE},
		 "field \"A\" is out of range in row 11 of the query's answer"},
		{"{\"records\":[5]}",
		 {"A", SF_COLUMN_TEXT},
		 "row 11 of the query's answer is not an object"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		sf_error err = {0};
		sf_buf out;

		sf_buf_init(&out, 1000);
		is_int(read_rows(cases[i].json, &cases[i].column, 1, &out, &err), SF_FAILED,
			   "refused");
		is_text(err.message, cases[i].message, "message");
		is_int(err.cls, SF_ERR_PROTOCOL, "class");
		ok(err.row >= 11, "row");
		sf_buf_free(&out);
	}
}

/* Wide rows in another order than the columns, with repeated parents. */
static void
test_order(void)
{
	sf_error err = {0};
	sf_column columns[200];
	char names[200][16];
	sf_buf json;
	sf_buf out;
	sf_buf expected;

	sf_buf_init(&json, 100000);
	sf_buf_init(&out, 100000);
	sf_buf_init(&expected, 100000);
	sf_buf_puts(&json, "{\"records\":[{\"attributes\":{}");
	for (int i = 0; i < 200; i++)
	{
		int other = i * 77 % 200;

		if (other < 100)
			sf_buf_printf(&json, ",\"F%d\":%d", other, other);
		sprintf(names[i], i < 100 ? "f%d" : "p.f%d", i);
		columns[i].path = names[i];
		columns[i].kind = SF_COLUMN_INT;
		sf_buf_printf(&expected, "%s%d", i == 0 ? "" : "|", i);
	}
	sf_buf_puts(&json, ",\"P\":{");
	for (int i = 199; i >= 100; i--)
		sf_buf_printf(&json, "\"F%d\":%d%s", i, i, i == 100 ? "}}]}" : ",");
	sf_buf_putc(&expected, '\n');
	is_int(read_rows(json.data, columns, 200, &out, &err), SF_DONE, "a wide row");
	is_text(out.data, expected.data, "members found wherever they are");
	sf_buf_free(&json);
	sf_buf_free(&out);
	sf_buf_free(&expected);
}

int
main(void)
{
	test_doubles();
	test_kinds();
	test_failures();
	test_order();
	return tap_done();
}
