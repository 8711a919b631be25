/*
 * schema_custom.c
 *		Two custom objects that between them have every type of field: invoices and their lines.
 */
#include "schema_tables.h"

/* ---------------------------------------------------------------- Invoice__c */

static const sim_pick invoice_stages[] = {V("Draft"), V("Sent"),		V("Awaiting Payment"),
										  V("Paid"),  V("Written Off"), V("Disputed"),
										  V_END};

static const sim_pick priorities[] = {V("low"), V("Medium"), V("HIGH"), V("Überfällig"),
									  V_END};

static const sim_pick tags[] = {V("Urgent"), V("Export"),		V("Net 30"), V("Recurring"),
								V("VIP"),	 V("R&D, \"Lab\""), V("Küche"),	 V_END};

static const sim_pick categories[] = {V("Goods"), V("Services"), V("Licences"), V("Travel"),
									  V_END};

/* Id to Close_Date__c: what a large org has in every row. */
#define INVOICE_DENSE 18

static const sim_field invoice_fields[] = {
	ID_FIELD("Record ID"),
	OWNER_FIELD(1),
	DELETED_FIELD,
	TEXT("Name", "Invoice Name", 80, .gen = gen_invoice_name, .flags = SF_NAME | SF_IDLOOKUP,
		 .seed_no = 3),
	SYSTEM_FIELDS(4),
	REF("Account__c", "Account", "Account", "Account__r", "Invoices__r", .gen = gen_reference,
		.seed_no = 9),
	FIELD("Email__c", "Email", EMAIL, .length = 80, .gen = gen_email, .seed_no = 10),
	PHONE("Phone__c", "Phone", .seed_no = 11),
	PICK("Stage__c", "Stage", invoice_stages, .length = 255, .gen = gen_pick,
		 .flags = SF_RESTRICTED, .seed_no = 12),
	AREA("Description__c", "Description", 255, .gen = gen_prose, .seed_no = 13),
	FIELD("Amount__c", "Amount", CURRENCY, .precision = 18, .scale = 2, .gen = gen_money,
		  .seed_no = 14),
	FIELD("Probability__c", "Probability", PERCENT, .precision = 5, .scale = 2,
		  .gen = gen_percent, .seed_no = 15),
	FIELD("Employees__c", "Employees", INT, .digits = 9, .gen = gen_int, .seed_no = 16),
	FIELD("Close_Date__c", "Close Date", DATE, .gen = gen_close_date, .seed_no = 17),
	REF("Contact__c", "Contact", "Contact", "Contact__r", "Invoices__r",
		.gen = gen_reference_sparse, .seed_no = 18),
	REF("Parent_Invoice__c", "Parent Invoice", "Invoice__c", "Parent_Invoice__r",
		"Child_Invoices__r", .gen = gen_reference_sparse, .seed_no = 19),
	TEXT("Code__c", "Code", 255, .gen = gen_words, .seed_no = 20),
	AREA("Notes__c", "Notes", 32768, .gen = gen_long_prose, .seed_no = 21),
	FIELD("Rich_Notes__c", "Rich Notes", TEXTAREA, .length = 32768, .flags = SF_HTML,
		  .extra = "richtextarea", .gen = gen_html, .seed_no = 22),
	PICK("Priority__c", "Priority", priorities, .length = 255, .gen = gen_pick, .seed_no = 23),
	FIELD("Tags__c", "Tags", MULTIPICKLIST, .length = 4099, .precision = 4, .picks = tags,
		  .flags = SF_RESTRICTED, .gen = gen_multi, .seed_no = 24),
	FIELD("Category__c", "Category", COMBOBOX, .length = 255, .picks = categories,
		  .gen = gen_pick, .seed_no = 25),
	BOOL("Is_Paid__c", "Paid", gen_bool, .seed_no = 26),
	FIELD("Sequence__c", "Sequence", LONG, .digits = 18, .gen = gen_long, .seed_no = 27),
	FIELD("Weight__c", "Weight", DOUBLE, .precision = 18, .scale = 6, .gen = gen_double,
		  .seed_no = 28),
	FIELD("Due_At__c", "Due At", DATETIME, .gen = gen_datetime, .seed_no = 29),
	FIELD("Reminder_Time__c", "Reminder Time", TIME, .gen = gen_time, .seed_no = 30),
	FIELD("Website__c", "Website", URL, .length = 255, .gen = gen_url, .seed_no = 31),
	FIELD("Card__c", "Card", ENCRYPTEDSTRING, .length = 175, .gen = gen_secret, .seed_no = 32),
	FIELD("Geolocation__Latitude__s", "Geolocation (Latitude)", DOUBLE, .precision = 18,
		  .scale = 15, .compound = "Geolocation__c", .flags = SF_DECIMAL, .gen = gen_latitude,
		  .seed_no = 33),
	FIELD("Geolocation__Longitude__s", "Geolocation (Longitude)", DOUBLE, .precision = 18,
		  .scale = 15, .compound = "Geolocation__c", .flags = SF_DECIMAL, .gen = gen_longitude,
		  .seed_no = 34),
	FIELD("Geolocation__c", "Geolocation", LOCATION, .flags = SF_READONLY | SF_DECIMAL,
		  .seed_no = 35),
	FIELD("Document__c", "Document", BASE64, .gen = gen_blob, .seed_no = 36),
	FIELD("Weighted_Amount__c", "Weighted Amount", CURRENCY, .precision = 18, .scale = 4,
		  .flags = SF_READONLY, .formula = "Amount__c * Probability__c",
		  .sql = "\"Amount__c\" * \"Probability__c\" / 100", .seed_no = 37),
	TEXT("Stage_Label__c", "Stage Label", 1300, .flags = SF_READONLY,
		 .formula = "TEXT(Stage__c) & \": \" & Name",
		 .sql = "coalesce(\"Stage__c\", '') || ': ' || coalesce(\"Name\", '')", .seed_no = 38),
	TEXT("External_Key__c", "External Key", 40, .gen = gen_key_ci,
		 .flags = SF_EXTERNAL | SF_UNIQUE | SF_IDLOOKUP, .seed_no = 39),
	TEXT("Legacy_Code__c", "Legacy Code", 40, .gen = gen_key_cs,
		 .flags = SF_EXTERNAL | SF_UNIQUE | SF_CASE | SF_IDLOOKUP, .seed_no = 40),
	FIELD("Any_Value__c", "Any Value", ANYTYPE, .length = 255, .flags = SF_READONLY,
		  .gen = gen_code, .seed_no = 41),
};

