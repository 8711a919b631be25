/*
 * schema_sales.c
 *		Opportunities, their products and contact roles, and the price list.
 */
#include "schema_tables.h"

static const sim_pick opportunity_stage[] = {V("Prospecting"),
											 V("Qualification"),
											 V("Needs Analysis"),
											 V("Value Proposition"),
											 V("Id. Decision Makers"),
											 V("Perception Analysis"),
											 V("Proposal/Price Quote"),
											 V("Negotiation/Review"),
											 V("Closed Won"),
											 V("Closed Lost"),
											 V_END};

static const sim_pick opportunity_type[] = {
	V("Existing Customer - Upgrade"), V("Existing Customer - Replacement"),
	V("Existing Customer - Downgrade"), V("New Customer"), V_END};

static const sim_pick opportunity_forecast[] = {V("Omitted"),
												V("Pipeline"),
												VL("BestCase", "Best Case"),
												VL("MostLikely", "Most Likely"),
												VL("Forecast", "Commit"),
												V("Closed"),
												V_END};

static const sim_pick opportunity_forecast_name[] = {
	V("Omitted"), V("Pipeline"), V("Best Case"), V("Commit"), V("Closed"), V_END};

static const sim_field opportunity_fields[] = {
	ID_FIELD("Opportunity ID"),
	DELETED_FIELD,
	REF("AccountId", "Account ID", "Account", "Account", "Opportunities", .flags = SF_CASCADE,
		.gen = gen_reference, .seed_no = 2),
	FIELD("IsPrivate", "Private", BOOLEAN, .gen = gen_bool,
		  .flags = SF_REQUIRED | SF_DEFAULTED | SF_PERM, .seed_no = 3),
	TEXT("Name", "Name", 120, .flags = SF_REQUIRED | SF_NAME | SF_IDLOOKUP, .gen = gen_deal,
		 .seed_no = 4),
	AREA("Description", "Description", 32000, .gen = gen_long_prose, .seed_no = 5),
	PICK("StageName", "Stage", opportunity_stage, .length = 255, .flags = SF_REQUIRED,
		 .gen = gen_pick_required, .seed_no = 6),
	FIELD("Amount", "Amount", CURRENCY, .precision = 18, .scale = 2, .gen = gen_money,
		  .seed_no = 7),
	FIELD("Probability", "Probability (%)", PERCENT, .precision = 3, .flags = SF_DEFAULTED,
		  .gen = gen_percent_steps, .seed_no = 8),
	FIELD("ExpectedRevenue", "Expected Amount", CURRENCY, .precision = 18, .scale = 2,
		  .flags = SF_READONLY | SF_PERM,
		  .sql = "round(\"Amount\" * \"Probability\" / 100, 2)", .seed_no = 9),
	FIELD("TotalOpportunityQuantity", "Quantity", DOUBLE, .precision = 18, .scale = 2,
		  .gen = gen_double, .seed_no = 10),
	FIELD("CloseDate", "Close Date", DATE, .flags = SF_REQUIRED, .gen = gen_close_date,
		  .seed_no = 11),
	PICK("Type", "Opportunity Type", opportunity_type, .length = 255, .gen = gen_pick,
		 .seed_no = 12),
	TEXT("NextStep", "Next Step", 255, .gen = gen_words, .seed_no = 13),
	PICK("LeadSource", "Lead Source", pick_source, .length = 255, .gen = gen_pick,
		 .seed_no = 14),
	BOOL_RO("IsClosed", "Closed", NULL, .sql = "\"StageName\" LIKE 'Closed %'", .seed_no = 15),
	BOOL_RO("IsWon", "Won", NULL, .sql = "\"StageName\" = 'Closed Won'", .seed_no = 16),
	PICK("ForecastCategory", "Forecast Category", opportunity_forecast, .length = 40,
		 .flags = SF_REQUIRED | SF_READONLY | SF_RESTRICTED,
		 .sql = "CASE \"StageName\" WHEN 'Closed Won' THEN 'Closed' WHEN 'Closed Lost' THEN "
				"'Omitted' ELSE 'Pipeline' END",
		 .seed_no = 17),
	PICK("ForecastCategoryName", "Forecast Category", opportunity_forecast_name, .length = 255,
		 .flags = SF_DEFAULTED | SF_RESTRICTED | SF_NOPERM, .gen = gen_forecast),
	REF("CampaignId", "Campaign ID", "Campaign", "Campaign", "Opportunities"),
	BOOL_RO("HasOpportunityLineItem", "Has Line Item", gen_has_lines),
	REF("Pricebook2Id", "Price Book ID", "Pricebook2", "Pricebook2", "Opportunities",
		.flags = SF_DEFAULTED | SF_NOPERM, .gen = gen_pricebook),
	OWNER_FIELD(18),
	SYSTEM_FIELDS(20),
	FIELD("LastActivityDate", "Last Activity", DATE, .flags = SF_READONLY, .gen = gen_date,
		  .seed_no = 25),
	STAMP("LastStageChangeDate", "Last Stage Change Date"),
	FIELD("FiscalQuarter", "Fiscal Quarter", INT, .digits = 8, .flags = SF_READONLY,
		  .compound = "Fiscal", .sql = "sf_datepart(8, \"CloseDate\" * 86400000)"),
	FIELD("FiscalYear", "Fiscal Year", INT, .digits = 8, .flags = SF_READONLY,
		  .compound = "Fiscal", .sql = "sf_datepart(9, \"CloseDate\" * 86400000)",
		  .seed_no = 26),
	TEXT("Fiscal", "Fiscal Period", 6, .bytes = 6, .flags = SF_READONLY,
		 .sql = "sf_datepart(9, \"CloseDate\" * 86400000) || ' ' || sf_datepart(8, "
				"\"CloseDate\" * 86400000)"),
	REF("ContactId", "Contact ID", "Contact", NULL, "Opportunities",
		.flags = SF_NOUPDATE | SF_NOPERM | SF_NOPREFILTER, .gen = gen_reference_sparse,
		.seed_no = 19),
	VIEWED_FIELDS,
	FIELD("HasOpenActivity", "Has Open Activity", BOOLEAN, .gen = gen_false,
		  .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_NOFILTER | SF_NOSORT),
	FIELD("HasOverdueTask", "Has Overdue Task", BOOLEAN, .gen = gen_false,
		  .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_NOFILTER | SF_NOSORT),
	REF("LastAmountChangedHistoryId", "Opportunity History ID", "OpportunityHistory",
		"LastAmountChangedHistory", NULL, .flags = SF_READONLY | SF_PREFILTER),
	REF("LastCloseDateChangedHistoryId", "Opportunity History ID", "OpportunityHistory",
		"LastCloseDateChangedHistory", NULL, .flags = SF_READONLY | SF_PREFILTER),
	TEXT("External_Id__c", "External Id", 40, .gen = gen_key_ci,
		 .flags = SF_EXTERNAL | SF_UNIQUE | SF_IDLOOKUP, .seed_no = 27),
};

