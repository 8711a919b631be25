/*
 * sim_store_delete.c
 *		Delete and undelete, cascades, the recycle bin; transactions, marks, counters and versions.
 */
#include "sim_store.h"
#include "org.h"
#include "schema.h"

static const sim_object *account_object;

static int64_t
accounts(void)
{
	return sim_org_row_count(org, account_object);
}

static void
test_bin(void)
{
	char id[SIM_ID_SIZE];
	int64_t live = accounts();
	int64_t all = sim_org_stored_rows(org, account_object, true);
	char expected[100];

	put(id, "Account", "Name=Binned", NULL);
	is_int(accounts(), live + 1, "a row is counted");
	is_text(drop(id, false), "ok", "it is deleted");
	is_int(accounts(), live, "and not counted any more");
	is_int(sim_org_stored_rows(org, account_object, true), all + 1,
		   "but with the deleted ones");
	is_text(ask("SELECT Name FROM Account WHERE Id = '%s'", id), "", "query does not see it");
	is_text(ask_all("SELECT Name, IsDeleted FROM Account WHERE Id = '%s'", id), "Binned,true",
			"queryAll does");
	is_text(drop(id, false), "ENTITY_IS_DELETED:entity is deleted:--", "twice is too often");
	is_text(revive(id), "ok", "it comes back");
	is_text(ask("SELECT Name, IsDeleted FROM Account WHERE Id = '%s'", id), "Binned,false",
			"as it was");
	is_text(revive(id), "UNDELETE_FAILED:Entity is not in the recycle bin:--",
			"a live row is not in the bin");
	is_text(drop(id, true), "ok", "a hard delete");
	is_text(ask_all("SELECT Name FROM Account WHERE Id = '%s'", id), "", "leaves nothing");
	is_int(sim_org_stored_rows(org, account_object, true), all, "in no counter either");
	is_text(revive(id), "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
			"and nothing comes back");
	is_text(drop(id, false), "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
			"nor goes");
	is_text(drop("x", false), "MALFORMED_ID:malformed id x:--", "no id");
	is_text(drop("999000000000001", false),
			"INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--", "of no object");
	put(id, "Account", "Name=Binned", NULL);
	drop(id, false);
	is_text(drop(id, true), "ok", "a hard delete of what is in the bin");
	is_int(sim_org_stored_rows(org, account_object, true), all, "is counted once");
	snprintf(expected, sizeof(expected), "%s",
			 ask_all("SELECT Id FROM Account WHERE IsDeleted = true LIMIT 1"));
	is_text(revive(expected), "ok", "a row that was generated as deleted comes back, too");
}

static void
test_cascade(void)
{
	char account[SIM_ID_SIZE];
	char contact[SIM_ID_SIZE];
	char invoice[SIM_ID_SIZE];
	char child[SIM_ID_SIZE];
	char gone[SIM_ID_SIZE];
	char cell[80];
	bool cascades = sim_field_find(sim_object_find("Contact"), "AccountId")->flags &
					(SF_CASCADE | SF_MASTER);

	put(account, "Account", "Name=Root", NULL);
	snprintf(cell, sizeof(cell), "AccountId=%s", account);
	put(contact, "Contact", "LastName=Leaf", cell, NULL);
	put(gone, "Contact", "LastName=Earlier", cell, NULL);
	snprintf(cell, sizeof(cell), "Account__c=%s", account);
	put(invoice, "Invoice__c", "Name=Loose", cell, NULL);
	snprintf(cell, sizeof(cell), "ParentId=%s", account);
	put(child, "Account", "Name=Child", cell, NULL);
	drop(gone, false);

	is_text(drop(account, false), "ok", "a row with children");
	is_text(ask_all("SELECT IsDeleted FROM Contact WHERE Id = '%s'", contact),
			cascades ? "true" : "false", "those that belong to it go with it");
	is_text(ask("SELECT Name, Account__c FROM Invoice__c WHERE Id = '%s'", invoice), "Loose,",
			"references of others are cleared");
	is_text(ask("SELECT Name, ParentId FROM Account WHERE Id = '%s'", child), "Child,",
			"of rows of the same object, too");
	if (cascades)
		is_text(revive(contact), "UNDELETE_FAILED:Entity is not in the recycle bin:--",
				"what went with its parent does not come back alone");
	is_text(revive(account), "ok", "the parent comes back");
	is_text(ask("SELECT Account.Name FROM Contact WHERE Id = '%s'", contact), "Root",
			"with its children");
	is_text(ask_all("SELECT IsDeleted FROM Contact WHERE Id = '%s'", gone), "true",
			"but not with those that went before");
	is_text(ask("SELECT Account__r.Name FROM Invoice__c WHERE Id = '%s'", invoice), "Root",
			"and references to it are set again");
	is_text(ask("SELECT Parent.Name FROM Account WHERE Id = '%s'", child), "Root",
			"all of them");

	is_text(drop(account, false), "ok", "once more");
	put(gone, "Account", "Name=Other", NULL);
	snprintf(cell, sizeof(cell), "Account__c=%s", gone);
	change(invoice, "Invoice__c", cell, NULL);
	revive(account);
	is_text(ask("SELECT Account__r.Name FROM Invoice__c WHERE Id = '%s'", invoice), "Other",
			"a reference that was set meanwhile stays");
	is_text(drop(account, true), "ok", "a hard delete");
	if (cascades)
		is_text(ask_all("SELECT Id FROM Contact WHERE Id = '%s'", contact), "",
				"erases the children");
	is_text(ask("SELECT ParentId FROM Account WHERE Id = '%s'", child), "",
			"and clears references");
}

