/*
 * schema_common.c
 *		Picklists and reference targets that several objects have.
 */
#include "schema_tables.h"

const sim_pick pick_accuracy[] = {
	V("Address"),	   V("NearAddress"), V("Block"),  V("Street"), V("ExtendedZip"), V("Zip"),
	V("Neighborhood"), V("City"),		 V("County"), V("State"),  V("Unknown"),	 V_END};

const sim_pick pick_industry[] = {V("Agriculture"),
								  V("Apparel"),
								  V("Banking"),
								  V("Biotechnology"),
								  V("Chemicals"),
								  V("Communications"),
								  V("Construction"),
								  V("Consulting"),
								  V("Education"),
								  V("Electronics"),
								  V("Energy"),
								  V("Engineering"),
								  V("Entertainment"),
								  V("Environmental"),
								  V("Finance"),
								  V("Food & Beverage"),
								  V("Government"),
								  V("Healthcare"),
								  V("Hospitality"),
								  V("Insurance"),
								  V("Machinery"),
								  V("Manufacturing"),
								  V("Media"),
								  V("Not For Profit"),
								  V("Recreation"),
								  V("Retail"),
								  V("Shipping"),
								  V("Technology"),
								  V("Telecommunications"),
								  V("Transportation"),
								  V("Utilities"),
								  V("Other"),
								  V_END};

const sim_pick pick_rating[] = {V("Hot"), V("Warm"), V("Cold"), V_END};

const sim_pick pick_source[] = {
	V("Web"), V("Phone Inquiry"), V("Partner Referral"), V("Purchased List"), V("Other"),
	V_END};

const sim_pick pick_salutation[] = {V("Mr."),	V("Ms."), V("Mrs."), V("Dr."),
									V("Prof."), V("Mx."), V_END};

const sim_pick pick_clean[] = {
	VL("Matched", "In Sync"),		   V("Different"), VL("Acknowledged", "Reviewed"),
	VL("NotFound", "Not Found"),	   V("Inactive"),  VL("Pending", "Not Compared"),
	VL("SelectMatch", "Select Match"), V("Skipped"),   V_END};

const sim_pick pick_recurrence[] = {VL("RecursDaily", "Recurs Daily"),
									VL("RecursEveryWeekday", "Recurs Every Weekday"),
									VL("RecursMonthly", "Recurs Monthly"),
									VL("RecursMonthlyNth", "Recurs Monthly Nth"),
									VL("RecursWeekly", "Recurs Weekly"),
									VL("RecursYearly", "Recurs Yearly"),
									VL("RecursYearlyNth", "Recurs Yearly Nth"),
									V_END};

const sim_pick pick_instance[] = {VL("First", "1st"),  VL("Second", "2nd"), VL("Third", "3rd"),
								  VL("Fourth", "4th"), VL("Last", "last"),	V_END};

const sim_pick pick_month[] = {V("January"),   V("February"), V("March"),	 V("April"),
							   V("May"),	   V("June"),	  V("July"),	 V("August"),
							   V("September"), V("October"),  V("November"), V("December"),
							   V_END};

const sim_pick pick_locale[] = {VL("en_US", "English (United States)"),
								VL("de_DE", "German (Germany)"),
								VL("ja_JP", "Japanese (Japan)"),
								VL("en_GB", "English (United Kingdom)"),
								VL("fr_FR", "French (France)"),
								VL("es_ES", "Spanish (Spain)"),
								V_END};

const sim_pick pick_language[] = {VL("en_US", "English"),
								  VL("de", "German"),
								  VL("es", "Spanish"),
								  VL("fr", "French"),
								  VL("it", "Italian"),
								  VL("ja", "Japanese"),
								  VL("sv", "Swedish"),
								  VL("ko", "Korean"),
								  VL("zh_TW", "Chinese (Traditional)"),
								  VL("zh_CN", "Chinese (Simplified)"),
								  VL("pt_BR", "Portuguese (Brazil)"),
								  VL("nl_NL", "Dutch"),
								  VL("da", "Danish"),
								  VL("th", "Thai"),
								  VL("fi", "Finnish"),
								  VL("ru", "Russian"),
								  VL("es_MX", "Spanish (Mexico)"),
								  VL("no", "Norwegian"),
								  V_END};