static const sim_scope invoice_scopes[] = {{"everything", "All Invoices"},
										   {"mine", "My Invoices"},
										   {"scopingRule", "Filter by scope"},
										   {NULL, NULL}};

const sim_object sim_invoice = {.name = "Invoice__c",
								.label = "Invoice",
								.plural = "Invoices",
								.prefix = "a00",
								.flags = SO_NORMAL,
								.fields = invoice_fields,
								.nfields = COUNT(invoice_fields),
								.slot = 21,
								.seed_no = 4,
								.default_rows = 1000,
								.dense = INVOICE_DENSE,
								.scopes = invoice_scopes};

/* ---------------------------------------------------------------- Line__c */

/* Labels of their own, a default, and one that is out of use. */
static const sim_pick line_kind[] = {VDL("G", "Goods"),
									 VL("S", "Services"),
									 VL("L", "Licences"),
									 {.value = "T", .label = "Travel", .inactive = true},
									 V_END};

/* Depends on Kind__c: bit n from the left of the bytes behind valid_for is its value number n. */
static const sim_pick line_subkind[] = {{.value = "Hardware", .valid_for = "gAAA"},
										{.value = "Spare Parts", .valid_for = "gAAA"},
										{.value = "Consulting", .valid_for = "QAAA"},
										{.value = "Training", .valid_for = "YAAA"},
										{.value = "Perpetual", .valid_for = "IAAA"},
										{.value = "Subscription", .valid_for = "IAAA"},
										{.value = "Other", .valid_for = "8AAA"},
										V_END};

static const sim_pick line_tags[] = {V("Gift"), V("Fragile"), V("Back order"), V("Cold chain"),
									 V_END};

