/*
 * schema.h
 *		Objects and fields as the engine sees them.
 *
 * The tables are in schema_objects.c.  What describe says beyond these members follows from
 * the type (describe.c).
 */
#ifndef SFSIM_SCHEMA_H
#define SFSIM_SCHEMA_H

#include "engine.h"

/* Field flags.  Absent flags mean: nillable, createable, updateable, filterable … */
#define SF_REQUIRED	  0x00000001u /* not nillable */
#define SF_READONLY	  0x00000002u /* neither createable nor updateable */
#define SF_NOUPDATE	  0x00000004u /* createable only */
#define SF_NAME		  0x00000008u /* the object's name field */
#define SF_EXTERNAL	  0x00000010u /* external id */
#define SF_UNIQUE	  0x00000020u
#define SF_CASE		  0x00000040u /* compared byte by byte */
#define SF_RESTRICTED 0x00000080u /* restricted picklist */
#define SF_NOFILTER	  0x00000100u
#define SF_NOSORT	  0x00000200u
#define SF_NOGROUP	  0x00000400u
#define SF_NOAGG	  0x00000800u
#define SF_DEFAULTED  0x00001000u /* defaultedOnCreate */
#define SF_IDLOOKUP	  0x00002000u
#define SF_HTML		  0x00004000u /* rich text */
#define SF_DECIMAL	  0x00008000u /* displayLocationInDecimal */
#define SF_AUTONUMBER 0x00010000u
#define SF_NOCREATE	  0x00020000u /* updateable only */
#define SF_MASTER	  0x00040000u /* master-detail: the row lives and dies with its parent */
#define SF_CASCADE	  0x00080000u /* deleting the parent deletes the row (implied by SF_MASTER) */
#define SF_RESTRICT_DELETE                                                                    \
	0x00100000u						/* the parent cannot be deleted while the row is there */
#define SF_POLY			0x00200000u /* polymorphicForeignKey: refs lists the targets */
#define SF_NAMEPOINTING 0x00400000u /* the way there leads to the Name object */
#define SF_WRITE_MASTER_READ                                                                  \
	0x00800000u					   /* writeRequiresMasterRead: reading the master is enough */
#define SF_REPARENT	   0x01000000u /* a master-detail that may be given another master */
#define SF_PERM		   0x02000000u /* permissionable, though its type and use say no … */
#define SF_NOPERM	   0x04000000u /* … and the other way round */
#define SF_PREFILTER   0x08000000u /* searchPrefilterable, the same way */
#define SF_NOPREFILTER 0x10000000u
#define SF_CALCULATED  0x20000000u /* calculated without a formula (roll-up summaries) */

/* Most fields of an object. */
#define SIM_MAX_FIELDS 1000

struct sim_cell;
struct sim_gen;

/* Makes the value of one field of one row (data.h). */
typedef void (*sim_generator)(const struct sim_gen *g, struct sim_cell *out);

/* One entry of a picklist. */
typedef struct sim_pick
{
	const char *value; /* NULL ends a list */
	const char *label; /* NULL: the value itself */
	const char *
		valid_for; /* dependent lists: bits by controlling value, as base64; NULL: all or no controller */
	bool inactive;
	bool preset; /* the default */
} sim_pick;

struct sim_field
{
	const char *name;
	const char *label;
	sim_type type;
	unsigned flags;
	int seed_no;		/* says which data are generated; 0: its data follow from its name */
	int length;			/* of text, in characters */
	int bytes;			/* byteLength; 0: three times the length, ids as long as they are */
	int precision;		/* of decimals */
	int scale;			/* digits behind the point */
	int digits;			/* of integers */
	const char *ref_to; /* object a reference points to; the first of several */
	const char *const
		*refs; /* all of them, NULL-terminated; NULL: ref_to alone (see sim_field_ref) */
	const char *ref_name;	  /* name of the way there ("Account", "Account__r") */
	const char *ref_children; /* name of the way back ("Contacts"), NULL: none */
	int ref_order;			  /* relationshipOrder + 1; 0: null */
	const char *compound;	  /* compoundFieldName */
	const sim_pick *picks;	  /* picklist entries in setup order; NULL: none */
	const char
		*controller; /* controllerName: the field that a dependent picklist depends on */
	const char
		*preset;	  /* default value ("New", "true", "0"); NULL: none, booleans then false */
	const char *help; /* inlineHelpText */
	const char *extra;	 /* extraTypeInfo */
	const char *formula; /* calculatedFormula; or NULL */
	const char *sql;	 /* the same in SQL: the column is computed, not stored */
	sim_generator gen;	 /* NULL: always null (compounds, computed columns) */
	const struct cJSON
		*described; /* what a schema file says of it, goes before all else; or NULL */
};

