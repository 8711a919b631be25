/*
 * old_jsforce.js - jsforce 1.11, which much software still has: its own HTTP library, its own CSV, another Bulk API 1.0 client.
 */
'use strict';

const jsforce = require('jsforce-old');
const { suite, test, ok, is, like, deep, rejects } = require('../lib/tap');
const { start, VERSION } = require('../lib/sfsim');

suite(async () => {
	const sim = await start({ rows: { Account: 4500, Contact: 20 } });
	const { env } = sim;
	const secret = env.SF_PASSWORD + env.SF_SECURITY_TOKEN;
	const conn = new jsforce.Connection({ loginUrl: sim.url, version: VERSION });
	const account = conn.sobject('Account');

	await test('logins', async () => {
		const oauth2 = { loginUrl: sim.url, clientId: env.SF_CLIENT_ID, clientSecret: env.SF_CLIENT_SECRET, redirectUri: 'http://localhost/' };
		const other = new jsforce.Connection({ oauth2, version: VERSION });
		like((await other.login(env.SF_USERNAME, secret)).id, /^005\w{15}$/, 'OAuth2');
		await other.logout();
		await rejects(conn.login(env.SF_USERNAME, 'wrong'), { message: /^INVALID_LOGIN: / }, 'SOAP, wrong password');
		const user = await conn.login(env.SF_USERNAME, secret);
		is(conn.instanceUrl, sim.url, 'SOAP');
		is((await conn.identity()).user_id, user.id, 'identity');
		await sim.control('POST', 'tokens', { expire: 'all' });
		is((await conn.query('SELECT COUNT() FROM Account')).totalSize, 4500, 'logs in again');
	});

	await test('queries', async () => {
		let rows = 0;
		await new Promise((resolve, reject) => {
			conn.query('SELECT Id FROM Account').on('record', () => rows++).on('end', resolve).on('error', reject)
				.run({ autoFetch: true, maxFetch: 10000 });
		});
		is(rows, 4500, 'pages');
		const found = await account.find({ Name: { $like: 'A%' } }, 'Id, Name').sort({ Name: -1 }).limit(5);
		is(found.length, 5, 'find');
		ok((await conn.query('SELECT Id FROM Account').explain()).plans.length > 0, 'explain');
		await rejects(conn.query('SELECT x FROM Account'), { errorCode: 'INVALID_FIELD' }, 'refused');
		is((await conn.describe('Account')).name, 'Account', 'describe');
		ok((await conn.describeGlobal()).sobjects.length > 10, 'objects');
		ok((await conn.limits()).DailyApiRequests.Max > 0, 'limits');
	});

	await test('rows', async () => {
		const made = await account.create([{ Name: 'one' }, { Name: 'two' }]);
		deep(made.map((row) => row.success), [true, true], 'create');
		const ids = made.map((row) => row.id);
		deep((await account.update(ids.map((Id) => ({ Id, Phone: '1' })))).map((row) => row.success), [true, true], 'update');
		deep((await account.retrieve(ids)).map((row) => row.Phone), ['1', '1'], 'retrieve');
		is((await account.upsert({ Name: 'three', External_Key__c: 'OLD-1' }, 'External_Key__c')).success, true, 'upsert');
		deep((await account.destroy(ids)).map((row) => row.success), [true, true], 'destroy');
		await rejects(account.retrieve(ids[0]), { errorCode: 'NOT_FOUND' }, 'deleted');
		await rejects(conn.sobject('Contact').create({ FirstName: 'x' }), { errorCode: 'REQUIRED_FIELD_MISSING' }, 'refused');
	});

	await test('Bulk API 1.0', async () => {
		conn.bulk.pollInterval = 20;
		conn.bulk.pollTimeout = 30000;
		const load = (operation, options, rows) =>
			new Promise((resolve, reject) => {
				const job = conn.bulk.createJob('Account', operation, options);
				const batch = job.createBatch();
				batch.execute(rows);
				batch.on('error', reject);
				batch.on('queue', () => batch.poll(20, 30000));
				batch.on('response', (results) => job.close().then(() => resolve(results), reject));
			});
		const made = await load('insert', {}, [{ Name: 'b1', Phone: '1' }, { Name: '', Phone: '2' }, { Name: 'b3', Phone: '3' }]);
		deep(made.map((row) => row.success), [true, false, true], 'insert');
		like(made[1].errors[0], /^REQUIRED_FIELD_MISSING:Required fields are missing: \[Name\]:Name --$/, 'error of a row');
		const upserted = await load('upsert', { extIdField: 'External_Key__c', concurrencyMode: 'Serial' },
			[{ Name: 'three', External_Key__c: 'OLD-1' }, { Name: 'four', External_Key__c: 'OLD-2' }]);
		deep(upserted.map((row) => row.success), [true, true], 'upsert');
		deep((await load('delete', {}, [{ Id: made[0].id }, { Id: made[2].id }])).map((row) => row.success), [true, true], 'delete');
		let rows = 0;
		await new Promise((resolve, reject) => {
			conn.bulk.query('SELECT Id, Name FROM Account').on('record', () => rows++).on('end', resolve).on('error', reject);
		});
		is(rows, 4502, 'query');
	});
});
