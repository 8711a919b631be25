/*
 * jsforce_bulk1.js - Bulk API 1.0 through jsforce's Bulk client, which speaks XML and CSV.
 */
'use strict';

const { Readable } = require('stream');
const jsforce = require(process.env.JSFORCE || 'jsforce');
const { suite, test, ok, is, like, deep, keys, rejects } = require('../lib/tap');
const { start, VERSION } = require('../lib/sfsim');

suite(async () => {
	const sim = await start({ rows: { Account: 500, Contact: 20 } });
	const conn = new jsforce.Connection({ instanceUrl: sim.url, accessToken: sim.env.SF_TOKEN, version: VERSION });
	conn.bulk.pollInterval = 20;
	conn.bulk.pollTimeout = 30000;
	const account = conn.sobject('Account');
	const ids = [];

	/* The events of one batch as a promise: its results, or its error. */
	const results = (batch) => new Promise((resolve, reject) => batch.on('response', resolve).on('error', reject));

	await test('insert', async () => {
		const input = [{ Name: 'One 1', NumberOfEmployees: 1 }, { Name: null, NumberOfEmployees: 2 }, { Name: 'One 3', NumberOfEmployees: 3 }];
		const answers = await conn.bulk.load('Account', 'insert', input);
		is(answers.length, 3, 'one answer per row');
		deep(answers.map((answer) => answer.success), [true, false, true], 'in the order of the rows');
		deep(answers.map((answer) => answer.created), [true, false, true], 'created');
		like(answers[0].id, /^001\w{15}$/, 'an id');
		is(answers[1].id, null, 'no id');
		deep(answers[1].errors, ['REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --'], 'the error');
		deep(answers[0].errors, [], 'no error');
		ids.push(answers[0].id, answers[2].id);
		is(await account.count({ Name: { $like: 'One %' } }), 2, 'the rows are there');
	});

	await test('insert of CSV', async () => {
		const text = await conn.bulk.load('Account', 'insert', 'Name,Phone\nOne text,"1,2"\n');
		is(text[0].success, true, 'a text');
		is((await account.retrieve(text[0].id)).Phone, '1,2', 'its value');
		const stream = await conn.bulk.load('Account', 'insert', Readable.from(['Name,Phone\nOne str', 'eam,#N/A\n']));
		is(stream[0].success, true, 'a stream');
		is((await account.retrieve(stream[0].id)).Phone, null, '#N/A is null');
		ids.push(text[0].id, stream[0].id);
	});

	await test('update, upsert', async () => {
		const updated = await conn.bulk.load('Account', 'update',
			[{ Id: ids[0], Phone: '9' }, { Id: '001000000000000AAA', Phone: '9' }, { Id: ids[1], Phone: '9' }]);
		deep(updated.map((answer) => [answer.id, answer.success, answer.created]),
			[[ids[0], true, false], [null, false, false], [ids[1], true, false]], 'update');
		deep(updated[1].errors, ['INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--'], 'unknown id');
		const key = (await conn.describe('Invoice__c')).fields.find((field) => field.externalId && field.type === 'string').name;
		const upsert = (input) => conn.bulk.load('Invoice__c', 'upsert', { extIdField: key }, input);
		deep((await upsert([{ [key]: 'one-1' }, { [key]: 'one-2' }])).map((answer) => [answer.success, answer.created]),
			[[true, true], [true, true]], 'upsert creates');
		deep((await upsert([{ [key]: 'one-2' }, { [key]: 'one-3' }])).map((answer) => [answer.success, answer.created]),
			[[true, false], [true, true]], 'upsert finds');
	});

	await test('query', async () => {
		const rows = await (await conn.bulk.query("SELECT Id, Name, Owner.Name, IsDeleted FROM Account WHERE Name LIKE 'One %' ORDER BY Name"))
			.toArray();
		deep(rows.map((row) => row.Name), ['One 1', 'One 3', 'One stream', 'One text'], 'rows');
		keys(rows[0], 'Id Name Owner.Name IsDeleted', 'columns');
		is(rows[0].IsDeleted, 'false', 'boolean');
		is((await (await conn.bulk.query('SELECT Id FROM Account')).toArray()).length, 504, 'all rows');
		const none = await (await conn.bulk.query("SELECT Id FROM Account WHERE Name = 'none'")).toArray();
		is(none.length, 0, 'no rows');
	});

	await test('a query job step by step', async () => {
		const job = conn.bulk.createJob('Account', 'query', { concurrencyMode: 'Parallel' });
		const info = await job.open();
		is(info.state, 'Open', 'state');
		is(info.operation, 'query', 'operation');
		is(info.object, 'Account', 'object');
		is(info.contentType, 'CSV', 'contentType');
		is(info.apiVersion, VERSION, 'apiVersion');
		is(info.concurrencyMode, 'Parallel', 'concurrencyMode');
		keys(info, '$ id operation object createdById createdDate systemModstamp state concurrencyMode contentType '
			+ 'numberBatchesQueued numberBatchesInProgress numberBatchesCompleted numberBatchesFailed numberBatchesTotal '
			+ 'numberRecordsProcessed numberRetries apiVersion numberRecordsFailed totalProcessingTime '
			+ 'apiActiveProcessingTime apexProcessingTime', 'elements of jobInfo');
		like(info.createdDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/, 'createdDate');
		const batch = job.createBatch();
		const queued = new Promise((resolve) => batch.on('queue', resolve));
		batch.execute('SELECT Id FROM Account LIMIT 7');
		const state = await queued;
		like(state.id, /^751\w{15}$/, 'batch id');
		is(state.jobId, job.id, 'jobId');
		keys(state, '$ id jobId state createdDate systemModstamp numberRecordsProcessed numberRecordsFailed '
			+ 'totalProcessingTime apiActiveProcessingTime apexProcessingTime', 'elements of batchInfo');
		batch.poll(20, 20000);
		const list = await results(batch);
		is(list.length, 1, 'one result');
		like(list[0].id, /^752\w{12}(\w{3})?$/, 'result id');
		is((await batch.result(list[0].id).toArray()).length, 7, 'its rows');
		const checked = await batch.check();
		is(checked.state, 'Completed', 'batch state');
		is(checked.numberRecordsProcessed, '7', 'numberRecordsProcessed');
		const batches = await job.list();
		is([].concat(batches).length, 1, 'list');
		is((await job.check()).numberBatchesCompleted, '1', 'numberBatchesCompleted');
		is((await job.close()).state, 'Closed', 'close');
	});

	await test('several batches', async () => {
		const job = conn.bulk.createJob('Account', 'insert', { concurrencyMode: 'Serial' });
		await job.open();
		is((await job.info()).concurrencyMode, 'Serial', 'concurrencyMode');
		const answers = [];
		for (let i = 0; i < 3; i++) {
			const batch = job.createBatch();
			batch.on('queue', () => batch.poll(20, 20000));
			answers.push(await batch.execute([{ Name: `Lot ${i}a` }, { Name: `Lot ${i}b` }]));
		}
		deep(answers.map((list) => list.length), [2, 2, 2], 'answers');
		const list = await job.list();
		is(list.length, 3, 'listed');
		const info = await job.check();
		is(info.numberBatchesTotal, '3', 'numberBatchesTotal');
		is(info.numberRecordsProcessed, '6', 'numberRecordsProcessed');
		await job.close();
		is(await account.count({ Name: { $like: 'Lot %' } }), 6, 'all there');
	});

	await test('delete', async () => {
		const gone = await conn.bulk.load('Account', 'delete', [{ Id: ids[2], Name: 'left out' }, { Id: ids[2] }]);
		deep(gone.map((answer) => answer.success), [true, false], 'delete');
		deep(gone[1].errors, ['ENTITY_IS_DELETED:entity is deleted:--'], 'twice');
		await sim.control('POST', 'options', { hard_delete: true });
		const hard = await conn.bulk.load('Account', 'hardDelete', [{ Id: ids[3] }]);
		is(hard[0].success, true, 'hardDelete');
		is((await conn.query(`SELECT Id FROM Account WHERE Id = '${ids[3]}'`, { scanAll: true })).totalSize, 0, 'not even in the bin');
	});

	await test('by SObject', async () => {
		const created = await account.createBulk([{ Name: 'So 1' }, { Name: 'So 2' }]);
		ok(created.every((answer) => answer.success), 'createBulk');
		const updated = await account.updateBulk(created.map(({ id }) => ({ Id: id, Phone: '8' })));
		ok(updated.every((answer) => answer.success), 'updateBulk');
		const destroyed = await account.destroyBulk(created.map(({ id }) => ({ Id: id })));
		ok(destroyed.every((answer) => answer.success), 'destroyBulk');
		// more than the 200 from which jsforce goes through the Bulk API by itself
		const many = await account.create(Array.from({ length: 300 }, (_, i) => ({ Name: `Thrown ${i}`, Phone: '0' })), { allowRecursive: true });
		is(many.length, 300, '300 rows');
		const changed = await account.find({ Name: { $like: 'Thrown %' } }).update({ Phone: '7' }, { allowBulk: true });
		ok(changed.length === 300 && changed.every((answer) => answer.success), 'query and update in bulk');
		is(await account.count({ Name: { $like: 'Thrown %' }, Phone: '7' }), 300, 'written');
		const thrown = await account.find({ Name: { $like: 'Thrown %' } }).destroy('Account', { allowBulk: true });
		ok(thrown.length === 300 && thrown.every((answer) => answer.success), 'query and destroy in bulk');
	});

	await test('abort', async () => {
		const job = conn.bulk.createJob('Account', 'insert');
		await job.open();
		const { id } = job;
		is((await job.abort()).state, 'Aborted', 'state');
		is((await conn.bulk.job(id).check()).state, 'Aborted', 'seen by another');
	});

	await test('errors', async () => {
		await rejects(conn.bulk.createJob('Nothing__c', 'insert').open(),
			{ errorCode: 'InvalidJob', message: 'Unable to find object: Nothing__c' }, 'unknown object');
		await rejects(conn.bulk.createJob('Account', 'nonsense').open(), { errorCode: /^Invalid/ }, 'unknown operation');
		await rejects(conn.bulk.job('750000000000000AAA').check(),
			{ errorCode: 'InvalidJob', message: 'Invalid job id: 750000000000000AAA' }, 'unknown job');
		await rejects(conn.bulk.load('Account', 'insert', 'Name,Nothing\nx,y\n'),
			{ message: 'InvalidBatch : Field name not found : Nothing' }, 'unknown column');
		await rejects(conn.bulk.query('SELECT Nothing FROM Account'), { message: /^InvalidBatch : Failed to process query: INVALID_FIELD: / },
			'a wrong query');
		const bad = new jsforce.Connection({ instanceUrl: sim.url, accessToken: '00Dxx!nonsense', version: VERSION });
		await rejects(bad.bulk.createJob('Account', 'insert').open(), { errorCode: 'InvalidSessionId', message: 'Invalid session id' },
			'a wrong session');
		const closed = conn.bulk.createJob('Account', 'insert');
		await closed.open();
		const { id } = closed;
		await closed.close();
		const late = conn.bulk.job(id);
		late.operation = 'insert';
		await rejects(late.createBatch().execute([{ Name: 'late' }]), { errorCode: 'InvalidJobState' }, 'a batch for a closed job');
	});

	await test('session refresh', async () => {
		const { env } = sim;
		const other = new jsforce.Connection({
			oauth2: { loginUrl: sim.url, clientId: env.SF_CLIENT_ID, clientSecret: env.SF_CLIENT_SECRET },
			instanceUrl: sim.url, accessToken: 'nonsense', refreshToken: env.SF_REFRESH_TOKEN, version: VERSION,
		});
		other.bulk.pollInterval = 20;
		let refreshed = 0;
		other.on('refresh', () => refreshed++);
		is((await (await other.bulk.query('SELECT Id FROM Account LIMIT 5')).toArray()).length, 5, 'a query with a token that is over');
		is(refreshed, 1, 'one refresh');
	});
});
