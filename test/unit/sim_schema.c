/*
 * sim_schema.c
 *		The objects of the simulated org: that the tables agree with each other, what describes say of
 *		them, that generated rows fit together, and describe files (--schema).
 */
#include "tap.h"
#include "org.h"
#include "data.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <unistd.h>

/* ---------------------------------------------------------------- the tables */

static const sim_object *
object(const char *name)
{
	const sim_object *obj = sim_object_find(name);

	if (obj == NULL)
	{
		ok(false, "there is an object %s", name);
		exit(1);
	}
	return obj;
}

static const sim_field *
field(const char *name, const char *of)
{
	const sim_field *f = sim_field_find(object(of), name);

	if (f == NULL)
	{
		ok(false, "there is a field %s.%s", of, name);
		exit(1);
	}
	return f;
}

static void
test_registry(void)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);
	bool slots[SIM_MAX_OBJECTS] = {false};
	bool good = true;
	bool sorted = true;
	char id[SIM_ID_SIZE];
	int64_t number;

	for (int i = 0; i < n; i++)
	{
		char upper[100];
		size_t k = 0;

		for (; list[i]->name[k] != '\0'; k++)
			upper[k] = (char) toupper((unsigned char) list[i]->name[k]);
		upper[k] = '\0';
		good = good && list[i]->slot > 0 && list[i]->slot < SIM_MAX_OBJECTS &&
			   !slots[list[i]->slot] && sim_object_find(upper) == list[i] &&
			   (list[i]->prefix == NULL || sim_object_by_prefix(list[i]->prefix) == list[i]);
		slots[list[i]->slot] = true;
		sorted = sorted && (i == 0 || strcmp(list[i - 1]->name, list[i]->name) < 0);
	}
	ok(n >= 40 && good, "every object is found by its name and by its prefix");
	ok(sorted, "and they are listed by name");
	ok(sim_object_find("Accoun") == NULL && sim_object_find("") == NULL &&
		   sim_object_by_prefix("zzz") == NULL && sim_object_by_prefix("0-") == NULL,
	   "others are not");
	sim_id_make("00Q", sim_object_base(object("Lead")) + 5, id);
	ok(sim_object_of_id(id) == object("Lead"), "the object of an id of 18 characters");
	id[15] = '\0';
	ok(sim_object_of_id(id) == object("Lead"), "of one of 15");
	id[14] = '\0';
	ok(sim_object_of_id(id) == NULL && sim_object_of_id("00Q5g000000AAAAAAA") == NULL &&
		   sim_object_of_id("zzz5g000000AAAA") == NULL && sim_object_of_id("") == NULL,
	   "other texts are no ids of ours");
	ok(sim_ref_unpack(sim_ref_pack(object("Case"), 4711), &number) == object("Case") &&
		   number == 4711,
	   "a packed reference is unpacked");
	ok(sim_ref_pack(object("Case"), 0) + 4711 == sim_ref_pack(object("Case"), 4711) &&
		   sim_ref_pack(object("Account"), INT64_C(56800235583)) <
			   sim_ref_pack(object("Contact"), 0) &&
		   sim_ref_pack(object("Group"), 9) < sim_ref_pack(object("Lead"), 1) &&
		   sim_ref_pack(object("Event"), 9) < sim_ref_pack(object("Profile"), 1),
	   "packed references sort as their ids");
	ok(sim_ref_unpack(-1, &number) == NULL && sim_ref_unpack(INT64_MAX, &number) == NULL,
	   "other numbers are none");
}

