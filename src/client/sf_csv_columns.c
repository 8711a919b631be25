/*
 * sf_csv_columns.c
 *		The columns of a CSV file: names from its header row, and which of them the caller wants.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sf_csv_internal.h"
#include "sf_status.h"

void
sf_csv_free_names(char **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

void
sf_csv_forget_header(sf_csv *csv)
{
	sf_csv_free_names(csv->file_names, csv->nfile);
	free(csv->slots);
	free(csv->values);
	free(csv->repeats);
	csv->file_names = NULL;
	csv->slots = NULL;
	csv->values = NULL;
	csv->repeats = NULL;
	csv->nfile = 0;
	csv->nfile_alloc = 0;
	csv->nvalues = 0;
	csv->nrepeats = 0;
	csv->header_done = false;
}

sf_status
sf_csv_map_columns(sf_csv *csv, const char *const *names, int nnames, sf_error *err)
{
	char **copy;

	if (csv->header_done || csv->nfile > 0)
		return sf_error_set(err, SF_ERR_PROTOCOL,
							"columns must be mapped before the header row is read");

	copy = calloc((size_t) nnames + 1, sizeof(*copy));
	if (copy == NULL)
		return sf_error_nomem(err);
	for (int i = 0; i < nnames; i++)
	{
		copy[i] = strdup(names[i]);
		if (copy[i] == NULL)
		{
			sf_csv_free_names(copy, i);
			return sf_error_nomem(err);
		}
	}
	sf_csv_free_names(csv->wanted, csv->nwanted);
	csv->wanted = copy;
	csv->nwanted = nnames;
	csv->mapped = true;
	return SF_OK;
}

static int
find_name(char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
	{
		if (strcasecmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

static sf_status
missing_column(sf_csv *csv, const char *name)
{
	char list[SF_MESSAGE_MAX];
	size_t n = 0;

	list[0] = 0;
	for (int i = 0; i < csv->nfile && n < sizeof(list) - 3; i++)
	{
		if (i > 0)
			n += sf_text_copy(list + n, sizeof(list) - n, ", ", 2);
		n += sf_text_copy(list + n, sizeof(list) - n, csv->file_names[i],
						  strlen(csv->file_names[i]));
	}
	sf_error_set(&csv->failed, SF_ERR_PROTOCOL,
				 "column \"%s\" is missing in the CSV header row", name);
	sf_error_detail(&csv->failed, "The header row is: %s", list);
	sf_error_column(&csv->failed, name);
	return SF_FAILED;
}

void
sf_csv_set_no_rows(sf_csv *csv, const char *text)
{
	csv->no_rows = text;
}

sf_status
sf_csv_use_header(sf_csv *csv)
{
	bool no_rows = csv->no_rows != NULL && csv->nfile == 1 &&
				   strcmp(csv->file_names[0], csv->no_rows) == 0;

	csv->nvalues = csv->mapped ? csv->nwanted : csv->nfile;
	csv->values = calloc((size_t) csv->nvalues + 1, sizeof(*csv->values));
	csv->slots = calloc((size_t) csv->nfile, sizeof(*csv->slots));
	csv->repeats = calloc((size_t) csv->nvalues + 1, sizeof(*csv->repeats));
	if (csv->values == NULL || csv->slots == NULL || csv->repeats == NULL)
		return sf_error_nomem(&csv->failed);

	for (int i = 0; i < csv->nfile; i++)
		csv->slots[i] = csv->mapped ? &csv->values[csv->nvalues] : &csv->values[i];

	for (int i = 0; csv->mapped && !no_rows && i < csv->nwanted; i++)
	{
		int first = find_name(csv->wanted, i, csv->wanted[i]);
		int column = find_name(csv->file_names, csv->nfile, csv->wanted[i]);

		if (column < 0)
			return missing_column(csv, csv->wanted[i]);
		if (first >= 0)
		{
			csv->repeats[csv->nrepeats].to = i;
			csv->repeats[csv->nrepeats].from = first;
			csv->nrepeats++;
		}
		else
			csv->slots[column] = &csv->values[i];
	}
	csv->header_done = true;
	return SF_OK;
}

sf_status
sf_csv_add_name(sf_csv *csv, const sf_value *value)
{
	char *name;

	if (csv->nfile >= SF_CSV_COLUMNS_MAX)
		return sf_error_set(&csv->failed, SF_ERR_LIMIT, "the CSV has more than %d columns",
							SF_CSV_COLUMNS_MAX);
	if (csv->nfile == csv->nfile_alloc)
	{
		int alloc = csv->nfile_alloc == 0 ? 16 : csv->nfile_alloc * 2;
		char **names = realloc(csv->file_names, (size_t) alloc * sizeof(*names));

		if (names == NULL)
			return sf_error_nomem(&csv->failed);
		csv->file_names = names;
		csv->nfile_alloc = alloc;
	}
	name = strdup(value->data == NULL ? "" : value->data);
	if (name == NULL)
		return sf_error_nomem(&csv->failed);
	csv->file_names[csv->nfile++] = name;
	return SF_OK;
}

int
sf_csv_ncolumns(const sf_csv *csv)
{
	return csv->mapped ? csv->nwanted : csv->nvalues;
}

const char *
sf_csv_header_name(const sf_csv *csv, int file_column)
{
	if (file_column < 0 || file_column >= csv->nfile)
		return NULL;
	return csv->file_names[file_column];
}