/* Object flags. */
#define SO_NOQUERY		 0x00000001u /* not queryable */
#define SO_DEPRECATED	 0x00000002u /* deprecatedAndHidden */
#define SO_NOBULK		 0x00000004u /* bulk says INVALIDENTITY */
#define SO_CREATEABLE	 0x00000010u
#define SO_UPDATEABLE	 0x00000020u
#define SO_DELETABLE	 0x00000040u
#define SO_UNDELETABLE	 0x00000080u
#define SO_MERGEABLE	 0x00000100u
#define SO_REPLICATEABLE 0x00000200u
#define SO_SEARCHABLE	 0x00000400u
#define SO_LAYOUTABLE	 0x00000800u
#define SO_SEARCH_LAYOUT 0x00001000u /* searchLayoutable */
#define SO_COMPACT		 0x00002000u /* compactLayoutable */
#define SO_TRIGGERABLE	 0x00004000u
#define SO_MRU			 0x00008000u /* mruEnabled */
#define SO_FEED			 0x00010000u /* feedEnabled */
#define SO_DEEP_CLONE	 0x00020000u /* deepCloneable */
#define SO_SETTING		 0x00040000u /* customSetting */
#define SO_ACTIVATEABLE	 0x00080000u
#define SO_SETUP                                                                              \
	0x00100000u /* cannot be written together with other objects (MIXED_DML_OPERATION) */
#define SO_STUB                                                                               \
	0x00200000u /* only there because references point to it; holds no rows of its own accord */
#define SO_APPROVAL		 0x00400000u /* urls: approvalLayouts … */
#define SO_LISTVIEWS	 0x00800000u
#define SO_QUICK_ACTIONS 0x01000000u
#define SO_FIXED_ROWS	 0x02000000u /* the number of rows cannot be chosen */
#define SO_EVENT		 0x04000000u /* a change event: only its schema can be read */
#define SO_WRITABLE		 (SO_CREATEABLE | SO_UPDATEABLE | SO_DELETABLE)

/* A record type; the master type, which every object has, is not listed. */
typedef struct sim_record_type
{
	const char *name;
	const char *developer_name; /* NULL ends a list */
	int64_t number;				/* of its row in RecordType */
	bool inactive;
	bool preset; /* the default of the user */
} sim_record_type;

/* A list view scope: "mine", "My Accounts". */
typedef struct sim_scope
{
	const char *name; /* NULL ends a list */
	const char *label;
} sim_scope;

struct sim_object
{
	const char *name;
	const char *label;
	const char *plural;
	const char *prefix; /* of its ids; NULL: has none */
	unsigned flags;
	const struct sim_field *fields;
	int nfields;
	int slot;	  /* 1 to SIM_MAX_OBJECTS - 1, its own for as long as the program runs */
	int seed_no;  /* says which data are generated, and where ids begin */
	int64_t base; /* number of the first row; 0: follows from seed_no */
	int64_t default_rows;
	int dense; /* fields with a seed_no below are filled in every row, others in the first; 0: all (data.c) */
	const sim_record_type *record_types; /* NULL: the master type only */
	const sim_scope *scopes;			 /* supportedScopes; NULL: none */
	const struct cJSON *described;		 /* what a schema file says of it; or NULL */
};

/* The objects that the program comes with (schema_objects.c); sim_object_list() gives all. */
extern const struct sim_object *const sim_builtin_objects[];
extern const int sim_builtin_total;

/*
 * One more object, which must live as long as the program and gets a slot of its own; or another version of one
 * that is there by the same name, which keeps slot, prefix and seed_no.  Before sim_org_open() only.  False
 * and *err: the prefix is taken, or there are too many objects.
 */
