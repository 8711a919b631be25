/*
 * sf_id.c
 *		Salesforce ids of 15 and 18 characters.
 */
#include <string.h>

#include "sf_client.h"

#define SHORT_LEN 15
#define LONG_LEN  18
#define GROUP_LEN 5

static bool
is_base62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool
sf_id_normalise(const char *id, size_t len, char out[19])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
	char result[LONG_LEN + 1];

	if (id == NULL || (len != SHORT_LEN && len != LONG_LEN))
		return false;
	for (size_t i = 0; i < SHORT_LEN; i++)
	{
		if (!is_base62(id[i]))
			return false;
	}

	memcpy(result, id, SHORT_LEN);
	for (int group = 0; group < SHORT_LEN / GROUP_LEN; group++)
	{
		int upper = 0;

		for (int i = 0; i < GROUP_LEN; i++)
		{
			char c = id[group * GROUP_LEN + i];

			if (c >= 'A' && c <= 'Z')
				upper |= 1 << i;
		}
		result[SHORT_LEN + group] = digits[upper];
	}
	result[LONG_LEN] = 0;

	/* the suffix is what tells a damaged id: its case counts too, as on the server */
	if (len == LONG_LEN && memcmp(id, result, LONG_LEN) != 0)
		return false;
	memcpy(out, result, sizeof(result));
	return true;
}
