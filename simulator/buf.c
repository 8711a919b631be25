/*
 * buf.c
 *		Growing byte buffers and the error struct of the simulator.
 */
#include "engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
sim_buf_reserve(sim_buf *b, size_t len)
{
	size_t need = b->len + len + 1;

	if (b->failed)
		return NULL;
	if (need > b->cap)
	{
		size_t cap = b->cap ? b->cap : 256;
		char *data;

		while (cap < need)
			cap *= 2;
		data = realloc(b->data, cap);
		if (data == NULL)
		{
			b->failed = true;
			return NULL;
		}
		b->data = data;
		b->cap = cap;
	}
	return b->data + b->len;
}

void
sim_buf_add(sim_buf *b, const void *data, size_t len)
{
	char *to = sim_buf_reserve(b, len);

	if (to == NULL)
		return;
	if (len > 0)
		memcpy(to, data, len);
	to[len] = '\0';
	b->len += len;
}

void
sim_buf_str(sim_buf *b, const char *s)
{
	sim_buf_add(b, s, strlen(s));
}

void
sim_buf_char(sim_buf *b, char c)
{
	sim_buf_add(b, &c, 1);
}

void
sim_buf_printf(sim_buf *b, const char *fmt, ...)
{
	va_list ap;
	va_list again;
	int len;
	char *to;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len >= 0 && (to = sim_buf_reserve(b, (size_t) len)) != NULL)
	{
		vsnprintf(to, (size_t) len + 1, fmt, again);
		b->len += (size_t) len;
	}
	else
		b->failed = true;
	va_end(again);
}

void
sim_buf_reset(sim_buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
sim_buf_free(sim_buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

int
sim_base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

bool
sim_error_set(sim_error *err, const char *code, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	if (err == NULL)
		return false;
	snprintf(err->code, sizeof(err->code), "%s", code);
	err->nfields = 0;
	err->match[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);

	/* a cut message must not end inside a UTF-8 sequence */
	len = strlen(err->message);
	if (len == sizeof(err->message) - 1)
	{
		while (len > 0 && ((unsigned char) err->message[len - 1] & 0xc0) == 0x80)
			len--;
		if (len > 0 && ((unsigned char) err->message[len - 1] & 0x80))
			len--;
		err->message[len] = '\0';
	}
	return false;
}

bool
sim_error_field(sim_error *err, const char *field)
{
	if (err != NULL && err->nfields < SIM_ERROR_FIELDS)
	{
		char *to = err->fields[err->nfields++];

		snprintf(to, sizeof(err->fields[0]), "%s", field);
	}
	return false;
}

static void
add_fields(const sim_error *err, sim_buf *out)
{
	sim_buf_str(out, ",\"fields\":[");
	for (int i = 0; i < err->nfields; i++)
	{
		if (i > 0)
			sim_buf_char(out, ',');
		sim_json_string(out, err->fields[i], strlen(err->fields[i]));
	}
	sim_buf_char(out, ']');
}

void
sim_error_json(const sim_error *err, sim_error_style style, sim_buf *out)
{
	const char *key = style == SIM_ERROR_ROW ? "statusCode" : "errorCode";

	/* codes are constants: nothing in them needs escaping */
	if (style == SIM_ERROR_REST)
		sim_buf_str(out, "{\"message\":");
	else
		sim_buf_printf(out, "{\"%s\":\"%s\",\"message\":", key, err->code);
	sim_json_string(out, err->message, strlen(err->message));
	if (style == SIM_ERROR_REST)
		sim_buf_printf(out, ",\"errorCode\":\"%s\"", err->code);
	if (style == SIM_ERROR_ROW || (style == SIM_ERROR_REST && err->nfields > 0))
		add_fields(err, out);
	sim_buf_char(out, '}');
}

void
sim_error_bulk(const sim_error *err, sim_buf *out)
{
	sim_buf_printf(out, "%s:%s:", err->code, err->message);
	for (int i = 0; i < err->nfields; i++)
		sim_buf_printf(out, "%s ", err->fields[i]);
	sim_buf_str(out, "--");
}
