/*
 * test_describe.c
 *		Lists of objects and describes in groups.
 */
#include "peer.h"
#include "tap.h"

#define LOGIN                                                                                 \
	{                                                                                         \
		"POST", "/services/oauth2/token",                                                     \
			.status = 200, .body = "{\"access_token\":\"T\",\"instance_url\":\"%b\"}"         \
	}
#define V			 "/services/data/v62.0"
#define COUNT(rules) ((int) (sizeof(rules) / sizeof((rules)[0])))

#define OBJECT(name, fields)                                                                  \
	"{\"name\":\"" name "\",\"label\":\"The " name "\",\"keyPrefix\":null,\"custom\":false,"  \
	"\"queryable\":true,\"fields\":[" fields "]}"
#define FIELD(name, type)                                                                     \
	"{\"name\":\"" name "\",\"label\":\"L\",\"type\":\"" type                                 \
	"\",\"length\":18,\"precision\":0,"                                                       \
	"\"scale\":0,\"digits\":0,\"nillable\":true,\"filterable\":true,\"caseSensitive\":true,"  \
	"\"referenceTo\":[\"User\",\"Group\"],\"relationshipName\":\"Owner\","                    \
	"\"compoundFieldName\":null}"
#define RESPONSE(id, body)                                                                    \
	"{\"body\":" body ",\"httpHeaders\":{},\"httpStatusCode\":200,\"referenceId\":\"" id "\"" \
	"}"

static sf_session *
open_session(peer *p)
{
	sf_config cfg = {.client_id = "i", .client_secret = "s", .login_url = peer_url(p)};
	sf_error err = {0};

	return sf_session_new(&cfg, &err);
}

static sf_status
next(sf_session *s, sf_describe *d, const sf_object **o, sf_error *err)
{
	sf_status st;

	while ((st = sf_describe_next(d, o, err)) == SF_WAIT && drive(s))
		;
	return st;
}

static void
test_global(void)
{
	peer_rule rules[] = {
		LOGIN,
		{"GET", V "/sobjects$", .status = 200,
		 .body = "{\"encoding\":\"UTF-8\",\"maxBatchSize\":200,\"sobjects\":["
				 "{\"name\":\"Account\",\"label\":\"Account\",\"keyPrefix\":\"001\","
				 "\"custom\":false,\"queryable\":true},"
				 "{\"name\":\"X__c\",\"label\":\"X\",\"keyPrefix\":null,"
				 "\"custom\":true,\"queryable\":false}]}"}};
	peer *p = peer_start(rules, COUNT(rules));
	sf_session *s = open_session(p);
	sf_error err = {0};
	sf_describe *d = sf_describe_global_start(s, &err);
	const sf_object *o = NULL;

	is_int(next(s, d, &o, &err), SF_OK, "the first object");
	ok(strcmp(o->name, "Account") == 0 && strcmp(o->key_prefix, "001") == 0 && o->queryable &&
		   !o->custom && o->nfields == 0,
	   "what is said of it");
	is_int(next(s, d, &o, &err), SF_OK, "the second object");
	ok(strcmp(o->name, "X__c") == 0 && o->key_prefix == NULL && o->custom && !o->queryable,
	   "what is said of it");
	is_int(next(s, d, &o, &err), SF_DONE, "no more");
	sf_describe_free(d);
	sf_session_free(s);
	peer_stop(p);
}

