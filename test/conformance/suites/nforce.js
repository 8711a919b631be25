/*
 * nforce.js - REST through nforce: logins, rows, queries over several pages, metadata.
 */
'use strict';

const nforce = require('nforce');
const { suite, test, ok, is, like, rejects } = require('../lib/tap');
const { start, VERSION } = require('../lib/sfsim');

suite(async () => {
	const sim = await start({ rows: { Account: 4500, Contact: 20 } });
	const { env } = sim;
	const org = nforce.createConnection({
		clientId: env.SF_CLIENT_ID,
		clientSecret: env.SF_CLIENT_SECRET,
		redirectUri: 'http://localhost:3000/oauth/_callback',
		loginUri: `${sim.url}/services/oauth2/token`,
		apiVersion: `v${VERSION}`,
		mode: 'single',
		autoRefresh: true,
		gzip: true,
	});

	await test('login', async () => {
		await rejects(org.authenticate({ username: env.SF_USERNAME, password: 'wrong' }), { message: /authentication failure/ }, 'wrong password');
		const oauth = await org.authenticate({ username: env.SF_USERNAME, password: env.SF_PASSWORD, securityToken: env.SF_SECURITY_TOKEN });
		is(oauth.instance_url, sim.url, 'instance');
		like((await org.getIdentity({ oauth })).organization_id, /^00D\w{15}$/, 'identity');
	});

	await test('rows', async () => {
		const account = nforce.createSObject('Account', { Name: 'nforce', External_Key__c: 'NF-1' });
		const made = await org.insert({ sobject: account });
		is(made.success, true, 'insert');
		account.set('Phone', '123');
		await org.update({ sobject: account });
		is((await org.getRecord({ sobject: account })).get('phone'), '123', 'update, get');
		const same = nforce.createSObject('Account', { Name: 'nforce again' });
		same.setExternalId('External_Key__c', 'NF-1');
		await org.upsert({ sobject: same });
		is((await org.query({ query: "SELECT Name FROM Account WHERE External_Key__c = 'NF-1'" })).records[0].get('name'),
			'nforce again', 'upsert');
		await org.delete({ sobject: account });
		await rejects(org.getRecord({ sobject: account }), { errorCode: 'NOT_FOUND' }, 'deleted');
		await rejects(org.insert({ sobject: nforce.createSObject('Contact', { FirstName: 'x' }) }),
			{ errorCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [LastName]' }, 'refused');
	});

	await test('queries', async () => {
		const first = await org.query({ query: 'SELECT Id FROM Account' });
		is(first.records.length, 2000, 'a page');
		is((await org.query({ query: 'SELECT Id FROM Account', fetchAll: true })).records.length, 4500, 'all pages');
		await rejects(org.query({ query: 'SELECT x FROM Account' }), { errorCode: 'INVALID_FIELD' }, 'refused');
	});

	await test('metadata', async () => {
		is((await org.getDescribe({ type: 'Account' })).name, 'Account', 'describe');
		is((await org.getMetadata({ type: 'Account' })).objectDescribe.name, 'Account', 'metadata');
		ok((await org.getSObjects({})).sobjects.length > 10, 'objects');
		ok((await org.getLimits({})).DailyApiRequests.Max > 0, 'limits');
	});

	await test('an expired session', async () => {
		const before = org.oauth.access_token;
		await sim.control('POST', 'tokens', { expire: 'all' });
		is((await org.query({ query: 'SELECT Id FROM Account LIMIT 1' })).records.length, 1, 'logs in again');
		ok(org.oauth.access_token !== before, 'another session');
	});
});
