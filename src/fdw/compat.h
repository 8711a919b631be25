/*
 * compat.h
 *		What differs between PostgreSQL 14 and 18: the only place that asks for PG_VERSION_NUM.
 *
 * Include it after postgres.h.  The rest of the code is written against one spelling; where the
 * versions disagree on a function's arguments, a macro of ours takes the newest form's and drops
 * what an older one lacks.
 */
#ifndef SFB_COMPAT_H
#define SFB_COMPAT_H

#if PG_VERSION_NUM < 140000
#error "sfbulk_fdw needs PostgreSQL 14 or later"
#endif

/*
 * The module is built with hidden symbols, as PostgreSQL loads modules with RTLD_GLOBAL; before
 * 16 PGDLLEXPORT does not make its entry points visible again.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

/* 16 moved the varlena macros out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 has pg_noreturn instead, which stands elsewhere in a declaration. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* 18 split explain.h. */
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#else
#include "commands/explain.h"
#endif

/* Reserves the prefix of our settings, so that a misspelt one is reported; 15 renamed it. */
#if PG_VERSION_NUM < 150000
#define sfb_reserve_guc_prefix(prefix) EmitWarningsOnPlaceholders(prefix)
#else
#define sfb_reserve_guc_prefix(prefix) MarkGUCPrefixReserved(prefix)
#endif

/* 15 brought a strtol() of int64's width. */
#if PG_VERSION_NUM < 150000
#define strtoi64(str, endptr, base) ((int64) strtoll(str, endptr, base))
#endif

/* The base relations of the query level; from 16 relids may hold outer joins besides. */
#define sfb_query_baserels(root) ((root)->all_baserels)

/*
 * Paths: 17 added fdw_restrictinfo (of a join: what it joins by), 18 the number of disabled nodes.
 */
#if PG_VERSION_NUM >= 180000
#define SFB_PATH_DISABLED 0,
#define SFB_PATH_RESTRICT NIL,
#elif PG_VERSION_NUM >= 170000
#define SFB_PATH_DISABLED
#define SFB_PATH_RESTRICT NIL,
#else
#define SFB_PATH_DISABLED
#define SFB_PATH_RESTRICT
#endif
#define sfb_foreignscan_path(root, rel, rows, startup, total, pathkeys, outer, priv)          \
	create_foreignscan_path(root, rel, NULL, rows, SFB_PATH_DISABLED startup, total,          \
							pathkeys, outer, NULL, SFB_PATH_RESTRICT priv)
#define sfb_foreign_join_path(root, rel, rows, startup, total, pathkeys, epq, priv)           \
	create_foreign_join_path(root, rel, NULL, rows, SFB_PATH_DISABLED startup, total,         \
							 pathkeys, NULL, epq, SFB_PATH_RESTRICT priv)
#define sfb_foreign_upper_path(root, rel, target, rows, startup, total, outer_path, priv)     \
	create_foreign_upper_path(root, rel, target, rows, SFB_PATH_DISABLED startup, total, NIL, \
							  outer_path, SFB_PATH_RESTRICT priv)

/* 18 has its own word for a path key's direction. */
#if PG_VERSION_NUM >= 180000
#define sfb_pathkey_descends(pathkey) ((pathkey)->pk_cmptype == COMPARE_GT)
#else
#define sfb_pathkey_descends(pathkey) ((pathkey)->pk_strategy == BTGreaterStrategyNumber)
#endif

/* 15 made Integer, String and Boolean node types of their own. */
#if PG_VERSION_NUM < 150000
#define boolVal(v)	   (intVal(v) != 0)
#define makeBoolean(v) makeInteger(v)
#endif

/*
 * Waiting: 17 gives a WaitEventSet to a resource owner (none: ours lives as long as the backend) and
 * names the wait events of extensions.
 */
#if PG_VERSION_NUM >= 170000
#define sfb_create_wait_event_set(nevents) CreateWaitEventSet(NULL, nevents)
#define sfb_new_wait_event(name)		   WaitEventExtensionNew(name)
#else
#define sfb_create_wait_event_set(nevents) CreateWaitEventSet(TopMemoryContext, nevents)
#define sfb_new_wait_event(name)		   ((void) (name), PG_WAIT_EXTENSION)
#endif

