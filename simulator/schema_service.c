/*
 * schema_service.c
 *		Cases, tasks, events and attachments.
 */
#include "schema_tables.h"

static const char *const refs_calendar_user[] = {"Calendar", "User", NULL};

static const sim_pick case_type[] = {V("Mechanical"), V("Electrical"), V("Electronic"),
									 V("Structural"), V("Other"),	   V_END};

static const sim_pick case_status[] = {VD("New"), V("Working"), V("Escalated"), V("Closed"),
									   V_END};

static const sim_pick case_reason[] = {V("Installation"),
									   V("Equipment Complexity"),
									   V("Performance"),
									   V("Breakdown"),
									   V("Equipment Design"),
									   V("Feedback"),
									   V("Other"),
									   V_END};

static const sim_pick case_origin[] = {V("Phone"), V("Email"), V("Web"), V_END};

static const sim_pick case_priority[] = {V("High"), VD("Medium"), V("Low"), V_END};

static const sim_field case_fields[] = {
	ID_FIELD("Case ID"),
	DELETED_FIELD,
	REF("MasterRecordId", "Master Record ID", "Case", "MasterRecord", NULL,
		.flags = SF_READONLY),
	TEXT("CaseNumber", "Case Number", 30,
		 .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_NAME | SF_IDLOOKUP |
				  SF_AUTONUMBER | SF_NOGROUP,
		 .gen = gen_number),
	REF("ContactId", "Contact ID", "Contact", "Contact", "Cases", .flags = SF_RESTRICT_DELETE,
		.gen = gen_reference),
	REF("AccountId", "Account ID", "Account", "Account", "Cases", .flags = SF_RESTRICT_DELETE,
		.gen = gen_copy),
	REF("AssetId", "Asset ID", "Asset", "Asset", "Cases"),
	REF("ParentId", "Parent Case ID", "Case", "Parent", "Cases", .gen = gen_reference_sparse),
	TEXT("SuppliedName", "Name", 80, .gen = gen_last_name),
	FIELD("SuppliedEmail", "Email Address", EMAIL, .length = 80, .gen = gen_email),
	TEXT("SuppliedPhone", "Phone", 40, .gen = gen_phone),
	TEXT("SuppliedCompany", "Company", 80, .gen = gen_company),
	PICK("Type", "Case Type", case_type, .length = 40, .gen = gen_pick),
	PICK("Status", "Status", case_status, .length = 40, .flags = SF_DEFAULTED | SF_NOPERM,
		 .preset = "New", .gen = gen_pick_required),
	PICK("Reason", "Case Reason", case_reason, .length = 40, .gen = gen_pick),
	PICK("Origin", "Case Origin", case_origin, .length = 40, .gen = gen_pick),
	TEXT("Subject", "Subject", 255, .gen = gen_words),
	PICK("Priority", "Priority", case_priority, .length = 40, .flags = SF_DEFAULTED,
		 .preset = "Medium", .gen = gen_pick),
	AREA("Description", "Description", 32000, .gen = gen_long_prose),
	BOOL_RO("IsClosed", "Closed", NULL, .sql = "coalesce(\"Status\", '') = 'Closed'"),
	FIELD("ClosedDate", "Closed Date", DATETIME, .flags = SF_READONLY | SF_PERM,
		  .gen = gen_closed),
	FIELD("IsEscalated", "Escalated", BOOLEAN, .gen = gen_bool,
		  .flags = SF_REQUIRED | SF_DEFAULTED | SF_PERM),
	OWNER_POLY("Owner ID", "Group", refs_group_user, 100),
	SYSTEM_FIELDS(101),
	FIELD("ContactPhone", "Contact Phone", PHONE, .length = 40, .flags = SF_READONLY,
		  .gen = gen_copy),
	FIELD("ContactMobile", "Contact Mobile", PHONE, .length = 40, .flags = SF_READONLY,
		  .gen = gen_copy),
	FIELD("ContactEmail", "Contact Email", EMAIL, .length = 80, .flags = SF_READONLY,
		  .gen = gen_copy),
	FIELD("ContactFax", "Contact Fax", PHONE, .length = 40, .flags = SF_READONLY,
		  .gen = gen_copy),
	AREA("Comments", "Internal Comments", 4000, .bytes = 4000,
		 .flags = SF_NOFILTER | SF_NOGROUP | SF_NOPERM),
	VIEWED_FIELDS,
};

