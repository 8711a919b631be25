/*
 * recorded_wire.js - Bulk API 2.0 jobs, errors, result files, limits and query plans of real orgs against sfsim's.
 */
'use strict';

const { suite, test, ok, is, like, deep } = require('../lib/tap');
const { start } = require('../lib/sfsim');
const { shapes, same, current } = require('../lib/recorded');

const CSV = { 'Content-Type': 'text/csv' };

suite(async () => {
	const sim = await start({ rows: { Account: 20, Contact: 5 } });
	// the recordings of jobs are of 49.0 to 58.0; what came later is in recorded_more.js
	const http = sim.http;
	sim.http = (method, target, options = {}) => http(method, target, { version: '58.0', ...options });
	await current(['bulk2', 'csv', 'errors', 'messages', 'explain', 'limits']);

	/* like a recorded error: status and body */
	const error = (answer, name) => {
		is(answer.status, shapes.errors[name].status, `${name}: status`);
		return same(answer.tree, shapes.errors[name].body, `${name}: body`);
	};
	const message = (text, name) => like(text, new RegExp(shapes.messages[name].slice(1)), name);

	const info = async (kind, id) => sim.http('GET', `jobs/${kind}/${id}`);
	async function settled(kind, id) {
		for (;;) {
			const answer = await info(kind, id);
			if (!answer.json || !['UploadComplete', 'InProgress'].includes(answer.json.state)) {
				return answer;
			}
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
	}
	const create = (body) => sim.http('POST', 'jobs/ingest', { body });
	const put = (id, body, headers = CSV) => sim.http('PUT', `jobs/ingest/${id}/batches`, { body, headers });
	const patch = (kind, id, state) => sim.http('PATCH', `jobs/${kind}/${id}`, { body: { state } });
	/* an ingest job from start to end: the last job info */
	async function ingest(job, text) {
		const created = await create(job);
		if (created.status !== 200) {
			throw new Error(`${created.status} ${created.text}`);
		}
		await put(created.json.id, text);
		await patch('ingest', created.json.id, 'UploadComplete');
		return (await settled('ingest', created.json.id)).json;
	}
	const result = async (job, file) => (await sim.http('GET', `jobs/ingest/${job.id}/${file}`)).text;
	const failedRow = async (job, text) => {
		const rows = (await result(await ingest(job, text), 'failedResults')).trim().split('\n').slice(1);
		// the second cell, without its quotes
		return (/^"[^"]*","((?:[^"]|"")*)"/.exec(rows[0] || '') || [])[1];
	};

	await test('a query job', async () => {
		await sim.control('POST', 'options', { hold_jobs: 'InProgress' });
		const created = await sim.http('POST', 'jobs/query', { body: { operation: 'query', query: 'SELECT Id, Name, Phone FROM Account' } });
		is(created.status, 200, 'create: status');
		same(created.tree, shapes.bulk2['query create'], 'create');
		const { id } = created.json;
		let running;
		do {
			running = await info('query', id);
		} while (running.json.state === 'UploadComplete');
		same(running.tree, shapes.bulk2['query info, InProgress'], 'in progress');
		await sim.control('POST', 'options', { hold_jobs: 'none' });
		const done = await settled('query', id);
		same(done.tree, shapes.bulk2['query info, JobComplete'], 'complete');
		is(done.json.numberRecordsProcessed, 20, 'rows');
		const list = await sim.http('GET', 'jobs/query?jobType=V2Query');
		// the recorded list came through a client that dropped what is null
		same(list.tree, { ...shapes.bulk2['query list'], nextRecordsUrl: 'null' }, 'list');
		error(await patch('query', id, 'Aborted'), 'abort of a finished job');

		const results = await sim.http('GET', `jobs/query/${id}/results`);
		const csv = shapes.csv['query results'];
		is(results.status, 200, 'results: status');
		like(results.headers['content-type'], /^text\/csv/, 'results: content type');
		is(results.headers['sforce-numberofrecords'], '20', 'Sforce-NumberOfRecords');
		is(results.headers['sforce-locator'], 'null', 'Sforce-Locator');
		deep(results.names.filter((name) => /^sforce-(?!limit)/i.test(name)).sort(), ['Sforce-Locator', 'Sforce-NumberOfRecords'], 'names of headers');
		is(results.text.split('\n')[0], '"Id","Name","Phone"', 'header');
		is(csv.header.every((cell) => cell === 'quoted'), true, 'as recorded');
		is(results.text.endsWith('\n'), csv.endsWithLine, 'the last line ends');
		const removed = await sim.http('DELETE', `jobs/query/${id}`);
		is(removed.status, 204, 'delete');
		is(removed.raw.length, 0, 'delete: no body');
	});

	await test('an aborted query job', async () => {
		await sim.control('POST', 'options', { hold_jobs: 'InProgress' });
		const { id } = (await sim.http('POST', 'jobs/query', { body: { operation: 'query', query: 'SELECT Id FROM Account' } })).json;
		const answer = await patch('query', id, 'Aborted');
		is(answer.status, 200, 'status');
		same(answer.tree, { ...shapes.bulk2['ingest patch'], operation: '=query', state: '=Aborted' }, 'body');
		await sim.control('POST', 'options', { hold_jobs: 'none' });
	});

	await test('an ingest job', async () => {
		const rows = (await sim.http('GET', 'query?q=SELECT+Id+FROM+Account+ORDER+BY+Id+LIMIT+4')).json.records;
		const created = await create({ object: 'Account', operation: 'update', contentType: 'CSV', lineEnding: 'LF' });
		is(created.status, 200, 'create: status');
		same(created.tree, shapes.bulk2['ingest create'], 'create');
		const { id } = created.json;
		same((await info('ingest', id)).tree, shapes.bulk2['ingest info, empty'], 'open, empty');
		const sent = await put(id, `Id,Phone\n${rows.map((row, i) => `${row.Id},88${i}-222-2391\n`).join('')}`);
		is(sent.status, 201, 'upload: status');
		is(sent.raw.length, 0, 'upload: no body');
		like(sent.headers['content-type'] || 'text/plain', /^text\/plain/, 'upload: content type');
		same((await info('ingest', id)).tree, shapes.bulk2['ingest info, uploaded'], 'open, uploaded');
		await sim.control('POST', 'options', { hold_jobs: 'InProgress' });
		const closed = await patch('ingest', id, 'UploadComplete');
		is(closed.status, 200, 'close: status');
		same(closed.tree, shapes.bulk2['ingest patch'], 'close');
		let running;
		do {
			running = await info('ingest', id);
		} while (running.json.state === 'UploadComplete');
		same(running.tree, shapes.bulk2['ingest info, InProgress'], 'in progress');
		await sim.control('POST', 'options', { hold_jobs: 'none' });
		const done = await settled('ingest', id);
		same(done.tree, shapes.bulk2['ingest info, JobComplete'], 'complete');
		is(done.json.numberRecordsProcessed, 4, 'processed');
		same((await sim.http('GET', 'jobs/ingest')).tree, shapes.bulk2['ingest list'], 'list');
		error(await patch('ingest', id, 'Aborted'), 'abort of a finished job');

		is(await result({ id }, 'failedResults'), '"sf__Id","sf__Error",Id,Phone\n', 'failedResults');
		deep(shapes.csv.failedResults.header, ['"sf__Id"', '"sf__Error"', 'bare', 'bare'], 'as recorded');
		is(await result({ id }, 'unprocessedrecords'), 'Id,Phone\n', 'unprocessedrecords');
		deep(shapes.csv.unprocessedrecords.header, ['bare', 'bare'], 'as recorded');
		const good = await sim.http('GET', `jobs/ingest/${id}/successfulResults/`);
		like(good.headers['content-type'], /^text\/csv/, 'successfulResults: content type');
		like(good.text, /^"sf__Id","sf__Created",Id,Phone\n"001\w{15}","false","001\w{15}","88\d-222-2391"\n/, 'successfulResults');
		is((await sim.http('DELETE', `jobs/ingest/${id}`)).status, 204, 'delete');
	});

	await test('errors', async () => {
		error(await create({ object: 'Nothing__c', operation: 'insert' }), 'create for an unknown object');
		error(await create({ object: '', operation: 'insert' }), 'create for an unknown object');
		error(await create({ object: 'Account', operation: 'upsert', externalIdFieldName: 'Description' }), 'upsert by no external id');
		error(await create({ object: 'Account', operation: '' }), 'create with an empty operation');
		const { id } = (await create({ object: 'Account', operation: 'insert' })).json;
		is((await put(id, 'Name\nx\n')).status, 201, 'first upload');
		is((await put(id, 'Name\ny\n')).status, 201, 'second upload');
		const closed = await patch('ingest', id, 'UploadComplete');
		error(closed, 'second upload');
		ok(closed.text.includes(`<${id.slice(0, 15)}>`), 'second upload: 15 characters of the id', closed.text);
		error(await sim.http('GET', 'limits', { auth: false, headers: { Authorization: 'Bearer nonsense' } }), 'bad token');
		const row = (await sim.http('POST', 'sobjects/Account', { body: { Name: 'doomed' } })).json;
		is((await sim.http('DELETE', `sobjects/Account/${row.id}`)).status, 204, 'delete');
		error(await sim.http('DELETE', `sobjects/Account/${row.id}`), 'delete of a deleted row');
		error(await sim.http('POST', 'sobjects/Account', { body: { Name: 'x'.repeat(300) } }), 'text too long');
		error(await sim.http('POST', 'sobjects/Contact', { body: { LastName: 'x', AccountId: '001900K0001pPuOAAU1' } }), 'write with a bad id');
		await sim.control('POST', 'faults', { path: '*/limits', error: 'request_limit' });
		error(await sim.http('GET', 'limits'), 'daily API limit');
	});

	await test('failed jobs', async () => {
		const failed = async (job, text) => {
			const end = await ingest({ object: 'Account', operation: 'insert', ...job }, text);
			is(end.state, 'Failed', 'state');
			return end.errorMessage;
		};
		message(await failed({}, 'Name,Nothing\nx,y\n'), 'unknown column');
		message(await failed({}, 'Name\r\nx\r\n'), 'line ending');
		message(await failed({}, '\ufeff"Name"\nx\n'), 'unescaped quote');
		message(await failed({ object: 'Contact' }, 'LastName,Account:Account.Name\nx,y\n'), 'type of a relationship that has one');
		message(await failed({ object: 'Contact' }, 'LastName,Account:Nothing.Name\nx,y\n'), 'unknown relationship');
	});

	await test('failed rows', async () => {
		message(await failedRow({ object: 'Account', operation: 'insert' }, 'Name,Phone\n,1\n'), 'required field');
		const row = (await sim.http('POST', 'sobjects/Account', { body: { Name: 'doomed' } })).json;
		await sim.http('DELETE', `sobjects/Account/${row.id}`);
		message(await failedRow({ object: 'Account', operation: 'delete' }, `Id\n${row.id}\n`), 'deleted row');
		message(await failedRow({ object: 'Account', operation: 'update' }, 'Id,Phone\n001000000000000AAA,1\n'), 'unknown id');
		message(await failedRow({ object: 'Account', operation: 'update' }, 'Id,Phone\n,1\n'), 'missing id');
		const fields = (await sim.http('GET', 'sobjects/Invoice__c/describe')).json.fields;
		const unique = fields.find((field) => field.externalId && field.unique && field.type === 'string');
		ok(unique, 'Invoice__c has a unique external id');
		if (unique) {
			message(await failedRow({ object: 'Invoice__c', operation: 'insert' }, `${unique.name}\ntwice\ntwice\n`), 'duplicate value');
		}
	});

	await test('explain', async () => {
		const answer = await sim.http('GET', `query?explain=${encodeURIComponent('SELECT Id FROM Account LIMIT 10')}`);
		// which plans there are, and whether costs have a fraction, is up to the rows
		const shape = JSON.parse(JSON.stringify(shapes.explain).replace(/"(?:decimal|integer)( \| (?:decimal|integer))*"/g, '"number"'));
		same(answer.tree, shape, 'plans');
	});

	await test('limits', async () => {
		const answer = await sim.http('GET', 'limits');
		const names = Object.keys(answer.json);
		deep(names, [...names].sort(), 'in order');
		for (const name of shapes.limits) {
			const got = answer.json[name];
			ok(got && Number.isInteger(got.Max) && Number.isInteger(got.Remaining) && Object.keys(got).join().startsWith('Max,Remaining'), name,
				JSON.stringify(got));
		}
	});
});