bool sim_schema_add(sim_object *obj, sim_error *err);

/* A key prefix that no object has ("a02" and up), into out; false when none is left. */
bool sim_schema_free_prefix(char out[4]);

/* The object's slot: for arrays of SIM_MAX_OBJECTS. */
int sim_object_index(const struct sim_object *obj);

/* The object that an id (15 characters, or 18 with the right checksum) belongs to; NULL for none of ours. */
const struct sim_object *sim_object_of_id(const char *id);

/*
 * A polymorphic reference column holds more than the row number: the key prefix of the object as a number
 * above it, so that integers sort as the ids do.  sim_ref_pack(obj, 0) + number is the same as
 * sim_ref_pack(obj, number), which is what joins in SQL need.  Unpacking gives the object (NULL: none
 * of ours) and the number.
 */
#define SIM_REF_SHIFT 36
int64_t sim_ref_pack(const struct sim_object *obj, int64_t number);
const struct sim_object *sim_ref_unpack(int64_t packed, int64_t *number);

/* Is there an IsDeleted field (User and setup objects have none)? */
bool sim_object_has_deleted(const struct sim_object *obj);

/* The row number of an object's first row; ids count from there. */
int64_t sim_object_base(const struct sim_object *obj);

bool sim_field_is_custom(const struct sim_field *f);
bool sim_field_is_compound(const struct sim_field *f);

/* Can a reference point to several objects?  Its column is packed then. */
bool sim_field_is_poly(const struct sim_field *f);

/* Name of target number i of a reference, NULL behind the last.  There may be no object of that name. */
const char *sim_field_ref(const struct sim_field *f, int i);

/* Is that one of the targets? */
bool sim_field_refers_to(const struct sim_field *f, const struct sim_object *obj);

/* May a client set it on insert, and on update? */
bool sim_field_createable(const struct sim_field *f);
bool sim_field_updateable(const struct sim_field *f);

/* Picklist entry by value (any case), or NULL; its label. */
const sim_pick *sim_field_pick(const struct sim_field *f, const char *value, size_t len);
const char *sim_pick_label(const sim_pick *pick);

/* May a dependent entry be used with entry number which of the controlling field (0 or 1: of a boolean)? */
bool sim_pick_valid_for(const sim_pick *pick, int which);

/* Stored in (or computed as) a column of its own: everything but compounds. */
bool sim_field_has_column(const struct sim_field *f);

/* string, picklist, phone … : whatever is compared as text and may be null when empty. */
bool sim_type_is_text(sim_type type);
bool sim_type_is_number(sim_type type);

bool sim_field_filterable(const struct sim_field *f);
bool sim_field_sortable(const struct sim_field *f);
bool sim_field_groupable(const struct sim_field *f);
bool sim_field_aggregatable(const struct sim_field *f);

/* Kind that a value of this type has in a row. */
sim_kind sim_type_kind(sim_type type);

/*
 * Fields may be hidden and described anew while the org runs (schema_change.c).  sim_field_find() passes over
 * hidden ones; this one does not, for what the org does with its rows by itself.
 */
const struct sim_field *sim_field_find_any(const struct sim_object *obj, const char *name);
bool sim_field_hidden(const struct sim_field *f);

/* A flag of the field as describes say it now; otherwise: what it is by the schema. */
bool sim_field_says(const struct sim_field *f, const char *key, bool otherwise);

/* What describes say of it instead, the caller's to delete; NULL: nothing else. */
struct cJSON *sim_field_said(const struct sim_field *f);

/* Another one after each change, 0 before the first. */
unsigned sim_schema_version(void);

/* All as at the start; the number of fields that had been changed. */
int sim_schema_restore(void);

/* May field-level security hide it?  Not what every record needs (describe.c). */
bool sim_field_permissionable(const struct sim_field *f);

/* The field by the name of its way to a parent ("Owner"), any case; NULL when there is none. */
const struct sim_field *
sim_field_by_relationship(const struct sim_object *obj, const char *name);

#endif /* SFSIM_SCHEMA_H */
