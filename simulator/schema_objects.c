/*
 * schema_objects.c
 *		The list of objects, and those that are there for completeness: odd ones, and targets of references.
 */
#include "schema_tables.h"

/* ---------------------------------------------------------------- odd ones out */

static const sim_field id_only_fields[] = {ID_FIELD("Record ID")};

static const sim_object aggregate = {.name = "AggregateResult",
									 .label = "Aggregate Result",
									 .plural = "Aggregate Result",
									 .flags = SO_NOQUERY,
									 .fields = id_only_fields,
									 .nfields = COUNT(id_only_fields),
									 .slot = 24,
									 .seed_no = 2};

static const sim_object legacy = {.name = "Legacy_Order__c",
								  .label = "Legacy Order",
								  .plural = "Legacy Orders",
								  .prefix = "a0F",
								  .flags = SO_CREATEABLE | SO_UPDATEABLE | SO_SEARCHABLE |
										   SO_LAYOUTABLE | SO_SEARCH_LAYOUT | SO_COMPACT |
										   SO_TRIGGERABLE | SO_MRU | SO_DEPRECATED,
								  .fields = id_only_fields,
								  .nfields = COUNT(id_only_fields),
								  .slot = 25,
								  .seed_no = 5};

/* ---------------------------------------------------------------- targets of references */

/* Read-only and without rows: what a query, a describe or a path needs to find. */
static const sim_field stub_fields[] = {
	ID_FIELD("Record ID"),
	DELETED_FIELD,
	TEXT("Name", "Name", 255, .flags = SF_READONLY | SF_NAME),
	SYSTEM_FIELDS(100),
};

#define STUB(var, n, l, pl, pre, place)                                                       \
	static const sim_object var = {                                                           \
		.name = n,                                                                            \
		.label = l,                                                                           \
		.plural = pl,                                                                         \
		.prefix = pre,                                                                        \
		.flags = SO_STUB | SO_FIXED_ROWS,                                                     \
		.fields = stub_fields,                                                                \
		.nfields = COUNT(stub_fields),                                                        \
		.slot = place,                                                                        \
		.seed_no = place,                                                                     \
	}

STUB(business_process, "BusinessProcess", "Business Process", "Business Processes", "019", 31);
STUB(calendar, "Calendar", "Calendar", "Calendars", "023", 32);
STUB(call_center, "CallCenter", "Call Center", "Call Centers", "04v", 33);
STUB(dandb_company, "DandBCompany", "D&B Company", "D&B Companies", "06E", 36);
STUB(data_source, "ExternalDataSource", "External Data Source", "External Data Sources", "0XC",
	 37);
STUB(individual, "Individual", "Individual", "Individuals", "0PK", 38);
STUB(operating_hours, "OperatingHours", "Operating Hours", "Operating Hours", "0OH", 39);
STUB(queue_routing, "QueueRoutingConfig", "Queue Routing Configuration",
	 "Queue Routing Configurations", "0K9", 42);
STUB(solution, "Solution", "Solution", "Solutions", "501", 43);
STUB(user_license, "UserLicense", "User License", "User Licenses", "100", 44);

/* ---------------------------------------------------------------- the list */

const sim_object *const sim_builtin_objects[] = {
	&sim_account,
	&sim_contact,
	&sim_lead,
	&sim_opportunity,
	&sim_opportunity_contact_role,
	&sim_opportunity_line_item,
	&sim_product2,
	&sim_pricebook2,
	&sim_pricebook_entry,
	&sim_case,
	&sim_task,
	&sim_event,
	&sim_attachment,
	&sim_user,
	&sim_group,
	&sim_profile,
	&sim_organization,
	&sim_record_type_object,
	&sim_task_status,
	&sim_name,
	&sim_invoice,
	&sim_line,
	&sim_change_event,
	&aggregate,
	&legacy,
	&sim_asset,
	&business_process,
	&calendar,
	&call_center,
	&sim_campaign,
	&sim_contract,
	&dandb_company,
	&data_source,
	&individual,
	&operating_hours,
	&sim_opportunity_history,
	&sim_order,
	&queue_routing,
	&solution,
	&user_license,
	&sim_user_role,
};
const int sim_builtin_total = COUNT(sim_builtin_objects);
