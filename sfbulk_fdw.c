/*
 * sfbulk_fdw.c
 *		The module's entry points: settings, handler, validator.  No logic lives here.
 */
#include "postgres.h"

#include <limits.h>

#include "access/reloptions.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "src/fdw/compat.h"
#include "src/fdw/option.h"
#include "src/fdw/progress.h"
#include "src/fdw/sfbulk_fdw.h"

PG_MODULE_MAGIC;

/* Declared here because before 16 neither fmgr.h nor PG_FUNCTION_INFO_V1 exports them. */
extern PGDLLEXPORT void _PG_init(void);
extern PGDLLEXPORT Datum sfbulk_fdw_handler(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_fdw_validator(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum sfbulk_fdw_version(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(sfbulk_fdw_handler);
PG_FUNCTION_INFO_V1(sfbulk_fdw_validator);
PG_FUNCTION_INFO_V1(sfbulk_fdw_version);

#define SFBULK_FDW_VERSION "1.0"

int sfb_cleanup_timeout = 5000;
bool sfb_decompress_thread = true;
bool sfb_explain_remote_on = false;
bool sfb_fetch_by_list = true;
bool sfb_write_summary = true;
char *sfb_allowed_hosts = NULL;

/* A host that is not allowed any more gets no more requests either. */
static void
assign_allowed_hosts(const char *newval, void *extra)
{
	(void) extra;
	if (sfb_allowed_hosts != NULL && newval != NULL && strcmp(sfb_allowed_hosts, newval) == 0)
		return;
	sfb_session_invalidate();
}

void
_PG_init(void)
{
	DefineCustomIntVariable(
		"sfbulk_fdw.cleanup_timeout",
		"Time that the end of a scan may take to remove its job from Salesforce.",
		"When it is up, a warning names the job that was left.", &sfb_cleanup_timeout, 5000, 0,
		60000, PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomBoolVariable("sfbulk_fdw.decompress_thread",
							 "Decompresses large bulk results in a thread of the backend.",
							 "The thread runs no PostgreSQL code. It is used where there are "
							 "two processors or more.",
							 &sfb_decompress_thread, true, PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("sfbulk_fdw.explain_remote",
							 "EXPLAIN asks Salesforce for its estimates and what is left of "
							 "the daily limits.",
							 "It takes two API calls for each foreign scan.",
							 &sfb_explain_remote_on, false, PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable(
		"sfbulk_fdw.fetch_by_list",
		"Fetches the records that a subquery's ids name, not all of them.",
		"An id that is IN (SELECT ...) from tables elsewhere is looked "
		"for in a list that is made before the scan starts.",
		&sfb_fetch_by_list, true, PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable(
		"sfbulk_fdw.progress_interval",
		"Time between two notices that tell how far a long operation has come.",
		"0 raises none. There are none where the view sfbulk_progress shows all sessions.",
		&sfb_progress_interval, 10000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);

	/* Known everywhere, so that it may stand in the file; it says something where the memory is reserved. */
	DefineCustomIntVariable(
		"sfbulk_fdw.progress_slots",
		"Operations that the view sfbulk_progress shows at a time.",
		"Takes effect where shared_preload_libraries names sfbulk_fdw. 0 reserves no memory.",
		&sfb_progress_slots, SFB_PROGRESS_SLOTS, 0, 65536,
		process_shared_preload_libraries_in_progress ? PGC_POSTMASTER : PGC_SIGHUP, 0, NULL,
		NULL, NULL);

	DefineCustomBoolVariable("sfbulk_fdw.write_summary",
							 "Tells what a statement has written to Salesforce.",
							 "A notice names rows, jobs, API calls and seconds.",
							 &sfb_write_summary, true, PGC_USERSET, 0, NULL, NULL, NULL);

	/* The domains of Salesforce's own login and org hosts, of its government and China clouds. */
	DefineCustomStringVariable(
		"sfbulk_fdw.allowed_hosts", "Hosts that credentials may be sent to.",
		"Host names separated by commas; \"*.\" and a domain stands for every "
		"host below it.",
		&sfb_allowed_hosts,
		"*.salesforce.com, *.force.com, *.cloudforce.com, *.database.com, "
		"*.salesforce.mil, *.sfcrmproducts.cn",
		PGC_SUSET, 0, NULL, assign_allowed_hosts, NULL);

	sfb_reserve_guc_prefix("sfbulk_fdw");
	sfb_session_init();
	sfb_hooks_init();
	sfb_fetch_list_init();
	sfb_progress_init();
}

Datum
sfbulk_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	(void) fcinfo;
	routine->GetForeignRelSize = sfbulkGetForeignRelSize;
	routine->GetForeignPaths = sfbulkGetForeignPaths;
	routine->GetForeignPlan = sfbulkGetForeignPlan;
	routine->GetForeignJoinPaths = sfbulkGetForeignJoinPaths;
	routine->GetForeignUpperPaths = sfbulkGetForeignUpperPaths;

	routine->BeginForeignScan = sfbulkBeginForeignScan;
	routine->IterateForeignScan = sfbulkIterateForeignScan;
	routine->ReScanForeignScan = sfbulkReScanForeignScan;
	routine->EndForeignScan = sfbulkEndForeignScan;
	routine->RecheckForeignScan = sfbulkRecheckForeignScan;

	routine->IsForeignScanParallelSafe = sfbulkIsForeignScanParallelSafe;
	routine->EstimateDSMForeignScan = sfbulkEstimateDSMForeignScan;
	routine->InitializeDSMForeignScan = sfbulkInitializeDSMForeignScan;
	routine->ReInitializeDSMForeignScan = sfbulkReInitializeDSMForeignScan;
	routine->InitializeWorkerForeignScan = sfbulkInitializeWorkerForeignScan;
	routine->ShutdownForeignScan = sfbulkShutdownForeignScan;

	routine->IsForeignPathAsyncCapable = sfbulkIsForeignPathAsyncCapable;
	routine->ForeignAsyncRequest = sfbulkForeignAsyncRequest;
	routine->ForeignAsyncConfigureWait = sfbulkForeignAsyncConfigureWait;
	routine->ForeignAsyncNotify = sfbulkForeignAsyncNotify;

	routine->IsForeignRelUpdatable = sfbulkIsForeignRelUpdatable;
	routine->AddForeignUpdateTargets = sfbulkAddForeignUpdateTargets;
	routine->PlanForeignModify = sfbulkPlanForeignModify;
	routine->BeginForeignModify = sfbulkBeginForeignModify;
	routine->ExecForeignInsert = sfbulkExecForeignInsert;
	routine->ExecForeignUpdate = sfbulkExecForeignUpdate;
	routine->ExecForeignDelete = sfbulkExecForeignDelete;
	routine->EndForeignModify = sfbulkEndForeignModify;
	routine->BeginForeignInsert = sfbulkBeginForeignInsert;
	routine->EndForeignInsert = sfbulkEndForeignInsert;
	routine->ExecForeignTruncate = sfbulkExecForeignTruncate;

	routine->ExplainForeignModify = sfbulkExplainForeignModify;
	routine->ExplainForeignScan = sfbulkExplainForeignScan;
	routine->AnalyzeForeignTable = sfbulkAnalyzeForeignTable;
	routine->ImportForeignSchema = sfbulkImportForeignSchema;

	PG_RETURN_POINTER(routine);
}

Datum
sfbulk_fdw_validator(PG_FUNCTION_ARGS)
{
	const char *noun;
	int place = sfb_option_place(PG_GETARG_OID(1), &noun);

	sfb_option_check_list(untransformRelOptions(PG_GETARG_DATUM(0)), place, noun);
	PG_RETURN_VOID();
}

Datum
sfbulk_fdw_version(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_TEXT_P(cstring_to_text(
		psprintf("sfbulk_fdw %s (%s)", SFBULK_FDW_VERSION, sf_inflate_backend())));
}
