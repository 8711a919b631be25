/*
 * nomem_end.h
 *		Back to the real allocators: see nomem.h.
 */
#undef malloc
#undef calloc
#undef realloc
#undef strdup