/* What a field says of others must be there. */
static bool
field_is_sound(const sim_object *obj, const sim_field *f)
{
	bool sound = sim_field_find(obj, f->name) == f && f->label != NULL;

	if (f->compound != NULL && strcmp(f->compound, "Fiscal") != 0)
		sound = sound && sim_field_find(obj, f->compound) != NULL;
	if (f->controller != NULL)
		sound = sound && sim_field_find(obj, f->controller) != NULL;
	if (f->type == SIM_T_REFERENCE)
		sound = sound && f->ref_to != NULL &&
				(sim_field_is_poly(f) || sim_object_find(f->ref_to) != NULL);
	if (sim_field_is_poly(f))
		sound = sound && sim_field_ref(f, 0) != NULL && sim_field_ref(f, 1) != NULL &&
				strcmp(f->ref_to, sim_field_ref(f, 0)) == 0;
	if (f->type == SIM_T_PICKLIST || f->type == SIM_T_MULTIPICKLIST)
		sound = sound && f->picks != NULL && f->length > 0;
	if (f->type == SIM_T_STRING)
		sound = sound && f->length > 0;
	if (f->flags & SF_MASTER)
		sound = sound && (f->flags & SF_REQUIRED) && f->ref_order > 0;
	return sound;
}

static void
test_tables(void)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);
	bool sound = true;
	bool seeds = true;

	for (int i = 0; i < n; i++)
	{
		const sim_object *obj = list[i];

		for (int k = 0; k < obj->nfields; k++)
		{
			if (sound && !field_is_sound(obj, &obj->fields[k]))
				sound = ok(false, "%s.%s", obj->name, obj->fields[k].name);
			for (int m = 0; seeds && m < k; m++)
			{
				if (obj->fields[k].seed_no > 0 &&
					obj->fields[k].seed_no == obj->fields[m].seed_no)
					seeds = ok(false, "%s: %s and %s have one seed_no", obj->name,
							   obj->fields[m].name, obj->fields[k].name);
			}
		}
	}
	ok(sound, "whatever a field names is there");
	ok(seeds, "no two fields of an object have the same data");
	is_text(sim_field_find(object("Invoice__c"), "close_date__C")->name, "Close_Date__c",
			"fields are found in any case");
	for (int i = 0; i < 18; i++)
		sound = sound && object("Invoice__c")->fields[i].seed_no < 18;
	ok(sound && strcmp(object("Invoice__c")->fields[17].name, "Close_Date__c") == 0,
	   "the first 18 fields of Invoice__c are those that every row fills");
	ok(sim_field_by_relationship(object("Account"), "JigsawCompany") == NULL &&
		   sim_field_by_relationship(object("Event"), "what") == field("WhatId", "Event"),
	   "ways that lead nowhere are none");
	ok(sim_field_refers_to(field("WhatId", "Task"), object("Opportunity")) &&
		   !sim_field_refers_to(field("WhatId", "Task"), object("Lead")),
	   "targets of a polymorphic reference");
	ok(sim_pick_valid_for(&(sim_pick){.value = "x", .valid_for = "gAAA"}, 0) &&
		   !sim_pick_valid_for(&(sim_pick){.value = "x", .valid_for = "gAAA"}, 1) &&
		   sim_pick_valid_for(&(sim_pick){.value = "x", .valid_for = "AAE="}, 15) &&
		   !sim_pick_valid_for(&(sim_pick){.value = "x", .valid_for = "AAE="}, 14) &&
		   !sim_pick_valid_for(&(sim_pick){.value = "x", .valid_for = "//"}, 4711) &&
		   !sim_pick_valid_for(&(sim_pick){.value = "x", .valid_for = "//"}, -1) &&
		   sim_pick_valid_for(&(sim_pick){.value = "x"}, 7),
	   "bits of validFor");
}

/* ---------------------------------------------------------------- describes */

static const cJSON *
named(const cJSON *list, const char *key, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
	{
		const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(item, key));

		if (value != NULL && strcmp(value, name) == 0)
			return item;
	}
	return NULL;
}

/* Member "key" of a described field as JSON text; freed by the next call. */
static const char *
attribute(const char *obj, const char *name, const char *key)
{
	static char *text;
	cJSON *o = sim_describe_object(object(obj), "59.0", "https://x");
	const cJSON *f = named(cJSON_GetObjectItem(o, "fields"), "name", name);

	free(text);
	text = cJSON_PrintUnformatted(cJSON_GetObjectItem(f, key));
	cJSON_Delete(o);
	return text ? text : "missing";
}

static void
is_attribute(const char *obj, const char *name, const char *key, const char *expected)
{
	char what[200];

	snprintf(what, sizeof(what), "%s.%s: %s", obj, name, key);
	is_text(attribute(obj, name, key), expected, what);
}

