/*
 * schema_load.h
 *		What the two halves of reading describe files share: fields (schema_load_field.c), and objects
 *		and the file (schema_load.c).
 */
#ifndef SFSIM_SCHEMA_LOAD_H
#define SFSIM_SCHEMA_LOAD_H

#include "schema.h"

#include <cjson/cJSON.h>

/* One call of sim_schema_load(). */
typedef struct schema_loader
{
	const char *path;
	cJSON *root;
	cJSON **objects;
	int nobjects;
	sim_error *err;
} schema_loader;

/* Zeroed memory for as long as the program runs; NULL when there is none. */
void *schema_keep(size_t size);

/* The error that memory ran out; false. */
bool schema_no_memory(schema_loader *l);

/* Names of objects, fields and relationships; what SQL and SOQL can take.  NULL is none. */
bool schema_is_name(const char *s);

/* A string member, or NULL; what a boolean member says, or "absent". */
const char *schema_text(const cJSON *o, const char *key);
bool schema_flag(const cJSON *o, const char *key, bool absent);

/* Give o what an earlier file said of the same thing (may be NULL), where it does not say it itself. */
void schema_inherit(cJSON *o, const cJSON *before);

/*
 * One element of "fields" into *f, which is zeroed.  old: the field of that name that the object has already, or
 * NULL; it keeps its data.  False and l->err.
 */
bool schema_load_field(schema_loader *l, cJSON *o, const char *object, const sim_field *old,
					   sim_field *f);

/* A reference that points to nothing that has ids is kept as the text of an id. */
void schema_forget_targets(sim_field *f);

#endif /* SFSIM_SCHEMA_LOAD_H */
