/*
 * ids.c
 *		Salesforce record ids: 15 base-62 characters and 3 of checksum.
 *
 * An id is key prefix (3), instance (6, always the same here) and row number (6 base-62
 * digits).  The alphabet is in byte order, so rows sort as their ids do.
 */
#include "ids.h"

#include <string.h>

#define POD		   "5g0000"
#define ROW_DIGITS 6

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

int
sim_id_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 36;
	return -1;
}

/* Three characters, each telling which of five id characters are upper case. */
static void
write_checksum(char *id)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

	for (int group = 0; group < 3; group++)
	{
		int bits = 0;

		for (int i = 0; i < 5; i++)
		{
			char c = id[group * 5 + i];

			if (c >= 'A' && c <= 'Z')
				bits |= 1 << i;
		}
		id[15 + group] = alphabet[bits];
	}
	id[SIM_ID_LEN] = '\0';
}

void
sim_id_make(const char *prefix, int64_t number, char out[SIM_ID_SIZE])
{
	memcpy(out, prefix, 3);
	memcpy(out + 3, POD, 6);
	for (int i = ROW_DIGITS - 1; i >= 0; i--)
	{
		out[9 + i] = base62[number % 62];
		number /= 62;
	}
	write_checksum(out);
}

bool
sim_id_normalise(const char *text, size_t len, char out[SIM_ID_SIZE])
{
	if (len != 15 && len != SIM_ID_LEN)
		return false;
	for (int i = 0; i < 15; i++)
	{
		if (sim_id_digit(text[i]) < 0)
			return false;
	}
	memcpy(out, text, 15);
	write_checksum(out);
	return len == 15 || memcmp(out + 15, text + 15, 3) == 0;
}

int64_t
sim_id_number(const char *id, size_t len, const char *prefix)
{
	char full[SIM_ID_SIZE];
	int64_t number;

	if (!sim_id_normalise(id, len, full) || sim_id_place(full, prefix, &number) != 0)
		return -1;
	return number;
}

int
sim_id_place(const char *id, const char *prefix, int64_t *number)
{
	int cmp = memcmp(id, prefix, 3);

	if (cmp == 0)
		cmp = memcmp(id + 3, POD, 6);
	if (cmp != 0)
		return cmp < 0 ? -1 : 1;

	*number = 0;
	for (int i = 0; i < ROW_DIGITS; i++)
		*number = *number * 62 + sim_id_digit(id[9 + i]);
	return 0;
}
