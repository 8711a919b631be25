/*
 * drift.c
 *		What has become of an object since its foreign table was made, and the statements that follow it.
 *
 * There is no record of the import.  The table is compared with what an import would make of the object
 * now, by the code of the import itself; what was chosen when it was imported (names, types of numbers, …) is
 * guessed by what its columns look like, and matters for new columns only.
 *
 * A column keeps its name, and its type as long as the field's values can be read into it.  Options are
 * compared by what they mean: one that says what is assumed anyway is no difference.
 */
#include "functions.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "drift.h"
#include "governor.h"
#include "import.h"

/* Declared here because before 16 neither fmgr.h nor PG_FUNCTION_INFO_V1 exports it. */
extern PGDLLEXPORT Datum sfbulk_schema_diff(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_schema_diff);

/* A foreign table and the object that it is compared with. */
typedef struct Comparison
{
	Relation rel;
	const sf_object *object;
	const SfbColumn *columns; /* of the table */
	char *alter;			  /* ALTER FOREIGN TABLE … */
	bool multicurrency;
	SfbImportOptions options; /* as far as they can be guessed */
	List *changes;
} Comparison;

/* ---- columns and fields -------------------------------------------------------------------------- */

static bool
is_column(const SfbColumn *column)
{
	return column->field != NULL;
}

/* Of the object itself: neither a parent's nor one that is only written. */
static bool
is_own_field(const SfbColumn *column)
{
	return !column->optional && !sfb_is_write_only(column);
}

/* The field of a column; NULL when the object has none of that name. */
static const sf_field *
field_of(const Comparison *c, const SfbColumn *column)
{
	for (int i = 0; i < c->object->nfields; i++)
		if (pg_strcasecmp(c->object->fields[i].name, column->field) == 0)
			return &c->object->fields[i];
	return NULL;
}

/* Is there still the lookup that a path (Account.Name, Lead:Who.Email) begins with? */
static bool
has_way(const Comparison *c, const SfbColumn *column)
{
	const char *colon = strchr(column->field, ':');
	const char *way = colon != NULL ? colon + 1 : column->field;
	int len = strcspn(way, ".");

	for (int i = 0; i < c->object->nfields; i++)
	{
		const char *name = c->object->fields[i].relationship_name;

		if (name != NULL && (int) strlen(name) == len && pg_strncasecmp(name, way, len) == 0)
			return true;
	}
	return false;
}

static bool
has_column(const Comparison *c, const sf_field *field)
{
	for (int i = 0; i < RelationGetNumberOfAttributes(c->rel); i++)
		if (is_column(&c->columns[i]) && pg_strcasecmp(c->columns[i].field, field->name) == 0)
			return true;
	return false;
}

/* ---- what was chosen at the import ------------------------------------------------------------------ */

/* The style that most of the columns are named by; the earlier one where two fit as well. */
static SfbNameStyle
guess_names(const Comparison *c)
{
	static const SfbNameStyle styles[] = {SFB_NAMES_LOWER, SFB_NAMES_SNAKE, SFB_NAMES_EXACT};
	SfbNameStyle best = SFB_NAMES_LOWER;
	int most = 0;

	for (int s = 0; s < (int) lengthof(styles); s++)
	{
		int count = 0;

		for (int i = 0; i < RelationGetNumberOfAttributes(c->rel); i++)
		{
			const SfbColumn *column = &c->columns[i];

			if (is_column(column) && is_own_field(column) &&
				strcmp(column->attname, sfb_local_name(column->field, styles[s])) == 0)
				count++;
		}
		if (count > most)
		{
			best = styles[s];
			most = count;
		}
	}
	return best;
}

/* One of two ways, by what most columns are like. */
typedef struct Votes
{
	int yes;
	int no;
} Votes;

static void
vote(Votes *votes, bool yes)
{
	if (yes)
		votes->yes++;
	else
		votes->no++;
}

static void
guess_options(Comparison *c)
{
	Votes float8 = {0};
	Votes text_list = {0};
	Votes not_null = {0};

	c->options.names = guess_names(c);
	for (int i = 0; i < RelationGetNumberOfAttributes(c->rel); i++)
	{
		const SfbColumn *column = &c->columns[i];
		const sf_field *field = is_column(column) ? field_of(c, column) : NULL;
		Oid base;

		if (field == NULL)
			continue;
		base = getBaseType(column->pgtype);
		if (base == FLOAT8OID || base == NUMERICOID)
			vote(&float8, base == FLOAT8OID);
		if (column->type == SFB_MULTIPICKLIST)
			vote(&text_list, !OidIsValid(get_element_type(base)));
		if (column->type == SFB_COMPOUND)
			c->options.compound = true;
		if (!field->nillable)
			vote(&not_null, TupleDescAttr(RelationGetDescr(c->rel), i)->attnotnull);
	}
	c->options.float8_numbers = float8.yes > float8.no;
	c->options.text_multipicklist = text_list.yes > text_list.no;
	c->options.not_null = not_null.yes > not_null.no;
}

