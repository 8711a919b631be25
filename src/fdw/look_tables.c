/*
 * look_tables.c
 *		The part of sfbulk_check that looks at the foreign tables of a server: are their objects there and can
 *		they be queried, are the fields of their columns there.
 *
 * One call lists the objects; then the objects of the tables are described, 25 to a call, and after them the
 * objects that paths lead to, one step of the paths at a time.
 */
#include "look.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_foreign_table.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"

/* More tables than this are not looked at: four calls of describes, each of some megabytes. */
#define TABLES_MAX 100

/* Rows about tables with something amiss; the rest is counted. */
#define ROWS_MAX 20

/* Fields named in a row. */
#define FIELDS_MAX 10

/* A path has five steps at most, and the field itself (SOQL reference, relationship queries). */
#define STEPS_MAX 6

typedef struct CheckedTable
{
	Oid relid;
	char *name;
	char *object;  /* NULL: it has a query of its own */
	char *amiss;   /* what is wrong with all of it, or NULL */
	char *hint;	   /* what helps, or NULL */
	List *unknown; /* columns (C strings) whose fields are not there */
} CheckedTable;

/* A field that is looked for. */
typedef struct PathItem
{
	CheckedTable *table;
	const char *path; /* as the column has it */
	const char *rest; /* of it, from the object on that is described next */
	char *object;
} PathItem;

/* An object of the org's list. */
typedef struct ListedObject
{
	char name[NAMEDATALEN * 2]; /* lower case; API names have 80 characters at most */
	bool queryable;
} ListedObject;

typedef struct TableCheck
{
	List *tables;
	int others; /* too many to be looked at */
	List *items;
	HTAB *objects;
} TableCheck;

/* ---- the tables ------------------------------------------------------------------------------- */

