/*
 * sim_store.c
 *		Writing rows: values, required fields, defaults, system fields, errors.
 */
#include "sim_store.h"
#include "clock.h"
#include "schema.h"

static void
test_insert(void)
{
	char id[SIM_ID_SIZE] = "";
	char user[SIM_ID_SIZE];
	char expected[400];

	sim_clock_set(INT64_C(1700000000123));
	sim_clock_freeze(true);
	sim_org_user_id(org, user);
	is_text(put(id, "Account", "Name=  Acme \t\n", "NumberOfEmployees=12", "AnnualRevenue=1.5",
				"Type=prospect", NULL),
			"ok", "an account is inserted");
	is_int((long long) strlen(id), 18, "it has an id");
	is_text(ask("SELECT Name, NumberOfEmployees, AnnualRevenue, Type, IsDeleted FROM Account "
				"WHERE Id = '%s'",
				id),
			"Acme,12,1.5,Prospect,false",
			"text is trimmed, numbers are kept, picklists spelled as set up");
	snprintf(
		expected, sizeof(expected),
		"2023-11-14T22:13:20.000Z,%s,2023-11-14T22:13:20.000Z,%s,2023-11-14T22:13:20.000Z,%s",
		user, user, user);
	is_text(ask("SELECT CreatedDate, CreatedById, LastModifiedDate, LastModifiedById, "
				"SystemModstamp, OwnerId FROM Account WHERE Id = '%s'",
				id),
			expected, "system fields and owner, to the second");
	is_text(put(id, "Account", "Site=x", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
			"a required field is missing");
	is_text(put(id, "Account", "Name=   ", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
			"blanks are no name");

	is_text(put(id, "Account", "Nope=x", NULL), "InvalidBatch:Field name not found : Nope:--",
			"there is no such field");
	sim_clock_reset();
}

/* ---------------------------------------------------------------- values */

#define TOO_LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
test_text(void)
{
	char id[SIM_ID_SIZE];
	char longest[4 * 255 + 8] = "Name=";
	char message[2000];

	is_text(put(id, "Account", "Name=A\xc2\xa0", "Site=\xc2\xa0 x", "Sic=  ", NULL), "ok",
			"no-break spaces");
	is_text(ask("SELECT Name, Site, Sic FROM Account WHERE Id = '%s'", id),
			"A\xc2\xa0,\xc2\xa0 x,", "no-break spaces stay, blanks alone are null");
	is_text(put(id, "Account", "Name=x", "AccountNumber=" TOO_LONG, NULL),
			"STRING_TOO_LONG:Account Number: data value too large: " TOO_LONG
			" (max length=40):AccountNumber --",
			"a text too long");

	/* four bytes each, two units: 127 and a half of them */
	for (int i = 0; i < 127; i++)
		strcat(longest, "\xf0\x9f\x98\x80");
	strcat(longest, "x");
	is_text(put(id, "Account", longest, NULL), "ok", "length counts UTF-16 units");
	strcat(longest, "x");
	snprintf(message, sizeof(message), "%s", put(id, "Account", longest, NULL));
	ok(strncmp(message, "STRING_TOO_LONG:", 16) == 0 &&
		   strstr(message, "(max length=255):Name --") != NULL,
	   "one unit more is too long");
	is_text(put(id, "Account",
				"Name=a\xff"
				"b\xc3",
				NULL),
			"ok", "bytes that are no UTF-8");
	is_text(ask("SELECT Name FROM Account WHERE Id = '%s'", id),
			"a\xef\xbf\xbd"
			"b\xef\xbf\xbd",
			"become replacement characters");
	is_text(put(id, "Account", "Name=x", "Description= a\r\n b\n", NULL), "ok", "lines");
	is_text(ask("SELECT Description FROM Account WHERE Id = '%s'", id), "a\r\n b",
			"line ends inside stay, those at the end go");
}

static void
test_long_value(void)
{
	static char cell[140100];
	char id[SIM_ID_SIZE];
	const char *got;

	strcpy(cell, "Description=");
	memset(cell + 12, 'x', 140000);
	got = put(id, "Account", "Name=x", cell, NULL);
	ok(strncmp(got, "STRING_TOO_LONG:Account Description: data value too large: xxx", 60) ==
			   0 &&
		   strstr(got, "x (max length=32000):Description --") != NULL,
	   "the value is cut so that the rest of the message fits");
}

static void
test_numbers(void)
{
	char id[SIM_ID_SIZE];
	sim_error err;

	is_text(put(id, "Invoice__c", "Amount__c=1.005", "Weight__c=-2.0000005",
				"Probability__c=12.345", "Employees__c=+7", "Sequence__c=-9007199254740993",
				NULL),
			"ok", "numbers");
	is_text(ask("SELECT Amount__c, Weight__c, Probability__c, Employees__c, Sequence__c FROM "
				"Invoice__c WHERE Id = '%s'",
				id),
			"1.005,-2.0000005,12.345,7,-9007199254740993",
			"more decimals than the scale are kept, and all digits of long integers");
	sim_org_set_switch(org, "round_to_scale", "true", &err);
	is_text(put(id, "Invoice__c", "Amount__c=1.005", "Weight__c=-2.0000005",
				"Probability__c=12.345", "Employees__c=+7", "Sequence__c=-9007199254740993",
				NULL),
			"ok", "numbers");
	is_text(ask("SELECT Amount__c, Weight__c, Probability__c, Employees__c, Sequence__c FROM "
				"Invoice__c WHERE Id = '%s'",
				id),
			"1.01,-2.000001,12.35,7,-9007199254740993",
			"halves are rounded away from zero, when they are rounded");
	sim_org_set_switch(org, "round_to_scale", "false", &err);
	is_text(put(id, "Invoice__c", "Amount__c=9.12260031E8", "Weight__c=.5", NULL), "ok",
			"exponents are fine");
	is_text(ask("SELECT Amount__c, Weight__c FROM Invoice__c WHERE Id = '%s'", id),
			"9.12260031E8,0.5", "and give the same numbers");
	is_text(put(id, "Account", "Name=x", "NumberOfEmployees=250.0", NULL),
			"INVALID_TYPE_ON_FIELD_IN_RECORD:Employees: value not of required type: "
			"250.0:NumberOfEmployees --",
			"an integer field refuses 250.0");
	is_text(put(id, "Account", "Name=x", "NumberOfEmployees=1431655766", NULL),
			"NUMBER_OUTSIDE_VALID_RANGE:Employees: value outside of valid range on numeric "
			"field: 1431655766:NumberOfEmployees --",
			"more digits than the field has");
	is_text(put(id, "Account", "Name=x", "NumberOfEmployees=99999999999999999999", NULL),
			"NUMBER_OUTSIDE_VALID_RANGE:Employees: value outside of valid range on numeric "
			"field: 99999999999999999999:NumberOfEmployees --",
			"more digits than any integer has");
	is_text(put(id, "Invoice__c", "Probability__c=1000", NULL),
			"NUMBER_OUTSIDE_VALID_RANGE:Probability: value outside of valid range on numeric "
			"field: 1000:Probability__c --",
			"precision less scale is what the digits in front of the point may be");
	is_text(put(id, "Invoice__c", "Probability__c=999.99", NULL), "ok",
			"the largest one fits");
	is_text(put(id, "Invoice__c", "Amount__c=12,5", NULL),
			"INVALID_TYPE_ON_FIELD_IN_RECORD:Amount: value not of required type: "
			"12,5:Amount__c --",
			"no commas");
	is_text(put(id, "Invoice__c", "Amount__c=NaN", NULL),
			"INVALID_TYPE_ON_FIELD_IN_RECORD:Amount: value not of required type: "
			"NaN:Amount__c --",
			"NaN is no number");
	is_text(
		put(id, "Invoice__c", "Geolocation__Latitude__s=90.5", NULL),
		"NUMBER_OUTSIDE_VALID_RANGE:Geolocation (Latitude): value outside of valid range on "
		"numeric field: 90.5:Geolocation__Latitude__s --",
		"no place on earth");
}

static void
test_dates(void)
{
	char id[SIM_ID_SIZE];

	is_text(put(id, "Invoice__c", "Close_Date__c=2024-02-29",
				"Due_At__c=2024-02-29T23:59:59.999+01:30", "Reminder_Time__c=10:15:00.250Z",
				NULL),
			"ok", "dates and times");
	is_text(ask("SELECT Close_Date__c, Due_At__c, Reminder_Time__c FROM Invoice__c WHERE Id = "
				"'%s'",
				id),
			"2024-02-29,2024-02-29T22:29:59.000Z,10:15:00.250Z",
			"datetimes are UTC to the second, times keep milliseconds");
	is_text(put(id, "Invoice__c", "Close_Date__c=2024-03-01T23:00:00Z", "Due_At__c=1969-12-31",
				NULL),
			"ok", "a datetime for a date, a date for a datetime");
	is_text(ask("SELECT Close_Date__c, Due_At__c FROM Invoice__c WHERE Id = '%s'", id),
			"2024-03-01,1969-12-31T00:00:00.000Z", "are cut and filled up");
	is_text(put(id, "Invoice__c", "Close_Date__c=2023-02-29", NULL),
			"INVALID_TYPE_ON_FIELD_IN_RECORD:Close Date: value not of required type: "
			"2023-02-29:Close_Date__c --",
			"no day of the calendar");
	is_text(put(id, "Invoice__c", "Close_Date__c=1699-12-31", NULL),
			"FIELD_INTEGRITY_EXCEPTION:Close Date: invalid date: Thu Dec 31 00:00:00 GMT "
			"1699:Close_Date__c --",
			"before 1700");
	is_text(put(id, "Invoice__c", "Due_At__c=4001-01-01T10:20:30Z", NULL),
			"FIELD_INTEGRITY_EXCEPTION:Due At: invalid date: Mon Jan 01 10:20:30 GMT "
			"4001:Due_At__c --",
			"after 4000");
	is_text(put(id, "Invoice__c", "Due_At__c=29/02/2024", NULL),
			"INVALID_TYPE_ON_FIELD_IN_RECORD:Due At: value not of required type: "
			"29/02/2024:Due_At__c --",
			"another form");
	is_text(put(id, "Invoice__c", "Reminder_Time__c=25:00:00Z", NULL),
			"INVALID_TYPE_ON_FIELD_IN_RECORD:Reminder Time: value not of required type: "
			"25:00:00Z:Reminder_Time__c --",
			"no time of day");
}

static void
test_booleans_and_picklists(void)
{
	char id[SIM_ID_SIZE];

	is_text(put(id, "Invoice__c", "Is_Paid__c=TRUE", "Stage__c=paid",
				"Tags__c=VIP; Urgent;VIP;;Export", "Category__c=Something else",
				"Priority__c=Unknown", NULL),
			"ok", "a boolean, picklists");
	is_text(
		ask("SELECT Is_Paid__c, Stage__c, Tags__c, Category__c, Priority__c FROM "
			"Invoice__c WHERE Id = '%s'",
			id),
		"true,Paid,Urgent;Export;VIP,Something else,Unknown",
		"values as set up, several in the order of the setup; open picklists take anything");
	is_text(change(id, "Invoice__c", "Is_Paid__c=0", "Tags__c=#N/A", NULL), "ok",
			"0 and null");
	is_text(ask("SELECT Is_Paid__c, Tags__c FROM Invoice__c WHERE Id = '%s'", id), "false,",
			"are false and null");
	is_text(
		put(id, "Invoice__c", "Is_Paid__c=yes", NULL),
		"INVALID_TYPE_ON_FIELD_IN_RECORD:Paid: value not of required type: yes:Is_Paid__c --",
		"yes is no boolean");
	is_text(put(id, "Invoice__c", "Is_Paid__c=#N/A", NULL),
			"INVALID_TYPE_ON_FIELD_IN_RECORD:Paid: value not of required type: :Is_Paid__c --",
			"and null is none");
	{
		static row r;
		sim_error err;
		sim_txn *t = sim_txn_begin(org, NULL, &err);

		row_begin(&r, "Invoice__c", NULL);
		row_add(&r, "Tags__c=VIP");
		r.in[0].text = "VIP\0\0\0\0\0";
		r.in[0].len = 8;
		ok(!sim_insert(t, &r.w, id, &err) &&
			   strcmp(err.code, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST") == 0,
		   "a value with NUL bytes behind it is another one");
		sim_txn_abort(t);
	}
	is_text(put(id, "Invoice__c", "Stage__c=Lost", NULL),
			"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:Stage: bad value for restricted picklist "
			"field: Lost:Stage__c --",
			"a restricted picklist");
	is_text(put(id, "Invoice__c", "Tags__c=VIP;Nope", NULL),
			"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:Tags: bad value for restricted picklist "
			"field: Nope:Tags__c --",
			"a restricted list of them");
}

static void
test_email_and_bytes(void)
{
	static const char *const bad[] = {"x",		 "x@y",		  "@y.de",	 "a b@y.de",
									  "a@y..de", "a@.de",	  "a@y.de.", "a@y_z.de",
									  ".a@y.de", "a..b@y.de", "a@b@c.de"};
	char id[SIM_ID_SIZE];
	char cell[60];
	char expected[200];
	int refused = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		snprintf(cell, sizeof(cell), "Email__c=%s", bad[i]);
		snprintf(expected, sizeof(expected),
				 "INVALID_EMAIL_ADDRESS:Email: invalid email address: %s:Email__c --", bad[i]);
		if (strcmp(put(id, "Invoice__c", cell, NULL), expected) == 0)
			refused++;
		else
			diag("%s is taken", bad[i]);
	}
	is_int(refused, (long long) (sizeof(bad) / sizeof(bad[0])),
		   "e-mail addresses are checked");
	is_text(put(id, "Invoice__c", "Email__c=Some.One+tag@mail.example.co",
				"Document__c=AAEC/w==", "Website__c=not a url", "Phone__c=call me", NULL),
			"ok", "a good address, bytes, whatever as url and phone");
	is_text(ask("SELECT Email__c, Website__c FROM Invoice__c WHERE Id = '%s'", id),
			"Some.One+tag@mail.example.co,not a url", "are kept");
	is_text(put(id, "Invoice__c", "Document__c=A*", NULL),
			"INVALID_TYPE_ON_FIELD_IN_RECORD:Document: value not of required type: "
			"A*:Document__c --",
			"no base64");
}

/* ---------------------------------------------------------------- access, references, updates */

static void
test_access(void)
{
	char id[SIM_ID_SIZE] = "";

	is_text(put(id, "Account", "Name=x", "IsDeleted=true",
				"SystemModstamp=2024-01-01T00:00:00Z", NULL),
			"INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: IsDeleted, "
			"SystemModstamp. Please check the security settings of this field and verify that "
			"it is read/write for your profile or permission set.:IsDeleted SystemModstamp --",
			"system fields are not for clients");
	is_text(put(id, "Invoice__c", "Weighted_Amount__c=1", NULL),
			"INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: "
			"Weighted_Amount__c. Please check the security settings of this field and verify "
			"that it is read/write for your profile or permission set.:Weighted_Amount__c --",
			"nor are formulas");
	is_text(put(id, "Account", "Name=x", "Id=001000000000001AAA", NULL),
			"INVALID_FIELD_FOR_INSERT_UPDATE:cannot specify Id in an insert call:Id --",
			"an insert has no id");
	is_text(put(id, "TaskStatus", NULL),
			"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:entity type cannot be inserted: Task Status "
			"Value:--",
			"an object that is not createable");
	is_text(put(id, "Invoice__c", NULL), "ok", "a row without any value");
	ok(strncmp(ask("SELECT Name FROM Invoice__c WHERE Id = '%s'", id), id, 15) == 0,
	   "a custom object's row without a name is called by its id");
	is_text(ask("SELECT Is_Paid__c, Weighted_Amount__c FROM Invoice__c WHERE Id = '%s'", id),
			"false,", "booleans are false by default");
}

static void
test_references(void)
{
	char account[SIM_ID_SIZE];
	char contact[SIM_ID_SIZE];
	char cell[80];
	char expected[300];

	is_text(put(account, "Account", "Name=Parent", NULL), "ok", "a parent");
	snprintf(cell, sizeof(cell), "AccountId=%.15s", account);
	is_text(put(contact, "Contact", "LastName=Child", "FirstName=A", cell, NULL), "ok",
			"a child, by 15 characters");
	is_text(ask("SELECT Name, Account.Name FROM Contact WHERE Id = '%s'", contact),
			"A Child,Parent", "finds its parent");
	snprintf(cell, sizeof(cell), "AccountId=%s", contact);
	snprintf(
		expected, sizeof(expected),
		"FIELD_INTEGRITY_EXCEPTION:Account ID: id value of incorrect type: %s:AccountId --",
		contact);
	is_text(put(contact, "Contact", "LastName=Child", cell, NULL), expected,
			"an id of another object");
	is_text(put(contact, "Contact", "LastName=Child", "AccountId=001", NULL),
			"MALFORMED_ID:Account ID: id value of incorrect type: 001:AccountId --", "no id");
	is_text(put(contact, "Contact", "LastName=Child", "AccountId=001900K0001pPuO", NULL),
			"INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--", "no row of this org");
	is_text(drop(account, false), "ok", "the parent goes");
	snprintf(cell, sizeof(cell), "AccountId=%s", account);
	is_text(put(contact, "Contact", "LastName=Child", cell, NULL),
			"ENTITY_IS_DELETED:entity is deleted:--", "a deleted parent");
	is_text(put(contact, "Contact", "LastName=Child", "AccountId=#N/A", NULL), "ok",
			"no parent at all");
	ok(strcmp(ask("SELECT IsActive FROM User ORDER BY Id LIMIT 1 OFFSET 6"), "false") == 0,
	   "an inactive user");
	snprintf(cell, sizeof(cell), "OwnerId=%s",
			 ask("SELECT Id FROM User ORDER BY Id LIMIT 1 OFFSET 6"));
	snprintf(
		expected, sizeof(expected),
		"INACTIVE_OWNER_OR_USER:operation performed with inactive user [%.15s] as owner of "
		"account:OwnerId --",
		cell + 8);
	is_text(put(account, "Account", "Name=x", cell, NULL), expected, "owns nothing new");
}

static void
test_update(void)
{
	char id[SIM_ID_SIZE];
	char expected[100];

	sim_clock_freeze(true);
	sim_clock_set(INT64_C(1700000000000));
	is_text(put(id, "Account", "Name=Before", "Site=here", NULL), "ok", "a row");
	sim_clock_advance(60000);
	is_text(change(id, "Account", "Name=After", NULL), "ok", "is updated");
	is_text(
		ask("SELECT Name, Site, CreatedDate, LastModifiedDate, SystemModstamp FROM Account "
			"WHERE Id = '%s'",
			id),
		"After,here,2023-11-14T22:13:20.000Z,2023-11-14T22:14:20.000Z,"
		"2023-11-14T22:14:20.000Z",
		"what is not sent stays, the stamps move");
	sim_clock_advance(60000);
	id[15] = '\0';
	is_text(change(id, "Account", NULL), "ok", "an update of nothing, by 15 characters");
	is_text(ask("SELECT LastModifiedDate FROM Account WHERE Id = '%s'", id),
			"2023-11-14T22:15:20.000Z", "moves the stamps, too");
	is_text(change(id, "Account", "Name=#N/A", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
			"a required field cannot be cleared");
	is_text(change(id, "Account", "OwnerId=#N/A", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [OwnerId]:OwnerId --",
			"nor can an owner");
	is_text(change(NULL, "Account", "Name=x", NULL),
			"MISSING_ARGUMENT:Id not specified in an update call:--", "an update needs an id");
	is_text(change("001900K0001pPuOAAX", "Account", "Name=x", NULL),
			"MALFORMED_ID:Account ID: id value of incorrect type: 001900K0001pPuOAAX:Id --",
			"with the right checksum");
	is_text(change("001900K0001pPuO", "Account", "Name=x", NULL),
			"INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
			"of a row that exists");
	is_text(change(id, "Contact", "LastName=x", NULL),
			(snprintf(expected, sizeof(expected),
					  "MALFORMED_ID:Contact ID: id value of incorrect type: %s:Id --", id),
			 expected),
			"and of this object");
	is_text(drop(id, false), "ok", "it is deleted");
	is_text(change(id, "Account", "Name=x", NULL), "ENTITY_IS_DELETED:entity is deleted:--",
			"and cannot be updated");
	sim_clock_reset();
}

static void
test_opportunity(void)
{
	char id[SIM_ID_SIZE];

	is_text(put(id, "Opportunity", "Amount=100", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Name, StageName, "
			"CloseDate]:Name StageName CloseDate --",
			"all missing fields are named");
	is_text(put(id, "Opportunity", "Name=O", "StageName=Prospecting", "CloseDate=2030-01-01",
				"Amount=200", NULL),
			"ok", "an opportunity");
	is_text(
		ask("SELECT Probability, IsClosed, IsWon, ExpectedRevenue FROM Opportunity WHERE Id "
			"= '%s'",
			id),
		"10.0,false,false,20.0", "its stage says how probable it is");
	is_text(change(id, "Opportunity", "StageName=Closed Won", NULL), "ok", "it is won");
	is_text(ask("SELECT Probability, IsClosed, IsWon, ForecastCategory FROM Opportunity WHERE "
				"Id = '%s'",
				id),
			"100.0,true,true,Closed", "for certain");
	is_text(change(id, "Opportunity", "StageName=Prospecting", "Probability=33", NULL), "ok",
			"a probability of its own");
	is_text(ask("SELECT Probability FROM Opportunity WHERE Id = '%s'", id), "33.0", "is kept");
}

/* ---------------------------------------------------------------- switches and the hook */

static bool
refuse_bad(void *arg, const char *operation, const sim_write *w, sim_error *err)
{
	int *calls = arg;

	(*calls)++;
	if (strcmp(operation, "insert") != 0 || w->n < 1 || strncmp(w->in[0].text, "Bad", 3) != 0)
		return true;
	return sim_error_set(err, "UNABLE_TO_LOCK_ROW",
						 "unable to obtain exclusive access to this record");
}

static void
test_switches(void)
{
	char id[SIM_ID_SIZE];
	int calls = 0;
	sim_write_opts allow = {.allow_duplicates = true};
	static row r;
	sim_error err;
	sim_txn *t;

	is_text(put(id, "Account", "Name=Twice", NULL), "ok", "one of a name");
	sim_org_set_switch(org, "duplicate_rule", "true", &err);
	is_text(put(id, "Account", "Name=TWICE", NULL),
			"DUPLICATES_DETECTED:Use one of these records?:--", "a duplicate is refused");
	t = sim_txn_begin(org, &allow, &err);
	row_begin(&r, "Account", NULL);
	row_add(&r, "Name=Twice");
	is_text(outcome(sim_insert(t, &r.w, id, &err), &err), "ok", "unless the client allows it");
	sim_txn_commit(t, &err);
	sim_org_set_switch(org, "duplicate_rule", "false", &err);

	sim_org_set_switch(org, "validation_rule", "true", &err);
	is_text(put(id, "Invoice__c", "Amount__c=-1", NULL),
			"FIELD_CUSTOM_VALIDATION_EXCEPTION:The amount must not be negative:Amount__c --",
			"a validation rule");
	sim_org_set_switch(org, "validation_rule", "false", &err);
	sim_org_set_switch(org, "storage_full", "true", &err);
	is_text(put(id, "Account", "Name=x", NULL),
			"STORAGE_LIMIT_EXCEEDED:storage limit exceeded:--", "no room for more");
	sim_org_set_switch(org, "storage_full", "false", &err);

	sim_org_row_hook(org, refuse_bad, &calls);
	is_text(put(id, "Account", "Name=Bad", NULL),
			"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--",
			"the hook refuses a row");
	is_text(put(id, "Account", "Name=Good", NULL), "ok", "and lets another one pass");
	is_text(drop(id, false), "ok", "it sees deletes, too");
	is_int(calls, 3, "every row once");
	sim_org_row_hook(org, NULL, NULL);
}

static void
test_locks(void)
{
	char account[SIM_ID_SIZE];
	char contact[SIM_ID_SIZE];
	char cell[80];
	char expected[200];
	sim_error err;
	sim_buf list = {0};

	put(account, "Account", "Name=Held", "External_Key__c=Held", NULL);
	snprintf(cell, sizeof(cell), "AccountId=%s", account);
	ok(!sim_lock_row(org, "x", false, &err), "only rows can be held");
	ok(sim_lock_row(org, account, false, &err), "a row is held");
	snprintf(
		expected, sizeof(expected),
		"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: "
		"%s:--",
		account);
	is_text(change(account, "Account", "Name=x", NULL), expected, "it cannot be changed");
	is_text(drop(account, false), expected, "nor deleted");
	is_text(put(contact, "Contact", "LastName=x", cell, NULL), expected, "nor get a child");
	is_text(put(contact, "Contact", "LastName=x", "Account.External_Key__c=Held", NULL),
			expected, "by whatever way");
	ok(sim_lock_row(org, account, true, &err), "it waits for an approval");
	is_text(change(account, "Account", "Name=x", NULL),
			"ENTITY_IS_LOCKED:the entity is locked for editing:--", "it cannot be changed");
	is_text(put(contact, "Contact", "LastName=x", cell, NULL), "ok", "but get a child");
	sim_locks_json(org, &list);
	snprintf(expected, sizeof(expected), "[{\"id\":\"%s\",\"approval\":true}]", account);
	is_text(list.data, expected, "locks are listed");
	sim_buf_free(&list);
	is_int(sim_unlock_rows(org, account), 1, "it is let go");
	is_int(sim_unlock_rows(org, NULL), 0, "and was the only one");
	is_text(change(account, "Account", "Name=x", NULL), "ok", "now it can be changed");
}

int
main(void)
{
	org = small_org();
	if (!ok(org != NULL, "an org"))
		return 1;
	test_insert();
	test_text();
	test_long_value();
	test_numbers();
	test_dates();
	test_booleans_and_picklists();
	test_email_and_bytes();
	test_access();
	test_references();
	test_update();
	test_opportunity();
	test_switches();
	test_locks();
	sim_org_close(org);
	return tap_done();
}
