/*
 * sim_store.c
 *		Writing rows: values, required fields, defaults, system fields, errors.
 */
#include "sim_store.h"
#include "clock.h"
#include "schema.h"

static void
test_insert(void)
{
	char id[SIM_ID_SIZE] = "";
	char user[SIM_ID_SIZE];
	char expected[400];

	sim_clock_set(INT64_C(1700000000123));
	sim_clock_freeze(true);
	sim_org_user_id(org, user);
	is_text(put(id, "Account", "Name=  Acme \t\n", "NumberOfEmployees=12", "AnnualRevenue=1.5",
				"Type=prospect", NULL),
			"ok", "an account is inserted");
	is_int((long long) strlen(id), 18, "it has an id");
	is_text(
		ask("SELECT Name, NumberOfEmployees, AnnualRevenue, Type, IsDeleted FROM Account "
			"WHERE Id = '%s'",
			id),
		"Acme,12,2.0,Prospect,false",
		"text is trimmed, numbers are rounded to their scale, picklists spelled as set up");
	snprintf(
		expected, sizeof(expected),
		"2023-11-14T22:13:20.000Z,%s,2023-11-14T22:13:20.000Z,%s,2023-11-14T22:13:20.000Z,%s",
		user, user, user);
	is_text(ask("SELECT CreatedDate, CreatedById, LastModifiedDate, LastModifiedById, "
				"SystemModstamp, OwnerId FROM Account WHERE Id = '%s'",
				id),
			expected, "system fields and owner, to the second");
	is_text(put(id, "Account", "Site=x", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
			"a required field is missing");
	is_text(put(id, "Account", "Name=   ", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
			"blanks are no name");

	is_text(put(id, "Account", "Nope=x", NULL), "InvalidBatch:Field name not found : Nope:--",
			"there is no such field");
	sim_clock_reset();
}

int
main(void)
{
	org = small_org();
	if (!ok(org != NULL, "an org"))
		return 1;
	test_insert();
	sim_org_close(org);
	return tap_done();
}
