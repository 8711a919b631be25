/*
 * jsforce_describe.js - what jsforce asks of an org besides rows: describes with their cache, limits, resources,
 * versions, headers.
 */
'use strict';

const zlib = require('zlib');
const jsforce = require(process.env.JSFORCE || 'jsforce');
const { suite, test, ok, is, like, deep, keys, rejects } = require('../lib/tap');
const { start, VERSION } = require('../lib/sfsim');

const OBJECTS = ['Account', 'Contact', 'Lead', 'Opportunity', 'OpportunityLineItem', 'Case', 'Task', 'Event', 'User',
	'Product2', 'RecordType', 'Attachment', 'Invoice__c', 'Line__c'];

suite(async () => {
	const sim = await start({ rows: { Account: 10, Contact: 10 } });
	const conn = new jsforce.Connection({ instanceUrl: sim.url, accessToken: sim.env.SF_TOKEN, version: VERSION });
	const base = `/services/data/v${VERSION}`;
	const requests = async () => (await sim.control('GET', 'log')).filter((entry) => /describe|sobjects/.test(entry.path)).length;

	await test('describe', async () => {
		for (const name of OBJECTS) {
			const object = await conn.describe(name);
			is(object.name, name, name);
			const id = object.fields.find((field) => field.name === 'Id');
			is(id && id.type, 'id', `${name}.Id`);
			is(new Set(object.fields.map((field) => field.name)).size, object.fields.length, `${name}: no field twice`);
			deep([...new Set(object.fields.map((field) => Object.keys(field).length))].length, 1, `${name}: all fields have the same keys`);
			const broken = object.fields.filter((field) => field.type === 'reference' && !field.referenceTo.length);
			deep(broken.map((field) => field.name), [], `${name}: references refer to something`);
			is(object.urls.describe, `${base}/sobjects/${name}/describe`, `${name}: url`);
		}
		await rejects(conn.describe('Nothing__c'), { errorCode: 'NOT_FOUND', message: 'The requested resource does not exist' },
			'unknown object');
		is((await conn.describe('aCCOUNT')).name, 'Account', 'names in any case');
	});

	await test('describeGlobal', async () => {
		const all = await conn.describeGlobal();
		keys(all, 'encoding maxBatchSize sobjects', 'keys');
		is(all.encoding, 'UTF-8', 'encoding');
		is(all.maxBatchSize, 200, 'maxBatchSize');
		for (const name of OBJECTS) {
			const entry = all.sobjects.find((candidate) => candidate.name === name);
			ok(entry, `has ${name}`);
			const object = await conn.describe(name);
			const different = Object.keys(entry).filter((key) => key !== 'urls' && JSON.stringify(entry[key]) !== JSON.stringify(object[key]));
			deep(different, [], `${name}: as its describe says`);
		}
		const sorted = all.sobjects.map((entry) => entry.name);
		ok(sorted.length >= OBJECTS.length, 'not less than these');
	});

	await test('cache', async () => {
		conn.cache.clear();
		const before = await requests();
		const first = await conn.describe$('Contact');
		const second = await conn.describe$('Contact');
		is(await requests() - before, 1, 'describe$ asks once');
		is(second, first, 'and gives the same');
		await conn.describe('Contact');
		is(await requests() - before, 2, 'describe asks always');
		is(conn.describe$$('Contact').name, 'Contact', 'describe$$ gives it at once');
		const global = await conn.describeGlobal$();
		is(await conn.describeGlobal$(), global, 'describeGlobal$');
		ok(conn.sobjects.Invoice__c, 'describeGlobal makes its objects known');
	});

	await test('conditional requests', async () => {
		const first = await sim.http('GET', 'sobjects/Account/describe');
		is(first.status, 200, 'describe');
		like(first.headers['last-modified'], /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, 'Last-Modified');
		const second = await sim.http('GET', 'sobjects/Account/describe',
			{ headers: { 'If-Modified-Since': first.headers['last-modified'] } });
		is(second.status, 304, 'not modified');
		is(second.raw.length, 0, 'no body');
	});

	await test('picklists and layouts', async () => {
		const industry = (await conn.describe('Account')).fields.find((field) => field.name === 'Industry');
		ok(industry.picklistValues.length > 5, 'a picklist has values');
		keys(industry.picklistValues[0], 'active defaultValue label validFor value', 'keys of one');
		const infos = (await conn.describe('Account')).recordTypeInfos;
		ok(infos.length >= 1, 'record types');
		keys(infos[0], 'active available defaultRecordTypeMapping developerName master name recordTypeId urls', 'keys of one');
	});

	await test('limits', async () => {
		const limits = await conn.limits();
		for (const name of ['DailyApiRequests', 'DailyBulkApiBatches', 'DailyBulkV2QueryJobs', 'DailyBulkV2QueryFileStorageMB',
			'DataStorageMB', 'FileStorageMB', 'HourlyODataCallout', 'SingleEmail']) {
			ok(limits[name], `has ${name}`);
			deep(Object.keys(limits[name] || {}).slice(0, 2), ['Max', 'Remaining'], `${name}: Max and Remaining`);
		}
		is(limits.DailyBulkV2QueryJobs.Max, 10000, 'DailyBulkV2QueryJobs');
		is(limits.DailyBulkV2QueryFileStorageMB.Max, 976562, 'DailyBulkV2QueryFileStorageMB');
		const { apiUsage } = conn.limitInfo;
		ok(apiUsage && apiUsage.used > 0 && apiUsage.used < apiUsage.limit, 'Sforce-Limit-Info counts');
		const used = apiUsage.used;
		await conn.limits();
		is(conn.limitInfo.apiUsage.used, used + 1, 'one by one');
	});

	await test('record counts', async () => {
		const counts = await conn.request(`${base}/limits/recordCount?sObjects=Account,Contact,Nothing__c`);
		deep(counts, { sObjects: [{ count: 10, name: 'Account' }, { count: 10, name: 'Contact' }] }, 'recordCount');
	});

	await test('versions and resources', async () => {
		const versions = await conn.request('/services/data');
		ok(Array.isArray(versions) && versions.length > 30, 'versions');
		keys(versions[0], 'label url version', 'keys of one');
		ok(versions.some((entry) => entry.version === VERSION && entry.url === base), 'this one');
		const resources = await conn.request(`${base}/`);
		for (const name of ['sobjects', 'query', 'queryAll', 'limits', 'composite', 'jobs', 'recent', 'identity']) {
			ok(name in resources, `resource ${name}`);
		}
		is(resources.sobjects, `${base}/sobjects`, 'sobjects');
		is(resources.jobs, `${base}/jobs`, 'jobs');
		const info = await conn.request(`${base}/sobjects/Account`);
		keys(info, 'objectDescribe recentItems', 'sobjects/Account');
		is(info.objectDescribe.name, 'Account', 'objectDescribe');
	});

	await test('headers', async () => {
		const answer = await sim.http('GET', 'limits');
		is(answer.headers['content-type'], 'application/json;charset=UTF-8', 'Content-Type');
		like(answer.headers['sforce-limit-info'], /^api-usage=\d+\/\d+$/, 'Sforce-Limit-Info');
		is(answer.headers['cache-control'], 'no-cache,must-revalidate,max-age=0,no-store,private', 'Cache-Control');
		is(answer.headers['x-content-type-options'], 'nosniff', 'X-Content-Type-Options');
		is(answer.headers['x-robots-tag'], 'none', 'X-Robots-Tag');
		ok('strict-transport-security' in answer.headers, 'Strict-Transport-Security');
		ok('x-request-id' in answer.headers, 'X-Request-Id');
		is(answer.headers.vary, 'Accept-Encoding', 'Vary');
		ok('date' in answer.headers, 'Date');
		const zipped = await sim.http('GET', 'sobjects/Account/describe', { headers: { 'Accept-Encoding': 'gzip' } });
		is(zipped.headers['content-encoding'], 'gzip', 'gzip');
		is(JSON.parse(zlib.gunzipSync(zipped.raw)).name, 'Account', 'unpacks');
		const pretty = await sim.http('GET', 'query?q=SELECT+Id+FROM+Account+LIMIT+1', { headers: { 'X-PrettyPrint': '1' } });
		like(pretty.text, /^\{\n {2}"totalSize" : 1,\n {2}"done" : true,\n {2}"records" : \[ \{\n {4}"attributes" : \{\n {6}"type" : "Account",/,
			'X-PrettyPrint');
		const plain = await sim.http('GET', 'query?q=SELECT+Id+FROM+Account+LIMIT+1');
		like(plain.text, /^\{"totalSize":1,"done":true,"records":\[\{"attributes":\{"type":"Account","url":"/, 'compact');
	});

	await test('statuses', async () => {
		const status = async (method, target, expected, code, options) => {
			const answer = await sim.http(method, target, options);
			is(answer.status, expected, `${method} ${target}`);
			if (code) {
				is(answer.json && answer.json[0] && answer.json[0].errorCode, code, `${method} ${target}: code`);
			}
			return answer;
		};
		const unauthorized = await status('GET', 'limits', 401, 'INVALID_SESSION_ID', { auth: false });
		is(unauthorized.text, '[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]', 'the body of a 401');
		await status('GET', `//services/data/v${VERSION}/limits`, 200);
		await status('GET', `/services/data/v${VERSION}//limits`, 404);
		await status('GET', 'nothing', 404, 'NOT_FOUND');
		await status('GET', `/services/data/v99.0/limits`, 404, 'NOT_FOUND');
		await status('DELETE', 'limits', 405, 'METHOD_NOT_ALLOWED');
		await status('GET', `query?q=${'x'.repeat(17000)}`, 414);
		await status('POST', 'sobjects/Account', 415, undefined, { body: 'x', headers: { 'Content-Type': 'text/plain' } });
	});
});
