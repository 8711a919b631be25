/*
 * sf_status.c
 *		Filling the error struct of sf_client.h.
 */
#include <stdio.h>
#include <string.h>

#include "sf_status.h"
#include "sf_utf8.h"

/* Longest text before it is cut to its field; more than any of them can hold. */
#define FORMAT_MAX (2 * SF_MESSAGE_MAX)

/* Shorter secrets would turn every other word of a message into stars. */
#define REDACT_MIN 4

#define REDACTED "***"

size_t
sf_text_copy(char *out, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	if (size == 0)
		return 0;

	while (len > 0 && n < size - 1)
	{
		size_t good = sf_utf8_check(text, len, NULL);

		if (good == 0)
		{
			out[n++] = '?';
			text++;
			len--;
			continue;
		}
		if (good > size - 1 - n)
		{
			good = sf_utf8_clip(text, good, size - 1 - n);
			memcpy(out + n, text, good);
			n += good;
			break;
		}
		memcpy(out + n, text, good);
		n += good;
		text += good;
		len -= good;
	}
	out[n] = 0;
	return n;
}

__attribute__((format(printf, 3, 0))) static void
format_into(char *out, size_t size, const char *fmt, va_list args)
{
	char text[FORMAT_MAX];
	int n = vsnprintf(text, sizeof(text), fmt, args);

	if (n < 0)
		n = 0;
	if ((size_t) n >= sizeof(text))
	{
		/* vsnprintf may have cut a character in two: drop the half */
		bool truncated;
		size_t good = sf_utf8_check(text, sizeof(text) - 1, &truncated);

		n = (int) (truncated ? good : sizeof(text) - 1);
	}
	sf_text_copy(out, size, text, (size_t) n);
}

void
sf_error_reset(sf_error *err)
{
	if (err != NULL)
		memset(err, 0, sizeof(*err));
}

bool
sf_error_is_set(const sf_error *err)
{
	return err != NULL && err->cls != SF_ERR_NONE;
}

sf_status
sf_error_set(sf_error *err, sf_error_class cls, const char *fmt, ...)
{
	va_list args;

	if (err == NULL || err->cls != SF_ERR_NONE)
		return SF_FAILED;

	err->cls = cls;
	va_start(args, fmt);
	format_into(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return SF_FAILED;
}

sf_status
sf_error_nomem(sf_error *err)
{
	return sf_error_set(err, SF_ERR_MEMORY, "out of memory");
}

void
sf_error_detail(sf_error *err, const char *fmt, ...)
{
	va_list args;

	if (err == NULL || err->detail[0] != 0)
		return;
	va_start(args, fmt);
	format_into(err->detail, sizeof(err->detail), fmt, args);
	va_end(args);
}

void
sf_error_hint(sf_error *err, const char *fmt, ...)
{
	va_list args;

	if (err == NULL || err->hint[0] != 0)
		return;
	va_start(args, fmt);
	format_into(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
}

static void
copy_once(char *out, size_t size, const char *text)
{
	if (text != NULL && out[0] == 0)
		sf_text_copy(out, size, text, strlen(text));
}

void
sf_error_code(sf_error *err, const char *code)
{
	if (err != NULL)
		copy_once(err->code, sizeof(err->code), code);
}

void
sf_error_job(sf_error *err, const char *job_id)
{
	if (err != NULL)
		copy_once(err->job_id, sizeof(err->job_id), job_id);
}

void
sf_error_column(sf_error *err, const char *column)
{
	if (err != NULL)
		copy_once(err->column, sizeof(err->column), column);
}

/* The replacement is never longer than what it replaces, so this works in place. */
static void
redact_text(char *text, const char *secret, size_t secret_len)
{
	char *found;

	while ((found = strstr(text, secret)) != NULL)
	{
		memcpy(found, REDACTED, sizeof(REDACTED) - 1);
		text = found + sizeof(REDACTED) - 1;
		memmove(text, found + secret_len, strlen(found + secret_len) + 1);
	}
}

void
sf_error_redact(sf_error *err, const char *secret)
{
	size_t len = secret == NULL ? 0 : strlen(secret);

	if (err == NULL || len < REDACT_MIN)
		return;
	redact_text(err->message, secret, len);
	redact_text(err->detail, secret, len);
	redact_text(err->hint, secret, len);
}
