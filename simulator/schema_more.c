/*
 * schema_more.c
 *		Objects that others refer to and that hold no rows unless --rows says so: campaigns, assets, contracts,
 *		orders, roles, the history of opportunities, change events.
 */
#include "schema_tables.h"

/* ---------------------------------------------------------------- Campaign */

static const sim_pick campaign_type[] = {V("Conference"),
										 V("Webinar"),
										 V("Trade Show"),
										 V("Public Relations"),
										 V("Partners"),
										 V("Referral Program"),
										 V("Advertisement"),
										 V("Banner Ads"),
										 V("Direct Mail"),
										 V("Email"),
										 V("Telemarketing"),
										 V("Other"),
										 V_END};

static const sim_pick campaign_status[] = {VD("Planned"), V("In Progress"), V("Completed"),
										   V("Aborted"), V_END};

#define CAMPAIGN_COUNT(n, l)                                                                  \
	FIELD(n, l, INT, .digits = 9,                                                             \
		  .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_PERM, .gen = gen_zero)
#define CAMPAIGN_AMOUNT(n, l)                                                                 \
	FIELD(n, l, CURRENCY, .precision = 18, .scale = 2,                                        \
		  .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_PERM, .gen = gen_no_amount)

static const sim_field campaign_fields[] = {
	ID_FIELD("Campaign ID"),
	DELETED_FIELD,
	TEXT("Name", "Name", 80, .flags = SF_REQUIRED | SF_NAME | SF_IDLOOKUP, .gen = gen_setup),
	REF("ParentId", "Parent Campaign ID", "Campaign", "Parent", "ChildCampaigns",
		.gen = gen_reference_sparse),
	PICK("Type", "Type", campaign_type, .length = 40, .gen = gen_pick),
	PICK("Status", "Status", campaign_status, .length = 40, .flags = SF_DEFAULTED,
		 .preset = "Planned", .gen = gen_pick),
	FIELD("StartDate", "Start Date", DATE, .gen = gen_date),
	FIELD("EndDate", "End Date", DATE, .gen = gen_date),
	FIELD("ExpectedRevenue", "Expected Revenue", CURRENCY, .precision = 18,
		  .gen = gen_revenue),
	FIELD("BudgetedCost", "Budgeted Cost", CURRENCY, .precision = 18, .gen = gen_revenue),
	FIELD("ActualCost", "Actual Cost", CURRENCY, .precision = 18, .gen = gen_revenue),
	FIELD("ExpectedResponse", "Expected Response (%)", PERCENT, .precision = 10, .scale = 2,
		  .flags = SF_DEFAULTED, .gen = gen_percent),
	FIELD("NumberSent", "Num Sent", DOUBLE, .precision = 18, .flags = SF_DEFAULTED,
		  .gen = gen_quantity),
	FIELD("IsActive", "Active", BOOLEAN, .flags = SF_REQUIRED | SF_DEFAULTED | SF_PERM,
		  .gen = gen_bool),
	AREA("Description", "Description", 32000, .gen = gen_long_prose),
	CAMPAIGN_COUNT("NumberOfLeads", "Leads in Campaign"),
	CAMPAIGN_COUNT("NumberOfConvertedLeads", "Converted Leads in Campaign"),
	CAMPAIGN_COUNT("NumberOfContacts", "Contacts in Campaign"),
	CAMPAIGN_COUNT("NumberOfResponses", "Responses in Campaign"),
	CAMPAIGN_COUNT("NumberOfOpportunities", "Opportunities in Campaign"),
	CAMPAIGN_COUNT("NumberOfWonOpportunities", "Won Opportunities in Campaign"),
	CAMPAIGN_AMOUNT("AmountAllOpportunities", "Value Opportunities in Campaign"),
	CAMPAIGN_AMOUNT("AmountWonOpportunities", "Value Won Opportunities in Campaign"),
	OWNER_FIELD(100),
	SYSTEM_FIELDS(101),
	FIELD("LastActivityDate", "Last Activity", DATE, .flags = SF_READONLY),
	VIEWED_FIELDS,
	REF("CampaignMemberRecordTypeId", "Record Type ID", "RecordType",
		"CampaignMemberRecordType", NULL, .flags = SF_NOPERM | SF_NOPREFILTER),
};

static const sim_scope campaign_scopes[] = {{"everything", "All campaigns"},
											{"mine", "My campaigns"},
											{"scopingRule", "Filter by scope"},
											{"team", "My team's campaigns"},
											{NULL, NULL}};