static const sim_scope case_scopes[] = {{"everything", "All cases"},
										{"genericteam", "My case teams cases"},
										{"mine", "My cases"},
										{"queue_owned", "Queue owned cases"},
										{"scopingRule", "Filter by scope"},
										{"team_by_role", "My role-based team's cases"},
										{"user_owned", "User owned cases"},
										{NULL, NULL}};

const sim_object sim_case = {.name = "Case",
							 .label = "Case",
							 .plural = "Cases",
							 .prefix = "500",
							 .flags = SO_NORMAL | SO_FEED,
							 .fields = case_fields,
							 .nfields = COUNT(case_fields),
							 .slot = 10,
							 .seed_no = 16,
							 .default_rows = 300,
							 .scopes = case_scopes};

static const sim_pick event_subject[] = {
	V("Call"), V("Email"), V("Meeting"), V("Send Letter/Quote"), V("Other"), V_END};

static const sim_pick task_status[] = {VD("Not Started"), V("In Progress"),
									   V("Completed"),	  V("Waiting on someone else"),
									   V("Deferred"),	  V_END};

static const sim_pick task_priority[] = {V("High"), VD("Normal"), V("Low"), V_END};

static const sim_pick task_call_type[] = {V("Internal"), V("Inbound"), V("Outbound"), V_END};

static const sim_pick task_regenerated[] = {
	VL("RecurrenceRegenerateAfterDueDate", "After due date"),
	VL("RecurrenceRegenerateAfterToday", "After date completed"),
	VL("RecurrenceRegenerated", "(Task Closed)"), V_END};

static const sim_pick task_subtype[] = {
	V("Task"),	  V("Email"), VL("ListEmail", "List Email"),
	V("Cadence"), V("Call"),  VL("LinkedIn", "LinkedIn"),
	V_END};