static void
test_describe_fields(void)
{
	static const char *const expected[][4] = {
		{"Line__c", "Invoice__c", "cascadeDelete", "true"},
		{"Line__c", "Invoice__c", "relationshipOrder", "0"},
		{"Line__c", "Invoice__c", "updateable", "false"},
		{"Line__c", "Invoice__c", "permissionable", "false"},
		{"Line__c", "Credited_Line__c", "restrictedDelete", "true"},
		{"Line__c", "Name", "autoNumber", "true"},
		{"Line__c", "Taxable__c", "defaultValue", "true"},
		{"Line__c", "Quantity__c", "defaultValue", "1"},
		{"Line__c", "Subkind__c", "controllerName", "\"Kind__c\""},
		{"Line__c", "Subkind__c", "dependentPicklist", "true"},
		{"Line__c", "Comment__c", "inlineHelpText", "\"Printed below the line.\""},
		{"Contact", "AccountId", "cascadeDelete", "false"},
		{"Account", "IsPartner", "createable", "false"},
		{"Account", "IsPartner", "updateable", "true"},
		{"Account", "ChannelProgramName", "filterable", "false"},
		{"Account", "Legacy_Code__c", "caseSensitive", "true"},
		{"Account", "Group_Code__c", "externalId", "true"},
		{"Account", "Group_Code__c", "unique", "false"},
		{"Case", "OwnerId", "polymorphicForeignKey", "true"},
		{"Case", "OwnerId", "referenceTo", "[\"Group\",\"User\"]"},
		{"Case", "Comments", "byteLength", "4000"},
		{"Case", "Comments", "sortable", "true"},
		{"Case", "CaseNumber", "groupable", "false"},
		{"Case", "Status", "defaultValue", "\"New\""},
		{"Event", "WhoId", "referenceTo", "[\"Contact\",\"Lead\"]"},
		{"Event", "ActivityDate", "aggregatable", "false"},
		{"Opportunity", "ContactId", "relationshipName", "null"},
		{"Opportunity", "Fiscal", "byteLength", "6"},
		{"Attachment", "Body", "soapType", "\"xsd:base64Binary\""},
		{"User", "Signature", "length", "1333"},
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		is_attribute(expected[i][0], expected[i][1], expected[i][2], expected[i][3]);
}

static void
test_describe_objects(void)
{
	cJSON *old = sim_describe_object(object("Account"), "48.0", "https://x");
	cJSON *o = sim_describe_object(object("Account"), "59.0", "https://x");
	cJSON *basic = sim_describe_basic(object("AccountChangeEvent"), "59.0");
	const cJSON *children = cJSON_GetObjectItem(o, "childRelationships");
	const cJSON *child = named(children, "childSObject", "Contact");
	const cJSON *types = cJSON_GetObjectItem(o, "recordTypeInfos");
	const cJSON *item;
	const char *last = "";
	bool sorted = true;

	ok(cJSON_IsTrue(cJSON_GetObjectItem(child, "cascadeDelete")) &&
		   cJSON_IsFalse(cJSON_GetObjectItem(child, "restrictedDelete")),
	   "an account takes its contacts with it");
	child = named(children, "childSObject", "Case");
	ok(cJSON_IsFalse(cJSON_GetObjectItem(child, "cascadeDelete")) &&
		   cJSON_IsTrue(cJSON_GetObjectItem(child, "restrictedDelete")),
	   "its cases hold it back");
	ok(named(children, "relationshipName", "Attachments") != NULL,
	   "polymorphic references have their way back, too");
	ok(named(children, "field", "MasterRecordId") == NULL, "merged records are no children");
	cJSON_ArrayForEach (item, children)
	{
		const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(item, "childSObject"));

		sorted = sorted && strcmp(last, name) <= 0;
		last = name;
	}
	ok(sorted, "children are listed by name");
	is_int(cJSON_GetArraySize(types), 4, "three record types and the master");
	item = cJSON_GetArrayItem(types, 0);
	ok(cJSON_IsTrue(cJSON_GetObjectItem(item, "defaultRecordTypeMapping")) &&
		   cJSON_IsFalse(
			   cJSON_GetObjectItem(cJSON_GetArrayItem(types, 3), "defaultRecordTypeMapping")),
	   "the first is the default");
	ok(sim_object_of_id(cJSON_GetStringValue(cJSON_GetObjectItem(item, "recordTypeId"))) ==
		   object("RecordType"),
	   "its id is one of a record type");
	is_text(cJSON_GetStringValue(
				cJSON_GetObjectItem(cJSON_GetArrayItem(types, 3), "recordTypeId")),
			"012000000000000AAA", "that of the master is the same in every org");
	ok(!cJSON_HasObjectItem(old, "associateEntityType") &&
		   !cJSON_HasObjectItem(old, "sobjectDescribeOption") &&
		   cJSON_HasObjectItem(cJSON_GetObjectItem(old, "urls"), "defaultValues") &&
		   cJSON_HasObjectItem(o, "associateEntityType") &&
		   !cJSON_HasObjectItem(cJSON_GetObjectItem(o, "urls"), "defaultValues"),
	   "old versions have other keys");
	is_text(cJSON_GetStringValue(cJSON_GetObjectItem(basic, "associateParentEntity")),
			"Account", "a change event belongs to its object");
	cJSON_Delete(old);
	cJSON_Delete(o);
	cJSON_Delete(basic);
}