const sim_object sim_campaign = {.name = "Campaign",
								 .label = "Campaign",
								 .plural = "Campaigns",
								 .prefix = "701",
								 .flags = SO_NORMAL | SO_DEEP_CLONE,
								 .fields = campaign_fields,
								 .nfields = COUNT(campaign_fields),
								 .slot = 34,
								 .seed_no = 34,
								 .scopes = campaign_scopes};

/* ---------------------------------------------------------------- Asset */

static const sim_pick asset_status[] = {V("Shipped"),  V("Installed"), V("Registered"),
										V("Obsolete"), V("Purchased"), V_END};

static const sim_field asset_fields[] = {
	ID_FIELD("Asset ID"),
	REF("ContactId", "Contact ID", "Contact", "Contact", "Assets", .flags = SF_CASCADE,
		.gen = gen_reference),
	REF("AccountId", "Account ID", "Account", "Account", "Assets", .flags = SF_CASCADE,
		.gen = gen_copy),
	REF("ParentId", "Parent Asset ID", "Asset", "Parent", "ChildAssets",
		.gen = gen_reference_sparse),
	REF("RootAssetId", "Root Asset ID", "Asset", "RootAsset", NULL,
		.flags = SF_READONLY | SF_PREFILTER),
	REF("Product2Id", "Product ID", "Product2", "Product2", "Assets", .gen = gen_reference),
	TEXT("ProductCode", "Product Code", 255, .flags = SF_READONLY),
	FIELD("IsCompetitorProduct", "Competitor Asset", BOOLEAN,
		  .flags = SF_REQUIRED | SF_DEFAULTED | SF_PERM, .gen = gen_false),
	SYSTEM_FIELDS(100),
	DELETED_FIELD,
	TEXT("Name", "Asset Name", 255, .flags = SF_REQUIRED | SF_NAME, .gen = gen_product),
	TEXT("SerialNumber", "Serial Number", 80, .gen = gen_code),
	FIELD("InstallDate", "Install Date", DATE, .gen = gen_date),
	FIELD("PurchaseDate", "Purchase Date", DATE, .gen = gen_date),
	FIELD("UsageEndDate", "Usage End Date", DATE, .gen = gen_date),
	PICK("Status", "Status", asset_status, .length = 40, .gen = gen_pick),
	FIELD("Price", "Price", CURRENCY, .precision = 18, .gen = gen_revenue),
	FIELD("Quantity", "Quantity", DOUBLE, .precision = 12, .scale = 2, .gen = gen_quantity),
	AREA("Description", "Description", 32000, .gen = gen_long_prose),
	OWNER_FIELD(106),
	REF("AssetProvidedById", "Asset Provided By ID", "Account", "AssetProvidedBy",
		"ProvidedAssets"),
	REF("AssetServicedById", "Asset Serviced By ID", "Account", "AssetServicedBy",
		"ServicedAssets"),
	FIELD("IsInternal", "Internal Asset", BOOLEAN,
		  .flags = SF_REQUIRED | SF_DEFAULTED | SF_PERM, .gen = gen_false),
	TEXT("StockKeepingUnit", "Product SKU", 180, .flags = SF_READONLY),
	VIEWED_FIELDS,
};

static const sim_scope asset_scopes[] = {{"everything", "All assets"},
										 {"mine", "My assets"},
										 {"scopingRule", "Filter by scope"},
										 {NULL, NULL}};

const sim_object sim_asset = {.name = "Asset",
							  .label = "Asset",
							  .plural = "Assets",
							  .prefix = "02i",
							  .flags = SO_NORMAL,
							  .fields = asset_fields,
							  .nfields = COUNT(asset_fields),
							  .slot = 30,
							  .seed_no = 30,
							  .scopes = asset_scopes};

/* ---------------------------------------------------------------- Contract */

static const sim_pick contract_status[] = {V("In Approval Process"), V("Activated"),
										   VD("Draft"), V_END};

static const sim_pick contract_code[] = {VL("InApproval", "In Approval Process"),
										 V("Activated"), VD("Draft"), V_END};

static const sim_pick contract_notice[] = {VL("15", "15 Days"),
										   VL("30", "30 Days"),
										   VL("45", "45 Days"),
										   VL("60", "60 Days"),
										   VL("90", "90 Days"),
										   VL("120", "120 Days"),
										   V_END};