/*
 * Shared memory: 15 has a hook for who wants some of it, before it is said while the module is loaded; 17 has a
 * registry of what is made later.
 */
#if PG_VERSION_NUM >= 150000
#define sfb_shmem_request_hook shmem_request_hook
#endif
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#define sfb_named_segment(name, size, init, found) GetNamedDSMSegment(name, size, init, found)
#else
#define sfb_named_segment(name, size, init, found)                                            \
	((void) (name), (void) (size), (void) (init), (void) (found), NULL)
#endif

/*
 * A foreign scan: 16 moved checkAsUser out of the range table entry, and fs_relids may hold outer joins
 * from then on.
 */
#if PG_VERSION_NUM >= 160000
#define sfb_check_as_user(fsplan, rte) ((fsplan)->checkAsUser)
#define sfb_scan_baserels(fsplan)	   ((fsplan)->fs_base_relids)
#else
#define sfb_check_as_user(fsplan, rte) ((void) (fsplan), (rte)->checkAsUser)
#define sfb_scan_baserels(fsplan)	   ((fsplan)->fs_relids)
#endif

/* Does an Append or MergeAppend leave out children while it runs? 18 numbers the pruning infos. */
#if PG_VERSION_NUM >= 180000
#define sfb_append_prunes(append) ((append)->part_prune_index >= 0)
#else
#define sfb_append_prunes(append) ((append)->part_prune_info != NULL)
#endif

/*
 * A result relation: whose rights apply (0 is the current user); of a partition that rows are routed to,
 * those that apply to the table that the statement names.
 */
#if PG_VERSION_NUM >= 160000
#define sfb_result_rel_user(rri, estate) ExecGetResultRelCheckAsUser(rri, estate)
#else
#define sfb_result_rel_user(rri, estate)                                                      \
	exec_rt_fetch((rri)->ri_RangeTableIndex != 0                                              \
					  ? (rri)->ri_RangeTableIndex                                             \
					  : (rri)->ri_RootResultRelInfo->ri_RangeTableIndex,                      \
				  estate)                                                                     \
		->checkAsUser
#endif

/*
 * May a role do something with a server or a schema, does it own a table?  16 has one function for all kinds
 * of objects.
 */
#if PG_VERSION_NUM >= 160000
#define sfb_class_ownercheck(relid, roleid)                                                   \
	object_ownercheck(RelationRelationId, relid, roleid)
#define sfb_namespace_aclcheck(namespaceid, roleid, mode)                                     \
	object_aclcheck(NamespaceRelationId, namespaceid, roleid, mode)
#define sfb_server_aclcheck(serverid, roleid, mode)                                           \
	object_aclcheck(ForeignServerRelationId, serverid, roleid, mode)
#else
#define sfb_class_ownercheck(relid, roleid) pg_class_ownercheck(relid, roleid)
#define sfb_namespace_aclcheck(namespaceid, roleid, mode)                                     \
	pg_namespace_aclcheck(namespaceid, roleid, mode)
#define sfb_server_aclcheck(serverid, roleid, mode)                                           \
	pg_foreign_server_aclcheck(serverid, roleid, mode)
#endif

/* 18 took execute_once away, as every portal runs once. */
#if PG_VERSION_NUM >= 180000
#define SFB_EXECUTOR_RUN_PARAMS QueryDesc *desc, ScanDirection direction, uint64 count
#define SFB_EXECUTOR_RUN_ARGS	desc, direction, count
#else
#define SFB_EXECUTOR_RUN_PARAMS                                                               \
	QueryDesc *desc, ScanDirection direction, uint64 count, bool once
#define SFB_EXECUTOR_RUN_ARGS desc, direction, count, once
#endif

/* A random number in [0, 1); 15 has a generator of its own. */
#if PG_VERSION_NUM >= 150000
#include "common/pg_prng.h"
#define sfb_random_fract() pg_prng_double(&pg_global_prng_state)
#else
#define sfb_random_fract() ((double) random() / ((double) PG_INT32_MAX + 1))
#endif

/* 18 wants to know who is delayed: ANALYZE. */
#if PG_VERSION_NUM >= 180000
#define sfb_vacuum_delay_point() vacuum_delay_point(true)
#else
#define sfb_vacuum_delay_point() vacuum_delay_point()
#endif

#endif /* SFB_COMPAT_H */
