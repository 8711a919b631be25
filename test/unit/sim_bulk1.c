/*
 * sim_bulk1.c
 *		Bulk API 1.0 without HTTP: records of a batch in all formats, zip files that lie.
 */
#include <zlib.h>

#include "bulk1_int.h"
#include "tap.h"

/* ---------------------------------------------------------------- zip files */

static void
put16(sim_buf *b, unsigned n)
{
	sim_buf_char(b, (char) (n & 255));
	sim_buf_char(b, (char) (n >> 8 & 255));
}

static void
put32(sim_buf *b, unsigned n)
{
	put16(b, n);
	put16(b, n >> 16);
}

/* What a file says of itself in the directory; what is not said is true. */
typedef struct lie
{
	unsigned flags;
	unsigned size;
	unsigned packed;
	unsigned offset;
	unsigned count;
} lie;

/* A zip file of one deflated entry. */
static void
make_zip(sim_buf *out, const char *name, const char *data, const lie *l)
{
	unsigned char packed[4096];
	z_stream z = {0};
	unsigned size = (unsigned) strlen(data);
	unsigned n;
	unsigned directory;

	deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (Bytef *) (uintptr_t) data;
	z.avail_in = size;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	deflate(&z, Z_FINISH);
	n = (unsigned) sizeof(packed) - z.avail_out;
	deflateEnd(&z);

	sim_buf_reset(out);
	put32(out, 0x04034b50);
	for (int i = 0; i < 11; i++)
		put16(out, 0);
	put16(out, (unsigned) strlen(name));
	put16(out, 0);
	sim_buf_str(out, name);
	sim_buf_add(out, packed, n);
	directory = (unsigned) out->len;
	put32(out, 0x02014b50);
	put16(out, 20);
	put16(out, 20);
	put16(out, l ? l->flags : 0);
	put16(out, 8);
	put32(out, 0);
	put32(out, 0);
	put32(out, l && l->packed ? l->packed : n);
	put32(out, l && l->size ? l->size : size);
	put16(out, (unsigned) strlen(name));
	for (int i = 0; i < 6; i++)
		put16(out, 0);
	put32(out, l ? l->offset : 0);
	out->len -= 4;
	put32(out, l ? l->offset : 0);
	sim_buf_str(out, name);
	put32(out, 0x06054b50);
	put32(out, 0);
	put16(out, 1);
	put16(out, l && l->count ? l->count : 1);
	put32(out, 0);
	put32(out, directory);
	put16(out, 0);
}

/* The text of request.txt, or what is wrong. */
static void
unzips(const sim_buf *zip, const char *expected, const char *what)
{
	sim_error err = {0};
	sim_buf text = {0};
	bulk1_zip *z = bulk1_zip_open(zip->data, zip->len, &err);
	int rc = z ? bulk1_zip_read(z, "request.txt", &text, &err) : -1;

	is_text(rc > 0 ? text.data : rc == 0 ? "(absent)" : err.message, expected, what);
	bulk1_zip_close(z);
	sim_buf_free(&text);
}

static void
test_zip(void)
{
	static const char malformed[] = "Zip content is malformed";
	sim_buf zip = {0};
	int wrong = 0;

	make_zip(&zip, "request.txt", "Name\nx\n", NULL);
	unzips(&zip, "Name\nx\n", "a deflated file");
	for (size_t n = 0; n < zip.len; n++)
	{
		char *copy = malloc(n ? n : 1);
		bulk1_zip *z;

		memcpy(copy, zip.data, n);
		z = bulk1_zip_open(copy, n, NULL);
		wrong += z != NULL;
		bulk1_zip_close(z);
		free(copy);
	}
	is_int(wrong, 0, "no beginning of a zip file is one");
	make_zip(&zip, "other.txt", "x", NULL);
	unzips(&zip, "(absent)", "another file");
	make_zip(&zip, "request.txt", "x", &(lie){.flags = 1});
	unzips(&zip, malformed, "an encrypted file");
	make_zip(&zip, "request.txt", "xxxxxxxxxx", &(lie){.size = 9});
	unzips(&zip, malformed, "more comes out than was said");
	make_zip(&zip, "request.txt", "xxxxxxxxxx", &(lie){.size = 11});
	unzips(&zip, malformed, "less comes out than was said");
	make_zip(&zip, "request.txt", "x", &(lie){.size = 11 << 20});
	unzips(&zip, "The decompressed size of the zip file is too large", "too large");
	make_zip(&zip, "request.txt", "x", &(lie){.packed = 1 << 30});
	unzips(&zip, malformed, "data that end behind the file");
	make_zip(&zip, "request.txt", "x", &(lie){.offset = 0x7FFFFFFF});
	unzips(&zip, malformed, "data that begin behind the file");
	make_zip(&zip, "request.txt", "x", &(lie){.count = 2});
	unzips(&zip, malformed, "fewer files than was said");
	make_zip(&zip, "request.txt", "x", &(lie){.count = 5000});
	unzips(&zip, "Too many files in the zip file: 5000", "too many files");
	sim_buf_free(&zip);
}

