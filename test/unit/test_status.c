/*
 * test_status.c
 *		Error struct, buffers, secrets, UTF-8: level 0.
 */
#include "sf_buf.h"
#include "sf_secret.h"
#include "sf_status.h"
#include "sf_utf8.h"
#include "tap.h"

static void
test_errors(void)
{
	sf_error err = {0};
	char longer[3000];

	ok(!sf_error_is_set(&err) && !sf_error_is_set(NULL), "an empty error is not set");
	is_int(sf_error_set(&err, SF_ERR_REMOTE, "field %s of %d", "X", 3), SF_FAILED,
		   "setting answers SF_FAILED");
	is_text(err.message, "field X of 3", "message");
	is_int(sf_error_set(&err, SF_ERR_DATA, "another"), SF_FAILED, "and again");
	is_text(err.message, "field X of 3", "the first error wins");
	is_int(err.cls, SF_ERR_REMOTE, "with its class");
	is_int(sf_error_set(NULL, SF_ERR_DATA, "nowhere"), SF_FAILED, "no struct is fine");

	sf_error_detail(&err, "Detail %d.", 1);
	sf_error_detail(&err, "Detail %d.", 2);
	is_text(err.detail, "Detail 1.", "the first detail stays");
	sf_error_hint(&err, "Hint.");
	is_text(err.hint, "Hint.", "hint");
	sf_error_code(&err, "INVALID_FIELD");
	sf_error_code(&err, "OTHER");
	is_text(err.code, "INVALID_FIELD", "the first code stays");
	sf_error_job(&err, "7503h00000FffwFAAR and more than fits");
	is_text(err.job_id, "7503h00000FffwFAAR", "a job id is cut to its length");
	sf_error_column(&err, NULL);
	is_text(err.column, "", "no column");
	sf_error_reset(&err);
	ok(!sf_error_is_set(&err) && err.code[0] == 0, "reset");

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	memcpy(longer + SF_MESSAGE_MAX - 2, "é", 2);
	sf_error_set(&err, SF_ERR_REMOTE, "%s", longer);
	is_int((long long) strlen(err.message), SF_MESSAGE_MAX - 2, "cut at a character border");
	is_int((long long) sf_utf8_check(err.message, strlen(err.message), NULL),
		   SF_MESSAGE_MAX - 2, "and valid");

	sf_error_reset(&err);
	sf_error_set(&err, SF_ERR_REMOTE, "bad \xff\xc3 bytes \xe6\x9d\xb1");
	is_text(err.message, "bad ?? bytes \xe6\x9d\xb1", "bytes that are not UTF-8");
	sf_error_reset(&err);
	for (int i = 0; i < 1000; i++)
		memcpy(longer + 2 * i, "é", 3);
	sf_error_set(&err, SF_ERR_REMOTE, "x%s", longer);
	is_int((long long) sf_utf8_check(err.message, strlen(err.message), NULL),
		   (long long) strlen(err.message), "a long text of two-byte characters");
	ok(strchr(err.message, '?') == NULL, "without a half character");
}

static void
test_redaction(void)
{
	sf_error err = {0};

	sf_error_set(&err, SF_ERR_AUTH, "token s3cr3t was s3cr3ts3cr3t refused");
	sf_error_detail(&err, "s3cr3t");
	sf_error_hint(&err, "Do not show s3cr3t.");
	sf_error_redact(&err, "s3cr3t");
	is_text(err.message, "token *** was ****** refused", "every occurrence");
	is_text(err.detail, "***", "in the detail");
	is_text(err.hint, "Do not show ***.", "in the hint");
	sf_error_redact(&err, "was");
	sf_error_redact(&err, "");
	sf_error_redact(&err, NULL);
	is_text(err.message, "token *** was ****** refused", "nothing for what is too short");
}