static void
test_master_detail(void)
{
	char invoice[SIM_ID_SIZE];
	char other[SIM_ID_SIZE];
	char line[SIM_ID_SIZE];
	char credit[SIM_ID_SIZE];
	char master[80];
	char credited[80];
	char expected[300];
	char number[80];

	put(invoice, "Invoice__c", "Name=Master", NULL);
	put(other, "Invoice__c", "Name=Other master", NULL);
	snprintf(master, sizeof(master), "Invoice__c=%s", invoice);
	is_text(put(line, "Line__c", "Unit_Price__c=2", NULL),
			"REQUIRED_FIELD_MISSING:Required fields are missing: [Invoice__c]:Invoice__c --",
			"a detail needs a master");
	is_text(put(line, "Line__c", master, "Unit_Price__c=2.5", NULL), "ok", "a detail");
	is_text(
		ask("SELECT Quantity__c, Net__c, Kind__c, Taxable__c, Shipped__c FROM Line__c WHERE "
			"Id = '%s'",
			line),
		"1.0,2.5,G,true,false", "defaults, and a formula of them");
	is_text(
		change(line, "Line__c", "Invoice__c=#N/A", NULL),
		"INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: Invoice__c. Please "
		"check the security settings of this field and verify that it is read/write for "
		"your profile or permission set.:Invoice__c --",
		"it keeps its master");
	snprintf(credited, sizeof(credited), "Credited_Line__c=%s", line);
	is_text(put(credit, "Line__c", master, credited, "Unit_Price__c=1", NULL), "ok",
			"another one that credits it");
	snprintf(number, sizeof(number), "%s",
			 ask("SELECT Name FROM Line__c WHERE Id = '%s'", line));
	snprintf(expected, sizeof(expected), "%08d", atoi(number) + 1);
	is_text(ask("SELECT Name FROM Line__c WHERE Id = '%s'", credit), expected,
			"automatic numbers go on");
	snprintf(expected, sizeof(expected),
			 "DELETE_FAILED:Your attempt to delete %s could not be completed because it is "
			 "associated with the following lines.: %s\n:--",
			 number, ask("SELECT Name FROM Line__c WHERE Id = '%s'", credit));
	is_text(drop(line, false), expected, "a row that is needed does not go");
	is_text(drop(line, true), expected, "nor is it erased");
	is_text(ask("SELECT IsDeleted FROM Line__c WHERE Id = '%s'", line), "false",
			"it is still there");
	is_text(drop(invoice, false), "ok", "with their master both go");
	is_text(ask("SELECT COUNT() FROM Line__c WHERE Invoice__c = '%s'", invoice), "0", "both");
	is_text(change(line, "Line__c", "Unit_Price__c=3", NULL),
			"ENTITY_IS_DELETED:entity is deleted:--", "and are closed");
	is_text(revive(invoice), "ok", "and come back");
	is_text(ask("SELECT COUNT() FROM Line__c WHERE Invoice__c = '%s'", invoice), "2", "both");
	snprintf(master, sizeof(master), "Invoice__c=%s", other);
	put(credit, "Line__c", master, credited, "Unit_Price__c=1", NULL);
	ok(strncmp(drop(invoice, false), "DELETE_FAILED:", 14) == 0,
	   "a detail of another master keeps the master of what it needs");
	is_text(ask("SELECT COUNT() FROM Line__c WHERE Invoice__c = '%s'", invoice), "2",
			"and all its details");
}