static void
test_groups(void)
{
	/* 27 objects: 25 and 2; the first answer has its responses in no order */
	const char *names[27];
	char text[27][16];
	static char first[16384];
	size_t len = 0;
	peer_rule rules[] = {
		LOGIN,
		{"POST", V "/composite$", "\"r0\"", .status = 200, .body = first},
		{"POST", V "/composite$", "\"r25\"", .status = 200,
		 .body = "{\"compositeResponse\":[" RESPONSE("r25", OBJECT("O25", "")) "," RESPONSE(
			 "r26", OBJECT("O26", FIELD("Id", "id"))) "]}"},
	};
	peer *p;
	sf_session *s;
	sf_error err = {0};
	sf_describe *d;
	const sf_object *o = NULL;
	int n = 0;
	bool in_order = true;

	len += (size_t) sprintf(first, "{\"compositeResponse\":[");
	for (int i = 0; i < 27; i++)
	{
		snprintf(text[i], sizeof(text[i]), "O%d", i);
		names[i] = text[i];
	}
	for (int i = 24; i >= 0; i--)
		len += (size_t) sprintf(
			first + len, "%s{\"body\":%s%s%s,\"httpStatusCode\":200,\"referenceId\":\"r%d\"}",
			i < 24 ? "," : "", "{\"name\":\"", text[i],
			"\",\"label\":\"x\",\"fields\":[" FIELD("OwnerId", "reference") "]}", i);
	strcpy(first + len, "]}");

	p = peer_start(rules, COUNT(rules));
	s = open_session(p);
	d = sf_describe_objects_start(s, names, 27, &err);
	while (next(s, d, &o, &err) == SF_OK)
	{
		in_order = in_order && strcmp(o->name, text[n]) == 0;
		if (n == 3)
			ok(o->nfields == 1 && strcmp(o->fields[0].name, "OwnerId") == 0 &&
				   strcmp(o->fields[0].type, "reference") == 0 &&
				   o->fields[0].case_sensitive && o->fields[0].nreference_to == 2 &&
				   strcmp(o->fields[0].reference_to, "User") == 0 &&
				   strcmp(o->fields[0].references[0], "User") == 0 &&
				   strcmp(o->fields[0].references[1], "Group") == 0 &&
				   o->fields[0].length == 18 && o->fields[0].compound_field_name == NULL,
			   "fields and what is said of them");
		n++;
	}
	ok(n == 27 && in_order && err.cls == SF_ERR_NONE,
	   "all objects, in the order of the names");
	is_int(peer_used(p, 1), 1, "25 by one call");
	is_int(peer_used(p, 2), 1, "the rest by a second");
	ok(strstr(peer_last_request(p, 2), "\"/services/data/v62.0/sobjects/O26/describe\"") !=
		   NULL,
	   "what is asked for");
	sf_describe_free(d);
	sf_session_free(s);
	peer_stop(p);
}

static void
test_errors(void)
{
	const char *names[] = {"Good", "Nope"};
	const char *bad[] = {"Good", "../limits"};
	peer_rule rules[] = {
		LOGIN,
		{"POST", V "/composite$", .status = 200,
		 .body = "{\"compositeResponse\":[" RESPONSE(
			 "r0", OBJECT("Good", "")) ",{\"body\":[{\"errorCode\":\"NOT_FOUND\",\"message\":"
									   "\"The requested resource does "
									   "not "
									   "exist\"}],\"httpHeaders\":{},\"httpStatusCode\":404,"
									   "\"referenceId\":\"r1\"}]}"},
	};
	peer *p = peer_start(rules, COUNT(rules));
	sf_session *s = open_session(p);
	sf_error err = {0};
	sf_describe *d = sf_describe_objects_start(s, names, 2, &err);
	const sf_object *o = NULL;

	is_int(next(s, d, &o, &err), SF_OK, "a good object");
	is_int(next(s, d, &o, &err), SF_FAILED, "one that is not there");
	is_text(err.message,
			"could not describe object Nope: NOT_FOUND: The requested resource does not exist",
			"is named");
	is_int(err.http_status, 404, "with its status");
	sf_describe_free(d);
	sf_error_reset(&err);
	ok(sf_describe_objects_start(s, bad, 2, &err) == NULL && err.cls == SF_ERR_CONFIG,
	   "a name that is none is refused");
	sf_error_reset(&err);
	d = sf_describe_objects_start(s, NULL, 0, &err);
	is_int(next(s, d, &o, &err), SF_DONE, "no names, no objects");
	sf_describe_free(d);

	d = sf_describe_objects_start(s, names, 2, &err);
	drive(s);
	sf_describe_free(d);
	ok(true, "freed while it is under way");
	sf_session_free(s);
	peer_stop(p);
}

#define VALUE(value, active)                                                                  \
	"{\"value\":\"" value "\",\"label\":\"L " value "\",\"active\":" active "}"
#define PICKLIST(name, restricted, values)                                                    \
	"{\"name\":\"" name "\",\"type\":\"picklist\",\"restrictedPicklist\":" restricted         \
	",\"picklistValues\":[" values "]}"