static const sim_pick role_role[] = {V("Business User"),  V("Decision Maker"),
									 V("Economic Buyer"), V("Economic Decision Maker"),
									 V("Evaluator"),	  V("Executive Sponsor"),
									 V("Influencer"),	  V("Technical Buyer"),
									 V("Other"),		  V_END};

static const sim_field role_fields[] = {
	ID_FIELD("Contact Role ID"),
	REF("OpportunityId", "Opportunity ID", "Opportunity", "Opportunity",
		"OpportunityContactRoles", .flags = SF_REQUIRED | SF_NOUPDATE | SF_CASCADE,
		.gen = gen_reference),
	REF("ContactId", "Contact ID", "Contact", "Contact", "OpportunityContactRoles",
		.flags = SF_REQUIRED | SF_CASCADE, .gen = gen_reference),
	PICK("Role", "Role", role_role, .length = 40, .flags = SF_NOPERM, .gen = gen_pick),
	BOOL("IsPrimary", "Primary", gen_bool),
	SYSTEM_FIELDS(100),
	DELETED_FIELD,
};

static const sim_scope opportunity_scopes[] = {{"everything", "All opportunities"},
											   {"mine", "My opportunities"},
											   {"scopingRule", "Filter by scope"},
											   {"team", "My team's opportunities"},
											   {NULL, NULL}};

const sim_object sim_opportunity = {.name = "Opportunity",
									.label = "Opportunity",
									.plural = "Opportunities",
									.prefix = "006",
									.flags = SO_NORMAL | SO_FEED | SO_DEEP_CLONE,
									.fields = opportunity_fields,
									.nfields = COUNT(opportunity_fields),
									.slot = 4,
									.seed_no = 7,
									.default_rows = 1500,
									.dense = 28,
									.scopes = opportunity_scopes};

