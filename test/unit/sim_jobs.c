/*
 * sim_jobs.c
 *		Bulk jobs without a network: an upload from create to results, saving and loading, renderings that writes do
 *		not concern, multipart bodies.
 */
#include "job.h"
#include "multipart.h"
#include "tap.h"

#include <cjson/cJSON.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static srv s;
static char token[AUTH_TOKEN_SIZE];
static char dir[64] = "/tmp/sim_jobs.XXXXXX";

/* One request; the answer's body (static), its status in *status. */
static const char *
call(const char *method, const char *path, const char *type, const char *body, int *status)
{
	static sim_buf text;
	char uri[512];
	char auth[AUTH_TOKEN_SIZE + 16];
	srv_request *req;

	snprintf(uri, sizeof(uri), "/services/data/v62.0%s", path);
	snprintf(auth, sizeof(auth), "Bearer %s", token);
	req = srv_request_new(&s, uri);
	snprintf(req->method, sizeof(req->method), "%s", method);
	srv_request_header(req, "Authorization", auth);
	if (type)
		srv_request_header(req, "Content-Type", type);
	if (body)
		sim_buf_str(&req->body, body);
	srv_route(req);
	*status = req->resp.status;
	sim_buf_reset(&text);
	sim_buf_str(&text, "");
	if (req->resp.file)
		srv_read_file(req->resp.file, &text);
	else
		sim_buf_add(&text, req->resp.body.data ? req->resp.body.data : "", req->resp.body.len);
	srv_request_free(req);
	return text.data;
}

static const char *
json_call(const char *method, const char *path, const char *body)
{
	int status;

	return call(method, path, "application/json", body, &status);
}

/* A text member of a JSON object (static). */
static const char *
member(const char *json, const char *name)
{
	static char out[512];
	cJSON *o = cJSON_Parse(json);
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	snprintf(out, sizeof(out), "%s", text ? text : "");
	cJSON_Delete(o);
	return out;
}

/* Until a job has ended: its state. */
static const char *
end_of(const char *kind, const char *id)
{
	char path[128];

	snprintf(path, sizeof(path), "/jobs/%s/%s", kind, id);
	for (int i = 0; i < 2000; i++)
	{
		const char *state = member(json_call("GET", path, NULL), "state");

		if (job_state_parse(state) >= JOB_COMPLETE)
			return state;
		log_wait_change(&s, 5);
	}
	return "for ever";
}

static void
load_rows(const char *object, const char *csv, char id[SIM_ID_SIZE])
{
	char body[256];
	char path[128];
	int status;

	snprintf(body, sizeof(body), "{\"object\":\"%s\",\"operation\":\"insert\"}", object);
	snprintf(id, SIM_ID_SIZE, "%s", member(json_call("POST", "/jobs/ingest", body), "id"));
	snprintf(path, sizeof(path), "/jobs/ingest/%s/batches", id);
	call("PUT", path, "text/csv", csv, &status);
	is_int(status, 201, "an upload");
	snprintf(path, sizeof(path), "/jobs/ingest/%s", id);
	json_call("PATCH", path, "{\"state\":\"UploadComplete\"}");
	is_text(end_of("ingest", id), "JobComplete", "is processed");
}

static void
query(const char *soql, char id[SIM_ID_SIZE])
{
	char body[256];

	snprintf(body, sizeof(body), "{\"operation\":\"query\",\"query\":\"%s\"}", soql);
	snprintf(id, SIM_ID_SIZE, "%s", member(json_call("POST", "/jobs/query", body), "id"));
	is_text(end_of("query", id), "JobComplete", soql);
}

/* The answer of one result resource. */
static const char *
results(const char *kind, const char *id, const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "/jobs/%s/%s/%s", kind, id, what);
	return json_call("GET", path, NULL);
}

static int
renderings(void)
{
	sim_buf b = {0};
	cJSON *o;
	int n;

	pages_json(&s, &b);
	o = cJSON_Parse(b.data);
	n = cJSON_GetObjectItemCaseSensitive(o, "renderings")->valueint;
	cJSON_Delete(o);
	sim_buf_free(&b);
	return n;
}

static void
test_renderings(void)
{
	const char *soql = "SELECT Id, Name, Account.Name FROM Contact";
	char first[SIM_ID_SIZE], second[SIM_ID_SIZE], job_id[SIM_ID_SIZE];
	char *before;
	int n;

	query(soql, first);
	before = strdup(results("query", first, "results"));
	n = renderings();
	load_rows("Opportunity", "Name,StageName,CloseDate\nX,Prospecting,2024-01-01\n", job_id);
	query(soql, second);
	is_int(renderings(), n, "a write elsewhere leaves the rendering as it is");
	load_rows("Account", "Name\nParent\n", job_id);
	query(soql, second);
	is_int(renderings(), n + 1, "a write to a parent's object does not");
	load_rows("Contact", "LastName\nLater\n", job_id);
	query(soql, second);
	is_int(renderings(), n + 2, "nor one to the object");
	ok(strstr(results("query", second, "results"), "\"Later\"") != NULL,
	   "the new one has the row");
	is_text(results("query", first, "results"), before, "a job keeps its own");
	free(before);
}

