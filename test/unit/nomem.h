/*
 * nomem.h
 *		Allocators that fail when a test says so, for sources that it includes behind this: they are
 *		renamed there, so that no hook is needed.  What is freed comes from the real malloc, and
 *		LeakSanitizer looks at the rest.
 *
 * The test defines allocation_fails() before it includes this, and includes nomem_end.h behind the
 * sources, so that its own code has the real allocators.
 */
#include <stdlib.h>
#include <string.h>

/* Few sources call all of them. */
#define UNUSED_HERE __attribute__((unused))

UNUSED_HERE static void *
test_malloc(size_t size)
{
	return allocation_fails() ? NULL : malloc(size);
}

UNUSED_HERE static void *
test_calloc(size_t n, size_t size)
{
	return allocation_fails() ? NULL : calloc(n, size);
}

UNUSED_HERE static void *
test_realloc(void *old, size_t size)
{
	return allocation_fails() ? NULL : realloc(old, size);
}

UNUSED_HERE static char *
test_strdup(const char *text)
{
	return allocation_fails() ? NULL : strdup(text);
}

#define malloc	test_malloc
#define calloc	test_calloc
#define realloc test_realloc
#undef strdup
#define strdup test_strdup
