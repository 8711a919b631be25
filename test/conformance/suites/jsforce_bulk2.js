/*
 * jsforce_bulk2.js - Bulk API 2.0 through jsforce: query jobs, ingest jobs, all operations and kinds of input.
 */
'use strict';

const { Readable } = require('stream');
const jsforce = require(process.env.JSFORCE || 'jsforce');
const { suite, test, ok, is, like, deep, keys, rejects } = require('../lib/tap');
const { start, VERSION } = require('../lib/sfsim');

suite(async () => {
	const sim = await start({ rows: { Account: 1000, Contact: 20 } });
	const conn = new jsforce.Connection({ instanceUrl: sim.url, accessToken: sim.env.SF_TOKEN, version: VERSION });
	conn.bulk2.pollInterval = 20;
	conn.bulk2.pollTimeout = 30000;
	const account = conn.sobject('Account');
	const rowsOf = async (soql) => (await conn.query(soql, { autoFetch: true, maxFetch: 100000 })).records;

	await test('query', async () => {
		const rows = await (await conn.bulk2.query('SELECT Id, Name, Owner.Name FROM Account ORDER BY Id')).toArray();
		is(rows.length, 1000, 'all rows');
		keys(rows[0], 'Id Name Owner.Name', 'columns');
		const same = await rowsOf('SELECT Id, Name, Owner.Name FROM Account ORDER BY Id');
		deep(rows.map((row) => [row.Id, row.Name, row['Owner.Name']]),
			same.map((row) => [row.Id, row.Name ?? '', row.Owner ? row.Owner.Name : '']), 'the same as by REST');
		is((await (await conn.bulk2.query("SELECT Id FROM Account WHERE Name = 'none'")).toArray()).length, 0, 'no rows');
		is((await (await conn.bulk2.query('SELECT Id FROM Account LIMIT 3')).toArray()).length, 3, 'LIMIT');
	});

	await test('query with delimiters', async () => {
		for (const [columnDelimiter, sign] of Object.entries({
			BACKQUOTE: '`', CARET: '^', COMMA: ',', PIPE: '|', SEMICOLON: ';', TAB: '\t',
		})) {
			const stream = await conn.bulk2.query('SELECT Id, Name FROM Account ORDER BY Id LIMIT 2', { columnDelimiter, lineEnding: 'CRLF' });
			let text = '';
			await new Promise((resolve, reject) => {
				stream.stream().on('data', (data) => (text += data)).on('end', resolve).on('error', reject);
			});
			ok(text.startsWith(`"Id"${sign}"Name"\r\n`), columnDelimiter, text.slice(0, 100));
		}
	});

	await test('queryAll', async () => {
		const doomed = await account.create({ Name: 'Bulk doomed' });
		await account.destroy(doomed.id);
		const soql = "SELECT Id, IsDeleted FROM Account WHERE Name = 'Bulk doomed'";
		is((await (await conn.bulk2.query(soql)).toArray()).length, 0, 'query');
		deep(await (await conn.bulk2.query(soql, { scanAll: true })).toArray(), [{ Id: doomed.id, IsDeleted: 'true' }], 'scanAll');
	});

	await test('a query job step by step', async () => {
		const job = await openQuery('SELECT Id FROM Account');
		const check = await job.check();
		is(check.jobType, 'V2Query', 'jobType');
		await job.poll(20, 20000);
		const info = job.getInfo();
		is(info.state, 'JobComplete', 'state');
		is(info.numberRecordsProcessed, 1000, 'numberRecordsProcessed');
		is(info.apiVersion, Number(VERSION), 'apiVersion');
		await rejects(job.abort(), { errorCode: 'INVALIDJOBSTATE', message: 'Aborting already Completed Job not allowed' },
			'too late to abort');
		await job.delete();
		await rejects(job.check(), { errorCode: 'NOT_FOUND', message: 'The requested resource does not exist' }, 'deleted');
	});

	async function openQuery(soql) {
		// the way of jsforce's own tests and of the CLI to a job that is not waited for
		const answer = await conn.requestPost(`/services/data/v${VERSION}/jobs/query`, { operation: 'query', query: soql });
		is(answer.state, 'UploadComplete', 'a query job begins as UploadComplete');
		return conn.bulk2.job('query', { id: answer.id });
	}

	await test('abort of a query job', async () => {
		await sim.control('POST', 'options', { hold_jobs: 'InProgress' });
		const job = await openQuery('SELECT Id FROM Account');
		const info = await job.abort();
		is(info.state, 'Aborted', 'state');
		await rejects(job.poll(20, 5000), { message: 'Job has been aborted' }, 'poll');
		await job.delete();
		const slow = await openQuery('SELECT Id FROM Account');
		await rejects(slow.poll(10, 100), { name: 'JobPollingTimeout' }, 'a poll that times out');
		await sim.control('POST', 'options', { hold_jobs: 'none' });
		await slow.poll(20, 20000);
		is((await (await slow.result()).toArray()).length, 1000, 'and is done later');
	});

	await test('query errors', async () => {
		await rejects(conn.bulk2.query('SELECT Id FROM Nothing__c'), { errorCode: 'INVALID_TYPE' }, 'unknown object');
		await rejects(conn.bulk2.query('SELECT Nothing FROM Account'), { errorCode: 'INVALID_FIELD' }, 'unknown field');
		await rejects(conn.bulk2.query('SELECT COUNT(Id) FROM Account'), { message: /./ }, 'an aggregate');
		await rejects(conn.bulk2.query('nonsense'), { errorCode: 'MALFORMED_QUERY' }, 'no SOQL');
	});

	await test('many pages', async () => {
		await sim.control('POST', 'options', { page_rows: 300 });
		const answer = await sim.http('POST', 'jobs/query', { body: { operation: 'query', query: 'SELECT Id FROM Account' } });
		const path = `jobs/query/${answer.json.id}`;
		while ((await sim.http('GET', path)).json.state !== 'JobComplete');
		const ids = new Set();
		let locator;
		let pages = 0;
		do {
			const page = await sim.http('GET', `${path}/results${locator ? `?locator=${encodeURIComponent(locator)}` : ''}`);
			locator = page.headers['sforce-locator'];
			const lines = page.text.trim().split('\n');
			is(lines[0], '"Id"', `header of page ${++pages}`);
			is(Number(page.headers['sforce-numberofrecords']), lines.length - 1, `its number of records`);
			lines.slice(1).forEach((line) => ids.add(line));
		} while (locator !== 'null' && pages < 10);
		is(pages, 4, 'four pages');
		is(ids.size, 1000, 'every row once');
		const pagesAnswer = await sim.http('GET', `${path}/resultPages`);
		is(pagesAnswer.status, 200, 'resultPages');
		await sim.control('POST', 'options', { page_rows: 50000 });
	});

	const created = [];
	await test('insert of an array', async () => {
		const input = Array.from({ length: 25 }, (_, i) => ({
			Name: `Bulk ${i}`, NumberOfEmployees: i, Description: i % 2 ? 'a "quoted"\ntext, with commas' : null,
		}));
		const results = await conn.bulk2.loadAndWaitForResults({ object: 'Account', operation: 'insert', input });
		keys(results, 'successfulResults failedResults unprocessedRecords', 'results');
		is(results.successfulResults.length, 25, 'all successful');
		deep(results.failedResults, [], 'none failed');
		deep(results.unprocessedRecords, [], 'none unprocessed');
		const [first] = results.successfulResults;
		deep(Object.keys(first).sort(), ['Description', 'Name', 'NumberOfEmployees', 'sf__Created', 'sf__Id'].sort(), 'columns');
		is(first.sf__Created, 'true', 'sf__Created');
		like(first.sf__Id, /^001\w{15}$/, 'sf__Id');
		created.push(...results.successfulResults.map((row) => row.sf__Id));
		const rows = await rowsOf("SELECT Id, Name, NumberOfEmployees, Description FROM Account WHERE Name LIKE 'Bulk %' ORDER BY NumberOfEmployees");
		is(rows.length, 25, 'rows are there');
		is(rows[1].Description, 'a "quoted"\ntext, with commas', 'a text with all that CSV knows');
		is(rows[2].Description, null, '#N/A is null');
	});

	await test('insert of a CSV text', async () => {
		const results = await conn.bulk2.loadAndWaitForResults({
			object: 'Account', operation: 'insert', input: 'Name,Phone\nText 1,\n"Text, 2",#N/A\n,no name\n',
		});
		is(results.successfulResults.length, 2, 'two successful');
		is(results.failedResults.length, 1, 'one failed');
		const [row] = results.failedResults;
		is(row.sf__Error, 'REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --', 'sf__Error');
		is(row.sf__Id, '', 'no id');
		is(row.Phone, 'no name', 'the row');
	});

	await test('insert of a stream', async () => {
		const results = await conn.bulk2.loadAndWaitForResults({
			object: 'Account', operation: 'insert', input: Readable.from(['Name\nStre', 'am 1\nStream 2\n']),
		});
		is(results.successfulResults.length, 2, 'both');
	});

	await test('insert with another delimiter', async () => {
		const results = await conn.bulk2.loadAndWaitForResults({
			object: 'Account', operation: 'insert', columnDelimiter: 'PIPE', lineEnding: 'CRLF', input: 'Name|Phone\r\nPipe|1\r\n',
		});
		// jsforce reads result files as commas whatever the job says
		const raw = JSON.stringify(results.successfulResults);
		ok(raw.includes('Pipe'), 'successful', raw);
		is(await account.count({ Name: 'Pipe', Phone: '1' }), 1, 'the row');
	});

	await test('update', async () => {
		const results = await conn.bulk2.loadAndWaitForResults({
			object: 'Account', operation: 'update',
			input: [...created.slice(0, 3).map((Id) => ({ Id, Phone: '555' })), { Id: '001000000000000AAA', Phone: '555' }],
		});
		is(results.successfulResults.length, 3, 'three successful');
		deep(results.successfulResults.map((row) => row.sf__Created), ['false', 'false', 'false'], 'not created');
		deep(results.failedResults.map((row) => row.sf__Error), ['INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--'], 'unknown id');
		is(await account.count({ Phone: '555' }), 3, 'written');
	});

	await test('upsert', async () => {
		const key = (await conn.describe('Invoice__c')).fields.find((field) => field.externalId && field.type === 'string').name;
		const load = (input) => conn.bulk2.loadAndWaitForResults({
			object: 'Invoice__c', operation: 'upsert', externalIdFieldName: key, input,
		});
		const first = await load([{ [key]: 'up-1' }, { [key]: 'up-2' }]);
		deep(first.successfulResults.map((row) => row.sf__Created), ['true', 'true'], 'created');
		const second = await load([{ [key]: 'up-2' }, { [key]: 'up-3' }]);
		deep(second.successfulResults.map((row) => [row[key], row.sf__Created]).sort(), [['up-2', 'false'], ['up-3', 'true']], 'one of each');
		await rejects(conn.bulk2.loadAndWaitForResults({
			object: 'Account', operation: 'upsert', externalIdFieldName: 'Description', input: 'Description\nx\n',
		}), { errorCode: 'INVALIDJOB', message: /^InvalidJob : Field name provided, Description does not match an External ID/ }, 'no external id');
	});

	await test('parents by external id', async () => {
		const key = (await conn.describe('Invoice__c')).fields.find((field) => field.externalId && field.type === 'string').name;
		const line = await conn.describe('Line__c');
		const parent = line.fields.find((field) => field.referenceTo.includes('Invoice__c'));
		const required = line.fields.filter((field) => field.createable && !field.nillable && !field.defaultedOnCreate
			&& field.type !== 'boolean' && field !== parent && field.type !== 'reference');
		const results = await conn.bulk2.loadAndWaitForResults({
			object: 'Line__c', operation: 'insert', input: ['up-1', 'up-none'].map((value) => ({
				...Object.fromEntries(required.map((field) => [field.name, 1])), [`${parent.relationshipName}.${key}`]: value,
			})),
		});
		is(results.successfulResults.length, 1, 'one finds its parent');
		like((results.failedResults[0] || {}).sf__Error, /^INVALID_FIELD:Foreign key external ID: up-none not found for field/, 'one does not');
	});

	await test('delete and hardDelete', async () => {
		const results = await conn.bulk2.loadAndWaitForResults({
			object: 'Account', operation: 'delete', input: created.slice(0, 5).map((Id) => ({ Id, Name: 'is left out' })),
		});
		is(results.successfulResults.length, 5, 'deleted');
		const again = await conn.bulk2.loadAndWaitForResults({ object: 'Account', operation: 'delete', input: created.slice(0, 1).map((Id) => ({ Id })) });
		deep(again.failedResults.map((row) => row.sf__Error), ['ENTITY_IS_DELETED:entity is deleted:--'], 'twice');
		await sim.control('POST', 'options', { hard_delete: false });
		await rejects(conn.bulk2.loadAndWaitForResults({ object: 'Account', operation: 'hardDelete', input: 'Id\n001000000000000AAA\n' }),
			{ errorCode: 'FEATURENOTENABLED' }, 'hardDelete wants a permission');
		await sim.control('POST', 'options', { hard_delete: true });
		const hard = await conn.bulk2.loadAndWaitForResults({ object: 'Account', operation: 'hardDelete', input: created.slice(5, 10).map((Id) => ({ Id })) });
		is(hard.successfulResults.length, 5, 'hard deleted');
		const rows = await conn.query(`SELECT Id FROM Account WHERE Id IN ('${created.slice(0, 10).join("','")}')`, { scanAll: true });
		deep(rows.records.map((row) => row.Id).sort(), created.slice(0, 5).sort(), 'only the deleted ones are in the bin');
		await rejects(conn.bulk2.loadAndWaitForResults({ object: 'Account', operation: 'delete', input: `Id,Name\n${created[20]},x\n` }),
			{ message: /The 'delete' batch must contain only ids/ }, 'a delete file with more columns');
	});

	await test('an ingest job step by step', async () => {
		const job = conn.bulk2.createJob({ object: 'Account', operation: 'insert' });
		const events = [];
		for (const event of ['open', 'close', 'inProgress', 'jobComplete', 'error']) {
			job.on(event, () => events.push(event));
		}
		const opened = await job.open();
		is(opened.state, 'Open', 'state');
		is(opened.contentUrl, `services/data/v${VERSION}/jobs/ingest/${opened.id}/batches`, 'contentUrl');
		is(opened.lineEnding, 'LF', 'lineEnding');
		is(opened.columnDelimiter, 'COMMA', 'columnDelimiter');
		await rejects(job.poll(20, 1000), { message: /^Job is still open/ }, 'poll of an open job');
		await job.uploadData([{ Name: 'Step 1' }, { Name: 'Step 2' }]);
		await job.close();
		is(job.getInfo().state, 'UploadComplete', 'closed');
		await job.poll(20, 20000);
		const info = await job.check();
		is(info.state, 'JobComplete', 'complete');
		is(info.jobType, 'V2Ingest', 'jobType');
		is(info.numberRecordsProcessed, 2, 'numberRecordsProcessed');
		is(info.numberRecordsFailed, 0, 'numberRecordsFailed');
		const again = conn.bulk2.job('ingest', { id: job.id });
		is((await again.check()).state, 'JobComplete', 'found by its id');
		is((await again.getSuccessfulResults()).length, 2, 'successful results');
		like(await again.getSuccessfulResults(true), /^"sf__Id","sf__Created",Name\n"001\w{15}","true","Step \d"\n/, 'as they come');
		is(await again.getFailedResults(true), '"sf__Id","sf__Error",Name\n', 'failed results');
		is(await again.getUnprocessedRecords(true), 'Name\n', 'unprocessed records');
		deep(events.filter((event) => event !== 'inProgress'), ['open', 'error', 'close', 'jobComplete'], 'events');
		await again.delete();
		await rejects(again.check(), { errorCode: 'NOT_FOUND' }, 'deleted');
	});

	await test('abort of an ingest job', async () => {
		const job = conn.bulk2.createJob({ object: 'Account', operation: 'insert' });
		await job.open();
		await rejects(job.delete(), { errorCode: /./ }, 'an open job cannot be deleted');
		await job.abort();
		is(job.getInfo().state, 'Aborted', 'state');
		await rejects(job.poll(20, 1000), { message: 'Job has been aborted' }, 'poll');
		await rejects(job.uploadData('Name\nx\n'), { errorCode: /./ }, 'no upload any more');
		await job.delete();
	});

	await test('ingest errors', async () => {
		const open = (options) => conn.bulk2.createJob(options).open();
		await rejects(open({ object: 'Nothing__c', operation: 'insert' }),
			{ errorCode: 'INVALIDJOB', message: 'InvalidJob : Unable to find object: Nothing__c' }, 'unknown object');
		await rejects(open({ object: 'Account', operation: 'upsert' }),
			{ errorCode: 'INVALIDJOB', message: 'InvalidJob : External ID was blank for Account. An External ID must be specified for upsert.' },
			'upsert without a field');
		await rejects(open({ object: 'Account', operation: 'nonsense' }), { errorCode: 'API_ERROR' }, 'unknown operation');
		const load = (input, options = {}) =>
			conn.bulk2.loadAndWaitForResults({ object: 'Account', operation: 'insert', input, ...options });
		await rejects(load('Name,Nothing\nx,y\n'), { message: /InvalidBatch : Field name not found : Nothing$/ }, 'unknown column');
		await rejects(load('Name\r\nx\r\n'), { message: /ClientInputError : LineEnding is invalid on user data\. Current LineEnding setting is LF$/ },
			'line ending');
		await rejects(conn.bulk2.job('ingest', { id: '750000000000000AAA' }).check(), { errorCode: 'NOT_FOUND' }, 'unknown job');
		const twice = conn.bulk2.createJob({ object: 'Account', operation: 'insert' });
		await twice.open();
		await twice.uploadData('Name\nTwice 1\n');
		const url = `/services/data/v${VERSION}/jobs/ingest/${twice.id}/batches`;
		is((await sim.http('PUT', url, { body: 'Name\nTwice 2\n', headers: { 'Content-Type': 'text/csv' } })).status, 201, 'a second PUT is accepted');
		await rejects(twice.close(), { message: /^Found multi\w+ contents for job: <750\w{12}>/ }, 'and noticed at the close');
	});

	await test('many rows', async () => {
		const input = Array.from({ length: 12000 }, (_, i) => ({ Name: `Lot ${i}`, NumberOfEmployees: i }));
		const results = await conn.bulk2.loadAndWaitForResults({ object: 'Account', operation: 'insert', input });
		is(results.successfulResults.length, 12000, 'all');
		is(new Set(results.successfulResults.map((row) => row.NumberOfEmployees)).size, 12000, 'every row once');
		is(await account.count({ Name: { $like: 'Lot %' } }), 12000, 'and there');
	});
});
