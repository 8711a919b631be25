/*
 * faults_edit.c
 *		What faults do to the body of an answer.
 */
#include <stdlib.h>
#include <string.h>

#include "faults.h"

static void
splice(sim_buf *b, size_t at, size_t take, const sim_buf *put)
{
	sim_buf out = {0};

	if (b->data)
		sim_buf_add(&out, b->data, at);
	sim_buf_add(&out, put->data ? put->data : "", put->len);
	if (b->data)
		sim_buf_add(&out, b->data + at + take, b->len - at - take);
	sim_buf_free(b);
	*b = out;
}

static void
edit_replace(sim_buf *b, const cJSON *rule)
{
	const char *find = fault_text(rule, "find");
	size_t n = find ? strlen(find) : 0;
	bool all = fault_int(rule, "all", 0) != 0;
	sim_buf with = {0};
	sim_buf out = {0};
	const char *from = b->data;
	const char *end = b->data ? b->data + b->len : NULL;
	const char *p;

	fault_bytes(rule, "with", "with_hex", &with);
	while (n > 0 && from && (p = memmem(from, (size_t) (end - from), find, n)) != NULL)
	{
		sim_buf_add(&out, from, (size_t) (p - from));
		sim_buf_add(&out, with.data ? with.data : "", with.len);
		from = p + n;
		if (!all)
			break;
	}
	if (from && from != b->data)
	{
		sim_buf_add(&out, from, (size_t) (end - from));
		sim_buf_free(b);
		*b = out;
	}
	sim_buf_free(&with);
}

static void
edit_insert(sim_buf *b, const cJSON *rule)
{
	int64_t at = fault_int(rule, "at", 0);
	sim_buf put = {0};

	fault_bytes(rule, "text", "hex", &put);
	if (at < 0)
		at += (int64_t) b->len;
	if (at < 0)
		at = 0;
	if ((size_t) at > b->len)
		at = (int64_t) b->len;
	splice(b, (size_t) at, 0, &put);
	sim_buf_free(&put);
}

/* ---------------------------------------------------------------- CSV */

/* Where the records of a CSV text start, and behind the last one its end. */
typedef struct records
{
	size_t *at; /* n + 1 of them */
	size_t n;
} records;

static bool
find_records(const sim_buf *b, records *r)
{
	size_t space = 0;
	bool quoted = false;

	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i <= b->len; i++)
	{
		bool start = i == 0 || (!quoted && b->data[i - 1] == '\n');

		if (start || i == b->len)
		{
			if (r->n + 1 >= space)
			{
				size_t *bigger =
					realloc(r->at, (space = space ? 2 * space : 1024) * sizeof(*bigger));

				if (bigger == NULL)
				{
					free(r->at);
					return false;
				}
				r->at = bigger;
			}
			r->at[r->n] = i;
			if (i < b->len)
				r->n++;
		}
		if (i < b->len && b->data[i] == '"')
			quoted = !quoted;
	}
	return true;
}