static void
test_buffers(void)
{
	sf_error err = {0};
	sf_buf b;
	size_t len;
	char *text;

	sf_buf_init(&b, 1000);
	is_text(sf_buf_text(&b), "", "an empty buffer is an empty text");
	sf_buf_puts(&b, "abc");
	sf_buf_putc(&b, 'd');
	sf_buf_printf(&b, "%05d", 42);
	sf_buf_append(&b, "x\0y", 3);
	is_int((long long) b.len, 12, "length");
	ok(memcmp(b.data, "abcd00042x\0y", 13) == 0, "content");
	sf_buf_consume(&b, 4);
	is_text(b.data, "00042x", "consumed");
	for (int i = 0; i < 990; i++)
		sf_buf_putc(&b, 'z');
	is_int((long long) b.len, 998, "up to the maximum");
	ok(b.alloc <= 1001, "never more memory than the maximum needs");
	is_int(sf_buf_puts(&b, "yz"), SF_OK, "exactly the maximum");
	is_int(sf_buf_check(&b, "the text", &err), SF_OK, "fine so far");
	is_int(sf_buf_putc(&b, 'z'), SF_FAILED, "and not more");
	ok(b.data == NULL && b.failed == SF_ERR_LIMIT, "the content is gone");
	is_int(sf_buf_putc(&b, 'z'), SF_FAILED, "it stays failed");
	is_int(sf_buf_append(&b, "", 0), SF_FAILED, "also for nothing");
	is_int(sf_buf_check(&b, "the text", &err), SF_FAILED, "check");
	is_text(err.message, "the text exceeds 1000 bytes", "message");
	ok(sf_buf_take(&b, &len) == NULL, "nothing to take");
	sf_buf_reset(&b);
	is_int(sf_buf_printf(&b, "%1001s", ""), SF_FAILED, "a format that is too long");
	sf_buf_free(&b);
	is_int(sf_buf_reserve(&b, SIZE_MAX), SF_FAILED, "no overflow");
	sf_buf_free(&b);

	text = sf_buf_take(&b, &len);
	is_text(text, "", "taking nothing gives an empty text");
	free(text);
	sf_buf_puts(&b, "abc");
	text = sf_buf_take(&b, &len);
	ok(strcmp(text, "abc") == 0 && len == 3 && b.data == NULL, "taking");
	free(text);

	sf_buf_init_secret(&b, 100000);
	for (int i = 0; i < 5000; i++)
		sf_buf_puts(&b, "secret");
	is_int((long long) b.len, 30000, "a secret buffer grows as well");
	ok(strncmp(b.data + 29994, "secret", 7) == 0, "with its content");
	text = b.data;
	sf_buf_reset(&b);
	len = 0;
	for (size_t i = 0; i < b.alloc; i++)
		len += text[i] != 0;
	is_int((long long) len, 0, "a reset wipes a secret");
	sf_buf_free(&b);
}

static void
test_secrets(void)
{
	sf_secret a = {0};
	sf_secret b = {0};

	ok(!sf_secret_is_set(&a) && sf_secret_reveal(&a) == NULL, "unset");
	ok(!sf_secret_equal(&a, &b), "unset equals nothing");
	ok(sf_secret_set(&a, "hunter2") && sf_secret_is_set(&a), "set");
	is_text(sf_secret_reveal(&a), "hunter2", "reveal");
	is_int((long long) sf_secret_len(&a), 7, "length");
	sf_secret_set_len(&b, "hunter23", 7);
	ok(sf_secret_equal(&a, &b), "equal");
	sf_secret_set(&b, "hunter3");
	ok(!sf_secret_equal(&a, &b), "different");
	sf_secret_set(&b, "hunter");
	ok(!sf_secret_equal(&a, &b), "shorter");
	sf_secret_set(&a, sf_secret_reveal(&a));
	is_text(sf_secret_reveal(&a), "hunter2", "set from itself");
	sf_secret_set(&a, NULL);
	ok(!sf_secret_is_set(&a), "cleared");
	sf_secret_set(&a, "");
	ok(sf_secret_is_set(&a), "an empty secret is one");
	sf_secret_clear(&a);
	sf_secret_clear(&b);
	sf_wipe(NULL, 10);
	sf_wipe_free(NULL);
	sf_wipe_free(strdup("x"));
}