static const sim_field task_fields[] = {
	ID_FIELD("Activity ID"),
	REF("WhoId", "Name ID", "Contact", "Who", "Tasks", .refs = refs_contact_lead,
		.flags = SF_POLY | SF_NAMEPOINTING | SF_CASCADE, .gen = gen_reference),
	REF("WhatId", "Related To ID", "Account", "What", "Tasks", .refs = refs_what,
		.flags = SF_POLY | SF_NAMEPOINTING | SF_CASCADE, .gen = gen_reference),
	FIELD("Subject", "Subject", COMBOBOX, .picks = event_subject, .length = 255,
		  .flags = SF_NAME, .gen = gen_pick),
	FIELD("ActivityDate", "Due Date Only", DATE, .flags = SF_NOAGG, .gen = gen_close_date),
	PICK("Status", "Status", task_status, .length = 255, .flags = SF_REQUIRED | SF_DEFAULTED,
		 .preset = "Not Started", .gen = gen_pick_required),
	PICK("Priority", "Priority", task_priority, .length = 255,
		 .flags = SF_REQUIRED | SF_DEFAULTED, .preset = "Normal", .gen = gen_pick_required),
	BOOL_RO("IsHighPriority", "High Priority", gen_task_urgent),
	OWNER_POLY("Assigned To ID", "Group", refs_group_user, 100),
	AREA("Description", "Description", 32000, .gen = gen_long_prose),
	DELETED_FIELD,
	REF("AccountId", "Account ID", "Account", "Account", NULL,
		.flags = SF_READONLY | SF_PREFILTER, .gen = gen_activity_account),
	BOOL_RO("IsClosed", "Closed", gen_task_closed),
	SYSTEM_FIELDS(101),
	BOOL_RO("IsArchived", "Archived", gen_false),
	FIELD("CallDurationInSeconds", "Call Duration", INT, .digits = 8, .flags = SF_NOPERM),
	PICK("CallType", "Call Type", task_call_type, .length = 40, .flags = SF_NOPERM),
	TEXT("CallDisposition", "Call Result", 255, .flags = SF_NOPERM),
	TEXT("CallObject", "Call Object Identifier", 255, .flags = SF_NOPERM),
	FIELD("ReminderDateTime", "Reminder Date/Time", DATETIME, .flags = SF_NOPERM),
	BOOL("IsReminderSet", "Reminder Set", gen_false),
	REF("RecurrenceActivityId", "Recurrence Activity ID", "Task", NULL, "RecurringTasks",
		.flags = SF_READONLY),
	FIELD("IsRecurrence", "Create Recurring Series of Tasks", BOOLEAN, .gen = gen_false,
		  .flags = SF_REQUIRED | SF_NOUPDATE | SF_DEFAULTED),
	FIELD("RecurrenceStartDateOnly", "Recurrence Start", DATE, .flags = SF_NOPERM),
	FIELD("RecurrenceEndDateOnly", "Recurrence End", DATE, .flags = SF_NOPERM),
	PICK("RecurrenceTimeZoneSidKey", "Recurrence Time Zone", pick_zone, .length = 40,
		 .flags = SF_RESTRICTED | SF_NOPERM),
	PICK("RecurrenceType", "Recurrence Type", pick_recurrence, .length = 40,
		 .flags = SF_RESTRICTED | SF_NOPERM),
	FIELD("RecurrenceInterval", "Recurrence Interval", INT, .digits = 9, .flags = SF_NOPERM),
	FIELD("RecurrenceDayOfWeekMask", "Recurrence Day of Week Mask", INT, .digits = 9,
		  .flags = SF_NOPERM),
	FIELD("RecurrenceDayOfMonth", "Recurrence Day of Month", INT, .digits = 9,
		  .flags = SF_NOPERM),
	PICK("RecurrenceInstance", "Recurrence Instance", pick_instance, .length = 40,
		 .flags = SF_RESTRICTED | SF_NOPERM),
	PICK("RecurrenceMonthOfYear", "Recurrence Month of Year", pick_month, .length = 40,
		 .flags = SF_RESTRICTED | SF_NOPERM),
	PICK("RecurrenceRegeneratedType", "Repeat This Task", task_regenerated, .length = 40,
		 .flags = SF_RESTRICTED | SF_NOPERM),
	PICK("TaskSubtype", "Task Subtype", task_subtype, .length = 40,
		 .flags = SF_NOUPDATE | SF_RESTRICTED | SF_NOPERM, .gen = gen_constant),
	STAMP("CompletedDateTime", "Completed Date", .gen = gen_closed),
};

static const sim_pick event_show[] = {VD("Busy"), VL("OutOfOffice", "Out of Office"),
									  V("Free"), V_END};

static const sim_pick event_group[] = {VDL("0", "Non-group Event"), VL("1", "Group Event"),
									   VL("2", "Proposed Event"),
									   VL("3", "IsRecurrence2 Series Pattern"), V_END};

static const sim_pick event_subtype[] = {V("Event"), V_END};

static const sim_pick event_pattern[] = {VL("1", "RFC 5545 v4 RRULE"),
										 VL("2", "RFC 5545 v4_2 RRULE"), V_END};