static void
test_picklists(void)
{
	cJSON *o = sim_describe_object(object("Line__c"), "59.0", "https://x");
	const cJSON *fields = cJSON_GetObjectItem(o, "fields");
	const cJSON *kinds =
		cJSON_GetObjectItem(named(fields, "name", "Kind__c"), "picklistValues");
	const cJSON *sub =
		cJSON_GetObjectItem(named(fields, "name", "Subkind__c"), "picklistValues");

	is_text(cJSON_GetStringValue(cJSON_GetObjectItem(named(kinds, "value", "S"), "label")),
			"Services", "a label is not the value");
	ok(cJSON_IsTrue(cJSON_GetObjectItem(named(kinds, "value", "G"), "defaultValue")),
	   "the default is marked");
	ok(cJSON_IsFalse(cJSON_GetObjectItem(named(kinds, "value", "T"), "active")),
	   "what is out of use is still described");
	is_text(
		cJSON_GetStringValue(cJSON_GetObjectItem(named(sub, "value", "Training"), "validFor")),
		"YAAA", "validFor");
	ok(sim_field_pick(field("Kind__c", "Line__c"), "g", 1) != NULL &&
		   sim_field_pick(field("Kind__c", "Line__c"), "go", 2) == NULL &&
		   sim_field_pick(field("Kind__c", "Line__c"), "", 0) == NULL,
	   "entries are found by value");
	cJSON_Delete(o);
}

/* ---------------------------------------------------------------- data */

static sim_population rows[SIM_MAX_OBJECTS];

static sim_cell *
cell(const char *obj, const char *name, int64_t row, sim_cell *out)
{
	sim_data_cell(1, object(obj), (int) (field(name, obj) - object(obj)->fields), row, rows,
				  out);
	return out;
}

/* Row number of a reference; -1: null. */
static int64_t
row_of(const char *obj, const char *name, int64_t row)
{
	static sim_cell c;
	const sim_field *f = field(name, obj);
	int64_t number;
	const sim_object *to;

	if (cell(obj, name, row, &c)->kind == SIM_CELL_NULL)
		return -1;
	number = c.i;
	to = sim_field_is_poly(f) ? sim_ref_unpack(c.i, &number) : object(f->ref_to);
	return to == NULL ? -2 : number - sim_object_base(to);
}

