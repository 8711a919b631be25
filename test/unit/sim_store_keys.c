/*
 * sim_store_keys.c
 *		Writing rows by keys: unique values, upsert, lookup, parents by external id, what headers and
 *		JSON members become.
 */
#include "sim_store.h"
#include "schema.h"

#include <cjson/cJSON.h>

/* ---------------------------------------------------------------- unique values */

static void
test_unique(void)
{
	char one[SIM_ID_SIZE];
	char two[SIM_ID_SIZE];
	char expected[200];

	is_text(put(one, "Account", "Name=One", "External_Key__c=Key-1", NULL), "ok", "a key");
	snprintf(
		expected, sizeof(expected),
		"DUPLICATE_VALUE:duplicate value found: External_Key__c duplicates value on record "
		"with id: %s:--",
		one);
	is_text(put(two, "Account", "Name=Two", "External_Key__c=KEY-1 ", NULL), expected,
			"the same key in another case is a duplicate");
	is_text(put(two, "Account", "Name=Two", "External_Key__c=Key-2", NULL), "ok",
			"another key");
	is_text(change(two, "Account", "External_Key__c=key-1", NULL), expected,
			"nor can it be changed to one that is there");
	is_text(change(one, "Account", "External_Key__c=KEY-1", NULL), "ok",
			"a row does not collide with itself");
	is_text(drop(one, false), "ok", "it is deleted");
	is_text(change(two, "Account", "External_Key__c=key-1", NULL), "ok",
			"which makes its key free");
	is_text(
		revive(one),
		(snprintf(expected, sizeof(expected),
				  "DUPLICATE_VALUE:duplicate value found: External_Key__c duplicates value "
				  "on record with id: %s:--",
				  two),
		 expected),
		"it cannot come back then");
	is_text(put(one, "Account", "Name=No key", NULL), "ok", "nulls");
	is_text(put(one, "Account", "Name=No key", NULL), "ok", "are no duplicates");

	is_text(put(one, "Invoice__c", "Legacy_Code__c=abc", NULL), "ok", "a case-sensitive key");
	is_text(put(two, "Invoice__c", "Legacy_Code__c=ABC", NULL), "ok", "takes another case");
	snprintf(
		expected, sizeof(expected),
		"DUPLICATE_VALUE:duplicate value found: Legacy_Code__c duplicates value on record "
		"with id: %s:--",
		one);
	is_text(put(two, "Invoice__c", "Legacy_Code__c=abc", NULL), expected, "but not the same");
}

/* ---------------------------------------------------------------- upsert */

static sim_matches many;

/* One upsert: "created", "updated", or the error. */
static const char *
merge(char id[SIM_ID_SIZE], const char *object, const char *key, ...)
{
	static row r;
	sim_error err = {0};
	va_list ap;
	sim_txn *t = sim_txn_begin(org, NULL, &err);
	bool created = false;
	bool done;

	va_start(ap, key);
	row_make(&r, object, NULL, ap);
	va_end(ap);
	if (t == NULL || !r.good)
	{
		sim_txn_abort(t);
		return outcome(false, &r.err);
	}
	done = sim_upsert(t, &r.w, sim_field_find(r.w.object, key), id, &created, &many, &err);
	if (done)
		done = sim_txn_commit(t, &err);
	else
		sim_txn_abort(t);
	return done ? (created ? "created" : "updated") : outcome(false, &err);
}