static bool
may_read(Oid relid)
{
	Oid user = GetUserId();

	return pg_class_aclcheck(relid, user, ACL_SELECT) == ACLCHECK_OK ||
		   pg_attribute_aclcheck_all(relid, user, ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

/* The foreign tables of the server that the user may read. */
static List *
find_tables(Oid serverid)
{
	Relation catalog = table_open(ForeignTableRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	List *result = NIL;
	HeapTuple tuple;

	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_foreign_table form = (Form_pg_foreign_table) GETSTRUCT(tuple);
		CheckedTable *table;
		char *name;

		if (form->ftserver != serverid || !may_read(form->ftrelid))
			continue;
		name = get_rel_name(form->ftrelid);
		if (name == NULL)
			continue;
		table = palloc0(sizeof(CheckedTable));
		table->relid = form->ftrelid;
		table->name = quote_qualified_identifier(
			get_namespace_name(get_rel_namespace(form->ftrelid)), name);
		result = lappend(result, table);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(((CheckedTable *) lfirst(a))->name, ((CheckedTable *) lfirst(b))->name);
}

typedef struct ReadTable
{
	TableCheck *check;
	CheckedTable *table;
} ReadTable;

/* What a table's definition says: its object, and the fields of its columns. */
static void
read_table(SfbCheckup *c pg_attribute_unused(), void *arg)
{
	ReadTable *what = arg;
	CheckedTable *table = what->table;
	Relation rel = table_open(table->relid, AccessShareLock);
	SfbTableOptions *options = sfb_table_options(table->relid);
	SfbColumn *columns = sfb_table_columns(rel);
	List *items = NIL;

	for (int i = 0; options->object != NULL && i < RelationGetDescr(rel)->natts; i++)
	{
		PathItem *item;

		if (columns[i].field == NULL || sfb_is_write_only(&columns[i]))
			continue;
		item = palloc0(sizeof(PathItem));
		item->table = table;
		item->path = item->rest = columns[i].field;
		item->object = options->object;
		items = lappend(items, item);
	}
	table->object = options->object;
	table_close(rel, NoLock);
	what->check->items = list_concat(what->check->items, items);
}

/* ---- the org's objects ------------------------------------------------------------------------ */

static void
destroy_describe(void *object)
{
	sf_describe_free(object);
}

/* The next object of the describe under way; NULL at its end or when it failed. */
static const sf_object *
next_object(SfbCheckup *c)
{
	const sf_object *object = NULL;
	sf_status status;

	while ((status = sf_describe_next(c->guard->object, &object, &c->error)) == SF_WAIT)
		sfb_wait(c->session);
	return status == SF_OK ? object : NULL;
}

static void
lower_name(char *to, const char *name)
{
	int n = 0;

	for (; name[n] != '\0' && n < (int) sizeof(((ListedObject *) 0)->name) - 1; n++)
		to[n] = pg_ascii_tolower((unsigned char) name[n]);
	to[n] = '\0';
}

static bool
list_objects(SfbCheckup *c, TableCheck *check)
{
	HASHCTL info = {.keysize = sizeof(((ListedObject *) 0)->name),
					.entrysize = sizeof(ListedObject),
					.hcxt = CurrentMemoryContext};
	const sf_object *object;

	check->objects = hash_create("sfbulk_fdw objects", 1024, &info,
								 HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	sf_error_reset(&c->error);
	sfb_guard_clear(c->guard);
	c->guard->destroy = destroy_describe;
	c->guard->object = sf_describe_global_start(c->session, &c->error);
	while (c->guard->object != NULL && (object = next_object(c)) != NULL)
	{
		char key[sizeof(((ListedObject *) 0)->name)];
		ListedObject *entry;

		lower_name(key, object->name);
		entry = hash_search(check->objects, key, HASH_ENTER, NULL);
		entry->queryable = object->queryable;
	}
	sfb_guard_clear(c->guard);
	return c->error.cls == SF_ERR_NONE;
}

static const ListedObject *
find_object(TableCheck *check, const char *name)
{
	char key[sizeof(((ListedObject *) 0)->name)];

	lower_name(key, name);
	return hash_search(check->objects, key, HASH_FIND, NULL);
}

/* Tables whose object is not to be had; their fields are not looked for. */
static void
check_objects(TableCheck *check)
{
	ListCell *lc;
	List *items = NIL;

	foreach (lc, check->tables)
	{
		CheckedTable *table = lfirst(lc);
		const ListedObject *object;

		if (table->object == NULL || table->amiss != NULL)
			continue;
		object = find_object(check, table->object);
		if (object != NULL && object->queryable)
			continue;
		table->amiss = object == NULL
						   ? psprintf("the org has no object %s, or the user may not see it",
									  table->object)
						   : psprintf("object %s cannot be queried", table->object);
		table->hint = object == NULL
						  ? "Give the user the right to read the object in Salesforce, or "
							"correct the option \"object\"."
						  : NULL;
	}
	foreach (lc, check->items)
		if (((PathItem *) lfirst(lc))->table->amiss == NULL)
			items = lappend(items, lfirst(lc));
	check->items = items;
}

/* ---- fields ----------------------------------------------------------------------------------- */

static void
note_unknown(PathItem *item)
{
	item->table->unknown = lappend(item->table->unknown, pstrdup(item->path));
}

static const sf_field *
find_field(const sf_object *object, const char *name, int len, bool relationship)
{
	for (int i = 0; i < object->nfields; i++)
	{
		const sf_field *field = &object->fields[i];
		const char *own = relationship ? field->relationship_name : field->name;

		if (own != NULL && (int) strlen(own) == len && pg_strncasecmp(own, name, len) == 0)
			return field;
	}
	return NULL;
}

/* Looks for one step of a path in its object; true with *item changed to the next step when there is one. */
static bool
take_step(PathItem *item, const sf_object *object)
{
	const char *dot = strchr(item->rest, '.');
	const sf_field *field = find_field(
		object, item->rest, dot != NULL ? (int) (dot - item->rest) : (int) strlen(item->rest),
		dot != NULL);

	if (field == NULL)
		note_unknown(item);
	/* of several objects nobody knows which; they have the fields of Name, which all have */
	if (field == NULL || dot == NULL || field->nreference_to != 1)
		return false;
	item->rest = dot + 1;
	item->object = pstrdup(field->reference_to);
	return true;
}

static bool
is_member(List *names, const char *name)
{
	ListCell *lc;

	foreach (lc, names)
		if (pg_strcasecmp(lfirst(lc), name) == 0)
			return true;
	return false;
}

/* The objects that items are in now; an item whose object nobody may see has no field there. */
static List *
objects_of(TableCheck *check)
{
	List *names = NIL;
	List *items = NIL;
	ListCell *lc;

	foreach (lc, check->items)
	{
		PathItem *item = lfirst(lc);

		if (find_object(check, item->object) == NULL)
		{
			note_unknown(item);
			continue;
		}
		items = lappend(items, item);
		if (!is_member(names, item->object))
			names = lappend(names, item->object);
	}
	check->items = items;
	return names;
}

/* One step of all paths; false with c->error filled when the objects could not be described. */
static bool
check_step(SfbCheckup *c, TableCheck *check)
{
	List *objects = objects_of(check);
	const char **names = palloc(sizeof(char *) * (list_length(objects) + 1));
	const sf_object *object;
	List *rest = NIL;
	ListCell *lc;
	int n = 0;

	foreach (lc, objects)
		names[n++] = lfirst(lc);
	sfb_guard_clear(c->guard);
	c->guard->destroy = destroy_describe;
	c->guard->object = sf_describe_objects_start(c->session, names, n, &c->error);
	while (c->guard->object != NULL && (object = next_object(c)) != NULL)
		foreach (lc, check->items)
		{
			PathItem *item = lfirst(lc);

			if (pg_strcasecmp(item->object, object->name) == 0 && take_step(item, object))
				rest = lappend(rest, item);
		}
	sfb_guard_clear(c->guard);
	check->items = rest;
	return c->error.cls == SF_ERR_NONE;
}

/* ---- what is told ----------------------------------------------------------------------------- */

static char *
unknown_text(const CheckedTable *table)
{
	StringInfoData text;
	ListCell *lc;
	int n = 0;

	initStringInfo(&text);
	appendStringInfo(&text, "object %s has no field ", table->object);
	foreach (lc, table->unknown)
	{
		if (n++ == FIELDS_MAX)
			break;
		appendStringInfo(&text, "%s%s", n > 1 ? ", " : "", (char *) lfirst(lc));
	}
	if (list_length(table->unknown) > FIELDS_MAX)
		appendStringInfo(&text, " and %d more", list_length(table->unknown) - FIELDS_MAX);
	appendStringInfoString(&text, ", or the user may not see it");
	return text.data;
}

static bool
is_amiss(const CheckedTable *table)
{
	return table->amiss != NULL || table->unknown != NIL;
}

static void
tell(SfbCheckup *c, const TableCheck *check)
{
	StringInfoData summary;
	int nbad = 0;
	int shown = 0;
	ListCell *lc;

	foreach (lc, check->tables)
		nbad += is_amiss(lfirst(lc));
	initStringInfo(&summary);
	appendStringInfo(&summary, "%d of %d foreign tables are as the org has them",
					 list_length(check->tables) - nbad, list_length(check->tables));
	if (check->others > 0)
		appendStringInfo(&summary, "; %d more were not looked at", check->others);
	sfb_check_note(c, "objects", nbad == 0 ? SFB_CHECK_GOOD : SFB_CHECK_BAD, summary.data,
				   nbad > ROWS_MAX
					   ? psprintf("%d tables with something amiss are shown.", ROWS_MAX)
					   : NULL);
	foreach (lc, check->tables)
	{
		const CheckedTable *table = lfirst(lc);

		if (!is_amiss(table) || shown++ >= ROWS_MAX)
			continue;
		sfb_check_note(
			c, psprintf("table %s", table->name), SFB_CHECK_BAD,
			table->amiss != NULL ? table->amiss : unknown_text(table),
			table->amiss != NULL
				? table->hint
				: psprintf("SELECT * FROM sfbulk_schema_diff(%s) shows what has changed; "
						   "field-level security may hide fields of the user.",
						   quote_literal_cstr(table->name)));
	}
}

void
sfb_check_tables(SfbCheckup *c)
{
	TableCheck check = {0};
	ListCell *lc;

	check.tables = find_tables(c->server->serverid);
	list_sort(check.tables, compare_names);
	if (list_length(check.tables) > TABLES_MAX)
	{
		check.others = list_length(check.tables) - TABLES_MAX;
		check.tables = list_truncate(check.tables, TABLES_MAX);
	}
	foreach (lc, check.tables)
	{
		ReadTable what = {&check, lfirst(lc)};
		ErrorData *error;

		if (!sfb_check_try(c, read_table, &what, &error))
		{
			what.table->amiss = error->message;
			what.table->hint = error->hint;
		}
	}
	if (!list_objects(c, &check))
	{
		sfb_check_note_error(c, "objects");
		return;
	}
	check_objects(&check);
	for (int i = 0; i < STEPS_MAX && check.items != NIL; i++)
		if (!check_step(c, &check))
		{
			sfb_check_note_error(c, "objects");
			return;
		}
	tell(c, &check);
}