/* References to rows of several objects. */
static void
test_polymorphic(void)
{
	char account[SIM_ID_SIZE];
	char lead[SIM_ID_SIZE];
	char task[SIM_ID_SIZE];
	char file[SIM_ID_SIZE];
	char what[80];
	char who[80];

	put(account, "Account", "Name=What", NULL);
	put(lead, "Lead", "LastName=Who", "Company=C", "Email=who@example.com", NULL);
	snprintf(what, sizeof(what), "WhatId=%s", account);
	snprintf(who, sizeof(who), "WhoId=%s", lead);
	is_text(put(task, "Task", "Subject=Call", what, NULL), "ok", "about an account");
	is_text(ask("SELECT WhatId, AccountId, Status, IsClosed FROM Task WHERE Id = '%s'", task),
			(snprintf(who, sizeof(who), "%s,%s,Not Started,false", account, account), who),
			"it belongs to that account, too");
	is_text(change(task, "Task", "Lead:Who.Email=WHO@example.com", "Status=Completed", NULL),
			"ok", "with a lead, by its e-mail address");
	is_text(ask("SELECT WhoId, IsClosed FROM Task WHERE Id = '%s'", task),
			(snprintf(who, sizeof(who), "%s,true", lead), who), "is found; the task is done");
	is_text(change(task, "Task", "Who.Email=x", NULL),
			"InvalidBatch:type is needed for polymorphic foreign key references: Who:--",
			"without a type nobody knows where to look");
	is_text(change(task, "Task", "User:Who.Email=x", NULL),
			"InvalidBatch:Field name not found : User:Who.Email:--", "a user is no target");
	snprintf(what, sizeof(what), "ParentId=%s", account);
	is_text(put(file, "Attachment", "Name=f.txt", what, "Body=aGVsbG8=", NULL), "ok",
			"a file");
	is_text(ask("SELECT BodyLength, ParentId FROM Attachment WHERE Id = '%s'", file),
			(snprintf(who, sizeof(who), "5,%s", account), who), "of five bytes");
	is_text(drop(account, false), "ok", "the account goes");
	is_text(ask_all("SELECT IsDeleted FROM Task WHERE Id = '%s'", task), "true",
			"and its tasks");
	is_text(ask_all("SELECT IsDeleted FROM Attachment WHERE Id = '%s'", file), "true",
			"and its files");
	is_text(revive(account), "ok", "all");
	is_text(ask("SELECT BodyLength FROM Attachment WHERE Id = '%s'", file), "5", "comes back");
}

/* Rows that reference each other in a circle, and more of them than one portion. */
static void
test_circle(void)
{
	char first[SIM_ID_SIZE];
	char last[SIM_ID_SIZE];
	char id[SIM_ID_SIZE];
	char cell[80];
	sim_error err;
	static row r;
	sim_txn *t;
	bool good = true;

	put(first, "Account", "Name=First", NULL);
	snprintf(cell, sizeof(cell), "ParentId=%s", first);
	put(last, "Account", "Name=Last", cell, NULL);
	snprintf(cell, sizeof(cell), "ParentId=%s", last);
	change(first, "Account", cell, NULL);
	is_text(drop(first, false), "ok", "one of a circle goes");
	is_text(revive(first), "ok", "and comes back");

	t = sim_txn_begin(org, NULL, &err);
	snprintf(cell, sizeof(cell), "AccountId=%s", first);
	for (int i = 0; i < 700; i++)
	{
		row_begin(&r, "Contact", NULL);
		row_add(&r, "LastName=Many");
		row_add(&r, cell);
		good = good && sim_insert(t, &r.w, id, &err);
	}
	ok(good && sim_txn_commit(t, &err), "many children");
	is_text(drop(first, false), "ok", "go with their parent");
	is_text(ask("SELECT COUNT() FROM Contact WHERE AccountId = '%s'", first), "0",
			"all of them");
	is_text(revive(first), "ok", "and come back");
	is_text(ask("SELECT COUNT() FROM Contact WHERE AccountId = '%s'", first), "700",
			"all of them");
}

/* ---------------------------------------------------------------- transactions */

static bool
add(sim_txn *t, const char *name, char id[SIM_ID_SIZE])
{
	static row r;
	sim_error err;
	char cell[100];

	snprintf(cell, sizeof(cell), "Name=%s", name);
	row_begin(&r, "Account", NULL);
	row_add(&r, cell);
	return sim_insert(t, &r.w, id, &err);
}