static void
test_upsert(void)
{
	char one[SIM_ID_SIZE];
	char two[SIM_ID_SIZE];
	char expected[300];

	is_text(merge(one, "Account", "External_Key__c", "External_Key__c=Up-1", "Name=New", NULL),
			"created", "no row has the key: insert");
	is_text(
		merge(two, "Account", "External_Key__c", "External_Key__c=UP-1", "Name=Newer", NULL),
		"updated", "one has it: update");
	is_text(two, one, "of that row");
	is_text(ask("SELECT Name, External_Key__c FROM Account WHERE Id = '%s'", one),
			"Newer,Up-1", "the key stays as it was");
	is_text(merge(one, "Account", "External_Key__c", "Name=x", NULL),
			"MISSING_ARGUMENT:External_Key__c not specified:External_Key__c --", "no key");
	is_text(merge(one, "Account", "External_Key__c", "External_Key__c=#N/A", "Name=x", NULL),
			"MISSING_ARGUMENT:External_Key__c not specified:External_Key__c --", "a null one");
	is_text(merge(one, "Account", "External_Key__c", "External_Key__c=Up-2", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
			"an insert needs all that inserts need");

	is_text(put(one, "Contact", "LastName=A", "Email=same@example.com", NULL), "ok", "one");
	is_text(merge(two, "Contact", "Email", "LastName=B", "Email=SAME@example.com", NULL),
			"updated", "by an idLookup field");
	is_text(two, one, "the same row");
	is_text(put(two, "Contact", "LastName=C", "Email=same@example.com", NULL), "ok", "two");
	snprintf(expected, sizeof(expected),
			 "DUPLICATE_EXTERNAL_ID:Email: more than one record found for external id field: "
			 "[%s, %s]:Email --",
			 one, two);
	is_text(merge(two, "Contact", "Email", "LastName=D", "Email=same@example.com", NULL),
			expected, "several rows have the key");
	is_int(many.n, 2, "both are listed");
	is_text(many.id[0], one, "the first of them");

	is_text(merge(two, "Account", "Id", "Name=By id", NULL), "created", "by Id, without one");
	snprintf(expected, sizeof(expected), "Id=%s", two);
	is_text(merge(one, "Account", "Id", expected, "Name=By its id", NULL), "updated",
			"by Id, with one");
	is_text(one, two, "that row");
	is_text(drop(two, false), "ok", "it goes");
	is_text(merge(one, "Account", "Id", expected, "Name=By its id", NULL),
			"ENTITY_IS_DELETED:entity is deleted:--", "and is not made again");
	is_text(merge(one, "Invoice__c", "Legacy_Code__c", "Legacy_Code__c=Case", NULL), "created",
			"a case-sensitive key");
	is_text(merge(two, "Invoice__c", "Legacy_Code__c", "Legacy_Code__c=CASE", NULL), "created",
			"in another case is another one");
}

static void
test_lookup(void)
{
	char one[SIM_ID_SIZE];
	char found[SIM_ID_SIZE];
	const sim_object *account = sim_object_find("Account");
	const sim_object *contact = sim_object_find("Contact");
	const sim_field *key = sim_field_find(account, "External_Key__c");
	sim_error err;

	put(one, "Account", "Name=x", "External_Key__c=Look", NULL);
	is_int(sim_lookup(org, account, key, "LOOK", 4, found, NULL, &err), 1, "a row by its key");
	is_text(found, one, "is this one");
	is_int(sim_lookup(org, account, key, "Lo", 2, found, NULL, &err), 0, "no row has it");
	is_int(sim_lookup(org, account, sim_field_find(account, "Id"), one, 15, found, NULL, &err),
		   1, "by its Id");
	is_int(sim_lookup(org, contact, sim_field_find(contact, "Email"), "same@example.com", 16,
					  found, &many, &err),
		   2, "several");
	is_int(many.n, 2, "are listed");
	is_int(
		sim_lookup(org, account, sim_field_find(account, "Site"), "x", 1, found, NULL, &err),
		-1, "a field that is no key");
	is_text(err.code, "NOT_FOUND", "is an error");
	is_int(sim_lookup(org, account, sim_field_find(account, "Id"), "x", 1, found, NULL, &err),
		   -1, "no id");
	is_text(err.code, "MALFORMED_ID", "is another");
	drop(one, false);
	is_int(sim_lookup(org, account, key, "Look", 4, found, NULL, &err), 0,
		   "deleted rows are not found");
}

/* ---------------------------------------------------------------- parents by key, headers */

static void
test_parents(void)
{
	char account[SIM_ID_SIZE];
	char id[SIM_ID_SIZE];
	char expected[300];

	put(account, "Account", "Name=Boss", "External_Key__c=Boss", NULL);
	is_text(put(id, "Contact", "LastName=x", "Account.External_Key__c=BOSS", NULL), "ok",
			"a parent by its key");
	is_text(ask("SELECT AccountId FROM Contact WHERE Id = '%s'", id), account, "is found");
	is_text(
		put(id, "Contact", "LastName=x", "account.external_key__c=Nobody", NULL),
		"INVALID_FIELD:Foreign key external ID: Nobody not found for field External_Key__c "
		"in entity Account:--",
		"nobody has that key");
	is_text(
		put(id, "Contact", "LastName=x", "ReportsTo.Email=same@example.com", NULL),
		(snprintf(expected, sizeof(expected),
				  "DUPLICATE_EXTERNAL_ID:Email: more than one record found for external id "
				  "field: [%s, %s]:Email --",
				  many.id[0], many.id[1]),
		 expected),
		"several have it");
	is_text(put(id, "Contact", "LastName=x", "Account.External_Key__c=#N/A", NULL), "ok",
			"no parent");
	is_text(put(id, "Contact", "LastName=x", "Account.Name=Boss", NULL),
			"InvalidBatch:Field name not found : Account.Name:--", "a name is no key");
	is_text(put(id, "Contact", "LastName=x", "Nope.Email=x", NULL),
			"InvalidBatch:Field name not found : Nope.Email:--", "no such relationship");
	is_text(put(id, "Contact", "LastName=x", "Account:Account.External_Key__c=x", NULL),
			"InvalidBatch:type is not needed for non polymorphic foreign key references: "
			"Account:--",
			"a type is only for those that lead to several objects");
	is_text(put(id, "Contact", "LastName=x", "Parent:Nope.External_Key__c=x", NULL),
			"InvalidBatch:Unable to find relationship: Nope:--",
			"no such relationship, typed");
	is_text(put(id, "Contact", "LastName=x", "\xef\xbb\xbfName=x", NULL),
			"InvalidBatch:Field name not found : \xef\xbb\xbfName:--",
			"a byte order mark belongs to the name");
	is_text(put(id, "Contact", "LastName=x", "=x", NULL),
			"InvalidBatch:Field name not found : :--", "an empty header");
	is_text(put(id, "Contact", "LastName=x", ".=x", NULL),
			"InvalidBatch:Field name not found : .:--", "a dot");
	is_text(put(id, "Contact", "LastName=x", ":.=x", NULL),
			"InvalidBatch:Field name not found : :.:--", "a colon and a dot");
}

/* ---------------------------------------------------------------- JSON */

/* A JSON record inserted: "ok" or the error. */
static const char *
put_json(char id[SIM_ID_SIZE], const char *object, const char *text)
{
	static sim_in in[CELLS_MAX];
	sim_error err = {0};
	cJSON *record = cJSON_Parse(text);
	cJSON *member;
	sim_write w = {.object = sim_object_find(object), .in = in};
	bool done = record != NULL;
	sim_txn *t;

	cJSON_ArrayForEach (member, record)
	{
		done = done && sim_in_json(w.object, member, &in[w.n], &err);
		w.n += in[w.n].field != NULL;
	}
	t = done ? sim_txn_begin(org, NULL, &err) : NULL;
	done = t != NULL && sim_insert(t, &w, id, &err);
	if (done)
		done = sim_txn_commit(t, &err);
	else
		sim_txn_abort(t);
	cJSON_Delete(record);
	return outcome(done, &err);
}

#define POSITION " or request may be missing a required field at " SIM_JSON_POSITION ":--"

static void
test_json(void)
{
	char id[SIM_ID_SIZE];

	is_text(
		put_json(
			id, "Invoice__c",
			"{\"attributes\":{\"type\":\"Invoice__c\"},\"Name\":\" J \",\"amount__C\":12.5,"
			"\"Employees__c\":7,\"Is_Paid__c\":true,\"Close_Date__c\":\"2024-05-06\","
			"\"Stage__c\":null,\"Code__c\":\"\",\"Weight__c\":\"1.5\","
			"\"Account__r\":{\"attributes\":{\"type\":\"Account\"},"
			"\"External_Key__c\":\"boss\"}}"),
		"ok", "a record");
	is_text(ask("SELECT Name, Amount__c, Employees__c, Is_Paid__c, Close_Date__c, Stage__c, "
				"Code__c, Weight__c, Account__r.Name FROM Invoice__c WHERE Id = '%s'",
				id),
			"J,12.5,7,true,2024-05-06,,,1.5,Boss", "with its values");
	is_text(put_json(id, "Account", "{\"Name\":\"x\",\"Nope\":1}"),
			"INVALID_FIELD:No such column 'Nope' on sobject of type Account:--",
			"an unknown member");
	is_text(
		put_json(id, "Account", "{\"Name\":123}"),
		"JSON_PARSER_ERROR:Cannot deserialize instance of string from VALUE_NUMBER_INT value "
		"123" POSITION,
		"a number for a text");
	is_text(put_json(id, "Account", "{\"Name\":true}"),
			"JSON_PARSER_ERROR:Cannot deserialize instance of string from VALUE_TRUE value "
			"true" POSITION,
			"a boolean for a text");
	is_text(put_json(id, "Account", "{\"Name\":{\"a\":1}}"),
			"JSON_PARSER_ERROR:Cannot deserialize instance of string from START_OBJECT value "
			"{" POSITION,
			"an object for a text");
	is_text(
		put_json(id, "Account", "{\"NumberOfEmployees\":1.5}"),
		"JSON_PARSER_ERROR:Cannot deserialize instance of int from VALUE_NUMBER_FLOAT value "
		"1.5" POSITION,
		"a fraction for an integer");
	is_text(
		put_json(id, "Account", "{\"AnnualRevenue\":\"much\"}"),
		"JSON_PARSER_ERROR:Cannot deserialize instance of currency from VALUE_STRING value "
		"much" POSITION,
		"a text for a number");
	is_text(put_json(id, "Invoice__c", "{\"Close_Date__c\":\"2017-05-30T-06:00:00X\"}"),
			"JSON_PARSER_ERROR:Cannot deserialize instance of date from VALUE_STRING value "
			"2017-05-30T-06:00:00X" POSITION,
			"no date");
	is_text(
		put_json(id, "Invoice__c", "{\"Is_Paid__c\":1}"),
		"JSON_PARSER_ERROR:Cannot deserialize instance of boolean from VALUE_NUMBER_INT value "
		"1" POSITION,
		"a number for a boolean");
	is_text(put_json(id, "Invoice__c", "{\"Is_Paid__c\":null}"),
			"INVALID_TYPE_ON_FIELD_IN_RECORD:Paid: value not of required type: :Is_Paid__c --",
			"null for a boolean");
	is_text(put_json(id, "Account", "{\"Name\":\"x\",\"NumberOfEmployees\":1e9}"),
			"NUMBER_OUTSIDE_VALID_RANGE:Employees: value outside of valid range on numeric "
			"field: 1.0E9:NumberOfEmployees --",
			"a number too large");
	is_text(
		put_json(id, "Contact",
				 "{\"LastName\":\"x\",\"Account\":{\"External_Key__c\":\"a\",\"Id\":\"b\"}}"),
		"INVALID_FIELD:More than 1 field provided in an external foreign key reference in "
		"entity: Contact:--",
		"two keys for a parent");
	is_text(put_json(id, "Contact", "{\"LastName\":\"x\",\"Account\":{\"Name\":\"b\"}}"),
			"INVALID_FIELD:Name is not an External ID or indexed field for Account:--",
			"a parent by what is no key");
	is_text(
		put_json(id, "Contact", "{\"LastName\":\"x\",\"Account\":{\"External_Key__c\":7}}"),
		"JSON_PARSER_ERROR:Cannot deserialize instance of string from VALUE_NUMBER_INT value "
		"7" POSITION,
		"a number for a key that is a text");
	is_text(
		put_json(id, "Contact", "{\"LastName\":\"x\",\"Account\":{\"Number_Key__c\":777777}}"),
		"INVALID_FIELD:Foreign key external ID: 777777 not found for field Number_Key__c in "
		"entity Account:--",
		"a number that no parent has");
	put(id, "Account", "Name=Numbered", "Number_Key__c=777777", NULL);
	is_text(
		put_json(id, "Contact", "{\"LastName\":\"x\",\"Account\":{\"Number_Key__c\":777777}}"),
		"ok", "a number that one has");
	is_text(ask("SELECT Account.Name FROM Contact WHERE Id = '%s'", id), "Numbered",
			"which is its parent");
	is_text(put_json(id, "Contact", "{\"LastName\":\"x\",\"Account\":7}"),
			"JSON_PARSER_ERROR:Cannot deserialize instance of reference from VALUE_NUMBER_INT "
			"value 7" POSITION,
			"a number for a parent");
}

int
main(void)
{
	org = small_org();
	if (!ok(org != NULL, "an org"))
		return 1;
	test_unique();
	test_upsert();
	test_lookup();
	test_parents();
	test_json();
	sim_org_close(org);
	return tap_done();
}
