/*
 * sim_store_objects.c
 *		What standard objects make of the fields that are written: prices, cases, activities, record types.
 */
#include "sim_store.h"
#include "clock.h"
#include "schema.h"

static const char *
cell(const char *field, const char *value)
{
	static char text[8][100];
	static int n;
	char *to = text[n++ % 8];

	snprintf(to, sizeof(text[0]), "%s=%s", field, value);
	return to;
}

static void
test_lines(void)
{
	char product[SIM_ID_SIZE];
	char entry[SIM_ID_SIZE];
	char other[SIM_ID_SIZE];
	char opportunity[SIM_ID_SIZE];
	char one[SIM_ID_SIZE];
	char two[SIM_ID_SIZE];
	char standard[SIM_ID_SIZE];
	char custom[SIM_ID_SIZE];

	snprintf(standard, sizeof(standard), "%s",
			 ask("SELECT Id FROM Pricebook2 WHERE IsStandard = true"));
	is_text(put(custom, "Pricebook2", "Name=Special", NULL), "ok", "a price book");
	is_text(put(product, "Product2", "Name=Widget", "ProductCode=W-1", NULL), "ok",
			"a product");
	is_text(put(entry, "PricebookEntry", cell("Product2Id", product), "UnitPrice=9",
				cell("Pricebook2Id", custom), NULL),
			"STANDARD_PRICE_NOT_DEFINED:Before creating a custom price, create a standard "
			"price.:--",
			"the standard price comes first");
	is_text(put(entry, "PricebookEntry", cell("Product2Id", product), "UnitPrice=10",
				cell("Pricebook2Id", standard), NULL),
			"ok", "its price");
	is_text(ask("SELECT Name, ProductCode FROM PricebookEntry WHERE Id = '%s'", entry),
			"Widget,W-1", "is called like the product");
	is_text(put(other, "PricebookEntry", cell("Product2Id", product), "UnitPrice=11",
				cell("Pricebook2Id", standard), NULL),
			"DUPLICATE_VALUE:This price definition already exists in this price book:--",
			"there is one per price book");
	is_text(put(other, "PricebookEntry", cell("Product2Id", product), "UnitPrice=9",
				cell("Pricebook2Id", custom), NULL),
			"ok", "and one in another");

	put(opportunity, "Opportunity", "Name=Deal", "StageName=Prospecting",
		"CloseDate=2030-01-01", NULL);
	is_text(put(one, "OpportunityLineItem", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [OpportunityId, "
			"Quantity]:OpportunityId Quantity --",
			"required fields come first");
	is_text(put(one, "OpportunityLineItem", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [OpportunityId, "
			"Quantity]:OpportunityId Quantity --",
			"required fields come first");
	is_text(put(one, "OpportunityLineItem", cell("OpportunityId", opportunity), "Quantity=3",
				"UnitPrice=9.99", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: "
			"[PricebookEntryId]:PricebookEntryId --",
			"a line needs a price book entry");
	is_text(put(one, "OpportunityLineItem", cell("OpportunityId", opportunity),
				cell("PricebookEntryId", entry), "Quantity=3", "UnitPrice=9.99", NULL),
			"ok", "a line");
	is_text(ask("SELECT TotalPrice, ListPrice, Product2.Name, ProductCode, Name FROM "
				"OpportunityLineItem WHERE Id = '%s'",
				one),
			"29.97,10.0,Widget,W-1,Deal Widget", "its total and its product");
	is_text(put(two, "OpportunityLineItem", cell("OpportunityId", opportunity),
				cell("PricebookEntryId", entry), "Quantity=4", "TotalPrice=10", NULL),
			"ok", "a line by its total");
	is_text(ask("SELECT UnitPrice FROM OpportunityLineItem WHERE Id = '%s'", two), "2.5",
			"has a unit price");
	is_text(ask("SELECT Amount, TotalOpportunityQuantity, HasOpportunityLineItem FROM "
				"Opportunity WHERE Id = '%s'",
				opportunity),
			"39.97,7.0,true", "the opportunity adds them up");
	is_text(change(two, "OpportunityLineItem", "Quantity=1", NULL), "ok", "another quantity");
	is_text(ask("SELECT Amount FROM Opportunity WHERE Id = '%s'", opportunity), "32.47",
			"another sum");
	is_text(drop(one, false), "ok", "a line goes");
	is_text(ask("SELECT Amount, HasOpportunityLineItem FROM Opportunity WHERE Id = '%s'",
				opportunity),
			"2.5,true", "and is not counted any more");
	is_text(drop(two, true), "ok", "the other one as well");
	is_text(
		ask("SELECT HasOpportunityLineItem, TotalOpportunityQuantity FROM Opportunity WHERE "
			"Id = '%s'",
			opportunity),
		"false,", "no lines are left");
	is_text(revive(one), "ok", "one comes back");
	is_text(ask("SELECT Amount FROM Opportunity WHERE Id = '%s'", opportunity), "29.97",
			"and counts");
}

static void
test_cases(void)
{
	char account[SIM_ID_SIZE];
	char contact[SIM_ID_SIZE];
	char id[SIM_ID_SIZE];
	char second[SIM_ID_SIZE];
	char expected[200];

	put(account, "Account", "Name=Customer", NULL);
	put(contact, "Contact", "LastName=Caller", "Salutation=Mr.", "Phone=123",
		cell("AccountId", account), NULL);
	sim_clock_freeze(true);
	sim_clock_set(INT64_C(1700000000000));
	is_text(put(id, "Case", "Subject=Help", cell("ContactId", contact), NULL), "ok", "a case");
	snprintf(expected, sizeof(expected), "New,Medium,%s,123,false,", account);
	is_text(ask("SELECT Status, Priority, AccountId, ContactPhone, IsClosed, ClosedDate FROM "
				"Case WHERE Id = '%s'",
				id),
			expected, "has defaults, and what follows from its contact");
	is_text(change(id, "Case", "Status=Closed", NULL), "ok", "it is closed");
	is_text(ask("SELECT IsClosed, ClosedDate FROM Case WHERE Id = '%s'", id),
			"true,2023-11-14T22:13:20.000Z", "at that time");
	is_text(change(id, "Case", "Status=Working", NULL), "ok", "it is open again");
	is_text(ask("SELECT IsClosed, ClosedDate FROM Case WHERE Id = '%s'", id), "false,",
			"and was not closed");
	sim_clock_reset();
	put(second, "Case", "Subject=Again", NULL);
	snprintf(expected, sizeof(expected), "%08d",
			 atoi(ask("SELECT CaseNumber FROM Case WHERE Id = '%s'", id)) + 1);
	is_text(ask("SELECT CaseNumber FROM Case WHERE Id = '%s'", second), expected,
			"numbers go on");
	is_text(
		put(id, "Case", "CaseNumber=1", NULL),
		"INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: CaseNumber. Please "
		"check the security settings of this field and verify that it is read/write for "
		"your profile or permission set.:CaseNumber --",
		"and are not the client's");
	snprintf(
		expected, sizeof(expected),
		"DELETE_FAILED:Your attempt to delete Mr. Caller could not be completed because it "
		"is associated with the following cases.: %08d\n:--",
		atoi(ask("SELECT CaseNumber FROM Case WHERE Id = '%s'", second)) - 1);
	is_text(drop(contact, false), expected, "a contact with cases stays");
}

static void
test_activities(void)
{
	char id[SIM_ID_SIZE];

	is_text(put(id, "Task", "Subject=T", "Priority=High", NULL), "ok", "a task");
	is_text(
		ask("SELECT Status, IsHighPriority, IsClosed, TaskSubtype FROM Task WHERE Id = '%s'",
			id),
		"Not Started,true,false,Task", "with what follows");
	is_text(change(id, "Task", "Status=#N/A", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Status]:Status --",
			"a status must be");
	is_text(put(id, "Event", "Subject=E", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [DurationInMinutes, "
			"ActivityDateTime]:DurationInMinutes ActivityDateTime --",
			"an event needs a time");
	is_text(put(id, "Event", "Subject=E", "DurationInMinutes=30", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: "
			"[ActivityDateTime]:ActivityDateTime --",
			"a start");
	is_text(put(id, "Event", "Subject=E", "ActivityDateTime=2024-05-06T23:45:00Z",
				"DurationInMinutes=30", NULL),
			"ok", "an event");
	is_text(ask("SELECT StartDateTime, EndDateTime, ActivityDate, EndDate, ShowAs FROM Event "
				"WHERE Id = '%s'",
				id),
			"2024-05-06T23:45:00.000Z,2024-05-07T00:15:00.000Z,2024-05-06,2024-05-07,Busy",
			"ends after its duration");
	is_text(change(id, "Event", "EndDateTime=2024-05-07T01:45:00Z", NULL), "ok", "later");
	is_text(ask("SELECT DurationInMinutes FROM Event WHERE Id = '%s'", id), "120",
			"takes longer");
	is_text(change(id, "Event", "EndDateTime=2024-05-01T00:00:00Z", NULL),
			"FIELD_INTEGRITY_EXCEPTION:End Date Time: the end of an event is before its "
			"start:EndDateTime --",
			"but does not end before it starts");
}

static void
test_record_types(void)
{
	char id[SIM_ID_SIZE];
	char type[SIM_ID_SIZE];
	char expected[200];
	const sim_record_type *types = sim_object_find("Account")->record_types;
	const sim_record_type *preset = types;
	const sim_record_type *other = types;

	while (preset->developer_name != NULL && !preset->preset)
		preset++;
	while (other->developer_name != NULL && (other->preset || other->inactive))
		other++;
	if (preset->developer_name != NULL)
	{
		is_text(put(id, "Account", "Name=Typed", NULL), "ok", "an account");
		is_text(ask("SELECT RecordType.DeveloperName FROM Account WHERE Id = '%s'", id),
				preset->developer_name, "is of the default record type");
	}
	snprintf(
		type, sizeof(type), "%s",
		ask("SELECT Id FROM RecordType WHERE DeveloperName = '%s'", other->developer_name));
	is_text(put(id, "Account", "Name=Typed", cell("RecordTypeId", type), NULL), "ok",
			"a record type of its own");
	is_text(ask("SELECT RecordType.DeveloperName FROM Account WHERE Id = '%s'", id),
			other->developer_name, "is kept");
	is_text(put(id, "Account", "Name=Typed", "RecordTypeId=012000000000000AAA", NULL),
			"INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--", "no record type");
	snprintf(type, sizeof(type), "%s",
			 ask("SELECT Id FROM RecordType WHERE SobjectType != 'Account' LIMIT 1"));
	if (strlen(type) == 18)
	{
		snprintf(
			expected, sizeof(expected),
			"INVALID_CROSS_REFERENCE_KEY:Record Type ID: this ID value isn't valid for the "
			"user: %s:RecordTypeId --",
			type);
		is_text(put(id, "Account", "Name=Typed", cell("RecordTypeId", type), NULL), expected,
				"a record type of another object");
	}
}

static void
test_users(void)
{
	char id[SIM_ID_SIZE];
	char profile[SIM_ID_SIZE];
	static const char name[] = "Username=new@sfsim.example.com";

	is_text(put(id, "User", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Username, LastName, Email, "
			"Alias, TimeZoneSidKey, LocaleSidKey, EmailEncodingKey, ProfileId, "
			"LanguageLocaleKey]:Username LastName Email Alias TimeZoneSidKey LocaleSidKey "
			"EmailEncodingKey ProfileId LanguageLocaleKey --",
			"what a user needs");
	snprintf(profile, sizeof(profile), "%s", ask("SELECT ProfileId FROM User LIMIT 1"));
	is_text(put(id, "User", name, "LastName=N", "Email=n@x.co", "Alias=n",
				"TimeZoneSidKey=GMT", "LocaleSidKey=en_US", "EmailEncodingKey=UTF-8",
				"LanguageLocaleKey=en_US", cell("ProfileId", profile), NULL),
			"ok", "a user");
	is_text(ask("SELECT IsActive, UserType FROM User WHERE Id = '%s'", id), "true,Standard",
			"can work at once");
	is_text(put(id, "User", name, "LastName=N", "Email=n@x.co", "Alias=n",
				"TimeZoneSidKey=GMT", "LocaleSidKey=en_US", "EmailEncodingKey=UTF-8",
				"LanguageLocaleKey=en_US", cell("ProfileId", profile), NULL),
			"DUPLICATE_USERNAME:Duplicate Username.<br>Another user has already selected this "
			"username.<br>Please select another.:Username --",
			"user names are unique");
	is_text(drop(id, false),
			"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:entity type cannot be deleted: User:--",
			"users stay");
}

int
main(void)
{
	org = small_org();
	if (!ok(org != NULL, "an org"))
		return 1;
	test_lines();
	test_cases();
	test_activities();
	test_record_types();
	test_users();
	sim_org_close(org);
	return tap_done();
}
