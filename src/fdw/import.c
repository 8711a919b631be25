/*
 * import.c
 *		IMPORT FOREIGN SCHEMA: describes into CREATE FOREIGN TABLE.
 *
 * Objects and fields are found over the network by the client; what the columns look like is decided in
 * import_column.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "compat.h"
#include "governor.h"
#include "import.h"

/* An object to be imported. */
typedef struct ImportObject
{
	char *name;	 /* API name */
	char *table; /* name over here */
} ImportObject;

/* CREATE FOREIGN TABLE for a described object. */
static char *
table_command(const sf_object *object, const char *table, const char *server,
			  const SfbImportOptions *options)
{
	StringInfoData buf;
	List *taken = NIL;
	bool multicurrency = sfb_is_multicurrency(object);
	const char *separator = "";
	int i;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE FOREIGN TABLE %s (", quote_identifier(table));
	for (i = 0; i < object->nfields; i++)
	{
		const sf_field *field = &object->fields[i];

		if (!sfb_is_imported(field, options))
			continue;
		appendStringInfo(&buf, "%s\n\t", separator);
		sfb_append_column(&buf, field,
						  sfb_unique_name(&taken, sfb_local_name(field->name, options->names)),
						  multicurrency, options);
		separator = ",";
	}
	appendStringInfo(&buf, "\n) SERVER %s OPTIONS (object %s%s);", quote_identifier(server),
					 quote_literal_cstr(object->name),
					 object->createable || object->updateable || object->deletable
						 ? ""
						 : ", updatable 'false'");
	return buf.data;
}

/* ---- which objects -------------------------------------------------------------------------------- */

/*
 * Is the object named in LIMIT TO or EXCEPT, by either of its names, in any case?  Takes the entries that
 * mean it out of the unmatched ones.
 */
static bool
is_listed(ImportForeignSchemaStmt *stmt, const ImportObject *object, List **unmatched)
{
	bool result = false;
	ListCell *lc;

	foreach (lc, stmt->table_list)
	{
		RangeVar *rv = lfirst_node(RangeVar, lc);

		if (pg_strcasecmp(rv->relname, object->name) == 0 ||
			pg_strcasecmp(rv->relname, object->table) == 0)
		{
			*unmatched = list_delete_ptr(*unmatched, rv);
			result = true;
		}
	}
	return result;
}

/* Drives a describe to its next object; NULL at the end. */
static const sf_object *
next_object(sf_session *session, sf_describe *describe)
{
	const sf_object *object = NULL;
	sf_error err;

	sf_error_reset(&err);
	for (;;)
	{
		switch (sf_describe_next(describe, &object, &err))
		{
			case SF_OK:
				return object;
			case SF_WAIT:
				sfb_wait(session);
				break;
			case SF_DONE:
				return NULL;
			case SF_FAILED:
				sfb_report(ERROR, &err);
		}
	}
}

static void
destroy_describe(void *describe)
{
	sf_describe_free(describe);
}

/*
 * PostgreSQL compares the names in the statement's list with those of the tables once more, and exactly.
 * So the list becomes what it stands for: the tables of LIMIT TO, or nobody for EXCEPT, as what was to be
 * left out has been.
 */
static void
resolve_table_list(ImportForeignSchemaStmt *stmt, List *objects)
{
	ListCell *lc;

	stmt->table_list = NIL;
	if (stmt->list_type != FDW_IMPORT_SCHEMA_LIMIT_TO)
		return;
	foreach (lc, objects)
		stmt->table_list = lappend(
			stmt->table_list, makeRangeVar(NULL, ((ImportObject *) lfirst(lc))->table, -1));
}

/* The objects to import.  Names in LIMIT TO and EXCEPT stand for objects in any case and in either form. */
static List *
find_objects(sf_session *session, ImportForeignSchemaStmt *stmt,
			 const SfbImportOptions *options)
{
	SfbGuard *guard = sfb_guard_new(session, destroy_describe);
	List *result = NIL;
	List *taken = NIL;
	List *unmatched = list_copy(stmt->table_list);
	const sf_object *object;
	ListCell *lc;
	sf_error err;

	sf_error_reset(&err);
	guard->object = sf_describe_global_start(session, &err);
	if (guard->object == NULL)
		sfb_report(ERROR, &err);

	while ((object = next_object(session, guard->object)) != NULL)
	{
		ImportObject *entry;
		bool listed;
		bool wanted;

		if (!object->queryable || object->deprecated_and_hidden ||
			!sfb_valid_api_name(object->name, false))
			continue;
		entry = palloc(sizeof(ImportObject));
		entry->name = pstrdup(object->name);
		entry->table = sfb_unique_name(&taken, sfb_local_name(object->name, options->names));

		listed = is_listed(stmt, entry, &unmatched);
		wanted = stmt->list_type == FDW_IMPORT_SCHEMA_ALL ||
				 (stmt->list_type == FDW_IMPORT_SCHEMA_LIMIT_TO) == listed;
		if (wanted && (!options->custom_only || object->custom))
			result = lappend(result, entry);
	}
	sfb_guard_clear(guard);

	foreach (lc, unmatched)
		ereport(WARNING,
				(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
				 errmsg("Salesforce object \"%s\" was not found",
						lfirst_node(RangeVar, lc)->relname),
				 errdetail(
					 "It does not exist, cannot be queried, or is not visible to the user.")));
	resolve_table_list(stmt, result);
	return result;
}

/* ---- the callback ------------------------------------------------------------------------------------- */

List *
sfbulkImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid)
{
	ForeignServer *server = GetForeignServer(serverOid);
	SfbImportOptions options = {0};
	sf_session *session;
	SfbGuard *guard;
	List *objects;
	List *commands = NIL;
	const char **names;
	const sf_object *described;
	sf_error err;
	int count = 0;
	ListCell *lc;

	sfb_option_check_list(stmt->options, SFB_ON_IMPORT, "IMPORT FOREIGN SCHEMA");
	sfb_option_defaults(SFB_TO_IMPORT, &options);
	sfb_option_apply(stmt->options, SFB_TO_IMPORT, &options);

	session = sfb_session_get(GetUserMapping(GetUserId(), serverOid));
	sfb_governor_admit(session, SFB_WORK_CALLS);
	objects = find_objects(session, stmt, &options);
	if (objects == NIL)
		return NIL;

	names = palloc(sizeof(char *) * list_length(objects));
	foreach (lc, objects)
		names[count++] = ((ImportObject *) lfirst(lc))->name;

	guard = sfb_guard_new(session, destroy_describe);
	sf_error_reset(&err);
	guard->object = sf_describe_objects_start(session, names, count, &err);
	if (guard->object == NULL)
		sfb_report(ERROR, &err);

	/* In the order of the names; both lists end together. */
	foreach (lc, objects)
	{
		ImportObject *object = lfirst(lc);

		described = next_object(session, guard->object);
		if (described == NULL || pg_strcasecmp(described->name, object->name) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_ERROR),
					 errmsg("Salesforce did not describe object \"%s\"", object->name)));
		commands = lappend(
			commands, table_command(described, object->table, server->servername, &options));
	}
	sfb_guard_clear(guard);
	return commands;
}