static void
test_save(void)
{
	char keep[96];
	char path[128];
	char query_id[SIM_ID_SIZE], ingest_id[SIM_ID_SIZE], open_id[SIM_ID_SIZE];
	char *rows, *info, *good;
	sim_error err = {0};
	int status;

	snprintf(keep, sizeof(keep), "%s/keep", dir);
	mkdir(keep, 0700);
	load_rows("Account", "Name,Phone\n\"Kept, \"\"a\"\"\nb\",1\n,2\n", ingest_id);
	query("SELECT Id, Name FROM Account", query_id);
	rows = strdup(results("query", query_id, "results"));
	good = strdup(results("ingest", ingest_id, "successfulResults"));
	snprintf(path, sizeof(path), "/jobs/ingest/%s", ingest_id);
	info = strdup(json_call("GET", path, NULL));
	snprintf(open_id, sizeof(open_id), "%s",
			 member(json_call("POST", "/jobs/ingest",
							  "{\"object\":\"Account\",\"operation\":\"insert\"}"),
					"id"));
	snprintf(path, sizeof(path), "/jobs/ingest/%s/batches", open_id);
	call("PUT", path, "text/csv", "Name\nFrom before\n", &status);

	ok(jobs_save(&s, keep, &err), "jobs are saved: %s", err.message);
	ok(jobs_drop_all(&s) > 0, "and dropped");
	json_call("GET", "/jobs/ingest", NULL);
	ok(jobs_load(&s, keep, &err), "jobs are loaded: %s", err.message);
	is_text(results("query", query_id, "results"), rows,
			"the query's rows are those of before");
	is_text(results("query", query_id, "results?maxRecords=1"),
			results("query", query_id, "results?maxRecords=1"), "pages are cut again");
	is_text(results("ingest", ingest_id, "successfulResults"), good, "so are result files");
	ok(strstr(results("ingest", ingest_id, "failedResults"), "REQUIRED_FIELD_MISSING") != NULL,
	   "all of them");
	snprintf(path, sizeof(path), "/jobs/ingest/%s", ingest_id);
	is_text(json_call("GET", path, NULL), info, "a job's info is the same");
	snprintf(path, sizeof(path), "/jobs/ingest/%s", open_id);
	is_text(member(json_call("GET", path, NULL), "state"), "Open", "an open job is open");
	json_call("PATCH", path, "{\"state\":\"UploadComplete\"}");
	is_text(end_of("ingest", open_id), "JobComplete", "and goes on with its upload");
	ok(strstr(results("ingest", open_id, "successfulResults"), "From before") != NULL,
	   "which is there");
	ok(!jobs_load(&s, "/nowhere", &err), "what is not there is not loaded");
	free(rows);
	free(good);
	free(info);
}

/* Parts as "name:type:data;", or "!" when malformed. */
static void
is_parts(const char *type, const char *body, const char *want, const char *name)
{
	char boundary[MULTIPART_BOUNDARY_SIZE];
	multipart_part p;
	sim_buf b = {0};
	size_t at = 0;
	int rc = -1;

	sim_buf_str(&b, "");
	if (multipart_boundary(type, boundary))
		while ((rc = multipart_next(body, strlen(body), boundary, &at, &p)) > 0)
			sim_buf_printf(&b, "%s:%s:%.*s;", p.name, p.type, (int) p.len, p.data);
	if (rc < 0)
		sim_buf_char(&b, '!');
	is_text(b.data, want, name);
	sim_buf_free(&b);
}

static void
test_multipart(void)
{
	const char *type = "multipart/form-data; charset=x; boundary=\"a b\"";

	is_parts(type,
			 "preamble\r\n--a b\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; "
			 "filename=\"x;name=y\"; name=\"n\"\r\n\r\none\r\ntwo\r\n\r\n--a b--\r\nrest",
			 "n:text/csv:one\r\ntwo\r\n;", "a part");
	is_parts(type, "--a b\ncontent-disposition:form-data;name=n\n\nx\n--a b\n\ny\n--a b--",
			 "n::x;::y;", "LF and parts without headers");
	is_parts(type, "--a b\n\n--a b--\n", "::;", "an empty part");
	is_parts(type, "--a b\n\nx", "!", "no end");
	is_parts(type, "--a bc\n\nx\n--a bc--", "!", "another boundary");
	is_parts(type, "--a b\nname: x", "!", "headers without an end");
	is_parts("multipart/form-data", "--a--", "!", "no boundary");
	is_parts("text/plain; boundary=a", "--a--", "!", "no multipart");
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void) st;
	(void) flag;
	(void) ftw;
	return remove(path);
}

int
main(void)
{
	sim_options opt;
	sim_error err = {0};

	if (mkdtemp(dir) == NULL)
		return 1;
	sim_options_init(&opt);
	opt.dir = dir;
	s.temp_dir = dir;
	srv_options_init(&s.options);
	pthread_mutex_init(&s.lock, NULL);
	s.org = sim_org_open(&opt, &err);
	s.auth = auth_new(&s);
	s.jobs = jobs_new(&s);
	s.pages = pages_new(&s);
	s.faults = faults_new();
	s.log = log_new();
	s.cursors = cursors_new();
	auth_issue(&s, "test", token);

	test_multipart();
	test_renderings();
	test_save();

	cursors_free(s.cursors);
	jobs_free(s.jobs);
	pages_free(s.pages);
	faults_free(s.faults);
	auth_free(s.auth);
	log_free(s.log);
	sim_org_close(s.org);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}