static const sim_scope role_scopes[] = {{"everything", "All opportunity contact role"},
										{NULL, NULL}};

const sim_object sim_opportunity_contact_role = {.name = "OpportunityContactRole",
												 .label = "Opportunity Contact Role",
												 .plural = "Opportunity Contact Role",
												 .prefix = "00K",
												 .flags = SO_LINE,
												 .fields = role_fields,
												 .nfields = COUNT(role_fields),
												 .slot = 5,
												 .seed_no = 11,
												 .default_rows = 200,
												 .scopes = role_scopes};

static const sim_field line_item_fields[] = {
	ID_FIELD("Line Item ID"),
	REF("OpportunityId", "Opportunity ID", "Opportunity", "Opportunity",
		"OpportunityLineItems", .flags = SF_REQUIRED | SF_NOUPDATE | SF_CASCADE,
		.gen = gen_parent_of_lines),
	FIELD("SortOrder", "Sort Order", INT, .digits = 9, .flags = SF_READONLY),
	REF("PricebookEntryId", "Price Book Entry ID", "PricebookEntry", "PricebookEntry",
		"OpportunityLineItems", .flags = SF_NOUPDATE | SF_RESTRICT_DELETE | SF_NOPERM,
		.gen = gen_line_entry),
	REF("Product2Id", "Product ID", "Product2", "Product2", "OpportunityLineItems",
		.flags = SF_NOUPDATE | SF_RESTRICT_DELETE | SF_NOPERM, .gen = gen_copy),
	TEXT("ProductCode", "Product Code", 255, .flags = SF_READONLY, .gen = gen_copy),
	TEXT("Name", "Opportunity Product Name", 376, .flags = SF_READONLY | SF_NAME,
		 .gen = gen_copy),
	FIELD("Quantity", "Quantity", DOUBLE, .precision = 12, .scale = 2, .flags = SF_REQUIRED,
		  .gen = gen_quantity),
	FIELD("TotalPrice", "Total Price", CURRENCY, .precision = 18, .scale = 2,
		  .flags = SF_NOPERM, .gen = gen_line_total),
	FIELD("UnitPrice", "Sales Price", CURRENCY, .precision = 18, .scale = 2,
		  .flags = SF_NOPERM, .gen = gen_copy),
	FIELD("ListPrice", "List Price", CURRENCY, .precision = 18, .scale = 2,
		  .flags = SF_READONLY | SF_PERM, .gen = gen_copy),
	FIELD("ServiceDate", "Date", DATE, .gen = gen_date),
	TEXT("Description", "Line Description", 255, .gen = gen_words),
	SYSTEM_FIELDS(100),
	DELETED_FIELD,
	VIEWED_FIELDS,
};

static const sim_pick product_family[] = {V("None"), V("Hardware"), V("Software"),
										  V("Services"), V_END};

static const sim_pick product_unit[] = {V("Each"), V("Hour"), V_END};

static const sim_field product_fields[] = {
	ID_FIELD("Product ID"),
	TEXT("Name", "Product Name", 255, .flags = SF_REQUIRED | SF_NAME | SF_IDLOOKUP,
		 .gen = gen_product),
	TEXT("ProductCode", "Product Code", 255, .gen = gen_code),
	AREA("Description", "Product Description", 4000, .gen = gen_long_prose),
	FIELD("IsActive", "Active", BOOLEAN, .flags = SF_REQUIRED | SF_DEFAULTED | SF_PERM,
		  .gen = gen_true),
	SYSTEM_FIELDS(100),
	PICK("Family", "Product Family", product_family, .length = 255, .gen = gen_pick),
	REF("ExternalDataSourceId", "External Data Source ID", "ExternalDataSource",
		"ExternalDataSource", NULL),
	TEXT("ExternalId", "External ID", 255),
	FIELD("DisplayUrl", "Display URL", URL, .length = 1000, .gen = gen_url),
	PICK("QuantityUnitOfMeasure", "Quantity Unit Of Measure", product_unit, .length = 255,
		 .gen = gen_pick),
	DELETED_FIELD,
	BOOL_RO("IsArchived", "Archived", gen_false),
	VIEWED_FIELDS,
	TEXT("StockKeepingUnit", "Product SKU", 180, .flags = SF_IDLOOKUP, .gen = gen_key_ci),
};

