/*
 * sent_soql.js - what the extension sends is SOQL by the word of a parser that knows nothing of sfsim:
 * soql-parser-js reads every query that t/090_differential.pl has sent, and writes it again as it was.
 *
 * SFBULK_SENT_SOQL names the file, one JSON string per line; scripts/conformance sees to it.
 */
'use strict';

const fs = require('fs');
const { parseQuery, composeQuery } = require('@jetstreamapp/soql-parser-js');
const { suite, test, ok, is } = require('../lib/tap');

/* Its lexer ends a string at these separators, as JavaScript once did; SOQL and its other readers do not. */
const tame = (soql) => soql.replace(/[\u2028\u2029]/g, ' ');

/* The words of a query without blanks and, outside of strings, without case. */
const words = (soql) =>
	soql.replace(/('(?:[^'\\]|\\.)*')|\s+|[^'\s]+/gs, (text, string) => string || text.trim().toLowerCase());

/* The first thing that is wrong with a query, or undefined. */
function complaint(soql) {
	try {
		const again = composeQuery(parseQuery(soql));
		return words(again) === words(soql) ? undefined : `understood as ${again}`;
	} catch (error) {
		return error.message;
	}
}

/* Edits after which a query is none any more: the parser has to notice. */
const damages = [
	['a misspelt FROM', (soql) => soql.replace(' FROM ', ' FORM ')],
	['a missing object', (soql) => soql.replace(/ FROM \w+/, ' FROM')],
	['a missing parenthesis', (soql) => soql.replace(/\)(?=[^')]*$)/, '')],
	['an open string', (soql) => soql.replace(/'(?=[^']*$)/, '')],
	['a condition without a value', (soql) => soql.replace(/ (=|!=|<|>) (null|true|false|[-\d.]+)\b/, ' $1')],
	['PostgreSQL\'s null test', (soql) => soql.replace(/ (=|!=) null/, ' IS NULL')],
	['an order of nothing', (soql) => soql.replace(/ ORDER BY \w+/, ' ORDER BY')],
	['a group of nothing', (soql) => soql.replace(/ GROUP BY [\w.]+/, ' GROUP BY')],
];

/* What there has to be among the queries, and how many at least. */
const wanted = [
	['conditions', / WHERE /, 1000],
	['lists', / IN \(/, 100],
	['counts', /^SELECT COUNT\(\)/, 10],
	['limits', / LIMIT \d+$/, 10],
	['fields of parents', /^SELECT [^(]*\w\.\w/, 100],
	['fields of parents\' parents', /\w\.\w+\.\w/, 10],
	['semi-joins', / IN \(SELECT /, 10],
	['orders', / ORDER BY /, 10],
	['aggregates', /\b(COUNT|SUM|MIN|MAX)\(\w/, 20],
	['groups', / GROUP BY /, 10],
	['sets', / INCLUDES \(/, 10],
];

suite(async () => {
	const file = process.env.SFBULK_SENT_SOQL;
	const text = file && fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
	const queries = text.split('\n').filter(Boolean).map((line) => tame(JSON.parse(line)));

	await test('what was sent', async () => {
		ok(queries.length >= 2000, `${queries.length} queries are enough`);
		for (const [name, pattern, least] of wanted) {
			const count = queries.filter((soql) => pattern.test(soql)).length;
			ok(count >= least, `${count} with ${name}`);
		}
	});

	await test('every query', async () => {
		const bad = queries.map((soql) => [soql, complaint(soql)]).filter(([, error]) => error);
		ok(bad.length === 0, `${queries.length} queries are SOQL`,
			bad.slice(0, 20).map(([soql, error]) => `${soql}\n  ${error}`).join('\n'));
	});

	await test('the parser notices', async () => {
		for (const [name, damage] of damages) {
			const damaged = queries.map((soql) => [soql, damage(soql)]).filter(([before, after]) => before !== after);
			const missed = damaged.filter(([, after]) => complaint(after) === undefined);
			is(missed.length, 0, `${damaged.length} times ${name}`);
			if (missed.length) {
				console.log(`#   ${missed[0][1]}`);
			}
		}
	});
});
