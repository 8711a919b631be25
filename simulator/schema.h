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
#define SF_REQUIRED	  0x00001 /* not nillable */
#define SF_READONLY	  0x00002 /* neither createable nor updateable */
#define SF_NOUPDATE	  0x00004 /* createable only */
#define SF_NAME		  0x00008 /* the object's name field */
#define SF_EXTERNAL	  0x00010 /* external id */
#define SF_UNIQUE	  0x00020
#define SF_CASE		  0x00040 /* compared byte by byte */
#define SF_RESTRICTED 0x00080 /* restricted picklist */
#define SF_NOFILTER	  0x00100
#define SF_NOSORT	  0x00200
#define SF_NOGROUP	  0x00400
#define SF_NOAGG	  0x00800
#define SF_DEFAULTED  0x01000 /* defaultedOnCreate */
#define SF_IDLOOKUP	  0x02000
#define SF_HTML		  0x04000 /* rich text */
#define SF_DECIMAL	  0x08000 /* displayLocationInDecimal */
#define SF_AUTONUMBER 0x10000

struct sim_cell;
struct sim_gen;

/* Makes the value of one field of one row (data.h). */
typedef void (*sim_generator)(const struct sim_gen *g, struct sim_cell *out);

struct sim_field
{
	const char *name;
	const char *label;
	sim_type type;
	unsigned flags;
	int length;				   /* of text, in characters */
	int precision;			   /* of decimals */
	int scale;				   /* digits behind the point */
	int digits;				   /* of integers */
	const char *ref_to;		   /* object a reference points to */
	const char *ref_name;	   /* name of the way there ("Account", "Account__r") */
	const char *ref_children;  /* name of the way back ("Contacts"), NULL: none */
	const char *compound;	   /* compoundFieldName */
	const char *const *values; /* picklist values, NULL-terminated, in setup order */
	const char *extra;		   /* extraTypeInfo */
	const char *formula;	   /* calculatedFormula; or NULL */
	const char *sql;		   /* the same in SQL: the column is computed, not stored */
	sim_generator gen;		   /* NULL: always null (compounds, computed columns) */
};

/* Object flags. */
#define SO_NOQUERY	  0x01 /* not queryable */
#define SO_DEPRECATED 0x02 /* deprecatedAndHidden */
#define SO_NOBULK	  0x04 /* bulk says INVALIDENTITY */
#define SO_READONLY	  0x08

struct sim_object
{
	const char *name;
	const char *label;
	const char *plural;
	const char *prefix; /* of its ids; NULL: has none */
	unsigned flags;
	const struct sim_field *fields;
	int nfields;
	int64_t default_rows;
	int dense; /* so many fields are filled in every row; 0: all (data.c) */
};

/* Every object there is; the list that sim_object_list() gives out. */
extern const struct sim_object *const sim_objects[];
extern const int sim_object_total;

/* Position in sim_objects. */
int sim_object_index(const struct sim_object *obj);

/* Is there an IsDeleted field (User and setup objects have none)? */
bool sim_object_has_deleted(const struct sim_object *obj);

/* The row number of an object's first row; ids count from there. */
int64_t sim_object_base(const struct sim_object *obj);

bool sim_field_is_custom(const struct sim_field *f);
bool sim_field_is_compound(const struct sim_field *f);

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

/* The field by the name of its way to a parent ("Owner"), any case; NULL when there is none. */
const struct sim_field *
sim_field_by_relationship(const struct sim_object *obj, const char *name);

#endif /* SFSIM_SCHEMA_H */
