/*
 * usage_org.c
 *		What the books say of an org: how many API calls were used, what is left of its quotas, and in which
 *		hours this cluster has spent what.
 *
 * The file is read from where it was read last, so that to ask again costs next to nothing.
 */
#include "usage.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Which org a user mapping has led to. */
typedef struct OrgOfMapping
{
	Oid database;
	Oid server;
	Oid mapping;
	uint64 org;
	TimestampTz at;
} OrgOfMapping;

static SfbBookPlace place;
static SfbOrg *orgs = NULL;
static int norgs = 0;
static int maxorgs = 0;
static OrgOfMapping *mappings = NULL;
static int nmappings = 0;
static int maxmappings = 0;

uint64
sfb_org_number(const char *instance_url)
{
	if (instance_url[0] == '\0')
		return 0;
	return hash_bytes_extended((const unsigned char *) instance_url,
							   (int) strlen(instance_url), 0);
}

/* Room for one more element; a place in the array. */
static void *
add_element(void **array, int *count, int *max, Size size)
{
	if (*count == *max)
	{
		int larger = Max(8, *max * 2);

		*array = *array == NULL ? MemoryContextAlloc(TopMemoryContext, size * larger)
								: repalloc(*array, size * larger);
		*max = larger;
	}
	memset((char *) *array + size * *count, 0, size);
	return (char *) *array + size * (*count)++;
}

static SfbOrg *
find_org(uint64 number, bool add)
{
	SfbOrg *org;

	for (int i = 0; i < norgs; i++)
		if (orgs[i].org == number)
			return &orgs[i];
	if (!add)
		return NULL;
	org = add_element((void **) &orgs, &norgs, &maxorgs, sizeof(SfbOrg));
	org->org = number;
	return org;
}

/* A later reading of a mapping says where it leads now. */
static void
note_mapping(const SfbBookRecord *record)
{
	OrgOfMapping *entry = NULL;

	for (int i = 0; i < nmappings && entry == NULL; i++)
		if (mappings[i].database == record->database && mappings[i].server == record->server &&
			mappings[i].mapping == record->mapping)
			entry = &mappings[i];
	if (entry == NULL)
		entry =
			add_element((void **) &mappings, &nmappings, &maxmappings, sizeof(OrgOfMapping));
	else if (entry->at > record->at)
		return;
	entry->database = record->database;
	entry->server = record->server;
	entry->mapping = record->mapping;
	entry->org = record->org;
	entry->at = record->at;
}

/* The place of an hour; the oldest one goes for it. */
static SfbOrgHour *
find_hour(SfbOrg *org, TimestampTz at)
{
	SfbOrgHour *oldest = &org->hours[0];

	for (int i = 0; i < SFB_ORG_HOURS; i++)
	{
		SfbOrgHour *hour = &org->hours[i];

		if (hour->at == at)
			return hour;
		if (hour->at < oldest->at)
			oldest = hour;
	}
	if (oldest->at > at)
		return NULL;
	memset(oldest, 0, sizeof(*oldest));
	oldest->at = at;
	return oldest;
}

static void
take_spent(SfbOrg *org, const SfbBookRecord *record)
{
	SfbOrgHour *hour = find_hour(org, record->at);
	const int64 spent[SF_QUOTA_COUNT] = {
		[SF_QUOTA_QUERY_JOBS] = record->number[SfbUsageQueryJobs],
		[SF_QUOTA_QUERY_FILES_MB] = record->number[SfbUsageResultBytes],
		[SF_QUOTA_BATCHES] = record->number[SfbUsageBatches]};

	for (int i = 0; i < SF_QUOTA_COUNT; i++)
		org->quotas[i].spent += spent[i];
	if (hour == NULL)
		return;
	hour->calls += record->number[SfbUsageApiCalls];
	hour->query_jobs += record->number[SfbUsageQueryJobs];
	if (record->database == MyDatabaseId)
		hour->here += record->number[SfbUsageApiCalls];
}

static void
take_quota(SfbOrg *org, const SfbBookRecord *record)
{
	SfbOrgQuota *quota;

	if (record->number[0] < 0 || record->number[0] >= SF_QUOTA_COUNT)
		return;
	quota = &org->quotas[record->number[0]];
	if (quota->at > record->at)
		return;
	quota->at = record->at;
	quota->max = record->number[1];
	quota->left = record->number[2];
	quota->spent = record->number[3];
}

static void
forget_all(void *arg)
{
	(void) arg;
	norgs = nmappings = 0;
}

static void
take_record(const SfbBookRecord *record, void *arg)
{
	SfbOrg *org;

	(void) arg;
	if (record->org == 0 || record->kind == SFB_BOOK_DAY)
		return;
	org = find_org(record->org, true);
	switch (record->kind)
	{
		case SFB_BOOK_HOUR:
			take_spent(org, record);
			break;
		case SFB_BOOK_CALLS:
			note_mapping(record);
			if (record->at < org->at)
				break;
			org->at = record->at;
			org->used = record->number[0];
			org->max = record->number[1];
			break;
		case SFB_BOOK_QUOTA:
			note_mapping(record);
			take_quota(org, record);
			break;
		default:
			break;
	}
}

SfbOrg *
sfb_org_of(sf_session *session, const SfbSessionOrigin *origin)
{
	uint64 number = sfb_org_number(sf_session_instance_url(session));

	sfb_sessions_write_usage();
	sfb_book_read(&place, forget_all, take_record, NULL);
	for (int i = 0; i < nmappings && number == 0; i++)
		if (mappings[i].database == MyDatabaseId && mappings[i].server == origin->serverid &&
			mappings[i].mapping == origin->umid)
			number = mappings[i].org;
	return number != 0 ? find_org(number, false) : NULL;
}
