/*
 * import.h
 *		Columns as IMPORT FOREIGN SCHEMA writes them (import_column.c), for the import itself and for what
 *		compares tables with it later.
 */
#ifndef SFB_IMPORT_H
#define SFB_IMPORT_H

#include "option.h"

#include "lib/stringinfo.h"

/* The local name of an API name, in the style; palloc'd. */
extern char *sfb_local_name(const char *name, SfbNameStyle style);

/*
 * The name itself, or one near it that fits and is free: cut to what PostgreSQL takes (63 bytes), and
 * numbered (_2, _3 …).  Adds it to the list of names (String) that are taken.
 */
extern char *sfb_unique_name(List **taken, const char *name);

/* Does the org have several currencies, so that amounts are compared after converting them? */
extern bool sfb_is_multicurrency(const sf_object *object);

/* Does a field become a column? */
extern bool sfb_is_imported(const sf_field *field, const SfbImportOptions *options);

/* The type of its column. */
extern Oid sfb_import_type(const sf_field *field, const SfbImportOptions *options);

/* The options (DefElem) of a column of the type pgtype: what would not be assumed without them. */
extern List *sfb_import_options(const sf_field *field, Oid pgtype, bool multicurrency);

/* The column's definition: name, type, OPTIONS (…), NOT NULL. */
extern void sfb_append_column(StringInfo buf, const sf_field *field, const char *column,
							  bool multicurrency, const SfbImportOptions *options);

#endif /* SFB_IMPORT_H */