static bool
same_text(const sim_cell *a, const sim_cell *b)
{
	if (a->kind == SIM_CELL_NULL || b->kind == SIM_CELL_NULL)
		return a->kind == b->kind;
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static void
test_data(void)
{
	int n;
	const sim_object *const *list = sim_object_list(&n);
	sim_cell a;
	sim_cell b;
	bool references = true;
	bool cases = true;
	bool prices = true;
	bool events = true;
	bool picks = true;
	bool lines = true;

	for (int i = 0; i < n; i++)
		rows[list[i]->slot] = sim_population_for(list[i], list[i]->default_rows);
	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < list[i]->nfields; k++)
		{
			const sim_field *f = &list[i]->fields[k];

			for (int64_t r = 0;
				 f->type == SIM_T_REFERENCE && r < rows[list[i]->slot].total && r < 100; r++)
			{
				int64_t number;
				const sim_object *to;

				sim_data_cell(1, list[i], k, r, rows, &a);
				if (a.kind == SIM_CELL_NULL)
					continue;
				number = a.i;
				to = sim_field_is_poly(f) ? sim_ref_unpack(a.i, &number) : object(f->ref_to);
				number -= to ? sim_object_base(to) : 0;
				if (references && (to == NULL || !sim_field_refers_to(f, to) || number < 0 ||
								   number >= rows[to->slot].total ||
								   sim_row_is_deleted(&rows[to->slot], number)))
					references = ok(false, "%s.%s of row %d", list[i]->name, f->name, (int) r);
			}
		}
	}
	ok(references, "every reference leads to a row that is not deleted");
	for (int64_t r = 0; r < 150; r++)
	{
		int64_t contact = row_of("Case", "ContactId", r);
		int64_t entry = row_of("OpportunityLineItem", "PricebookEntryId", r);

		if (contact >= 0)
			cases =
				cases &&
				row_of("Case", "AccountId", r) == row_of("Contact", "AccountId", contact) &&
				same_text(cell("Case", "ContactEmail", r, &a),
						  cell("Contact", "Email", contact, &b));
		prices = prices && row_of("OpportunityLineItem", "Product2Id", r) ==
							   row_of("PricebookEntry", "Product2Id", entry);
		cell("OpportunityLineItem", "UnitPrice", r, &a);
		cell("OpportunityLineItem", "Quantity", r, &b);
		a.d *= b.d;
		prices =
			prices && fabs(cell("OpportunityLineItem", "TotalPrice", r, &b)->d - a.d) < 0.01;
		cell("Opportunity", "HasOpportunityLineItem",
			 row_of("OpportunityLineItem", "OpportunityId", r), &a);
		lines = lines && a.i == 1;
		cell("Event", "StartDateTime", r, &a);
		cell("Event", "DurationInMinutes", r, &b);
		events = events && cell("Event", "EndDateTime", r, &b)->i - a.i > 0 &&
				 cell("Event", "ActivityDate", r, &b)->i == a.i / 86400000;
		cell("Line__c", "Kind__c", r, &a);
		cell("Line__c", "Subkind__c", r, &b);
		if (b.kind == SIM_CELL_TEXT)
		{
			const sim_field *kind = field("Kind__c", "Line__c");
			const sim_pick *p = sim_field_pick(kind, a.text, a.len);

			picks = picks && p != NULL && !p->inactive &&
					sim_pick_valid_for(
						sim_field_pick(field("Subkind__c", "Line__c"), b.text, b.len),
						(int) (p - kind->picks));
		}
	}
	ok(cases, "a case has the account and the address of its contact");
	ok(prices, "an opportunity product has the product and the price of its entry");
	ok(lines, "opportunities know that they have products");
	ok(events, "events end after they begin, on their day");
	ok(picks, "dependent values go with the controlling ones");
}

/* ---------------------------------------------------------------- describe files */

static char dir[] = "/tmp/sim_schema_test.XXXXXX";
static char path[64];

static bool
load(const char *text, sim_error *err)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	return sim_schema_load(path, err);
}

static void
refused(const char *text, const char *message)
{
	sim_error err;
	size_t n = strlen(path);
	bool loaded = load(text, &err);

	if (ok(!loaded && strncmp(err.message, path, n) == 0, "refused: %s", message))
		is_text(err.message + n, message, "with a text that says why");
}