static void
test_transactions(void)
{
	sim_error err;
	sim_txn *t;
	char one[SIM_ID_SIZE];
	char two[SIM_ID_SIZE];
	char three[SIM_ID_SIZE];
	int64_t live = accounts();
	uint64_t version = sim_org_data_version(org);
	uint64_t mine = sim_org_object_version(org, account_object);
	uint64_t other = sim_org_object_version(org, sim_object_find("Contact"));

	t = sim_txn_begin(org, NULL, &err);
	ok(add(t, "Txn", one), "a row inside of a transaction");
	is_int(accounts(), live, "is not counted");
	is_text(ask("SELECT Id FROM Account WHERE Name = 'Txn'"), "", "nor seen");
	ok(sim_org_data_version(org) == version, "and no version has moved");
	sim_txn_abort(t);
	is_text(ask("SELECT Id FROM Account WHERE Name = 'Txn'"), "", "an abort drops it");
	is_int(accounts(), live, "from all counters");
	ok(sim_org_data_version(org) == version, "and the version");

	t = sim_txn_begin(org, NULL, &err);
	add(t, "Txn", two);
	is_text(two, one, "the number of the dropped row is used again");
	ok(sim_txn_mark(t, &err), "a mark");
	add(t, "Txn 2", three);
	ok(sim_txn_mark(t, &err), "a mark behind it");
	add(t, "Txn 3", three);
	sim_txn_release(t);
	sim_txn_rollback(t);
	ok(sim_txn_mark(t, &err), "another one");
	add(t, "Txn 4", three);
	sim_txn_release(t);
	ok(sim_txn_commit(t, &err), "commit");
	is_text(ask("SELECT Name FROM Account WHERE Name LIKE 'Txn%%'"), "Txn|Txn 4",
			"what was rolled back is not there, what was released is");
	is_int(accounts(), live + 2, "counted right");
	ok(sim_org_data_version(org) > version, "the version has moved");
	ok(sim_org_object_version(org, account_object) > mine, "that of the object, too");
	ok(sim_org_object_version(org, sim_object_find("Contact")) == other,
	   "that of another object has not");
	sim_org_set_switch(org, "null_less", "true", &err);
	ok(sim_org_object_version(org, sim_object_find("Contact")) > other,
	   "a switch moves all of them");
	sim_org_reset_switches(org);

	version = sim_org_data_version(org);
	t = sim_txn_begin(org, NULL, &err);
	ok(sim_txn_commit(t, &err) && sim_org_data_version(org) == version,
	   "a transaction of nothing moves nothing");
	sim_txn_abort(NULL);
}

/* A copy of the database, put back, is the org of that moment, next ids too. */
static void
test_reload(void)
{
	sim_error err;
	char one[SIM_ID_SIZE];
	char two[SIM_ID_SIZE];
	int64_t live = accounts();
	uint64_t version = sim_org_data_version(org);
	char copy[4200];
	char sql[4300];
	sqlite3 *db;
	sqlite3_backup *backup;

	snprintf(copy, sizeof(copy), "%s.copy", sim_org_file(org));
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", copy);
	sim_store_lock(org);
	db = sim_org_connect(org, &err);
	ok(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "a copy");
	sim_org_release(org, db);
	sim_store_unlock(org);
	put(one, "Account", "Name=After the copy", NULL);

	sim_store_lock(org);
	db = NULL;
	ok(sqlite3_open(copy, &db) == SQLITE_OK, "the copy opens");
	{
		sqlite3 *to = sim_org_open_writer(org, &err);

		backup = sqlite3_backup_init(to, "main", db, "main");
		ok(backup != NULL && sqlite3_backup_step(backup, -1) == SQLITE_DONE,
		   "and is put back");
		sqlite3_backup_finish(backup);
		sqlite3_close(to);
	}
	sqlite3_close(db);
	ok(sim_org_reload(org, &err), "the org looks at it anew");
	sim_store_unlock(org);
	remove(copy);
	is_int(accounts(), live, "it has the rows of then");
	ok(sim_org_data_version(org) > version, "the version grows all the same");
	is_text(ask("SELECT Name FROM Account WHERE Id = '%s'", one), "", "no row from after it");
	put(two, "Account", "Name=After the copy", NULL);
	is_text(two, one, "and ids go on as they did then");
}

int
main(void)
{
	org = small_org();
	if (!ok(org != NULL, "an org"))
		return 1;
	account_object = sim_object_find("Account");
	test_bin();
	test_cascade();
	test_master_detail();
	test_polymorphic();
	test_circle();
	test_transactions();
	test_reload();
	sim_org_close(org);
	return tap_done();
}