/* ---------------------------------------------------------------- records */

/* Cells of all records as field=text (null: field=~, a parent's key: field>key=text), or the error. */
static void
records(bulk1_type type, bulk1_op op, const char *text, const char *expected)
{
	bulk1_job j = {.type = type, .op = op, .object = sim_object_find("Contact")};
	bulk1_outcome o = {0};
	bulk1_rows *rows = bulk1_rows_new(&j, text, strlen(text), NULL, &o);
	sim_buf b = {0};

	sim_buf_str(&b, rows ? "" : o.message);
	for (int64_t i = rows ? bulk1_rows_count(rows) : 0; i > 0; i--)
	{
		sim_error err = {0};
		sim_write w = {0};

		if (!bulk1_rows_next(rows, &w, &err))
			sim_buf_printf(&b, "!%s", err.message);
		sim_buf_str(&b, w.id ? w.id : "");
		for (int c = 0; c < w.n; c++)
		{
			const sim_in *in = &w.in[c];

			sim_buf_printf(&b, " %s", sim_field_name(in->field));
			if (in->kind == SIM_IN_KEY)
				sim_buf_printf(&b, ">%s.%s", sim_object_name(in->key_object),
							   sim_field_name(in->key));
			if (in->kind == SIM_IN_NULL)
				sim_buf_str(&b, "=~");
			else if (in->kind == SIM_IN_BOOL)
				sim_buf_str(&b, in->yes ? "=yes" : "=no");
			else if (in->kind == SIM_IN_NUMBER)
				sim_buf_printf(&b, "=#%g", in->number);
			else
				sim_buf_printf(&b, "=%.*s", (int) in->len, in->text);
		}
		sim_buf_char(&b, ';');
	}
	is_text(b.data, expected, text);
	bulk1_rows_free(rows);
	sim_buf_free(&b);
}

static void
test_records(void)
{
	records(BULK1_CSV, BULK1_UPDATE, "ID,LastName,ReportsTo.Email\n1,a,b\r\n2,#N/A,\n",
			"1 LastName=a ReportsToId>Contact.Email=b;2 LastName=~;");
	records(BULK1_CSV, BULK1_INSERT, "LastName\n", "InvalidBatch : Records not found");
	records(BULK1_XML, BULK1_INSERT,
			"<sObjects xmlns:x='y'><sObject><LastName>a</LastName><Email/><FirstName "
			"x:nil='true'/></sObject><sObject/></sObjects>",
			" LastName=a FirstName=~;;");
	records(BULK1_XML, BULK1_UPDATE,
			"<sObjects><sObject><id>7</id><ReportsTo><sObject><type>Contact</type>"
			"<Email>e</Email></sObject></ReportsTo></sObject></sObjects>",
			"InvalidBatch : type is not needed for non polymorphic foreign key references: "
			"ReportsTo");
	records(BULK1_XML, BULK1_INSERT, "<a/>", "InvalidBatch : Unable to find sObjects");
	records(BULK1_XML, BULK1_INSERT, "<sObjects><x/></sObjects>",
			"InvalidBatch : Unable to find sObject: x");
	records(BULK1_XML, BULK1_DELETE, "<sObjects><sObject><Id>1</Id></sObject></sObjects>",
			"1;");
	records(BULK1_XML, BULK1_DELETE,
			"<sObjects><sObject><Id>1</Id><LastName>x</LastName></sObject></sObjects>",
			"InvalidBatch : The 'delete' batch must contain only ids");
	records(BULK1_JSON, BULK1_INSERT,
			"[{\"LastName\":\"a\",\"HasOptedOutOfEmail\":true,\"Email\":\"\"},"
			"{\"attributes\":{\"type\":\"Contact\"},\"Email\":null,\"LastName\":5},"
			"{\"ReportsTo\":{\"Email\":\"e\"}}]",
			" LastName=a HasOptedOutOfEmail=yes; Email=~ LastName=#5; "
			"ReportsToId>Contact.Email=e;");
	records(BULK1_JSON, BULK1_INSERT, "[{\"LastName\":[1]}]",
			"!Unexpected value of field LastName;");
	records(BULK1_JSON, BULK1_INSERT, "[{\"ReportsTo\":{}}]",
			"InvalidBatch : Field name not found : ReportsTo");
	records(BULK1_JSON, BULK1_INSERT, "[1]",
			"InvalidBatch : Failed to parse JSON. A record is not an object");
}

int
main(void)
{
	test_zip();
	test_records();
	return tap_done();
}