static const sim_field pricebook_fields[] = {
	ID_FIELD("Price Book ID"),
	DELETED_FIELD,
	TEXT("Name", "Price Book Name", 255, .flags = SF_REQUIRED | SF_NAME | SF_IDLOOKUP,
		 .gen = gen_setup),
	SYSTEM_FIELDS(100),
	VIEWED_FIELDS,
	FIELD("IsActive", "Active", BOOLEAN, .flags = SF_REQUIRED | SF_DEFAULTED | SF_PERM,
		  .gen = gen_true),
	BOOL_RO("IsArchived", "Archived", gen_false),
	TEXT("Description", "Description", 255),
	BOOL_RO("IsStandard", "Is Standard Price Book", gen_first_only),
};

static const sim_field entry_fields[] = {
	ID_FIELD("Price Book Entry ID"),
	TEXT("Name", "Product Name", 255, .flags = SF_READONLY | SF_NAME, .gen = gen_copy),
	REF("Pricebook2Id", "Price Book ID", "Pricebook2", "Pricebook2", "PricebookEntries",
		.flags = SF_REQUIRED | SF_NOUPDATE | SF_CASCADE, .gen = gen_entry_book),
	REF("Product2Id", "Product ID", "Product2", "Product2", "PricebookEntries",
		.flags = SF_REQUIRED | SF_NOUPDATE | SF_CASCADE, .gen = gen_entry_product),
	FIELD("UnitPrice", "List Price", CURRENCY, .precision = 18, .scale = 2,
		  .flags = SF_REQUIRED, .gen = gen_price),
	BOOL("IsActive", "Active", gen_true),
	BOOL("UseStandardPrice", "Use Standard Price", gen_false),
	SYSTEM_FIELDS(100),
	TEXT("ProductCode", "Product Code", 255, .flags = SF_READONLY, .gen = gen_copy),
	DELETED_FIELD,
	BOOL_RO("IsArchived", "Archived", gen_false),
};

static const sim_scope line_scopes[] = {{"everything", "All opportunity product"},
										{NULL, NULL}};

const sim_object sim_opportunity_line_item = {.name = "OpportunityLineItem",
											  .label = "Opportunity Product",
											  .plural = "Opportunity Product",
											  .prefix = "00k",
											  .flags = SO_LINE | SO_SEARCH_LAYOUT,
											  .fields = line_item_fields,
											  .nfields = COUNT(line_item_fields),
											  .slot = 6,
											  .seed_no = 12,
											  .default_rows = 300,
											  .scopes = line_scopes};

static const sim_scope product_scopes[] = {
	{"everything", "All products"}, {"scopingRule", "Filter by scope"}, {NULL, NULL}};

const sim_object sim_product2 = {.name = "Product2",
								 .label = "Product",
								 .plural = "Products",
								 .prefix = "01t",
								 .flags = SO_NORMAL,
								 .fields = product_fields,
								 .nfields = COUNT(product_fields),
								 .slot = 7,
								 .seed_no = 13,
								 .default_rows = 20,
								 .scopes = product_scopes};

static const sim_scope pricebook_scopes[] = {{"everything", "All price books"}, {NULL, NULL}};

const sim_object sim_pricebook2 = {.name = "Pricebook2",
								   .label = "Price Book",
								   .plural = "Price Books",
								   .prefix = "01s",
								   .flags = SO_NORMAL & ~(unsigned) SO_APPROVAL,
								   .fields = pricebook_fields,
								   .nfields = COUNT(pricebook_fields),
								   .slot = 8,
								   .seed_no = 14,
								   .default_rows = 2,
								   .scopes = pricebook_scopes};

static const sim_scope entry_scopes[] = {{"everything", "All price book entries"},
										 {NULL, NULL}};

const sim_object sim_pricebook_entry = {.name = "PricebookEntry",
										.label = "Price Book Entry",
										.plural = "Price Book Entries",
										.prefix = "01u",
										.flags = (SO_LINE | SO_SEARCHABLE) &
												 ~(unsigned) SO_TRIGGERABLE,
										.fields = entry_fields,
										.nfields = COUNT(entry_fields),
										.slot = 9,
										.seed_no = 15,
										.default_rows = 40,
										.scopes = entry_scopes};
