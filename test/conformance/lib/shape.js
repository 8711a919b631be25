/*
 * shape.js - what can be said of recorded answers without repeating them, and what of a live answer differs.
 *
 * A shape is JSON.  An object is its keys in the order of the wire (a key that ends in "?" may be missing), an array
 * is [shape of every item], and a scalar is a text of alternatives joined by " | ":
 *
 *	string boolean null integer decimal		the type; 51.0 is decimal, 51 an integer, 9.0E7 exponent
 *	id or id:750							18 characters with the right check characters, and the prefix
 *	datetime								2021-08-31T01:31:13.000+0000
 *	=text  ~regular expression				a constant; a pattern
 *	=true =false =5 =null						constants of these types
 *
 * derive(directory) makes all shapes from a directory of recordings, load() reads those that lie in ../shapes.
 */
'use strict';

const fs = require('fs');
const path = require('path');
const json = require('./json');

const SHAPES = path.join(__dirname, '../shapes');

/* ---- ids ----------------------------------------------------------------------------------- */

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/* The 18 characters of an id's first 15. */
function id18(id) {
	let suffix = '';
	for (let group = 0; group < 3; group++) {
		let bits = 0;
		for (let i = 0; i < 5; i++) {
			bits |= /[A-Z]/.test(id[group * 5 + i]) ? 1 << i : 0;
		}
		suffix += LETTERS[bits];
	}
	return id.slice(0, 15) + suffix;
}

const isId = (text) => /^[A-Za-z0-9]{18}$/.test(text) && id18(text) === text;

/* ---- live against shape ----------------------------------------------------------------------- */

function scalarFits(node, alternative) {
	if (alternative.startsWith('=')) {
		const text = alternative.slice(1);
		return node.type === 'string' ? node.value === text : String(node.type === 'null' ? null : node.value ?? node.text) === text;
	}
	if (alternative.startsWith('~')) {
		return node.type === 'string' && new RegExp(alternative.slice(1)).test(node.value);
	}
	switch (alternative) {
		case 'integer':
			return node.type === 'number' && /^-?\d+$/.test(node.text);
		case 'decimal':
			return node.type === 'number' && /^-?\d+\.\d+$/.test(node.text);
		case 'exponent':
			return node.type === 'number' && /E/i.test(node.text);
		case 'number':
			return node.type === 'number';
		case 'datetime':
			return node.type === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/.test(node.value);
		case 'id':
			return node.type === 'string' && isId(node.value);
		default:
			if (alternative.startsWith('id:')) {
				return node.type === 'string' && isId(node.value) && node.value.startsWith(alternative.slice(3));
			}
			return node.type === alternative;
	}
}

const brief = (node) => (node === undefined ? 'missing' : JSON.stringify(json.plain(node)).slice(0, 200)
	+ (node.type === 'number' ? ` (${node.text})` : ''));

/* differences(node, shape): one line per difference, each with its path */
function differences(node, shape, where = '$') {
	if (typeof shape === 'string') {
		const fits = shape.split(' | ').some((alternative) => scalarFits(node, alternative));
		return fits ? [] : [`${where}: ${brief(node)}, recorded: ${shape}`];
	}
	if (Array.isArray(shape)) {
		if (node.type !== 'array') {
			return [`${where}: ${brief(node)}, recorded: an array`];
		}
		return shape.length ? node.items.flatMap((item, i) => differences(item, shape[0], `${where}[${i}]`)) : [];
	}
	if (node.type !== 'object') {
		return [`${where}: ${brief(node)}, recorded: an object`];
	}
	const wrong = [];
	const wanted = Object.keys(shape).map((key) => [key.replace(/\?$/, ''), key.endsWith('?'), shape[key]]);
	const got = node.members.map(([key]) => key);
	for (const [key, optional, inner] of wanted) {
		const member = json.get(node, key);
		if (member) {
			wrong.push(...differences(member, inner, `${where}.${key}`));
		} else if (!optional) {
			wrong.push(`${where}.${key}: missing`);
		}
	}
	const known = wanted.map(([key]) => key);
	wrong.push(...got.filter((key) => !known.includes(key)).map((key) => `${where}.${key}: not in the recordings`));
	const order = got.filter((key) => known.includes(key));
	const right = known.filter((key) => order.includes(key));
	if (order.join() !== right.join()) {
		wrong.push(`${where}: order ${order.join(' ')}, recorded: ${right.join(' ')}`);
	}
	if (new Set(got).size !== got.length) {
		wrong.push(`${where}: a key comes twice: ${got.join(' ')}`);
	}
	return wrong;
}