/* ---- types ------------------------------------------------------------------------------------------ */

/*
 * Can a field's values be read into a column of that type?  Texts can hold everything, and a type that we
 * do not know has an input function that its user has chosen.
 */
static bool
can_be_read(const sf_field *field, Oid pgtype)
{
	SfbType type = sfb_type_from_name(field->type);
	bool number = type == SFB_DOUBLE || type == SFB_CURRENCY || type == SFB_PERCENT;

	switch (sfb_default_type(pgtype))
	{
		case SFB_BOOLEAN:
		case SFB_TIME:
		case SFB_MULTIPICKLIST:
		case SFB_COMPOUND:
			return type == sfb_default_type(pgtype);
		case SFB_INT:
			return type == SFB_INT || (number && field->scale == 0);
		case SFB_LONG:
			return type == SFB_INT || type == SFB_LONG || (number && field->scale == 0);
		case SFB_DOUBLE:
			return type == SFB_INT || type == SFB_LONG || number;
		case SFB_DATE:
		case SFB_DATETIME:
			return type == SFB_DATE || type == SFB_DATETIME;
		default:
			return true;
	}
}

/* ---- options ---------------------------------------------------------------------------------------- */

static char *
find_value(List *options, const char *name)
{
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, name) == 0)
			return defGetString(def);
	}
	return NULL;
}

/* The texts of an array literal; NULL is none. */
static List *
list_texts(const char *literal)
{
	Datum *values;
	int n = 0;
	List *result = NIL;

	if (literal == NULL)
		return NIL;
	deconstruct_array(
		DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, pstrdup(literal), TEXTOID, -1)),
		TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	for (int i = 0; i < n; i++)
		result = lappend(result, makeString(TextDatumGetCString(values[i])));
	return result;
}

static char *
joined(List *texts)
{
	StringInfoData buf;
	ListCell *lc;

	initStringInfo(&buf);
	foreach (lc, texts)
		appendStringInfo(&buf, "%s\"%s\"", buf.len > 0 ? ", " : "", strVal(lfirst(lc)));
	return buf.data;
}

/* Says what a list has gained and lost; false when it has the same texts, in whatever order. */
static bool
list_differs(const SfbOption *option, const char *old, const char *new, StringInfo detail)
{
	List *before = list_texts(old);
	List *after = list_texts(new);
	List *gained = list_difference(after, before);
	List *lost = list_difference(before, after);

	if (gained == NIL && lost == NIL && (old == NULL) == (new == NULL))
		return false;
	if (old == NULL || new == NULL)
		appendStringInfo(detail, ", %s: now %s", option->name,
						 new == NULL ? "any text" : psprintf("%d values", list_length(after)));
	else
		appendStringInfo(detail, ", %s:%s%s%s%s%s", option->name, gained ? " gained " : "",
						 gained ? joined(gained) : "", gained && lost ? "," : "",
						 lost ? " lost " : "", lost ? joined(lost) : "");
	return true;
}

/* The value at `at`, as an option would have it; NULL where there is none. */
static const char *
value_text(const SfbOption *option, const void *at)
{
	switch (option->type)
	{
		case SFB_OPT_BOOL:
			return *(const bool *) at ? "true" : "false";
		case SFB_OPT_INT:
			return *(const int *) at == 0 ? NULL : psprintf("%d", *(const int *) at);
		case SFB_OPT_ENUM:
			return sfb_type_name(*(const SfbType *) at);
		default:
			return *(char *const *) at;
	}
}

/* Does an option mean another thing in two columns?  Says so in the detail. */
static bool
differs(const SfbOption *option, const SfbColumn *old, const SfbColumn *new, StringInfo detail)
{
	const char *before = value_text(option, (const char *) old + option->offset);
	const char *after = value_text(option, (const char *) new + option->offset);

	if (option->type == SFB_OPT_LIST)
		return list_differs(option, before, after, detail);
	/* API names count in any case */
	if (before == NULL || after == NULL ? before == after : pg_strcasecmp(before, after) == 0)
		return false;
	appendStringInfo(detail, ", %s: %s, now %s", option->name, before ? before : "none",
					 after ? after : "none");
	return true;
}

