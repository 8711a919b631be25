/*
 * truncate.c
 *		TRUNCATE, where the option "truncatable" allows it: the Ids of all records are read, and deleted as
 *		DELETE does it.
 *
 * What is deleted together with a record, and what forbids to delete it, is Salesforce's to say, so CASCADE
 * and RESTRICT are the same here.  Each table is read when the one before has been deleted: what went
 * with its parents is not found again.  With apply 'commit' nothing goes before the commit, so children
 * should be named before their parents.
 */
#include "modify.h"
#include "progress.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

static void
check_truncatable(Relation rel)
{
	SfbTableOptions *options = sfb_table_options(RelationGetRelid(rel));

	if (options->query == NULL && options->updatable && options->truncatable)
		return;
	ereport(
		ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		errmsg("foreign table \"%s\" does not allow truncates", RelationGetRelationName(rel)),
		options->query != NULL ? errhint("A table with the option \"query\" can only be read.")
		: !options->updatable
			? errhint("Set the option \"updatable\" of the table or its server to allow it.")
			: errhint(
				  "Set the option \"truncatable\" of the table or its server to allow it."));
}

static void
destroy_query(void *object)
{
	sf_query_free(object);
}

static void
truncate_table(Relation rel, bool first)
{
	/* Which columns the table has does not matter: there is an Id. */
	SfbColumn id = {
		.attnum = 1,
		.attname = "id",
		.field = "Id",
		.pgtype = TEXTOID,
		.typmod = -1,
		.collation = DEFAULT_COLLATION_OID,
		.type = SFB_ID,
	};
	AttrNumber attnum = 1;
	SfbTableOptions *options = sfb_table_options(RelationGetRelid(rel));
	UserMapping *user =
		GetUserMapping(GetUserId(), GetForeignTable(RelationGetRelid(rel))->serverid);
	sf_column field = {.path = "Id", .kind = sfb_column_kind(SFB_ID)};
	sf_query_spec query = {
		.soql = psprintf("SELECT Id FROM %s", options->object),
		.columns = &field,
		.ncolumns = 1,
		.transport = options->transport,
		.rest_row_limit = options->rest_row_limit,
		.page_rows = options->page_rows,
		.download_streams = options->download_streams,
		.no_threads = !sfb_decompress_thread,
		.poll_interval_max_ms = options->poll_interval_max,
		.job_timeout_ms = options->job_timeout,
	};
	SfbLoadSpec spec = {
		.relname = RelationGetRelationName(rel),
		.relid = RelationGetRelid(rel),
		.user = user,
		.options = options,
		.columns = &id,
		.operation = options->hard_delete ? SF_OP_HARD_DELETE : SF_OP_DELETE,
		.ncolumns = 1,
		.attnums = &attnum,
		.same_statement = !first,
	};
	SfbGuard *guard = sfb_guard_new(sfb_session_get(user), destroy_query);
	SfbProgressSpec shown = {.kind = SFB_PROGRESS_QUERY,
							 .server = GetForeignServer(user->serverid)->servername,
							 .object = options->object,
							 .relid = RelationGetRelid(rel),
							 .fill = sfb_progress_fill_query,
							 .arg = guard};
	SfbProgress *progress = sfb_progress_begin(&shown);
	SfbRowConverter *converter = sfb_row_converter_new(1, &attnum, &id);
	SfbLoad *load = sfb_load_begin(&spec);
	sf_error *error = palloc0(sizeof(sf_error));
	sf_value *values;
	sf_status status;
	Datum datum;
	bool isnull;

	sfb_query_bulk_api(options, &query);
	guard->object = sf_query_start(guard->session, &query, error);
	if (guard->object == NULL)
		sfb_report(ERROR, error);
	while ((status = sf_query_next_row(guard->object, &values, error)) != SF_DONE)
	{
		if (status == SF_FAILED)
			sfb_report(ERROR, error);
		if (status == SF_WAIT)
		{
			sfb_wait(guard->session);
			continue;
		}
		sfb_convert_row(converter, values, &datum, &isnull);
		sfb_load_row(load, &datum, &isnull);
	}
	sfb_progress_end(progress);
	sfb_guard_clear(guard);
	sfb_load_finish(load);
}

void
sfbulkExecForeignTruncate(List *rels, DropBehavior behavior, bool restart_seqs)
{
	MemoryContext context;
	MemoryContext oldcontext;
	ListCell *lc;

	(void) behavior;
	foreach (lc, rels)
		check_truncatable(lfirst(lc));
	if (restart_seqs)
		ereport(
			ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("TRUNCATE with RESTART IDENTITY is not supported for foreign table \"%s\"",
				   RelationGetRelationName((Relation) linitial(rels))),
			errdetail("The auto number fields of Salesforce go on counting."));

	/* One context for all of them, as long as the statement's outcome takes rows. */
	context = AllocSetContextCreate(CurrentMemoryContext, "sfbulk_fdw TRUNCATE",
									ALLOCSET_DEFAULT_SIZES);
	oldcontext = MemoryContextSwitchTo(context);
	foreach (lc, rels)
		truncate_table(lfirst(lc), lc == list_head(rels));
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);
}