static const sim_field event_fields[] = {
	ID_FIELD("Activity ID"),
	REF("WhoId", "Name ID", "Contact", "Who", "Events", .refs = refs_contact_lead,
		.flags = SF_POLY | SF_NAMEPOINTING | SF_CASCADE, .gen = gen_reference),
	REF("WhatId", "Related To ID", "Account", "What", "Events", .refs = refs_what,
		.flags = SF_POLY | SF_NAMEPOINTING | SF_CASCADE, .gen = gen_reference),
	FIELD("Subject", "Subject", COMBOBOX, .picks = event_subject, .length = 255,
		  .flags = SF_NAME, .gen = gen_pick),
	TEXT("Location", "Location", 255, .gen = gen_city),
	FIELD("IsAllDayEvent", "All-Day Event", BOOLEAN, .gen = gen_false,
		  .flags = SF_REQUIRED | SF_DEFAULTED | SF_PERM),
	FIELD("ActivityDateTime", "Due Date Time", DATETIME, .flags = SF_NOPERM,
		  .gen = gen_event_start),
	FIELD("ActivityDate", "Due Date Only", DATE, .flags = SF_NOAGG | SF_NOPERM,
		  .gen = gen_event_day),
	FIELD("DurationInMinutes", "Duration", INT, .digits = 8, .flags = SF_NOPERM,
		  .gen = gen_event_minutes),
	FIELD("StartDateTime", "Start Date Time", DATETIME, .flags = SF_NOPERM,
		  .gen = gen_event_start),
	FIELD("EndDateTime", "End Date Time", DATETIME, .flags = SF_NOPERM, .gen = gen_event_end),
	FIELD("EndDate", "End Date", DATE, .flags = SF_READONLY, .gen = gen_event_day),
	AREA("Description", "Description", 32000, .gen = gen_long_prose),
	REF("AccountId", "Account ID", "Account", "Account", NULL,
		.flags = SF_READONLY | SF_PREFILTER, .gen = gen_activity_account),
	OWNER_POLY("Assigned To ID", "Calendar", refs_calendar_user, 100),
	BOOL("IsPrivate", "Private", gen_false),
	PICK("ShowAs", "Show Time As", event_show, .length = 40,
		 .flags = SF_DEFAULTED | SF_RESTRICTED | SF_NOPERM, .preset = "Busy", .gen = gen_pick),
	DELETED_FIELD,
	BOOL_RO("IsChild", "Is Child", gen_false),
	BOOL_RO("IsGroupEvent", "Is Group Event", gen_false),
	PICK("GroupEventType", "Group Event Type", event_group, .length = 40,
		 .flags = SF_READONLY | SF_DEFAULTED | SF_RESTRICTED, .preset = "0",
		 .gen = gen_constant),
	SYSTEM_FIELDS(101),
	BOOL_RO("IsArchived", "Archived", gen_false),
	REF("RecurrenceActivityId", "Recurrence Activity ID", "Event", NULL, "RecurringEvents",
		.flags = SF_READONLY),
	FIELD("IsRecurrence", "Create Recurring Series of Events", BOOLEAN, .gen = gen_false,
		  .flags = SF_REQUIRED | SF_NOUPDATE | SF_DEFAULTED),
	FIELD("RecurrenceStartDateTime", "Recurrence Start", DATETIME, .flags = SF_NOPERM),
	FIELD("RecurrenceEndDateOnly", "Recurrence End", DATE, .flags = SF_NOPERM),
	PICK("RecurrenceTimeZoneSidKey", "Recurrence Time Zone", pick_zone, .length = 40,
		 .flags = SF_RESTRICTED | SF_NOPERM),
	PICK("RecurrenceType", "Recurrence Type", pick_recurrence, .length = 40,
		 .flags = SF_RESTRICTED | SF_NOPERM),
	FIELD("RecurrenceInterval", "Recurrence Interval", INT, .digits = 9, .flags = SF_NOPERM),
	FIELD("RecurrenceDayOfWeekMask", "Recurrence Day of Week Mask", INT, .digits = 9,
		  .flags = SF_NOPERM),
	FIELD("RecurrenceDayOfMonth", "Recurrence Day of Month", INT, .digits = 9,
		  .flags = SF_NOPERM),
	PICK("RecurrenceInstance", "Recurrence Instance", pick_instance, .length = 40,
		 .flags = SF_RESTRICTED | SF_NOPERM),
	PICK("RecurrenceMonthOfYear", "Recurrence Month of Year", pick_month, .length = 40,
		 .flags = SF_RESTRICTED | SF_NOPERM),
	FIELD("ReminderDateTime", "Reminder Date/Time", DATETIME, .flags = SF_NOPERM),
	BOOL("IsReminderSet", "Reminder Set", gen_false),
	PICK("EventSubtype", "Event Subtype", event_subtype, .length = 40,
		 .flags = SF_NOUPDATE | SF_RESTRICTED | SF_NOPERM, .gen = gen_constant),
	BOOL_RO("IsRecurrence2Exclusion", "Historical Event, Not Following Recurrence", gen_false),
	AREA("Recurrence2PatternText", "Recurrence Pattern", 512,
		 .flags = SF_NOUPDATE | SF_NOPERM),
	PICK("Recurrence2PatternVersion", "Pattern Version", event_pattern, .length = 40,
		 .flags = SF_READONLY | SF_RESTRICTED),
	BOOL_RO("IsRecurrence2", "Repeat", gen_false),
	BOOL_RO("IsRecurrence2Exception", "Is Exception", gen_false),
	STAMP("Recurrence2PatternStartDate", "Recurrence Pattern Start Date"),
	TEXT("Recurrence2PatternTimeZone", "Recurrence Pattern Time Zone Reference", 255,
		 .flags = SF_READONLY),
};