/* Every sequence of one to four bytes out of the interesting ones, against a plain decoder. */
static size_t
naive_check(const unsigned char *p, size_t len)
{
	size_t i = 0;

	while (i < len)
	{
		uint32_t c = p[i];
		int n = c < 0x80 ? 0 : c < 0xc0 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : -1;
		static const uint32_t least[] = {1, 0x80, 0x800, 0x10000};

		if (n < 0 || len - i <= (size_t) n)
			return i;
		c &= n == 0 ? 0x7f : 0x3fu >> n;
		for (int k = 1; k <= n; k++)
		{
			if ((p[i + (size_t) k] & 0xc0) != 0x80)
				return i;
			c = c << 6 | (p[i + (size_t) k] & 0x3f);
		}
		if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return i;
		i += (size_t) n + 1;
	}
	return i;
}

static void
test_utf8(void)
{
	static const unsigned char bytes[] = {
		0x00, 0x01, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
		0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
	const int n = sizeof(bytes);
	int wrong = 0;
	int wrong_cut = 0;
	char text[256];
	char out[4];

	for (int i = 0; i < n * n * n * n; i++)
	{
		unsigned char s[4] = {bytes[i % n], bytes[i / n % n], bytes[i / n / n % n],
							  bytes[i / n / n / n]};

		for (size_t len = 1; len <= 4; len++)
		{
			bool truncated;
			size_t good = sf_utf8_check((char *) s, len, &truncated);
			bool can_go_on = false;

			wrong += good != naive_check(s, len);
			/* truncated: some continuation makes it valid */
			if (good < len && len == 4 && i % 7 == 0)
			{
				unsigned char more[8];

				for (int k = 0; k < 4 && !can_go_on; k++)
				{
					static const unsigned char next[] = {0x80, 0x8f, 0x9f, 0xbf};

					memcpy(more, s + good, len - good);
					memset(more + (len - good), next[k], 3);
					for (size_t m = len - good + 1; m <= 4; m++)
						can_go_on |= naive_check(more, m) == m && m > len - good;
					more[len - good] = 0xa0;
					for (size_t m = len - good + 1; m <= 4; m++)
						can_go_on |= naive_check(more, m) == m && m > len - good;
				}
				wrong_cut += can_go_on != truncated;
			}
		}
	}
	is_int(wrong, 0, "all combinations of interesting bytes");
	is_int(wrong_cut, 0, "a character that is cut off is told from a bad one");

	/* the same at every place of a longer text, across the steps of 64 and 16 */
	wrong = 0;
	for (size_t len = 1; len < 200; len++)
	{
		for (size_t at = 0; at < len; at++)
		{
			for (int k = 0; k < n; k++)
			{
				memset(text, 'x', sizeof(text));
				text[at] = (char) bytes[k];
				if (at + 1 < len)
					text[at + 1] = (char) bytes[(k + (int) at) % n];
				wrong +=
					sf_utf8_check(text, len, NULL) != naive_check((unsigned char *) text, len);
			}
		}
	}
	is_int(wrong, 0, "at every place of a text");

	wrong = 0;
	for (uint32_t c = 1; c < 0x110100; c++)
	{
		int len = sf_utf8_encode(c, out);

		if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
			wrong += len != 0;
		else
			wrong += sf_utf8_check(out, (size_t) len, NULL) != (size_t) len;
	}
	is_int(wrong, 0, "every code point encodes to valid text");

	is_int((long long) sf_utf8_clip("aé東", 6, 6), 6, "no clip");
	is_int((long long) sf_utf8_clip("aé東", 6, 5), 3, "clip in a character of three");
	is_int((long long) sf_utf8_clip("aé東", 6, 3), 3, "clip at a border");
	is_int((long long) sf_utf8_clip("aé東", 6, 2), 1, "clip in a character of two");
	is_int((long long) sf_utf8_clip("東", 3, 2), 0, "clip in the first character");
	is_int((long long) sf_utf8_clip("東", 3, 0), 0, "clip to nothing");
}

int
main(void)
{
	test_errors();
	test_redaction();
	test_buffers();
	test_secrets();
	test_utf8();
	return tap_done();
}