static void
test_refused(void)
{
	sim_error err;

	ok(!sim_schema_load("/nonexistent/file", &err) &&
		   strcmp(err.message, "/nonexistent/file: No such file or directory") == 0,
	   "a missing file is named");
	refused("", ": line 1: not JSON");
	refused("{\n\n\"name\": Foo}", ": line 3: not JSON");
	refused("5",
			": object 1: not the describe of an object, which has a \"name\" and \"fields\"");
	refused("[{\"name\":\"A__c\",\"fields\":{}}]",
			": object 1: not the describe of an object, which has a \"name\" and \"fields\"");
	refused("{\"name\":\"A b\",\"fields\":[]}", ": object 1: \"A b\" is no name of an object");
	refused("{\"name\":\"1A\",\"fields\":[]}", ": object 1: \"1A\" is no name of an object");
	refused("{\"name\":\"sqlite_master\"}",
			": object 1: \"sqlite_master\" is no name of an object");
	refused("{\"name\":\"A__c\",\"fields\":[{\"name\":\"x\\\"y\",\"type\":\"string\"}]}",
			": A__c: field 1 has no proper name: x\"y");
	refused("{\"name\":\"A__c\",\"fields\":[{\"name\":\"B\",\"type\":\"int\"},"
			"{\"name\":\"b\",\"type\":\"int\"}]}",
			": A__c: field 2 is there twice: b");
	refused("{\"name\":\"A__c\",\"fields\":[{\"name\":\"B__c\",\"type\":\"strnig\"}]}",
			": A__c.B__c: \"strnig\" is no type of a field");
	refused("{\"name\":\"A__c\",\"fields\":[{\"name\":\"B__c\"}]}",
			": A__c.B__c: nothing is no type of a field");
	refused("{\"name\":\"A__c\",\"fields\":[{\"name\":\"B__c\",\"type\":\"reference\","
			"\"referenceTo\":[\"x y\"]}]}",
			": A__c.B__c: referenceTo has something that is no object's name");
	refused("{\"name\":\"A__c\",\"fields\":[{\"name\":\"B__c\",\"type\":\"reference\","
			"\"referenceTo\":[\"Account\"],\"relationshipName\":\"a.b\"}]}",
			": A__c.B__c: \"a.b\" is no relationship name");
	refused("{\"name\":\"A__c\",\"keyPrefix\":\"001\",\"fields\":[]}",
			": A__c: the key prefix \"001\" is that of Account already");
	refused("{\"name\":\"A__c\",\"keyPrefix\":\"750\",\"fields\":[]}",
			": A__c cannot have the key prefix \"750\"");
	refused("{\"name\":\"A__c\",\"keyPrefix\":\"a-0\",\"fields\":[]}",
			": A__c: \"a-0\" is no key prefix");
	refused("{\"name\":\"Account\",\"keyPrefix\":\"00Z\",\"fields\":[]}",
			": Account has the key prefix \"00Z\" in the file, and \"001\" here");
	refused("{\"name\":\"Account\",\"fields\":[{\"name\":\"Name\",\"type\":\"int\"}]}",
			": Account.Name is of type int in the file, and string here");
	refused("{\"name\":\"Case\",\"fields\":[{\"name\":\"OwnerId\",\"type\":\"reference\","
			"\"referenceTo\":[\"User\"]}]}",
			": Case.OwnerId points to one object here or in the file, and to several in the "
			"other");
	ok(sim_object_find("A__c") == NULL, "nothing of a refused object is there");
}

