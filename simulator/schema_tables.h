/*
 * schema_tables.h
 *		Shorthand of the tables of objects and fields (schema_*.c), and the lists that several use.
 *
 * The number that many macros end in is the seed_no of the first field they make: fields keep their data when
 * others come and go around them.
 */
#ifndef SFSIM_SCHEMA_TABLES_H
#define SFSIM_SCHEMA_TABLES_H

#include "data.h"

/* ---------------------------------------------------------------- picklists */

#define V(v)                                                                                  \
	{                                                                                         \
		.value = v                                                                            \
	}
#define VL(v, l)                                                                              \
	{                                                                                         \
		.value = v, .label = l                                                                \
	} /* a label of its own */
#define VD(v)                                                                                 \
	{                                                                                         \
		.value = v, .preset = true                                                            \
	} /* the default */
#define VDL(v, l)                                                                             \
	{                                                                                         \
		.value = v, .label = l, .preset = true                                                \
	}
#define VI(v)                                                                                 \
	{                                                                                         \
		.value = v, .inactive = true                                                          \
	}
#define V_END                                                                                 \
	{                                                                                         \
		.value = NULL                                                                         \
	}

extern const sim_pick pick_accuracy[];
extern const sim_pick pick_industry[];
extern const sim_pick pick_rating[];
extern const sim_pick pick_source[];
extern const sim_pick pick_salutation[];
extern const sim_pick pick_clean[];
extern const sim_pick pick_zone[];
extern const sim_pick pick_locale[];
extern const sim_pick pick_language[];
extern const sim_pick pick_encoding[];
extern const sim_pick pick_recurrence[];
extern const sim_pick pick_instance[];
extern const sim_pick pick_month[];

/* Targets of WhatId and of OwnerId. */
extern const char *const refs_what[];
extern const char *const refs_group_user[];
extern const char *const refs_contact_lead[];

/* ---------------------------------------------------------------- fields */

#define FIELD(n, l, t, ...)                                                                   \
	{                                                                                         \
		.name = n, .label = l, .type = SIM_T_##t, __VA_ARGS__                                 \
	}