/* ---- shapes from recordings ------------------------------------------------------------------- */

const read = (directory, name) => fs.readFileSync(path.join(directory, name), 'utf8');

/* Of these the recorded value is the fact; of all other texts only the type. */
const CONSTANT = new Set(['operation', 'state', 'concurrencyMode', 'contentType', 'jobType', 'lineEnding', 'columnDelimiter']);

function scalarShape(node, key) {
	if (key === 'apiVersion') {
		// the recordings went through a program that wrote 51.0 as 51
		return 'decimal';
	}
	if (node.type === 'string') {
		if (key === 'contentUrl') {
			return '~^services/data/v\\d+\\.0/jobs/ingest/[A-Za-z0-9]{18}/batches$';
		}
		if (CONSTANT.has(key)) {
			return `=${node.value}`;
		}
		if (isId(node.value)) {
			return `id:${node.value.slice(0, 3)}`;
		}
		return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/.test(node.value) ? 'datetime' : 'string';
	}
	if (node.type === 'number') {
		return /^-?\d+$/.test(node.text) ? 'integer' : /E/i.test(node.text) ? 'exponent' : 'decimal';
	}
	return node.type;
}

function shapeOf(node, key) {
	if (node.type === 'object') {
		return Object.fromEntries(node.members.map(([name, member]) => [name, shapeOf(member, name)]));
	}
	if (node.type === 'array') {
		return node.items.length ? [node.items.map((item) => shapeOf(item, key)).reduce(merge)] : [];
	}
	return scalarShape(node, key);
}

/* Two shapes of the same thing: what only one has is optional. */
function merge(a, b) {
	if (a === undefined || b === undefined) {
		return a ?? b;
	}
	if (typeof a === 'string' && typeof b === 'string') {
		return [...new Set([...a.split(' | '), ...b.split(' | ')])].join(' | ');
	}
	if (Array.isArray(a) && Array.isArray(b)) {
		return a.length && b.length ? [merge(a[0], b[0])] : a.length ? a : b;
	}
	const out = {};
	const bare = (key) => key.replace(/\?$/, '');
	const inA = new Map(Object.keys(a).map((key) => [bare(key), key]));
	const inB = new Map(Object.keys(b).map((key) => [bare(key), key]));
	const names = [...inA.keys()];
	// a key that only the second has goes behind the one it follows there
	let before = -1;
	for (const name of inB.keys()) {
		if (inA.has(name)) {
			before = names.indexOf(name);
		} else {
			names.splice(++before, 0, name);
		}
	}
	for (const name of names) {
		const optional = !inA.has(name) || !inB.has(name) || inA.get(name).endsWith('?') || inB.get(name).endsWith('?');
		out[optional ? `${name}?` : name] = merge(a[inA.get(name)], b[inB.get(name)]);
	}
	return out;
}

/* Which call, in which phase of a job, answered this. */
function jobCase(body) {
	if (json.get(body, 'records')) {
		const kind = json.plain(body).records[0].jobType === 'V2Query' ? 'query' : 'ingest';
		return `${kind} list`;
	}
	const job = json.plain(body);
	const kind = /^query/.test(job.operation) ? 'query' : 'ingest';
	if (!('jobType' in job)) {
		return 'lineEnding' in job ? `${kind} create` : `${kind} patch`;
	}
	if (job.state === 'Open') {
		return 'numberRecordsProcessed' in job ? 'ingest info, uploaded' : 'ingest info, empty';
	}
	return `${kind} info, ${job.state}`;
}