/* Keep only so many bytes. */
static void
cut(sim_buf *b, size_t len)
{
	if (b->data == NULL || len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

/* Records from the given one on, by their number; the header is number 0. */
static void
add_record(sim_buf *out, const sim_buf *b, const records *r, size_t i)
{
	sim_buf_add(out, b->data + r->at[i], r->at[i + 1] - r->at[i]);
}

static void
drop_rows(sim_buf *b, const records *r, int64_t n)
{
	if (n > 0 && r->n > 0)
		cut(b, r->at[(uint64_t) n >= r->n - 1 ? 1 : r->n - (size_t) n]);
}

static void
repeat_rows(sim_buf *b, const records *r, int64_t n)
{
	size_t from;
	sim_buf tail = {0};

	if (n <= 0 || r->n < 2)
		return;
	from = r->at[(uint64_t) n >= r->n - 1 ? 1 : r->n - (size_t) n];
	sim_buf_add(&tail, b->data + from, b->len - from);
	sim_buf_add(b, tail.data, tail.len);
	sim_buf_free(&tail);
}

/* Another order, the same each time: a re-read must not differ. */
static void
shuffle_rows(sim_buf *b, const records *r)
{
	size_t *order = malloc(sizeof(*order) * (r->n + 1));
	uint32_t seed = 12345;
	sim_buf out = {0};

	if (order == NULL || r->n < 3)
	{
		free(order);
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		order[i] = i;
	for (size_t i = r->n - 1; i > 1; i--)
	{
		size_t j, kept = order[i];

		seed = seed * 1664525u + 1013904223u;
		j = 1 + (size_t) (((uint64_t) seed * i) >> 32);
		order[i] = order[j];
		order[j] = kept;
	}
	for (size_t i = 0; i < r->n; i++)
		add_record(&out, b, r, order[i]);
	free(order);
	sim_buf_free(b);
	*b = out;
}

/* One record, its line ending kept, with the last column first. */
static void
reverse_record(sim_buf *out, const char *rec, size_t len, char delim)
{
	size_t end = len;
	bool quoted = false;
	size_t stop;

	while (end > 0 && (rec[end - 1] == '\n' || rec[end - 1] == '\r'))
		end--;
	stop = end;

	/* backwards; a doubled quote inside of quotes toggles twice */
	for (size_t i = end; i-- > 0;)
	{
		if (rec[i] == '"')
			quoted = !quoted;
		if (rec[i] == delim && !quoted)
		{
			sim_buf_add(out, rec + i + 1, stop - i - 1);
			sim_buf_char(out, delim);
			stop = i;
		}
	}
	sim_buf_add(out, rec, stop);
	sim_buf_add(out, rec + end, len - end);
}

static void
reverse_columns(sim_buf *b, const records *r, const char *delim)
{
	sim_buf out = {0};

	for (size_t i = 0; i < r->n; i++)
		reverse_record(&out, b->data + r->at[i], r->at[i + 1] - r->at[i],
					   delim ? *delim : ',');
	sim_buf_free(b);
	*b = out;
}

/* One edit of a CSV text, which is taken apart anew each time: edits change where records are. */
static void
edit_csv(sim_buf *b, const cJSON *spec, const char *what)
{
	int64_t n = fault_int(spec, what, 0);
	records r;

	if (n == 0 || b->len == 0 || !find_records(b, &r))
		return;
	if (strcmp(what, "drop_rows") == 0)
		drop_rows(b, &r, n);
	else if (strcmp(what, "repeat_rows") == 0)
		repeat_rows(b, &r, n);
	else if (strcmp(what, "shuffle_rows") == 0)
		shuffle_rows(b, &r);
	else if (strcmp(what, "reverse_columns") == 0)
		reverse_columns(b, &r, fault_text(spec, "delimiter"));
	else
		cut(b, r.n > 0 ? r.at[1] : 0);
	free(r.at);
}

/* ---------------------------------------------------------------- all of them */

/* Each rule of a member that is one rule or an array of them. */
static void
each_rule(sim_buf *b, const cJSON *rules, void (*edit)(sim_buf *, const cJSON *))
{
	const cJSON *rule;

	if (cJSON_IsArray(rules))
		cJSON_ArrayForEach (rule, rules)
		{
			edit(b, rule);
		}
	else if (rules)
		edit(b, rules);
}

void
fault_edit(const cJSON *spec, srv_response *resp)
{
	static const char *const csv[] = {"drop_rows", "repeat_rows", "shuffle_rows",
									  "reverse_columns", "header_only"};
	/* the last ones are edits of what is sent: it has to be in memory then */
	static const char *const edits[] = {"replace", "insert", "empty", "gzip_cut", "flip"};
	bool any = false;

	for (size_t i = 0; i < sizeof(edits) / sizeof(*edits); i++)
		any |= fault_item(spec, edits[i]) != NULL;
	for (size_t i = 0; i < sizeof(csv) / sizeof(*csv); i++)
		any |= fault_item(spec, csv[i]) != NULL;
	if (!any || !srv_load_file(resp))
		return;
	each_rule(&resp->body, fault_item(spec, "replace"), edit_replace);
	each_rule(&resp->body, fault_item(spec, "insert"), edit_insert);
	for (size_t i = 0; i < sizeof(csv) / sizeof(*csv); i++)
		edit_csv(&resp->body, spec, csv[i]);
	if (fault_int(spec, "empty", 0))
		cut(&resp->body, 0);
}