#define TEXT(n, l, len, ...)  FIELD(n, l, STRING, .length = len, __VA_ARGS__)
#define PICK(n, l, vals, ...) FIELD(n, l, PICKLIST, .picks = vals, __VA_ARGS__)
#define BOOL(n, l, g, ...)                                                                    \
	FIELD(n, l, BOOLEAN, .flags = SF_REQUIRED | SF_DEFAULTED, .gen = g, ##__VA_ARGS__)
#define BOOL_RO(n, l, g, ...)                                                                 \
	FIELD(n, l, BOOLEAN, .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED, .gen = g,         \
		  ##__VA_ARGS__)
#define PHONE(n, l, ...) FIELD(n, l, PHONE, .length = 40, .gen = gen_phone, ##__VA_ARGS__)
#define AREA(n, l, len, ...)                                                                  \
	FIELD(n, l, TEXTAREA, .length = len, .extra = "plaintextarea", __VA_ARGS__)
#define REF(n, l, to, way, back, ...)                                                         \
	FIELD(n, l, REFERENCE, .length = 18, .ref_to = to, .ref_name = way, .ref_children = back, \
		  ##__VA_ARGS__)
#define STAMP(n, l, ...) FIELD(n, l, DATETIME, .flags = SF_READONLY, ##__VA_ARGS__)
#define PHOTO(n, l)		 FIELD(n, l, URL, .length = 255, .flags = SF_READONLY, .extra = "imageurl")

#define ID_FIELD(l)                                                                           \
	FIELD("Id", l, ID, .length = 18,                                                          \
		  .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED | SF_IDLOOKUP, .gen = gen_id)
#define DELETED_FIELD BOOL_RO("IsDeleted", "Deleted", gen_deleted)
#define OWNER_FIELD(seed)                                                                     \
	REF("OwnerId", "Owner ID", "User", "Owner", NULL, .gen = gen_owner,                       \
		.flags = SF_REQUIRED | SF_DEFAULTED, .seed_no = seed)
#define OWNER_POLY(l, first, targets, seed)                                                   \
	REF("OwnerId", l, first, "Owner", NULL, .refs = targets, .gen = gen_owner,                \
		.flags = SF_REQUIRED | SF_DEFAULTED | SF_POLY | SF_NAMEPOINTING, .seed_no = seed)
#define SYSTEM_DATE(n, l, g)                                                                  \
	FIELD(n, l, DATETIME, .flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED, .gen = g)
#define SYSTEM_USER(n, l, way, seed)                                                          \
	REF(n, l, "User", way, NULL, .gen = gen_owner,                                            \
		.flags = SF_REQUIRED | SF_READONLY | SF_DEFAULTED, .seed_no = seed)
#define SYSTEM_FIELDS(seed)                                                                   \
	SYSTEM_DATE("CreatedDate", "Created Date", gen_created),                                  \
		SYSTEM_USER("CreatedById", "Created By ID", "CreatedBy", (seed) + 1),                 \
		SYSTEM_DATE("LastModifiedDate", "Last Modified Date", gen_modified),                  \
		SYSTEM_USER("LastModifiedById", "Last Modified By ID", "LastModifiedBy", (seed) + 3), \
		SYSTEM_DATE("SystemModstamp", "System Modstamp", gen_modified)

/* When the user last saw the row: this simulator has no user who looks. */
#define VIEWED_FIELDS                                                                         \
	STAMP("LastViewedDate", "Last Viewed Date"),                                              \
		STAMP("LastReferencedDate", "Last Referenced Date")

/* p is the prefix of the names, l of the labels ("Billing"; "Billing "). */
#define ADDRESS(p, l, seed)                                                                   \
	AREA(p "Street", l "Street", 255, .compound = p "Address", .gen = gen_street,             \
		 .seed_no = seed),                                                                    \
		TEXT(p "City", l "City", 40, .gen = gen_city, .compound = p "Address",                \
			 .seed_no = (seed) + 1),                                                          \
		TEXT(p "State", l "State/Province", 80, .gen = gen_state, .compound = p "Address",    \
			 .seed_no = (seed) + 2),                                                          \
		TEXT(p "PostalCode", l "Zip/Postal Code", 20, .gen = gen_postcode,                    \
			 .compound = p "Address", .seed_no = (seed) + 3),                                 \
		TEXT(p "Country", l "Country", 80, .gen = gen_country, .compound = p "Address",       \
			 .seed_no = (seed) + 4),                                                          \
		FIELD(p "Latitude", l "Latitude", DOUBLE, .precision = 18, .scale = 15,               \
			  .compound = p "Address", .gen = gen_latitude, .seed_no = (seed) + 5),           \
		FIELD(p "Longitude", l "Longitude", DOUBLE, .precision = 18, .scale = 15,             \
			  .compound = p "Address", .gen = gen_longitude, .seed_no = (seed) + 6),          \
		PICK(p "GeocodeAccuracy", l "Geocode Accuracy", pick_accuracy, .length = 40,          \
			 .flags = SF_RESTRICTED, .compound = p "Address", .gen = gen_pick,                \
			 .seed_no = (seed) + 7),                                                          \
		FIELD(p "Address", l "Address", ADDRESS, .flags = SF_READONLY)

/* SQL of the name of a person. */
#define PERSON_NAME_SQL                                                                       \
	"CASE WHEN \"FirstName\" IS NULL THEN \"LastName\" "                                      \
	"ELSE \"FirstName\" || ' ' || \"LastName\" END"

/* ---------------------------------------------------------------- objects */

/* What an object with a tab, triggers and a recycle bin can. */
#define SO_NORMAL                                                                             \
	(SO_WRITABLE | SO_UNDELETABLE | SO_REPLICATEABLE | SO_SEARCHABLE | SO_LAYOUTABLE |        \
	 SO_SEARCH_LAYOUT | SO_COMPACT | SO_TRIGGERABLE | SO_MRU | SO_APPROVAL | SO_LISTVIEWS |   \
	 SO_QUICK_ACTIONS)

/* One line of details (opportunity products, contact roles): no tab, no bin of its own. */
#define SO_LINE                                                                               \
	(SO_WRITABLE | SO_REPLICATEABLE | SO_LAYOUTABLE | SO_COMPACT | SO_TRIGGERABLE |           \
	 SO_QUICK_ACTIONS)

/* Numbers of the organization's row (which is the org's id) and of the first record type. */
#define SIM_ORG_NUMBER	 (INT64_C(2) * 62 * 62 * 62 * 62 + 4711)
#define RECORD_TYPE_BASE (INT64_C(2) * 62 * 62 * 62 * 62 + 815)
#define RECORD_TYPE_ROWS 3

#define COUNT(a) ((int) (sizeof(a) / sizeof((a)[0])))

extern const sim_object sim_account, sim_contact, sim_lead;			   /* schema_people.c */
extern const sim_object sim_opportunity, sim_opportunity_contact_role; /* schema_sales.c */
extern const sim_object sim_opportunity_line_item, sim_product2;	   /* schema_sales.c */
extern const sim_object sim_pricebook2, sim_pricebook_entry;		   /* schema_sales.c */
extern const sim_object sim_case, sim_task, sim_event, sim_attachment; /* schema_service.c */
extern const sim_object sim_user, sim_group, sim_profile,
	sim_organization;													   /* schema_setup.c */
extern const sim_object sim_record_type_object, sim_task_status, sim_name; /* schema_setup.c */
extern const sim_object sim_campaign, sim_asset, sim_contract, sim_order;  /* schema_more.c */
extern const sim_object sim_user_role, sim_opportunity_history, sim_change_event;
extern const sim_object sim_invoice, sim_line; /* schema_custom.c */

/* Record types of Account (schema_people.c); every one is a row of RecordType. */
extern const sim_record_type account_record_types[];

#endif /* SFSIM_SCHEMA_TABLES_H */
