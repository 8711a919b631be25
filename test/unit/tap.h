/*
 * tap.h
 *		Just enough to write unit tests that print TAP.
 *
 * A test program calls ok(), is_int(), is_text() and ends with "return tap_done();".
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count;
static int tap_failures;

/* Prints a line of explanation under a test. */
static inline void __attribute__((format(printf, 1, 2))) diag(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "# ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
}

/* One test with a name; returns its condition. */
static inline bool __attribute__((format(printf, 2, 3)))
ok(bool condition, const char *fmt, ...)
{
	va_list args;

	tap_count++;
	if (!condition)
		tap_failures++;
	printf("%sok %d - ", condition ? "" : "not ", tap_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	return condition;
}

static inline bool
is_int(long long got, long long expected, const char *name)
{
	if (ok(got == expected, "%s", name))
		return true;
	diag("got %lld, expected %lld", got, expected);
	return false;
}

/* NULL equals only NULL. */
static inline bool
is_text(const char *got, const char *expected, const char *name)
{
	bool same = got == NULL || expected == NULL ? got == expected : strcmp(got, expected) == 0;

	if (ok(same, "%s", name == NULL ? "" : name))
		return true;
	diag("     got: %s", got == NULL ? "(null)" : got);
	diag("expected: %s", expected == NULL ? "(null)" : expected);
	return false;
}

/* Prints the plan; what main returns. */
static inline int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures == 0 ? 0 : 1;
}

#endif /* TAP_H */