static const sim_field contract_fields[] = {
	ID_FIELD("Contract ID"),
	REF("AccountId", "Account ID", "Account", "Account", "Contracts",
		.flags = SF_REQUIRED | SF_CASCADE | SF_RESTRICT_DELETE | SF_PREFILTER,
		.gen = gen_reference),
	REF("Pricebook2Id", "Price Book ID", "Pricebook2", "Pricebook2", "Contracts",
		.flags = SF_NOPERM),
	PICK("OwnerExpirationNotice", "Owner Expiration Notice", contract_notice, .length = 40,
		 .flags = SF_RESTRICTED, .gen = gen_pick),
	FIELD("StartDate", "Contract Start Date", DATE, .gen = gen_close_date),
	FIELD("EndDate", "Contract End Date", DATE, .flags = SF_READONLY),
	ADDRESS("Billing", "Billing ", 100),
	FIELD("ContractTerm", "Contract Term", INT, .digits = 4, .gen = gen_sized_int),
	OWNER_FIELD(110),
	PICK("Status", "Status", contract_status, .length = 40,
		 .flags = SF_REQUIRED | SF_DEFAULTED, .preset = "Draft", .gen = gen_pick_required),
	REF("CompanySignedId", "Company Signed By ID", "User", "CompanySigned", "ContractsSigned",
		.gen = gen_owner),
	FIELD("CompanySignedDate", "Company Signed Date", DATE, .gen = gen_date),
	REF("CustomerSignedId", "Customer Signed By ID", "Contact", "CustomerSigned",
		"ContractsSigned", .flags = SF_RESTRICT_DELETE, .gen = gen_reference),
	TEXT("CustomerSignedTitle", "Customer Signed Title", 40, .gen = gen_words),
	FIELD("CustomerSignedDate", "Customer Signed Date", DATE, .gen = gen_date),
	AREA("SpecialTerms", "Special Terms", 4000, .gen = gen_long_prose),
	REF("ActivatedById", "Activated By ID", "User", "ActivatedBy", NULL, .flags = SF_READONLY),
	STAMP("ActivatedDate", "Activated Date"),
	PICK("StatusCode", "Status Category", contract_code, .length = 40,
		 .flags = SF_REQUIRED | SF_READONLY | SF_RESTRICTED, .gen = gen_third),
	AREA("Description", "Description", 32000, .gen = gen_long_prose),
	DELETED_FIELD,
	TEXT("ContractNumber", "Contract Number", 30,
		 .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_NAME | SF_IDLOOKUP |
				  SF_AUTONUMBER | SF_NOGROUP,
		 .gen = gen_number),
	STAMP("LastApprovedDate", "Last Approved Date"),
	SYSTEM_FIELDS(111),
	FIELD("LastActivityDate", "Last Activity", DATE, .flags = SF_READONLY),
	VIEWED_FIELDS,
};

static const sim_scope contract_scopes[] = {{"everything", "All contracts"},
											{"mine", "My contracts"},
											{"scopingRule", "Filter by scope"},
											{"team", "My team's contracts"},
											{NULL, NULL}};

const sim_object sim_contract = {.name = "Contract",
								 .label = "Contract",
								 .plural = "Contracts",
								 .prefix = "800",
								 .flags = SO_NORMAL,
								 .fields = contract_fields,
								 .nfields = COUNT(contract_fields),
								 .slot = 35,
								 .seed_no = 35,
								 .scopes = contract_scopes};

/* ---------------------------------------------------------------- Order */

static const sim_pick order_status[] = {VD("Draft"), V("Activated"), V_END};

static const sim_pick order_code[] = {VDL("D", "Draft"),	 VL("A", "Activated"),
									  VL("C", "Canceled"),	 VL("E", "Expired"),
									  VL("S", "Superseded"), V_END};

static const sim_pick order_type[] = {V("New"), V("Replacement"), V_END};

