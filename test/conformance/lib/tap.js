/*
 * tap.js - assertions that print TAP, and the frame of a suite.
 *
 *	const { suite, test, ok, is, like, deep, keys, rejects } = require('../lib/tap');
 *	suite(async () => {
 *		await test('a name', async () => { is(1 + 1, 2, 'adds'); });
 *	});
 *
 * Every assertion is one line of TAP, whose name begins with that of its test.  An exception ends its
 * test only, and counts as one failure; so does one that nobody caught.  The plan comes last, so that a
 * suite that ends early is noticed.
 */
'use strict';

const { isDeepStrictEqual, inspect } = require('util');

let count = 0;
let failed = 0;
let current = '';
let planned = false;
const cleanups = [];

function report(good, name, diagnosis) {
	count++;
	failed += good ? 0 : 1;
	const label = `${current ? current + ': ' : ''}${name}`.replace(/\s+/g, ' ').replace(/#/g, '\\#');
	console.log(`${good ? 'ok' : 'not ok'} ${count} - ${label}`);
	if (!good && diagnosis !== undefined) {
		console.log(String(diagnosis).replace(/^/gm, '#   '));
	}
	return good;
}

const show = (value) => inspect(value, { depth: 8, breakLength: 120, maxStringLength: 1500, maxArrayLength: 20 });

/* ok(condition, name[, diagnosis]) */
function ok(condition, name, diagnosis) {
	return report(Boolean(condition), name, diagnosis);
}

/* is(got, expected, name): the same by Object.is */
function is(got, expected, name) {
	return report(Object.is(got, expected), name, `got:      ${show(got)}\nexpected: ${show(expected)}`);
}

/* like(text, pattern, name) */
function like(got, pattern, name) {
	return report(pattern.test(String(got)), name, `got:     ${show(got)}\npattern: ${pattern}`);
}

/* deep(got, expected, name): the same values and types in the same order */
function deep(got, expected, name) {
	const same = isDeepStrictEqual(JSON.parse(JSON.stringify(got ?? null)), JSON.parse(JSON.stringify(expected)));
	return report(same, name, `got:      ${show(got)}\nexpected: ${show(expected)}`);
}

/* keys(object, 'a b c', name): exactly these keys, in this order */
function keys(object, expected, name) {
	return is(object && typeof object === 'object' ? Object.keys(object).join(' ') : String(object), expected, name);
}

/*
 * rejects(promise, { errorCode, name, message }, name): it fails, and the error's members are equal to the
 * strings or match the patterns given.  Returns the error.
 */
async function rejects(promise, expected, name) {
	let error;
	try {
		const value = await promise;
		report(false, name, `did not fail, but gave ${show(value)}`);
		return undefined;
	} catch (e) {
		error = e;
	}
	const wrong = Object.entries(expected).filter(([key, wanted]) =>
		wanted instanceof RegExp ? !wanted.test(String(error[key])) : error[key] !== wanted
	);
	report(wrong.length === 0, name,
		wrong.map(([key, wanted]) => `${key}: ${show(error[key])}, expected ${show(wanted)}`).join('\n'));
	return error;
}

/* test(name, function): a piece of a suite that may break without hurting the others */
async function test(name, body) {
	const outer = current;
	current = name;
	let timer;
	try {
		await Promise.race([
			body(),
			new Promise((_, reject) => {
				timer = setTimeout(() => reject(new Error('took more than 60 s')), 60000);
			}),
		]);
	} catch (error) {
		report(false, 'ends without an exception', error && error.stack ? `${error.stack}` : show(error));
	} finally {
		clearTimeout(timer);
		current = outer;
	}
}

/* cleanup(function): to be called at the end, whatever happens; the last one first */
function cleanup(body) {
	cleanups.push(body);
}

async function finish() {
	for (const body of cleanups.reverse()) {
		try {
			await body();
		} catch (error) {
			report(false, 'cleanup', error.stack);
		}
	}
	planned = true;
	console.log(`1..${count}`);
	process.exit(failed ? 1 : 0);
}

/* suite(function): run it, then print the plan and end the process */
async function suite(body) {
	// an error that nobody waits for is a failure of the test that is running
	const stray = (error) => report(false, 'a stray error', error && error.stack ? error.stack : show(error));
	process.on('unhandledRejection', stray);
	process.on('uncaughtException', stray);
	process.on('exit', () => {
		if (!planned) {
			console.log('# the suite ended before its plan');
			process.exitCode = 1;
		}
	});
	try {
		await body();
	} catch (error) {
		report(false, 'the suite ends without an exception', error.stack);
	}
	await finish();
}

module.exports = { suite, test, ok, is, like, deep, keys, rejects, cleanup };