/* The option set to the value, or taken away. */
static List *
with_option(List *options, const char *name, const char *value)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, name) != 0)
			result = lappend(result, lfirst(lc));
	if (value != NULL)
		result = lappend(result,
						 makeDefElem(pstrdup(name), (Node *) makeString(pstrdup(value)), -1));
	return result;
}

/*
 * OPTIONS (…) that make a column which has some options mean the same as one that has others; empty when it
 * does.  One option after the other, as some follow from those before unless they are written.
 */
static char *
options_clause(List *has, List *wants, const SfbColumn *old, const SfbColumn *new,
			   StringInfo detail)
{
	StringInfoData buf;
	List *options = has;

	initStringInfo(&buf);
	for (const SfbOption *option = sfb_options; option->name != NULL; option++)
	{
		SfbColumn now = {.attname = new->attname, .pgtype = new->pgtype};
		const char *value = find_value(wants, option->name);
		bool present = find_value(has, option->name) != NULL;
		StringInfoData ignored;

		if (option->target != SFB_TO_COLUMN || strcmp(option->name, "field") == 0)
			continue;
		initStringInfo(&ignored);
		sfb_column_apply(options, &now);
		if (!differs(option, &now, new, &ignored) || (value == NULL && !present))
		{
			/* told even where it follows from the column's type */
			if (strcmp(option->name, "type") == 0)
				differs(option, old, new, detail);
			continue;
		}
		options = with_option(options, option->name, value);
		differs(option, old, new, detail);
		appendStringInfo(&buf, "%s%s %s", buf.len > 0 ? ", " : "OPTIONS (",
						 value == NULL ? "DROP"
						 : present	   ? "SET"
									   : "ADD",
						 option->name);
		if (value != NULL)
			appendStringInfo(&buf, " %s", quote_literal_cstr(value));
	}
	if (buf.len > 0)
		appendStringInfoChar(&buf, ')');
	return buf.data;
}

/* ---- changes ---------------------------------------------------------------------------------------- */

static void
add_change(Comparison *c, SfbChangeKind kind, const char *field, const char *column,
		   const char *type, const char *detail, const char *action)
{
	SfbChange *change = palloc0(sizeof(SfbChange));

	change->kind = kind;
	change->field = pstrdup(field);
	change->column = pstrdup(column);
	change->type = type != NULL ? pstrdup(type) : NULL;
	change->detail = pstrdup(detail);
	change->statement = psprintf("%s %s", c->alter, action);
	c->changes = lappend(c->changes, change);
}

static void
drop_column(Comparison *c, const SfbColumn *column)
{
	add_change(c, SFB_FIELD_DROPPED, column->field, column->attname, NULL,
			   is_own_field(column) ? "no such field, or not visible to the user"
									: "no such lookup, or not visible to the user",
			   psprintf("DROP COLUMN %s", quote_identifier(column->attname)));
}

/* The part of the statement that alters one thing of a column. */
static void
append_action(StringInfo actions, const char *column, const char *action)
{
	appendStringInfo(actions, "%sALTER COLUMN %s %s", actions->len > 0 ? ", " : "", column,
					 action);
}

/* Compares a column with its field. */
static void
compare_column(Comparison *c, const SfbColumn *column, const sf_field *field)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(c->rel), column->attnum - 1);
	List *has = GetForeignColumnOptions(RelationGetRelid(c->rel), column->attnum);
	const char *name = quote_identifier(column->attname);
	SfbColumn wanted = {.attname = column->attname, .pgtype = column->pgtype};
	StringInfoData detail;
	StringInfoData actions;
	List *wants;
	char *clause;

	initStringInfo(&detail);
	initStringInfo(&actions);
	/* where the option "type" tells that the field is known for what it is, the column's type is a choice */
	if (column->type != sfb_type_from_name(field->type) && !can_be_read(field, column->pgtype))
	{
		wanted.pgtype = sfb_import_type(field, &c->options);
		append_action(&actions, name, psprintf("TYPE %s", format_type_be(wanted.pgtype)));
	}
	wants = sfb_import_options(field, wanted.pgtype, c->multicurrency);
	sfb_column_apply(wants, &wanted);
	clause = options_clause(has, wants, column, &wanted, &detail);
	if (clause[0] != '\0')
		append_action(&actions, name, clause);
	if (c->options.not_null && attr->attnotnull && field->nillable)
	{
		append_action(&actions, name, "DROP NOT NULL");
		appendStringInfoString(&detail, ", may be null now");
	}
	if (actions.len > 0)
		add_change(c, SFB_FIELD_CHANGED, column->field, column->attname, NULL,
				   detail.len > 0 ? detail.data + 2 : "", actions.data);
}