static const char shop[] =
	"{\"sobjects\":[{\"name\":\"Shop__c\",\"label\":\"Shop\",\"labelPlural\":\"The Shops\","
	"\"feedEnabled\":true,\"custom\":true,\"deletable\":true,\"unheard\":[1,{\"of\":null}],"
	"\"fields\":["
	"{\"name\":\"Id\",\"type\":\"id\",\"nillable\":false},"
	"{\"name\":\"IsDeleted\",\"type\":\"boolean\",\"nillable\":false,\"createable\":false,"
	"\"updateable\":false},"
	"{\"name\":\"Name\",\"type\":\"string\",\"length\":80,\"nameField\":true,\"label\":\"Shop "
	"Name\",\"aggregatable\":false,\"nextGeneration\":true},"
	"{\"name\":\"Account__c\",\"type\":\"reference\",\"referenceTo\":[\"Account\"],"
	"\"relationshipName\":\"Account__r\",\"cascadeDelete\":true,\"nillable\":false,"
	"\"relationshipOrder\":1},"
	"{\"name\":\"Town__c\",\"type\":\"reference\",\"referenceTo\":[\"Town__c\"],"
	"\"relationshipName\":\"Town__r\"},"
	"{\"name\":\"Who__c\",\"type\":\"reference\",\"referenceTo\":[\"Contact\",\"Lead\"],"
	"\"relationshipName\":\"Who__r\"},"
	"{\"name\":\"Size__c\",\"type\":\"double\",\"precision\":5,\"scale\":1},"
	"{\"name\":\"Kind__c\",\"type\":\"picklist\",\"restrictedPicklist\":true,"
	"\"picklistValues\":["
	"{\"value\":\"a\",\"label\":\"A!\",\"active\":true,\"defaultValue\":true},"
	"{\"value\":\"b\",\"label\":\"B\",\"active\":false}]},"
	"{\"name\":\"One__c\",\"type\":\"picklist\",\"controllerName\":\"Two__c\","
	"\"picklistValues\":[{\"value\":\"x\"}]},"
	"{\"name\":\"Two__c\",\"type\":\"picklist\",\"controllerName\":\"One__c\","
	"\"picklistValues\":[{\"value\":\"x\"}]},"
	"{\"name\":\"Empty__c\",\"type\":\"multipicklist\",\"picklistValues\":[{\"value\":null}]},"
	"{\"name\":\"Key__c\",\"type\":\"string\",\"length\":20,\"unique\":true,\"externalId\":"
	"true},"
	"{\"name\":\"Odd__c\",\"type\":\"datacategorygroupreference\",\"length\":80},"
	"{\"name\":\"Lost__c\",\"type\":\"reference\",\"referenceTo\":[],\"nillable\":false},"
	"{\"name\":\"Nameless__c\",\"type\":\"reference\",\"referenceTo\":[\"AggregateResult\"]},"
	"{\"name\":\"Sly__c\",\"type\":\"string\",\"polymorphicForeignKey\":true,"
	"\"cascadeDelete\":true},"
	"{\"name\":\"Count__c\",\"type\":\"int\",\"digits\":3,\"defaultValue\":7}]},"
	"{\"name\":\"Account\",\"fields\":[{\"name\":\"Extra__c\",\"type\":\"string\",\"length\":"
	"30,"
	"\"label\":\"Extra\"},{\"name\":\"NumberOfEmployees\",\"type\":\"int\",\"label\":"
	"\"Heads\"}]}]}";

static void
test_loaded(void)
{
	sim_error err;
	const sim_object *old = object("Account");
	int account_fields = old->nfields;
	const sim_object *obj;

	if (!ok(load(shop, &err), "a describe file is loaded"))
		diag("%s", err.message);
	obj = object("shop__c");
	ok(obj->prefix != NULL && sim_object_by_prefix(obj->prefix) == obj, "it has a prefix");
	ok(object("Town__c")->flags & SO_STUB, "an unknown target is there, and holds nothing");
	is_int(object("Account")->nfields, account_fields + 1,
		   "a known object has one field more");
	ok(field("Name", "Account")->flags & SF_REQUIRED && field("Name", "Account")->gen != NULL,
	   "and its own as before");
	is_int(field("NumberOfEmployees", "Account")->digits, 8,
		   "what the file does not say of a field stays");
	is_attribute("Account", "NumberOfEmployees", "label", "\"Heads\"");
	is_attribute("Shop__c", "Name", "aggregatable", "false");
	is_attribute("Shop__c", "Name", "nextGeneration", "true");
	is_attribute("Shop__c", "Odd__c", "type", "\"datacategorygroupreference\"");
	is_attribute("Shop__c", "Count__c", "defaultValue", "7");
	ok(field("Account__c", "Shop__c")->flags & SF_MASTER, "a master-detail relationship");
	ok(sim_field_is_poly(field("Who__c", "Shop__c")), "a polymorphic one");
	ok(field("Lost__c", "Shop__c")->ref_to == NULL &&
		   field("Nameless__c", "Shop__c")->ref_to == NULL &&
		   !sim_field_is_poly(field("Sly__c", "Shop__c")),
	   "references that lead nowhere are texts");
	is_attribute("Shop__c", "Nameless__c", "referenceTo", "[\"AggregateResult\"]");
	is_text(field("Account__c", "Shop__c")->ref_children, "The_Shops__r", "the way back");
	ok(!load("{\"name\":\"Other__c\",\"keyPrefix\":\"a02\",\"fields\":[]}", &err) &&
		   strstr(err.message, "is that of") != NULL,
	   "a prefix that was given away is taken");
	ok(load("{\"name\":\"Shop__c\",\"fields\":[{\"name\":\"More__c\",\"type\":\"date\"}]}",
			&err) &&
		   sim_field_find(object("Shop__c"), "More__c") != NULL &&
		   sim_field_find(object("Shop__c"), "Size__c") != NULL,
	   "a second file adds to it");
}

