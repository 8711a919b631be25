/*
 * look_paths.h
 *		What fields paths from an object lead to (look_paths.c).
 */
#ifndef SFB_LOOK_PATHS_H
#define SFB_LOOK_PATHS_H

#include "sfbulk_fdw.h"

/*
 * The types of fields by their paths (Name, Account.Owner.Name) from an object, UTF-8, into types[n];
 * SFB_TEXT where the org does not tell.  Describes the objects on the way with the guard, which must be free.
 */
extern void sfb_path_types(SfbGuard *guard, const char *object, int n,
						   const char *const *paths, SfbType *types);

#endif /* SFB_LOOK_PATHS_H */