static const sim_field order_fields[] = {
	ID_FIELD("Order ID"),
	OWNER_POLY("Owner ID", "Group", refs_group_user, 100),
	REF("ContractId", "Contract ID", "Contract", "Contract", "Orders",
		.flags = SF_RESTRICT_DELETE),
	REF("AccountId", "Account ID", "Account", "Account", "Orders",
		.flags = SF_CASCADE | SF_RESTRICT_DELETE, .gen = gen_reference),
	REF("Pricebook2Id", "Price Book ID", "Pricebook2", "Pricebook2", "Orders",
		.flags = SF_NOPERM),
	REF("OriginalOrderId", "Order ID", "Order", "OriginalOrder", "Orders",
		.flags = SF_NOUPDATE | SF_RESTRICT_DELETE),
	FIELD("EffectiveDate", "Order Start Date", DATE, .flags = SF_REQUIRED,
		  .gen = gen_close_date),
	FIELD("EndDate", "Order End Date", DATE, .gen = gen_date),
	FIELD("IsReductionOrder", "Reduction Order", BOOLEAN,
		  .flags = SF_REQUIRED | SF_NOUPDATE | SF_DEFAULTED, .gen = gen_false),
	PICK("Status", "Status", order_status, .length = 40, .flags = SF_REQUIRED | SF_DEFAULTED,
		 .preset = "Draft", .gen = gen_constant),
	AREA("Description", "Description", 32000, .gen = gen_long_prose),
	REF("CustomerAuthorizedById", "Customer Authorized By ID", "Contact",
		"CustomerAuthorizedBy", NULL, .flags = SF_RESTRICT_DELETE),
	REF("CompanyAuthorizedById", "Company Authorized By ID", "User", "CompanyAuthorizedBy",
		NULL),
	PICK("Type", "Order Type", order_type, .length = 40, .gen = gen_pick),
	ADDRESS("Billing", "Billing ", 110),
	ADDRESS("Shipping", "Shipping ", 120),
	STAMP("ActivatedDate", "Activated Date"),
	REF("ActivatedById", "Activated By ID", "User", "ActivatedBy", NULL, .flags = SF_READONLY),
	PICK("StatusCode", "Status Category", order_code, .length = 40,
		 .flags = SF_REQUIRED | SF_READONLY | SF_RESTRICTED, .gen = gen_constant),
	TEXT("OrderNumber", "Order Number", 30,
		 .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_NAME | SF_IDLOOKUP |
				  SF_AUTONUMBER | SF_NOGROUP,
		 .gen = gen_number),
	FIELD("TotalAmount", "Order Amount", CURRENCY, .precision = 18, .scale = 2,
		  .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_PERM, .gen = gen_no_amount),
	SYSTEM_FIELDS(130),
	DELETED_FIELD,
	VIEWED_FIELDS,
	REF("BillToContactId", "Bill To Contact ID", "Contact", "BillToContact", NULL,
		.flags = SF_RESTRICT_DELETE),
	REF("ShipToContactId", "Ship To Contact ID", "Contact", "ShipToContact", NULL,
		.flags = SF_RESTRICT_DELETE),
};

static const sim_scope order_scopes[] = {
	{"everything", "All orders"},		   {"mine", "My orders"},
	{"queue_owned", "Queue owned orders"}, {"scopingRule", "Filter by scope"},
	{"user_owned", "User owned orders"},   {NULL, NULL}};

const sim_object sim_order = {.name = "Order",
							  .label = "Order",
							  .plural = "Orders",
							  .prefix = "801",
							  .flags = SO_NORMAL,
							  .fields = order_fields,
							  .nfields = COUNT(order_fields),
							  .slot = 41,
							  .seed_no = 41,
							  .scopes = order_scopes};

/* ---------------------------------------------------------------- roles, history, events */

static const sim_pick role_access[] = {V("None"), VL("Read", "Read Only"),
									   VL("Edit", "Read/Write"), V_END};

static const sim_pick role_portal[] = {V("None"), VL("CustomerPortal", "Customer Portal"),
									   V("Partner"), V_END};

static const sim_field user_role_fields[] = {
	ID_FIELD("Role ID"),
	TEXT("Name", "Name", 80, .flags = SF_REQUIRED | SF_NAME | SF_IDLOOKUP, .gen = gen_setup),
	REF("ParentRoleId", "Parent Role ID", "UserRole", NULL, NULL,
		.flags = SF_NOPERM | SF_NOPREFILTER, .gen = gen_reference),
	TEXT("RollupDescription", "Description", 80, .flags = SF_NOPERM, .gen = gen_words),
	PICK("OpportunityAccessForAccountOwner", "Opportunity Access Level for Account Owner",
		 role_access, .length = 40, .flags = SF_REQUIRED | SF_RESTRICTED, .gen = gen_third),
	PICK("CaseAccessForAccountOwner", "Case Access Level for Account Owner", role_access,
		 .length = 40, .flags = SF_RESTRICTED | SF_NOPERM, .gen = gen_third),
	PICK("ContactAccessForAccountOwner", "Contact Access Level for Account Owner", role_access,
		 .length = 40, .flags = SF_RESTRICTED | SF_NOPERM, .gen = gen_third),
	REF("ForecastUserId", "User ID", "User", NULL, NULL, .flags = SF_READONLY),
	BOOL("MayForecastManagerShare", "May Forecast Manager Share", gen_false),
	SYSTEM_DATE("LastModifiedDate", "Last Modified Date", gen_modified),
	REF("LastModifiedById", "Last Modified By ID", "User", NULL, NULL,
		.flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED, .gen = gen_owner),
	SYSTEM_DATE("SystemModstamp", "System Modstamp", gen_modified),
	TEXT("DeveloperName", "Developer Name", 80, .flags = SF_NOPERM),
	REF("PortalAccountId", "Account ID", "Account", NULL, NULL, .flags = SF_READONLY),
	PICK("PortalType", "Portal Type", role_portal, .length = 40,
		 .flags = SF_READONLY | SF_RESTRICTED, .gen = gen_constant),
	REF("PortalAccountOwnerId", "User ID", "User", NULL, NULL, .flags = SF_READONLY),
};