static void
test_picklists(void)
{
	const char *names[] = {"A", "B"};
	peer_rule rules[] = {
		LOGIN,
		{"POST", V "/composite$", .status = 200,
		 .body = "{\"compositeResponse\":[" RESPONSE(
			 "r0",
			 OBJECT(
				 "A",
				 PICKLIST("Closed__c", "true", VALUE("one", "true") "," VALUE("old", "false") "," VALUE("two", "true")) "," PICKLIST(
					 "Open__c", "false",
					 VALUE(
						 "x",
						 "true")) "," FIELD("Id",
											"id") "," PICKLIST("Next__c", "true",
															   VALUE(
																   "three",
																   "true")))) "," RESPONSE("r"
																						   "1",
																						   OBJECT(
																							   "B",
																							   "{\"name\":\"C\",\"type\":\"picklist\",\"restrictedPicklist\":true,"
																							   "\"picklistValues\":[{\"active\":true}]}")) "]}"},
	};
	peer *p = peer_start(rules, COUNT(rules));
	sf_session *s = open_session(p);
	sf_error err = {0};
	sf_describe *d = sf_describe_objects_start(s, names, 2, &err);
	const sf_object *o = NULL;

	is_int(next(s, d, &o, &err), SF_OK, "an object with picklists");
	ok(o->nfields == 4 && o->fields[0].npicklist == 2 &&
		   strcmp(o->fields[0].picklist[0], "one") == 0 &&
		   strcmp(o->fields[0].picklist[1], "two") == 0,
	   "the active values of a restricted one");
	ok(o->fields[1].npicklist == 0 && o->fields[2].npicklist == 0, "no others");
	ok(o->fields[0].nvalues == 2 && o->fields[1].nvalues == 1 &&
		   strcmp(o->fields[1].values[0], "x") == 0 && o->fields[2].nvalues == 0 &&
		   o->fields[2].nreference_to == 2,
	   "values of one that takes others, too; lists of other kinds do not mix");
	ok(o->fields[3].npicklist == 1 && strcmp(o->fields[3].picklist[0], "three") == 0,
	   "each has its own");
	is_int(next(s, d, &o, &err), SF_FAILED, "a value without its text");
	is_text(err.message, "\"value\" is missing in describe of a picklist value", "is named");
	sf_describe_free(d);
	sf_session_free(s);
	peer_stop(p);
}

static void
test_details(void)
{
	const char *names[] = {"A"};
	peer_rule rules[] = {
		LOGIN,
		{"POST", V "/composite$", .status = 200,
		 .body = "{\"compositeResponse\":[" RESPONSE(
			 "r0",
			 OBJECT("A",
					"{\"name\":\"F\",\"type\":\"boolean\",\"defaultValue\":true,"
					"\"calculatedFormula\":\"1 = 1\",\"calculated\":true,"
					"\"inlineHelpText\":\"why\",\"controllerName\":\"G\",\"byteLength\":3,"
					"\"cascadeDelete\":true},"
					"{\"name\":\"G\",\"type\":\"string\",\"defaultValue\":\"x\","
					"\"defaultValueFormula\":\"TODAY()\",\"autoNumber\":true,"
					"\"defaultedOnCreate\":true,\"picklistValues\":[{\"active\":true}]},"
					"{\"name\":\"H\",\"type\":\"string\",\"defaultValue\":\"x\"},"
					"{\"name\":\"I\",\"type\":\"int\",\"defaultValue\":null}")) "]}"},
	};
	peer *p = peer_start(rules, COUNT(rules));
	sf_session *s = open_session(p);
	sf_error err = {0};
	sf_describe *d = sf_describe_objects_start(s, names, 1, &err);
	const sf_object *o = NULL;

	is_int(next(s, d, &o, &err), SF_OK, "fields with all that is said of them");
	is_text(o->fields[0].default_value, "true", "how a checkbox begins");
	is_text(o->fields[0].formula, "1 = 1", "a formula");
	is_text(o->fields[0].help, "why", "a help text");
	is_text(o->fields[0].controller, "G", "the controlling field");
	ok(o->fields[0].cascade_delete && !o->fields[0].restricted_delete &&
		   o->fields[0].byte_length == 3 && !o->fields[0].auto_number,
	   "flags and lengths");
	is_text(o->fields[1].default_value, "TODAY()", "an expression goes before a value");
	ok(o->fields[1].auto_number && o->fields[1].defaulted_on_create, "other flags");
	ok(o->fields[1].nvalues == 0, "a value without text, where others may be written");
	is_text(o->fields[2].default_value, "x", "a text");
	ok(o->fields[3].default_value == NULL && o->fields[3].formula == NULL, "none");
	sf_describe_free(d);
	sf_session_free(s);
	peer_stop(p);
}

int
main(void)
{
	int fds = count_fds();

	test_global();
	test_groups();
	test_picklists();
	test_details();
	test_errors();
	is_int(count_fds(), fds, "no descriptor is left open");
	return tap_done();
}