static void
add_column(Comparison *c, const sf_field *field, List **taken)
{
	StringInfoData action;
	char *name = sfb_unique_name(taken, sfb_local_name(field->name, c->options.names));

	initStringInfo(&action);
	appendStringInfoString(&action, "ADD COLUMN ");
	sfb_append_column(&action, field, name, c->multicurrency, &c->options);
	add_change(c, SFB_FIELD_ADDED, field->name, name,
			   format_type_be(sfb_import_type(field, &c->options)),
			   sfb_server_text(field->type), action.data);
}

List *
sfb_drift(Relation rel, const sf_object *object)
{
	Comparison c = {.rel = rel, .object = object};
	List *taken = NIL;

	if (sfb_table_options(RelationGetRelid(rel))->object == NULL)
		return NIL;
	c.columns = sfb_table_columns(rel);
	c.alter =
		psprintf("ALTER FOREIGN TABLE %s",
				 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
											RelationGetRelationName(rel)));
	c.multicurrency = sfb_is_multicurrency(object);
	guess_options(&c);

	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), i);
		const SfbColumn *column = &c.columns[i];
		const sf_field *field;

		if (!attr->attisdropped)
			taken = lappend(taken, makeString(pstrdup(NameStr(attr->attname))));
		if (!is_column(column))
			continue;
		field = is_own_field(column) ? field_of(&c, column) : NULL;
		if (field != NULL)
			compare_column(&c, column, field);
		else if (is_own_field(column) || !has_way(&c, column))
			drop_column(&c, column);
	}
	for (int i = 0; i < object->nfields; i++)
		if (sfb_is_imported(&object->fields[i], &c.options) &&
			!has_column(&c, &object->fields[i]))
			add_column(&c, &object->fields[i], &taken);
	return c.changes;
}

const char *
sfb_change_name(SfbChangeKind kind)
{
	switch (kind)
	{
		case SFB_FIELD_ADDED:
			return "added";
		case SFB_FIELD_DROPPED:
			return "dropped";
		case SFB_FIELD_CHANGED:
			return "changed";
	}
	return "";
}

char *
sfb_drift_text(List *changes)
{
	StringInfoData buf;
	ListCell *lc;

	initStringInfo(&buf);
	foreach (lc, changes)
	{
		const SfbChange *change = lfirst(lc);

		appendStringInfo(&buf, "%sField \"%s\" was %s (%s).", buf.len > 0 ? "\n" : "",
						 change->field, sfb_change_name(change->kind), change->detail);
	}
	return buf.data;
}

/* ---- following them --------------------------------------------------------------------------------- */

SfbOnDrift
sfb_on_drift_from_name(const char *name)
{
	if (pg_strcasecmp(name, "ignore") == 0)
		return SFB_DRIFT_IGNORE;
	if (pg_strcasecmp(name, "add") == 0)
		return SFB_DRIFT_ADD;
	if (pg_strcasecmp(name, "error") == 0)
		return SFB_DRIFT_ERROR;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for on_drift: \"%s\"", name),
					errhint("Valid values are: ignore, add, error.")));
}

/* SELECT * FROM sfbulk_schema_diff('sf.account') */
static char *
diff_query(Oid source)
{
	char *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(source)),
											get_rel_name(source));

	return psprintf("SELECT * FROM sfbulk_schema_diff(%s)", quote_literal_cstr(name));
}

static void
run_statement(const char *statement)
{
	int result;

	SPI_connect();
	result = SPI_execute(statement, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	SPI_finish();
}

/* The current user may not alter one of them, so somebody else has to. */
static bool
may_add(Oid source, Oid target, const SfbChange *change)
{
	Oid denied = InvalidOid;

	if (!sfb_class_ownercheck(source, GetUserId()))
		denied = source;
	else if (OidIsValid(target) && !sfb_class_ownercheck(target, GetUserId()))
		denied = target;
	if (!OidIsValid(denied))
		return true;
	ereport(WARNING, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					  errmsg("no column was added for the new field \"%s\"", change->field),
					  errdetail("User \"%s\" does not own \"%s\".",
								GetUserNameFromId(GetUserId(), false), get_rel_name(denied))));
	return false;
}