static const sim_field line_fields[] = {
	ID_FIELD("Record ID"),
	DELETED_FIELD,
	TEXT("Name", "Line Number", 80,
		 .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_NAME | SF_IDLOOKUP |
				  SF_AUTONUMBER | SF_NOGROUP,
		 .gen = gen_number),
	SYSTEM_FIELDS(100),
	VIEWED_FIELDS,
	REF("Invoice__c", "Invoice", "Invoice__c", "Invoice__r", "Lines__r",
		.flags = SF_REQUIRED | SF_NOUPDATE | SF_MASTER | SF_CASCADE, .ref_order = 1,
		.gen = gen_parent_of_lines),
	REF("Product__c", "Product", "Product2", "Product__r", "Lines__r", .gen = gen_reference),
	REF("Credited_Line__c", "Credited Line", "Line__c", "Credited_Line__r", "Credits__r",
		.flags = SF_RESTRICT_DELETE, .gen = gen_reference_sparse),
	FIELD("Position__c", "Position", DOUBLE, .precision = 4, .gen = gen_position),
	FIELD("Quantity__c", "Quantity", DOUBLE, .precision = 16, .scale = 2,
		  .flags = SF_DEFAULTED, .preset = "1", .gen = gen_quantity),
	FIELD("Unit_Price__c", "Unit Price", CURRENCY, .precision = 16, .scale = 2,
		  .flags = SF_REQUIRED, .gen = gen_price),
	FIELD("Discount__c", "Discount", PERCENT, .precision = 5, .scale = 2, .gen = gen_percent),
	FIELD("Net__c", "Net", CURRENCY, .precision = 18, .scale = 2, .flags = SF_READONLY,
		  .formula = "Quantity__c * Unit_Price__c * (1 - Discount__c)",
		  .sql = "round(coalesce(\"Quantity__c\", 0) * coalesce(\"Unit_Price__c\", 0) * (1 - "
				 "coalesce(\"Discount__c\", 0) / 100), 2)"),
	PICK("Kind__c", "Kind", line_kind, .length = 255, .flags = SF_RESTRICTED | SF_DEFAULTED,
		 .preset = "G", .gen = gen_pick),
	PICK("Subkind__c", "Subkind", line_subkind, .length = 255, .flags = SF_RESTRICTED,
		 .controller = "Kind__c", .gen = gen_dependent),
	FIELD("Tags__c", "Tags", MULTIPICKLIST, .length = 4099, .precision = 4, .picks = line_tags,
		  .flags = SF_RESTRICTED, .gen = gen_multi),
	BOOL("Shipped__c", "Shipped", gen_bool),
	BOOL("Taxable__c", "Taxable", gen_bool, .preset = "true"),
	FIELD("Ship_Date__c", "Ship Date", DATE, .gen = gen_date),
	FIELD("Shipped_At__c", "Shipped At", DATETIME, .gen = gen_datetime),
	FIELD("Slot__c", "Delivery Slot", TIME, .gen = gen_time),
	TEXT("Comment__c", "Comment", 100, .gen = gen_words, .help = "Printed below the line."),
	AREA("Remarks__c", "Remarks", 255, .gen = gen_prose),
	AREA("History__c", "History", 32768, .gen = gen_long_prose),
	FIELD("Rich_Text__c", "Rich Text", TEXTAREA, .length = 32768, .flags = SF_HTML,
		  .extra = "richtextarea", .gen = gen_html),
	FIELD("Contact_Email__c", "Contact Email", EMAIL, .length = 80, .gen = gen_email),
	PHONE("Hotline__c", "Hotline"),
	FIELD("Link__c", "Link", URL, .length = 255, .gen = gen_url),
	FIELD("Serial__c", "Serial Number", ENCRYPTEDSTRING, .length = 50, .gen = gen_secret),
	FIELD("Origin__Latitude__s", "Origin (Latitude)", DOUBLE, .precision = 18, .scale = 15,
		  .compound = "Origin__c", .gen = gen_latitude),
	FIELD("Origin__Longitude__s", "Origin (Longitude)", DOUBLE, .precision = 18, .scale = 15,
		  .compound = "Origin__c", .gen = gen_longitude),
	FIELD("Origin__c", "Origin", LOCATION, .flags = SF_READONLY),
	TEXT("External_Id__c", "External Id", 40, .gen = gen_key_ci,
		 .flags = SF_EXTERNAL | SF_UNIQUE | SF_IDLOOKUP),
};

/* A detail: no owner of its own, and lists what a detail lists. */
static const sim_scope line_scopes[] = {
	{"everything", "All Lines"}, {"scopingRule", "Filter by scope"}, {NULL, NULL}};

const sim_object sim_line = {.name = "Line__c",
							 .label = "Line",
							 .plural = "Lines",
							 .prefix = "a01",
							 .flags = SO_NORMAL,
							 .fields = line_fields,
							 .nfields = COUNT(line_fields),
							 .slot = 22,
							 .seed_no = 24,
							 .default_rows = 500,
							 .scopes = line_scopes};
