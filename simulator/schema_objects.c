/*
 * schema_objects.c
 *		The objects of the org and their fields, in describe order.
 */
#include "data.h"

/* ---------------------------------------------------------------- shorthand */

#define V(v)                                                                                  \
	{                                                                                         \
		.value = v                                                                            \
	}

#define FIELD(n, l, t, ...)                                                                   \
	{                                                                                         \
		.name = n, .label = l, .type = SIM_T_##t, __VA_ARGS__                                 \
	}
#define TEXT(n, l, len, g, ...) FIELD(n, l, STRING, .length = len, .gen = g, ##__VA_ARGS__)
#define PICK(n, l, vals, g, ...)                                                              \
	FIELD(n, l, PICKLIST, .length = 255, .picks = vals, .gen = g, ##__VA_ARGS__)
#define BOOL(n, l, g, ...)                                                                    \
	FIELD(n, l, BOOLEAN, .flags = SF_REQUIRED | SF_DEFAULTED, .gen = g, ##__VA_ARGS__)
#define PHONE(n, l) FIELD(n, l, PHONE, .length = 40, .gen = gen_phone)
#define AREA(n, l, len, g)                                                                    \
	FIELD(n, l, TEXTAREA, .length = len, .gen = g, .extra = "plaintextarea")
#define REF(n, l, to, way, back, g, ...)                                                      \
	FIELD(n, l, REFERENCE, .length = 18, .ref_to = to, .ref_name = way, .ref_children = back, \
		  .gen = g, ##__VA_ARGS__)

#define ID_FIELD(l)                                                                           \
	FIELD("Id", l, ID, .length = 18,                                                          \
		  .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_IDLOOKUP, .gen = gen_id)
#define DELETED_FIELD                                                                         \
	FIELD("IsDeleted", "Deleted", BOOLEAN, .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED, \
		  .gen = gen_deleted)
#define OWNER_FIELD                                                                           \
	REF("OwnerId", "Owner ID", "User", "Owner", NULL, gen_owner,                              \
		.flags = SF_REQUIRED | SF_DEFAULTED)
#define SYSTEM_DATE(n, l, g)                                                                  \
	FIELD(n, l, DATETIME, .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED, .gen = g)
#define SYSTEM_USER(n, l, way)                                                                \
	REF(n, l, "User", way, NULL, gen_owner, .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED)
#define SYSTEM_FIELDS                                                                         \
	SYSTEM_DATE("CreatedDate", "Created Date", gen_created),                                  \
		SYSTEM_USER("CreatedById", "Created By ID", "CreatedBy"),                             \
		SYSTEM_DATE("LastModifiedDate", "Last Modified Date", gen_modified),                  \
		SYSTEM_USER("LastModifiedById", "Last Modified By ID", "LastModifiedBy"),             \
		SYSTEM_DATE("SystemModstamp", "System Modstamp", gen_modified)

#define ADDRESS(p, l)                                                                         \
	FIELD(p "Street", l " Street", TEXTAREA, .length = 255, .compound = p "Address",          \
		  .extra = "plaintextarea", .gen = gen_street),                                       \
		TEXT(p "City", l " City", 40, gen_city, .compound = p "Address"),                     \
		TEXT(p "State", l " State/Province", 80, gen_state, .compound = p "Address"),         \
		TEXT(p "PostalCode", l " Zip/Postal Code", 20, gen_postcode,                          \
			 .compound = p "Address"),                                                        \
		TEXT(p "Country", l " Country", 80, gen_country, .compound = p "Address"),            \
		FIELD(p "Latitude", l " Latitude", DOUBLE, .precision = 18, .scale = 15,              \
			  .compound = p "Address", .gen = gen_latitude),                                  \
		FIELD(p "Longitude", l " Longitude", DOUBLE, .precision = 18, .scale = 15,            \
			  .compound = p "Address", .gen = gen_longitude),                                 \
		FIELD(p "GeocodeAccuracy", l " Geocode Accuracy", PICKLIST, .length = 40,             \
			  .flags = SF_RESTRICTED, .picks = accuracies, .compound = p "Address",           \
			  .gen = gen_pick),                                                               \
		FIELD(p "Address", l " Address", ADDRESS, .flags = SF_READONLY)

/* ---------------------------------------------------------------- picklists */

static const sim_pick accuracies[] = {
	V("Address"),	   V("NearAddress"), V("Block"),  V("Street"), V("ExtendedZip"), V("Zip"),
	V("Neighborhood"), V("City"),		 V("County"), V("State"),  V("Unknown"),	 {0}};
static const sim_pick account_types[] = {V("Prospect"),
										 V("Customer - Direct"),
										 V("Customer - Channel"),
										 V("Channel Partner / Reseller"),
										 V("Installation Partner"),
										 V("Technology Partner"),
										 V("Other"),
										 {0}};
static const sim_pick industries[] = {
	V("Agriculture"),		 V("Banking"),	 V("Biotechnology"), V("Construction"),
	V("Education"),			 V("Energy"),	 V("Finance"),		 V("Retail"),
	V("Telecommunications"), V("Utilities"), V("Other"),		 {0}};
static const sim_pick ownerships[] = {
	V("Public"), V("Private"), V("Subsidiary"), V("Other"), {0}};
static const sim_pick ratings[] = {V("Hot"), V("Warm"), V("Cold"), {0}};
static const sim_pick sources[] = {
	V("Web"), V("Phone Inquiry"), V("Partner Referral"), V("Purchased List"), V("Other"), {0}};
static const sim_pick salutations[] = {V("Mr."),   V("Ms."), V("Mrs."), V("Dr."),
									   V("Prof."), V("Mx."), {0}};
static const sim_pick levels[] = {V("Secondary"), V("Tertiary"), V("Primary"), {0}};
static const sim_pick opportunity_types[] = {V("Existing Customer - Upgrade"),
											 V("Existing Customer - Replacement"),
											 V("Existing Customer - Downgrade"),
											 V("New Customer"),
											 {0}};
static const sim_pick stages[] = {V("Prospecting"),
								  V("Qualification"),
								  V("Needs Analysis"),
								  V("Value Proposition"),
								  V("Id. Decision Makers"),
								  V("Perception Analysis"),
								  V("Proposal/Price Quote"),
								  V("Negotiation/Review"),
								  V("Closed Won"),
								  V("Closed Lost"),
								  {0}};
static const sim_pick forecasts[] = {
	V("Omitted"), V("Pipeline"), V("BestCase"), V("MostLikely"), V("Forecast"), V("Closed"),
	{0}};
static const sim_pick invoice_stages[] = {V("Draft"), V("Sent"),		V("Awaiting Payment"),
										  V("Paid"),  V("Written Off"), V("Disputed"),
										  {0}};
static const sim_pick priorities[] = {V("low"), V("Medium"), V("HIGH"), V("Überfällig"), {0}};
static const sim_pick tags[] = {V("Urgent"), V("Export"),		V("Net 30"), V("Recurring"),
								V("VIP"),	 V("R&D, \"Lab\""), V("Küche"),	 {0}};
static const sim_pick categories[] = {
	V("Goods"), V("Services"), V("Licences"), V("Travel"), {0}};
static const sim_pick user_types[] = {V("Standard"), V("PowerPartner"), V("CsnOnly"), {0}};
static const sim_pick zones[] = {V("GMT"), V("America/Los_Angeles"), V("Europe/Berlin"), {0}};
static const sim_pick locales[] = {V("en_US"), V("de_DE"), V("ja_JP"), {0}};
static const sim_pick encodings[] = {V("UTF-8"), V("ISO-8859-1"), {0}};
static const sim_pick task_statuses[] = {V("Not Started"), V("In Progress"),
										 V("Completed"),   V("Waiting on someone else"),
										 V("Deferred"),	   {0}};

/* ---------------------------------------------------------------- standard objects */

static const sim_field account_fields[] = {
	ID_FIELD("Account ID"),
	DELETED_FIELD,
	REF("MasterRecordId", "Master Record ID", "Account", "MasterRecord", NULL, NULL,
		.flags = SF_READONLY),
	TEXT("Name", "Account Name", 255, gen_company, .flags = SF_REQUIRED | SF_NAME,
		 .compound = "Name", .extra = "switchablepersonname"),
	PICK("Type", "Account Type", account_types, gen_pick),
	REF("ParentId", "Parent Account ID", "Account", "Parent", "ChildAccounts",
		gen_reference_sparse),
	ADDRESS("Billing", "Billing"),
	ADDRESS("Shipping", "Shipping"),
	PHONE("Phone", "Account Phone"),
	PHONE("Fax", "Account Fax"),
	TEXT("AccountNumber", "Account Number", 40, gen_code),
	FIELD("Website", "Website", URL, .length = 255, .gen = gen_url),
	TEXT("Sic", "SIC Code", 20, gen_postcode),
	PICK("Industry", "Industry", industries, gen_pick),
	FIELD("AnnualRevenue", "Annual Revenue", CURRENCY, .precision = 18, .gen = gen_revenue),
	FIELD("NumberOfEmployees", "Employees", INT, .digits = 8, .gen = gen_employees),
	PICK("Ownership", "Ownership", ownerships, gen_pick),
	TEXT("TickerSymbol", "Ticker Symbol", 20, gen_alias),
	AREA("Description", "Account Description", 32000, gen_long_prose),
	PICK("Rating", "Account Rating", ratings, gen_pick),
	TEXT("Site", "Account Site", 80, gen_words),
	OWNER_FIELD,
	SYSTEM_FIELDS,
	FIELD("LastActivityDate", "Last Activity", DATE, .flags = SF_READONLY, .gen = gen_date),
	PICK("AccountSource", "Account Source", sources, gen_pick),
	TEXT("External_Key__c", "External Key", 40, gen_key_ci,
		 .flags = SF_EXTERNAL | SF_UNIQUE | SF_IDLOOKUP),
};

static const sim_field contact_fields[] = {
	ID_FIELD("Contact ID"),
	DELETED_FIELD,
	REF("MasterRecordId", "Master Record ID", "Contact", "MasterRecord", NULL, NULL,
		.flags = SF_READONLY),
	REF("AccountId", "Account ID", "Account", "Account", "Contacts", gen_reference),
	TEXT("LastName", "Last Name", 80, gen_last_name, .flags = SF_REQUIRED, .compound = "Name",
		 .extra = "personname"),
	TEXT("FirstName", "First Name", 40, gen_first_name, .compound = "Name",
		 .extra = "personname"),
	FIELD("Salutation", "Salutation", PICKLIST, .length = 40, .picks = salutations,
		  .compound = "Name", .extra = "personname", .gen = gen_pick),
	TEXT("Name", "Full Name", 121, NULL, .flags = SF_REQUIRED | SF_READONLY | SF_NAME,
		 .extra = "personname",
		 .sql = "CASE WHEN \"FirstName\" IS NULL THEN \"LastName\" "
				"ELSE \"FirstName\" || ' ' || \"LastName\" END"),
	ADDRESS("Mailing", "Mailing"),
	PHONE("Phone", "Business Phone"),
	PHONE("Fax", "Business Fax"),
	PHONE("MobilePhone", "Mobile Phone"),
	PHONE("HomePhone", "Home Phone"),
	REF("ReportsToId", "Reports To ID", "Contact", "ReportsTo", NULL, gen_reference_sparse),
	FIELD("Email", "Email", EMAIL, .length = 80, .flags = SF_IDLOOKUP, .gen = gen_email),
	TEXT("Title", "Title", 128, gen_words),
	TEXT("Department", "Department", 80, gen_words),
	PICK("LeadSource", "Lead Source", sources, gen_pick),
	FIELD("Birthdate", "Birthdate", DATE, .gen = gen_birthdate),
	AREA("Description", "Contact Description", 32000, gen_long_prose),
	OWNER_FIELD,
	BOOL("HasOptedOutOfEmail", "Email Opt Out", gen_bool),
	BOOL("DoNotCall", "Do Not Call", gen_bool),
	SYSTEM_FIELDS,
	FIELD("LastActivityDate", "Last Activity", DATE, .flags = SF_READONLY, .gen = gen_date),
	FIELD("EmailBouncedDate", "Email Bounced Date", DATETIME, .gen = gen_datetime),
	PICK("Level__c", "Level", levels, gen_pick),
	TEXT("External_Id__c", "External Id", 40, gen_key_ci,
		 .flags = SF_EXTERNAL | SF_UNIQUE | SF_IDLOOKUP),
};

static const sim_field opportunity_fields[] = {
	ID_FIELD("Opportunity ID"),
	DELETED_FIELD,
	REF("AccountId", "Account ID", "Account", "Account", "Opportunities", gen_reference),
	BOOL("IsPrivate", "Private", gen_bool),
	TEXT("Name", "Name", 120, gen_deal, .flags = SF_REQUIRED | SF_NAME | SF_IDLOOKUP),
	AREA("Description", "Description", 32000, gen_long_prose),
	PICK("StageName", "Stage", stages, gen_pick_required, .flags = SF_REQUIRED),
	FIELD("Amount", "Amount", CURRENCY, .precision = 18, .scale = 2, .gen = gen_money),
	FIELD("Probability", "Probability (%)", PERCENT, .precision = 3, .flags = SF_DEFAULTED,
		  .gen = gen_percent_steps),
	FIELD("ExpectedRevenue", "Expected Amount", CURRENCY, .precision = 18, .scale = 2,
		  .flags = SF_READONLY, .sql = "round(\"Amount\" * \"Probability\" / 100, 2)"),
	FIELD("TotalOpportunityQuantity", "Quantity", DOUBLE, .precision = 18, .scale = 2,
		  .gen = gen_double),
	FIELD("CloseDate", "Close Date", DATE, .flags = SF_REQUIRED, .gen = gen_close_date),
	PICK("Type", "Opportunity Type", opportunity_types, gen_pick),
	TEXT("NextStep", "Next Step", 255, gen_words),
	PICK("LeadSource", "Lead Source", sources, gen_pick),
	FIELD("IsClosed", "Closed", BOOLEAN, .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED,
		  .sql = "\"StageName\" LIKE 'Closed %'"),
	FIELD("IsWon", "Won", BOOLEAN, .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED,
		  .sql = "\"StageName\" = 'Closed Won'"),
	FIELD("ForecastCategory", "Forecast Category", PICKLIST, .length = 40,
		  .flags = SF_REQUIRED | SF_READONLY | SF_RESTRICTED, .picks = forecasts,
		  .sql = "CASE \"StageName\" WHEN 'Closed Won' THEN 'Closed' WHEN 'Closed Lost' THEN "
				 "'Omitted' ELSE 'Pipeline' END"),
	OWNER_FIELD,
	REF("ContactId", "Contact ID", "Contact", NULL, NULL, gen_reference_sparse,
		.flags = SF_NOUPDATE),
	SYSTEM_FIELDS,
	FIELD("LastActivityDate", "Last Activity", DATE, .flags = SF_READONLY, .gen = gen_date),
	FIELD("FiscalYear", "Fiscal Year", INT, .digits = 9, .flags = SF_READONLY,
		  .compound = "Fiscal", .sql = "sf_datepart(9, \"CloseDate\" * 86400000)"),
	TEXT("External_Id__c", "External Id", 40, gen_key_ci,
		 .flags = SF_EXTERNAL | SF_UNIQUE | SF_IDLOOKUP),
};

static const sim_field user_fields[] = {
	ID_FIELD("User ID"),
	TEXT("Username", "Username", 80, gen_username,
		 .flags = SF_REQUIRED | SF_UNIQUE | SF_IDLOOKUP),
	TEXT("LastName", "Last Name", 80, gen_last_name, .flags = SF_REQUIRED, .compound = "Name",
		 .extra = "personname"),
	TEXT("FirstName", "First Name", 40, gen_first_name, .compound = "Name",
		 .extra = "personname"),
	TEXT("Name", "Full Name", 121, NULL, .flags = SF_REQUIRED | SF_READONLY | SF_NAME,
		 .extra = "personname",
		 .sql = "CASE WHEN \"FirstName\" IS NULL THEN \"LastName\" "
				"ELSE \"FirstName\" || ' ' || \"LastName\" END"),
	TEXT("CompanyName", "Company Name", 80, gen_company),
	TEXT("Department", "Department", 80, gen_words),
	TEXT("Title", "Title", 80, gen_words),
	ADDRESS("", "User"),
	FIELD("Email", "Email", EMAIL, .length = 128, .flags = SF_REQUIRED | SF_IDLOOKUP,
		  .gen = gen_username),
	PHONE("Phone", "Phone"),
	PHONE("MobilePhone", "Mobile"),
	TEXT("Alias", "Alias", 8, gen_alias, .flags = SF_REQUIRED),
	BOOL("IsActive", "Active", gen_true),
	FIELD("TimeZoneSidKey", "Time Zone", PICKLIST, .length = 40, .picks = zones,
		  .flags = SF_REQUIRED | SF_RESTRICTED, .gen = gen_pick_required),
	FIELD("LocaleSidKey", "Locale", PICKLIST, .length = 40, .picks = locales,
		  .flags = SF_REQUIRED | SF_RESTRICTED, .gen = gen_pick_required),
	FIELD("EmailEncodingKey", "Email Encoding", PICKLIST, .length = 40, .picks = encodings,
		  .flags = SF_REQUIRED | SF_RESTRICTED, .gen = gen_constant),
	FIELD("UserType", "User Type", PICKLIST, .length = 40, .picks = user_types,
		  .flags = SF_REQUIRED | SF_READONLY | SF_RESTRICTED, .gen = gen_constant),
	FIELD("LanguageLocaleKey", "Language", PICKLIST, .length = 40, .picks = locales,
		  .flags = SF_REQUIRED | SF_RESTRICTED, .gen = gen_constant),
	TEXT("EmployeeNumber", "Employee Number", 20, gen_postcode),
	REF("ManagerId", "Manager ID", "User", "Manager", NULL, gen_reference_sparse),
	FIELD("LastLoginDate", "Last Login", DATETIME, .flags = SF_READONLY, .gen = gen_modified),
	SYSTEM_FIELDS,
};

/* ---------------------------------------------------------------- the custom object */

/* Id to Close_Date__c: what a large org has in every row. */
#define INVOICE_DENSE 18

static const sim_field invoice_fields[] = {
	ID_FIELD("Record ID"),
	OWNER_FIELD,
	DELETED_FIELD,
	TEXT("Name", "Invoice Name", 80, gen_invoice_name, .flags = SF_NAME | SF_IDLOOKUP),
	SYSTEM_FIELDS,
	REF("Account__c", "Account", "Account", "Account__r", "Invoices__r", gen_reference),
	FIELD("Email__c", "Email", EMAIL, .length = 80, .gen = gen_email),
	PHONE("Phone__c", "Phone"),
	PICK("Stage__c", "Stage", invoice_stages, gen_pick, .flags = SF_RESTRICTED),
	AREA("Description__c", "Description", 255, gen_prose),
	FIELD("Amount__c", "Amount", CURRENCY, .precision = 18, .scale = 2, .gen = gen_money),
	FIELD("Probability__c", "Probability", PERCENT, .precision = 5, .scale = 2,
		  .gen = gen_percent),
	FIELD("Employees__c", "Employees", INT, .digits = 9, .gen = gen_int),
	FIELD("Close_Date__c", "Close Date", DATE, .gen = gen_close_date),
	REF("Contact__c", "Contact", "Contact", "Contact__r", "Invoices__r", gen_reference_sparse),
	REF("Parent_Invoice__c", "Parent Invoice", "Invoice__c", "Parent_Invoice__r",
		"Child_Invoices__r", gen_reference_sparse),
	TEXT("Code__c", "Code", 255, gen_words),
	AREA("Notes__c", "Notes", 32768, gen_long_prose),
	FIELD("Rich_Notes__c", "Rich Notes", TEXTAREA, .length = 32768, .flags = SF_HTML,
		  .extra = "richtextarea", .gen = gen_html),
	PICK("Priority__c", "Priority", priorities, gen_pick),
	FIELD("Tags__c", "Tags", MULTIPICKLIST, .length = 4099, .precision = 4, .picks = tags,
		  .flags = SF_RESTRICTED, .gen = gen_multi),
	FIELD("Category__c", "Category", COMBOBOX, .length = 255, .picks = categories,
		  .gen = gen_pick),
	BOOL("Is_Paid__c", "Paid", gen_bool),
	FIELD("Sequence__c", "Sequence", LONG, .digits = 18, .gen = gen_long),
	FIELD("Weight__c", "Weight", DOUBLE, .precision = 18, .scale = 6, .gen = gen_double),
	FIELD("Due_At__c", "Due At", DATETIME, .gen = gen_datetime),
	FIELD("Reminder_Time__c", "Reminder Time", TIME, .gen = gen_time),
	FIELD("Website__c", "Website", URL, .length = 255, .gen = gen_url),
	FIELD("Card__c", "Card", ENCRYPTEDSTRING, .length = 175, .gen = gen_secret),
	FIELD("Geolocation__Latitude__s", "Geolocation (Latitude)", DOUBLE, .precision = 18,
		  .scale = 15, .compound = "Geolocation__c", .flags = SF_DECIMAL, .gen = gen_latitude),
	FIELD("Geolocation__Longitude__s", "Geolocation (Longitude)", DOUBLE, .precision = 18,
		  .scale = 15, .compound = "Geolocation__c", .flags = SF_DECIMAL,
		  .gen = gen_longitude),
	FIELD("Geolocation__c", "Geolocation", LOCATION, .flags = SF_READONLY | SF_DECIMAL),
	FIELD("Document__c", "Document", BASE64, .gen = gen_blob),
	FIELD("Weighted_Amount__c", "Weighted Amount", CURRENCY, .precision = 18, .scale = 4,
		  .flags = SF_READONLY, .formula = "Amount__c * Probability__c",
		  .sql = "\"Amount__c\" * \"Probability__c\" / 100"),
	TEXT("Stage_Label__c", "Stage Label", 1300, NULL, .flags = SF_READONLY,
		 .formula = "TEXT(Stage__c) & \": \" & Name",
		 .sql = "coalesce(\"Stage__c\", '') || ': ' || coalesce(\"Name\", '')"),
	TEXT("External_Key__c", "External Key", 40, gen_key_ci,
		 .flags = SF_EXTERNAL | SF_UNIQUE | SF_IDLOOKUP),
	TEXT("Legacy_Code__c", "Legacy Code", 40, gen_key_cs,
		 .flags = SF_EXTERNAL | SF_UNIQUE | SF_CASE | SF_IDLOOKUP),
	FIELD("Any_Value__c", "Any Value", ANYTYPE, .length = 255, .flags = SF_READONLY,
		  .gen = gen_code),
};

/* ---------------------------------------------------------------- odd ones out */

/* A setup object: REST reads it, bulk answers INVALIDENTITY. */
static const sim_field task_status_fields[] = {
	ID_FIELD("Task Status Value ID"),
	PICK("MasterLabel", "Master Label", task_statuses, gen_constant,
		 .flags = SF_REQUIRED | SF_READONLY | SF_NAME),
	FIELD("SortOrder", "Sort Order", INT, .digits = 9, .flags = SF_READONLY, .gen = gen_long),
	SYSTEM_FIELDS,
};

static const sim_field id_only_fields[] = {ID_FIELD("Record ID")};

#define SO_NORMAL                                                                             \
	(SO_WRITABLE | SO_UNDELETABLE | SO_REPLICATEABLE | SO_SEARCHABLE | SO_LAYOUTABLE |        \
	 SO_SEARCH_LAYOUT | SO_COMPACT | SO_TRIGGERABLE | SO_MRU)

#define OBJECT(var, n, l, pl, pre, fl, f, place, seed, rows, fill)                            \
	static const sim_object var = {                                                           \
		.name = n,                                                                            \
		.label = l,                                                                           \
		.plural = pl,                                                                         \
		.prefix = pre,                                                                        \
		.flags = fl,                                                                          \
		.fields = f,                                                                          \
		.nfields = (int) (sizeof(f) / sizeof(f[0])),                                          \
		.slot = place,                                                                        \
		.seed_no = seed,                                                                      \
		.default_rows = rows,                                                                 \
		.dense = fill,                                                                        \
	}

OBJECT(account, "Account", "Account", "Accounts", "001", SO_NORMAL | SO_FEED | SO_MERGEABLE,
	   account_fields, 1, 0, 1000, 0);
OBJECT(contact, "Contact", "Contact", "Contacts", "003", SO_NORMAL | SO_FEED | SO_MERGEABLE,
	   contact_fields, 4, 3, 2000, 0);
OBJECT(opportunity, "Opportunity", "Opportunity", "Opportunities", "006", SO_NORMAL | SO_FEED,
	   opportunity_fields, 8, 7, 1500, 0);
OBJECT(user, "User", "User", "Users", "005",
	   (SO_NORMAL & ~(unsigned) (SO_DELETABLE | SO_UNDELETABLE | SO_REPLICATEABLE)) | SO_FEED,
	   user_fields, 10, 9, 20, 0);
OBJECT(invoice, "Invoice__c", "Invoice", "Invoices", "a00", SO_NORMAL, invoice_fields, 5, 4,
	   1000, INVOICE_DENSE);
OBJECT(task_status, "TaskStatus", "Task Status Value", "Task Status Value", "01T", SO_NOBULK,
	   task_status_fields, 9, 8, 5, 0);
OBJECT(change_event, "AccountChangeEvent", "Account Change Event", "Account Change Events",
	   NULL, SO_NOQUERY, id_only_fields, 2, 1, 0, 0);
OBJECT(aggregate, "AggregateResult", "Aggregate Result", "Aggregate Result", NULL, SO_NOQUERY,
	   id_only_fields, 3, 2, 0, 0);
OBJECT(legacy, "Legacy_Order__c", "Legacy Order", "Legacy Orders", "a0F",
	   (SO_NORMAL & ~(unsigned) (SO_DELETABLE | SO_UNDELETABLE | SO_REPLICATEABLE)) |
		   SO_DEPRECATED,
	   id_only_fields, 6, 5, 0, 0);
OBJECT(name_object, "Name", "Name", "Names", NULL, SO_NOQUERY, id_only_fields, 7, 6, 0, 0);

const sim_object *const sim_builtin_objects[] = {
	&account, &change_event, &aggregate,   &contact,	 &invoice,
	&legacy,  &name_object,	 &opportunity, &task_status, &user,
};
const int sim_builtin_total =
	(int) (sizeof(sim_builtin_objects) / sizeof(sim_builtin_objects[0]));