const sim_pick pick_encoding[] = {
	VL("UTF-8", "Unicode (UTF-8)"),
	VL("ISO-8859-1", "General US & Western Europe (ISO-8859-1, ISO-LATIN-1)"),
	VL("Shift_JIS", "Japanese (Shift-JIS)"),
	VL("ISO-2022-JP", "Japanese (JIS)"),
	VL("EUC-JP", "Japanese (EUC)"),
	VL("ks_c_5601-1987", "Korean (ks_c_5601-1987)"),
	VL("Big5", "Traditional Chinese (Big5)"),
	VL("GB2312", "Simplified Chinese (GB2312)"),
	VL("Big5-HKSCS", "Traditional Chinese Hong Kong (Big5-HKSCS)"),
	VL("x-SJIS_0213", "Japanese (Shift-JIS_2004)"),
	V_END};

/* Most of these are objects that this org does not have. */
const char *const refs_what[] = {"Account",
								 "ApptBundleAggrDurDnscale",
								 "ApptBundleAggrPolicy",
								 "ApptBundleConfig",
								 "ApptBundlePolicy",
								 "ApptBundlePolicySvcTerr",
								 "ApptBundlePropagatePolicy",
								 "ApptBundleRestrictPolicy",
								 "ApptBundleSortPolicy",
								 "Asset",
								 "AssetRelationship",
								 "AssetWarranty",
								 "AssignedResource",
								 "AttributeDefinition",
								 "AttributePicklist",
								 "AttributePicklistValue",
								 "Campaign",
								 "Case",
								 "ChannelProgram",
								 "ChannelProgramLevel",
								 "CommSubscriptionConsent",
								 "ContactRequest",
								 "Contract",
								 "ContractLineItem",
								 "CreditMemo",
								 "DelegatedAccount",
								 "Entitlement",
								 "Expense",
								 "ExpenseReport",
								 "ExpenseReportEntry",
								 "Image",
								 "Invoice",
								 "LegalEntity",
								 "ListEmail",
								 "Location",
								 "MaintenanceAsset",
								 "MaintenancePlan",
								 "OperatingHoursHoliday",
								 "Opportunity",
								 "Order",
								 "PartnerFundAllocation",
								 "PartnerFundClaim",
								 "PartnerFundRequest",
								 "PartnerMarketingBudget",
								 "PartyConsent",
								 "ProcessException",
								 "Product2",
								 "ProductConsumed",
								 "ProductItem",
								 "ProductRequest",
								 "ProductRequestLineItem",
								 "ProductServiceCampaign",
								 "ProductServiceCampaignItem",
								 "ProductTransfer",
								 "ResourceAbsence",
								 "ReturnOrder",
								 "ReturnOrderLineItem",
								 "ServiceAppointment",
								 "ServiceContract",
								 "ServiceCrew",
								 "ServiceCrewMember",
								 "ServiceResource",
								 "Shift",
								 "ShiftPattern",
								 "ShiftPatternEntry",
								 "Shipment",
								 "ShipmentItem",
								 "Solution",
								 "TimeSheet",
								 "TimeSheetEntry",
								 "TravelMode",
								 "WarrantyTerm",
								 "WorkOrder",
								 "WorkOrderLineItem",
								 "WorkPlan",
								 "WorkPlanSelectionRule",
								 "WorkPlanTemplate",
								 "WorkPlanTemplateEntry",
								 "WorkStep",
								 "WorkStepTemplate",
								 NULL};

const char *const refs_group_user[] = {"Group", "User", NULL};

const char *const refs_contact_lead[] = {"Contact", "Lead", NULL};