static const sim_scope task_scopes[] = {
	{"delegated", "My delegated tasks"}, {"everything", "All tasks"}, {"mine", "My tasks"},
	{"scopingRule", "Filter by scope"},	 {"team", "My team's tasks"}, {NULL, NULL}};

const sim_object sim_task = {.name = "Task",
							 .label = "Task",
							 .plural = "Tasks",
							 .prefix = "00T",
							 .flags = SO_NORMAL & ~(unsigned) (SO_APPROVAL | SO_LISTVIEWS),
							 .fields = task_fields,
							 .nfields = COUNT(task_fields),
							 .slot = 11,
							 .seed_no = 17,
							 .default_rows = 400,
							 .scopes = task_scopes};

static const sim_scope event_scopes[] = {
	{"delegated", "My delegated events"}, {"everything", "All events"}, {"mine", "My events"},
	{"scopingRule", "Filter by scope"},	  {"team", "My team's events"}, {NULL, NULL}};

const sim_object sim_event = {.name = "Event",
							  .label = "Event",
							  .plural = "Events",
							  .prefix = "00U",
							  .flags = SO_NORMAL & ~(unsigned) (SO_APPROVAL | SO_LISTVIEWS),
							  .fields = event_fields,
							  .nfields = COUNT(event_fields),
							  .slot = 12,
							  .seed_no = 18,
							  .default_rows = 200,
							  .scopes = event_scopes};

/* What files can be attached to; only objects that are there. */
static const char *const refs_attachment[] = {
	"Account",	   "Asset", "Campaign", "Case",		"Contact", "Contract",	 "Event", "Lead",
	"Opportunity", "Order", "Product2", "Solution", "Task",	   "Invoice__c", NULL};

static const sim_field attachment_fields[] = {
	ID_FIELD("Attachment ID"),
	DELETED_FIELD,
	REF("ParentId", "Parent ID", "Account", "Parent", "Attachments", .refs = refs_attachment,
		.flags = SF_REQUIRED | SF_NOUPDATE | SF_POLY | SF_NAMEPOINTING | SF_CASCADE,
		.gen = gen_reference),
	TEXT("Name", "File Name", 255, .flags = SF_REQUIRED | SF_NAME, .gen = gen_attachment_name),
	BOOL("IsPrivate", "Private", gen_false),
	TEXT("ContentType", "Content Type", 120, .flags = SF_NOPERM, .gen = gen_attachment_type),
	FIELD("BodyLength", "Body Length", INT, .digits = 9,
		  .flags = SF_READONLY | SF_NOAGG | SF_NOFILTER | SF_NOGROUP,
		  .gen = gen_attachment_length),
	FIELD("Body", "Body", BASE64, .flags = SF_REQUIRED, .gen = gen_attachment_body),
	OWNER_POLY("Owner ID", "Calendar", refs_calendar_user, 100),
	SYSTEM_FIELDS(101),
	TEXT("Description", "Description", 500, .flags = SF_NOPERM, .gen = gen_words),
};

static const sim_scope attachment_scopes[] = {{"everything", "All attachments"},
											  {"mine", "My attachments"},
											  {"scopingRule", "Filter by scope"},
											  {"team", "My team's attachments"},
											  {NULL, NULL}};

const sim_object sim_attachment = {.name = "Attachment",
								   .label = "Attachment",
								   .plural = "Attachments",
								   .prefix = "00P",
								   .flags = SO_WRITABLE | SO_UNDELETABLE | SO_REPLICATEABLE |
											SO_TRIGGERABLE,
								   .fields = attachment_fields,
								   .nfields = COUNT(attachment_fields),
								   .slot = 13,
								   .seed_no = 19,
								   .default_rows = 20,
								   .scopes = attachment_scopes};