/* Each file key comes back as it was. */
static void
test_round_trip(void)
{
	cJSON *file = cJSON_Parse(shop);
	const cJSON *said = cJSON_GetArrayItem(cJSON_GetObjectItem(file, "sobjects"), 0);
	cJSON *o = sim_describe_object(object("Shop__c"), "59.0", "https://x");
	const cJSON *item;
	const cJSON *part;
	bool same = true;

	cJSON_ArrayForEach (item, said)
	{
		if (strcmp(item->string, "fields") != 0 &&
			!cJSON_Compare(item, cJSON_GetObjectItemCaseSensitive(o, item->string), true))
			same = ok(false, "%s", item->string);
	}
	cJSON_ArrayForEach (item, cJSON_GetObjectItem(said, "fields"))
	{
		const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(item, "name"));
		const cJSON *f = named(cJSON_GetObjectItem(o, "fields"), "name", name);

		cJSON_ArrayForEach (part, item)
		{
			if (!cJSON_Compare(part, cJSON_GetObjectItemCaseSensitive(f, part->string), true))
				same = ok(false, "%s.%s", name, part->string);
		}
	}
	ok(same, "a describe says what the file said");
	cJSON_Delete(o);
	cJSON_Delete(file);
}

static void
test_rows_of_loaded(void)
{
	sim_options opt;
	sim_error err;
	sim_org *org;
	sim_query *q;

	sim_options_init(&opt);
	ok(!sim_options_rows(&opt, "Town__c=5", &err), "a stub holds no rows");
	ok(sim_options_rows(&opt, "Shop__c=700", &err), "a loaded object does");
	opt.dir = dir;
	org = sim_org_open(&opt, &err);
	if (!ok(org != NULL, "the org opens"))
		return;
	q = sim_query_prepare(org,
						  "SELECT Id, Name, Account__r.Name, Size__c, Lost__c, Nameless__c, "
						  "Sly__c, Who__c FROM Shop__c WHERE "
						  "Account__c != null AND Size__c < 10000",
						  0, "59.0", &err);
	ok(q != NULL && sim_query_step(q, &err) == 1, "a query finds them");
	sim_query_free(q);
	q = sim_query_prepare(org, "SELECT COUNT() FROM Shop__c WHERE Kind__c = 'b'", 0, "59.0",
						  &err);
	is_int(q ? sim_query_total(q, &err) : -1, 0, "entries out of use are not in the data");
	sim_query_free(q);
	q = sim_query_prepare(org, "SELECT COUNT() FROM Shop__c", 0, "59.0", &err);
	is_int(q ? sim_query_total(q, &err) : -1, 700, "they are as many as were asked for");
	sim_query_free(q);
	q = sim_query_prepare(org, "SELECT COUNT() FROM Organization", 0, "59.0", &err);
	is_int(q ? sim_query_total(q, &err) : -1, 1, "there is one organization");
	sim_query_free(q);
	sim_org_close(org);
}

int
main(void)
{
	test_registry();
	test_tables();
	test_describe_fields();
	test_describe_objects();
	test_picklists();
	test_data();
	snprintf(path, sizeof(path), "%s/x.json", mkdtemp(dir));
	test_refused();
	test_loaded();
	test_round_trip();
	test_rows_of_loaded();
	unlink(path);
	rmdir(dir);
	return tap_done();
}