const sim_object sim_user_role = {.name = "UserRole",
								  .label = "Role",
								  .plural = "Role",
								  .prefix = "00E",
								  .flags = SO_WRITABLE | SO_REPLICATEABLE | SO_SEARCHABLE |
										   SO_COMPACT | SO_SETUP,
								  .fields = user_role_fields,
								  .nfields = COUNT(user_role_fields),
								  .slot = 45,
								  .seed_no = 45};

static const sim_pick history_stage[] = {V("Prospecting"),
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

static const sim_pick history_forecast[] = {V("Omitted"),
											V("Pipeline"),
											VL("BestCase", "Best Case"),
											VL("MostLikely", "Most Likely"),
											VL("Forecast", "Commit"),
											V("Closed"),
											V_END};

static const sim_field opportunity_history_fields[] = {
	ID_FIELD("Opportunity History ID"),
	REF("OpportunityId", "Opportunity ID", "Opportunity", "Opportunity",
		"OpportunityHistories", .flags = SF_REQUIRED | SF_READONLY | SF_CASCADE,
		.gen = gen_reference),
	SYSTEM_USER("CreatedById", "Created By ID", "CreatedBy", 100),
	SYSTEM_DATE("CreatedDate", "Created Date", gen_created),
	PICK("StageName", "Stage Name", history_stage, .length = 40,
		 .flags = SF_REQUIRED | SF_READONLY, .gen = gen_pick_required),
	FIELD("Amount", "Amount", CURRENCY, .precision = 18, .scale = 2, .flags = SF_READONLY,
		  .gen = gen_money),
	FIELD("ExpectedRevenue", "Expected Revenue", CURRENCY, .precision = 18, .scale = 2,
		  .flags = SF_READONLY),
	FIELD("CloseDate", "Close Date", DATE, .flags = SF_READONLY, .gen = gen_close_date),
	FIELD("Probability", "Probability", PERCENT, .precision = 3, .flags = SF_READONLY,
		  .gen = gen_percent_steps),
	PICK("ForecastCategory", "Forecast Category", history_forecast, .length = 40,
		 .flags = SF_REQUIRED | SF_READONLY | SF_RESTRICTED, .gen = gen_pick_required),
	SYSTEM_DATE("SystemModstamp", "System Modstamp", gen_created),
	DELETED_FIELD,
};

const sim_object sim_opportunity_history = {.name = "OpportunityHistory",
											.label = "Opportunity: History",
											.plural = "Opportunity: History",
											.prefix = "008",
											.flags = SO_REPLICATEABLE,
											.fields = opportunity_history_fields,
											.nfields = COUNT(opportunity_history_fields),
											.slot = 40,
											.seed_no = 40};

/* What travels on the event bus; neither queries nor REST reads it. */
static const sim_field change_event_fields[] = {
	FIELD("Id", "Account Change Event ID", ID, .length = 18,
		  .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_NOFILTER | SF_NOSORT |
				   SF_NOGROUP | SF_NOAGG),
	TEXT("ReplayId", "Replay ID", 1000,
		 .flags = SF_READONLY | SF_NOFILTER | SF_NOSORT | SF_NOGROUP | SF_NOAGG),
	REF("ParentId", "Parent Account ID", "Account", "Parent", NULL,
		.flags = SF_READONLY | SF_NOFILTER | SF_NOSORT | SF_NOGROUP | SF_NOAGG),
};

const sim_object sim_change_event = {.name = "AccountChangeEvent",
									 .label = "Account Change Event",
									 .plural = "Account Change Event",
									 .flags = SO_NOQUERY | SO_EVENT | SO_TRIGGERABLE,
									 .fields = change_event_fields,
									 .nfields = COUNT(change_event_fields),
									 .slot = 23,
									 .seed_no = 1};