/* Adds a column for a new field; true when the target got one. */
static bool
add_columns(Oid source, Oid target, const SfbChange *change)
{
	if (!may_add(source, target, change))
		return false;
	run_statement(change->statement);
	if (!OidIsValid(target) || get_attnum(target, change->column) != InvalidAttrNumber)
		return false;
	run_statement(
		psprintf("ALTER TABLE %s ADD COLUMN %s %s",
				 quote_qualified_identifier(get_namespace_name(get_rel_namespace(target)),
											get_rel_name(target)),
				 quote_identifier(change->column), change->type));
	return true;
}

int
sfb_drift_follow(Oid source, Oid target, List *changes, SfbOnDrift on_drift)
{
	int added = 0;
	ListCell *lc;

	if (changes == NIL || on_drift == SFB_DRIFT_IGNORE)
		return 0;
	if (on_drift == SFB_DRIFT_ERROR)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INCONSISTENT_DESCRIPTOR_INFORMATION),
				 errmsg("foreign table \"%s\" does not fit its Salesforce object any more",
						get_rel_name(source)),
				 errdetail("%s", sfb_drift_text(changes)),
				 errhint("%s tells the statements that follow it.", diff_query(source))));
	foreach (lc, changes)
	{
		const SfbChange *change = lfirst(lc);

		if (change->kind == SFB_FIELD_ADDED)
			added += add_columns(source, target, change);
		else
			ereport(WARNING,
					(errcode(ERRCODE_FDW_INCONSISTENT_DESCRIPTOR_INFORMATION),
					 errmsg("field \"%s\" of foreign table \"%s\" was %s", change->field,
							get_rel_name(source), sfb_change_name(change->kind)),
					 errdetail("Column \"%s\": %s.", change->column, change->detail),
					 errhint("%s tells the statement that follows it.", diff_query(source))));
	}
	return added;
}

/* ---- the SQL function --------------------------------------------------------------------------------- */

static void
destroy_describe(void *describe)
{
	sf_describe_free(describe);
}

/* Waits for the only object of a describe. */
static const sf_object *
described_object(SfbGuard *guard, const char *name)
{
	const sf_object *object = NULL;
	sf_status status;
	sf_error err;

	sf_error_reset(&err);
	guard->object = sf_describe_objects_start(guard->session, &name, 1, &err);
	if (guard->object == NULL)
		sfb_report(ERROR, &err);
	while ((status = sf_describe_next(guard->object, &object, &err)) == SF_WAIT)
		sfb_wait(guard->session);
	if (status != SF_OK)
		sfb_report(ERROR, &err);
	return object;
}

/* The differences of a table, for a user who may use its server. */
static List *
table_changes(Oid source)
{
	Relation rel;
	ForeignServer *server;
	SfbTableOptions *options;
	SfbGuard *guard;
	List *result;

	rel = relation_open(source, AccessShareLock);
	if (rel->rd_rel->relkind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a foreign table", RelationGetRelationName(rel))));
	server = sfb_named_server(GetForeignServer(GetForeignTable(source)->serverid)->servername);
	options = sfb_table_options(source);
	if (options->object == NULL)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("foreign table \"%s\" is not that of an object",
							   RelationGetRelationName(rel)),
						errdetail("Its columns are those of its option \"query\".")));
	guard = sfb_function_guard(server, destroy_describe);
	sfb_governor_admit(guard->session, SFB_WORK_CALLS);
	result = sfb_drift(rel, described_object(guard, options->object));
	sfb_guard_clear(guard);
	relation_close(rel, AccessShareLock);
	return result;
}

Datum
sfbulk_schema_diff(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	const SfbChange *change;
	SfbResultRow row = {0};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		sfb_describe_result(fcinfo, funcctx);
		funcctx->user_fctx = table_changes(PG_GETARG_OID(0));
		MemoryContextSwitchTo(old);
	}
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= (uint64) list_length(funcctx->user_fctx))
		SRF_RETURN_DONE(funcctx);
	change = list_nth(funcctx->user_fctx, funcctx->call_cntr);
	sfb_add_value(&row, CStringGetTextDatum(sfb_change_name(change->kind)));
	sfb_add_value(&row, CStringGetTextDatum(change->field));
	sfb_add_value(&row, DirectFunctionCall1(namein, CStringGetDatum(change->column)));
	sfb_add_value(&row, CStringGetTextDatum(change->detail));
	sfb_add_value(&row, CStringGetTextDatum(change->statement));
	SRF_RETURN_NEXT(funcctx, sfb_result_tuple(funcctx, &row));
}