function bulk2Shapes(directory) {
	const cases = {};
	for (const name of fs.readdirSync(path.join(directory, 'bulk2')).filter((file) => /\.bodies\.json$/.test(file)).sort()) {
		for (const entry of json.parse(read(directory, `bulk2/${name}`)).items) {
			const body = json.get(entry, 'body');
			const which = jobCase(body);
			const shape = shapeOf(body);
			// an update's job looks like an insert's
			for (const job of [shape, ...(shape.records || [])]) {
				if (/^ingest/.test(which) && job.operation) {
					job.operation = 'string';
				}
			}
			cases[which] = merge(cases[which], shape);
		}
	}
	return Object.fromEntries(Object.entries(cases).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/* Headers of CSV files: quoted names as they are, user columns as "bare" or "quoted". */
function csvShapes(directory) {
	const files = {
		failedResults: 'ingest_failedResults_empty.csv',
		unprocessedrecords: 'ingest_unprocessedrecords_empty.csv',
		'query results': 'query_results_account.csv',
	};
	return Object.fromEntries(Object.entries(files).map(([name, file]) => {
		const text = read(directory, `bulk2/${file}`);
		const [head, ...rest] = text.split('\n');
		return [name, {
			header: head.split(',').map((cell) => (/^"sf__/.test(cell) ? cell : /^"/.test(cell) ? 'quoted' : 'bare')),
			lineEnding: /\r/.test(text) ? 'CRLF' : 'LF',
			endsWithLine: text.endsWith('\n'),
			cells: rest.filter(Boolean).every((line) => /^"[^"]*"(,"[^"]*")*$/.test(line)) ? 'quoted' : 'mixed',
		}];
	}));
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/* A recorded text as a pattern, in which the names that these expressions match may be any. */
function pattern(text, ...names) {
	const found = names.map((name) => text.match(name)).filter(Boolean).map((match) => match[0]);
	return `~^${found.reduce((all, name) => all.split(escape(name)).join('.*'), escape(text))}$`;
}

/* What the recordings say of texts in other versions, or could not keep: [shape, its part, what stands for it]. */
const VARIANTS = {
	'create for an unknown object': ['object: $', 'object: .*$'],
	'upsert by no external id': ['provided,  does not match an External ID for', 'provided, .*does not match an External ID(?:, Salesforce Id, or indexed field)? for'],
	'second upload': ['multipe', 'multipl?e'],
};

/* Recorded errors that a suite can provoke: how a line of the recordings is found, and what in its text is a name. */
const ERRORS = {
	'create for an unknown object': [/unknown\/empty object/],
	'upsert by no external id': [/not an external id/, /\w+$/],
	'create with an empty operation': [/empty operation/],
	'second upload': [/second PUT/, /750\w{12}/],
	'abort of a finished job': [/Aborted.* on a completed job/],
	'daily API limit': [/org API limit/],
	'bad token': [/bad token/],
	'delete of a deleted row': [/deleted id/],
	'write with a bad id': [/bad id/, /\w+$/],
	'text too long': [/text too long/, /<value>/],
};

function errorShapes(directory) {
	const recorded = json.parse(read(directory, 'bulk2_error_bodies.json')).items;
	return Object.fromEntries(Object.entries(ERRORS).map(([name, [which, ...names]]) => {
		const entry = recorded.find((item) => which.test(json.get(item, 'request').value));
		const body = json.get(entry, 'body');
		return [name, {
			status: Number(json.get(entry, 'http_status').text),
			body: [Object.fromEntries(body.items[0].members.map(([key, node]) => [
				key, key === 'message' ? pattern(node.value, ...names).replace(...(VARIANTS[name] || ['', ''])) : key === 'errorCode' ? `=${node.value}` : shapeOf(node, key),
			]))],
		}];
	}));
}

const rowsOf = (text) => text.trim().split('\n').slice(1).map((line) => line.split('\t'));

/* Texts of failed jobs and of failed rows, as patterns by a name of ours. */
function messageShapes(directory) {
	const jobs = rowsOf(read(directory, 'bulk2_job_error_messages.tsv')).map(([text]) => text);
	const rows = rowsOf(read(directory, 'bulk_row_errors.tsv')).map(([text]) => text);
	const pick = (list, which, ...names) => pattern(list.find((text) => which.test(text)), ...names);
	return {
		'unknown column': pick(jobs, /^InvalidBatch : Field name not found/, /<header>/).replace('~^', '~^(?:InvalidBatch : )?'),
		'line ending': pick(jobs, /LineEnding is invalid/, /\w+$/),
		'type of a relationship that has one': pick(jobs, /type is not needed/, /\w+$/).replace('~^', '~^(?:InvalidBatch : )?'),
		'unknown relationship': pick(jobs, /Unable to find relationship/, /\w+$/).replace('~^', '~^(?:InvalidBatch : )?'),
		'unescaped quote': pick(jobs, /unescaped quote/).replace('~^', '~^(?:InvalidBatch : )?'),
		'required field': pick(rows, /^REQUIRED_FIELD_MISSING/),
		'deleted row': pick(rows, /^ENTITY_IS_DELETED/),
		'unknown id': pick(rows, /^INVALID_CROSS_REFERENCE_KEY/),
		'duplicate value': pick(rows, /^DUPLICATE_VALUE/, /\w+__c/, /006\w{15}/),
		'missing id': pick(rows, /^MISSING_ARGUMENT/),
	};
}

const standard = (name) => !/__(?:c|r|pc|mdt|e|x|Share|History|Feed|Tag|ChangeEvent)$/i.test(name);

/* Attributes of a field whose values are the org's, or texts for people: only their presence counts. */
const ORG_OWN = new Set(['picklistValues', 'inlineHelpText', 'defaultValueFormula', 'calculatedFormula', 'filteredLookupInfo']);

function describeShape(node) {
	const object = {};
	for (const [key, member] of node.members) {
		if (['boolean', 'string', 'null'].includes(member.type)) {
			object[key] = `=${member.type === 'null' ? null : member.value}`;
		} else if (key === 'urls') {
			object[key] = Object.fromEntries(member.members.map(([name]) => [name, 'string']));
		} else if (key !== 'fields' && key !== 'childRelationships') {
			object[key] = shapeOf(member, key);
		} else {
			object[key] = [];
		}
	}
	const fields = json.plain(json.get(node, 'fields')).filter((field) => standard(field.name));
	const children = json.plain(json.get(node, 'childRelationships')).filter((child) => standard(child.childSObject) && standard(child.field));
	// [picklistValues] and the like stay away, what is false, null, 0 or [] is said by its absence
	const dense = (field) => Object.fromEntries(Object.entries(field).filter(([key, value]) =>
		!ORG_OWN.has(key) && value !== false && value !== null && value !== 0 && !(Array.isArray(value) && !value.length)));
	return {
		object,
		fieldKeys: Object.keys(fields[0]),
		childKeys: children.length ? Object.keys(children[0]) : [],
		fields: fields.map(dense),
		childRelationships: children.map((child) => `${child.childSObject}.${child.field} ${child.relationshipName}`
			+ `${child.cascadeDelete ? ' cascade' : ''}${child.restrictedDelete ? ' restrict' : ''}`),
	};
}

function describeShapes(directory) {
	const shapes = {};
	for (const file of fs.readdirSync(path.join(directory, 'describe')).sort()) {
		const node = json.parse(read(directory, `describe/${file}`));
		const name = json.get(node, 'name');
		if (name && standard(name.value)) {
			shapes[name.value] = describeShape(node);
		}
	}
	return shapes;
}

function globalShape(directory) {
	const node = json.parse(read(directory, 'describe/GET_sobjects_Global_describe.json'));
	const keys = new Set();
	const sobjects = json.get(node, 'sobjects').items.map((item) => {
		keys.add(item.members.map(([key]) => key).join(' '));
		const entry = json.plain(item);
		return standard(entry.name) ? entry : undefined;
	}).filter(Boolean);
	return {
		keys: node.members.map(([key]) => key),
		entryKeys: [...keys],
		sobjects: Object.fromEntries(sobjects.map((entry) => [entry.name, {
			...Object.fromEntries(Object.entries(entry).filter(([key, value]) => key !== 'name' && key !== 'urls' && value)),
			urls: Object.keys(entry.urls),
		}])),
	};
}

/* derive(directory): { file name without .json: shapes } */
function derive(directory) {
	const shapes = {
		bulk2: bulk2Shapes(directory),
		csv: csvShapes(directory),
		errors: errorShapes(directory),
		messages: messageShapes(directory),
		explain: shapeOf(json.parse(read(directory, 'bulk2/query_explain_v50.json'))),
		// the names, in their order; the numbers are an edition's
		limits: json.parse(read(directory, 'bulk2/limits_v50.json')).members.map(([name]) => name),
		describe_global: globalShape(directory),
	};
	for (const [name, shape] of Object.entries(describeShapes(directory))) {
		shapes[`describe_${name}`] = shape;
	}
	return shapes;
}

/* text(shape): as it lies in a file: objects broken into lines down to where one line is enough */
function text(value, indent = '') {
	const flat = JSON.stringify(value);
	if (flat.length < 110 || value === null || typeof value !== 'object') {
		return flat;
	}
	const inner = `${indent}\t`;
	const items = Array.isArray(value)
		? value.map((item) => inner + (typeof item === 'object' ? JSON.stringify(item) : text(item, inner)))
		: Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${text(item, inner)}`);
	const [open, close] = Array.isArray(value) ? '[]' : '{}';
	return `${open}\n${items.join(',\n')}\n${indent}${close}`;
}

function load() {
	return Object.fromEntries(fs.readdirSync(SHAPES).filter((file) => /\.json$/.test(file)).sort()
		.map((file) => [file.slice(0, -5), JSON.parse(fs.readFileSync(path.join(SHAPES, file), 'utf8'))]));
}

module.exports = { SHAPES, derive, load, text, differences, id18, isId };
