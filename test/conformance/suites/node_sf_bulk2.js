/*
 * node_sf_bulk2.js - Bulk API 2.0 through node-sf-bulk2: one method for each resource, pages of results, links to them.
 */
'use strict';

const { BulkAPI2 } = require('node-sf-bulk2');
const { suite, test, ok, is, like, deep, keys, rejects } = require('../lib/tap');
const { start, VERSION } = require('../lib/sfsim');

const FINAL = ['JobComplete', 'Failed', 'Aborted'];
const RESULTS = { successful: 0, failed: 1, unprocessed: 2 };

suite(async () => {
	const sim = await start({ rows: { Account: 1000, Contact: 20 } });
	const bulk = new BulkAPI2({
		accessToken: sim.env.SF_TOKEN,
		instanceUrl: sim.url,
		apiVersion: VERSION,
		callOptions: { client: 'conformance', defaultNamespace: 'ns' },
	});
	/* axios' error, as one that tells what Salesforce says */
	const said = (promise) =>
		promise.catch((error) => {
			throw Object.assign(new Error(error.message), { status: error.response.status }, error.response.data[0]);
		});
	const finished = async (info) => {
		for (;;) {
			const job = await info();
			if (FINAL.includes(job.state)) {
				return job;
			}
			await sim.control('GET', 'wait?jobs=0&timeout_ms=50');
		}
	};

	await test('query', async () => {
		const job = await bulk.submitBulkQueryJob({ query: 'SELECT Id, Name FROM Account', operation: 'query' });
		is(job.state, 'UploadComplete', 'created');
		const info = await finished(() => bulk.getBulkQueryJobInfo(job.id));
		is(info.state, 'JobComplete', 'complete');
		is(info.numberRecordsProcessed, 1000, 'rows');
		const whole = await bulk.getBulkQueryResults(job.id);
		ok(whole.data.startsWith('"Id","Name"\n"001'), 'results', whole.data.slice(0, 100));
		is(whole.headers['sforce-locator'], 'null', 'one page');
		is(whole.headers['sforce-numberofrecords'], '1000', 'its rows');
		let locator;
		let text = '';
		let pages = 0;
		do {
			const page = await bulk.getBulkQueryResults(job.id, locator, 300);
			text += pages++ ? page.data.slice(page.data.indexOf('\n') + 1) : page.data;
			locator = page.headers['sforce-locator'];
		} while (locator !== 'null');
		is(pages, 4, 'pages of 300');
		is(text, whole.data, 'together the same');
		let streamed = '';
		for await (const chunk of await bulk.getBulkQueryResultsStream(job.id)) {
			streamed += chunk;
		}
		is(streamed, whole.data, 'as a stream');
		ok((await bulk.getAllBulkQueryJobInfo()).records.some((row) => row.id === job.id), 'in the list');
		await bulk.deleteBulkQueryJob(job.id);
		await rejects(said(bulk.getBulkQueryJobInfo(job.id)), { status: 404, errorCode: 'NOT_FOUND' }, 'deleted');
	});

	await test('links to result pages', async () => {
		await sim.control('POST', 'options', { result_pages: 'chunks', page_rows: 400 });
		const job = await bulk.submitBulkQueryJob({ query: 'SELECT Id FROM Account', operation: 'query' });
		await finished(() => bulk.getBulkQueryJobInfo(job.id));
		const { resultChunks, done } = await bulk.getBulkQueryResultPages(job.id);
		is(resultChunks.length, 3, 'links');
		is(done, true, 'no further ones');
		const ids = new Set();
		await Promise.all(resultChunks.map(async ({ resultLink }) => {
			for (const id of (await bulk.getResultPage(resultLink)).data.match(/001\w{15}/g)) {
				ids.add(id);
			}
		}));
		is(ids.size, 1000, 'all rows');
		await sim.control('POST', 'options', { result_pages: 'doc', page_rows: 50000 });
	});

	await test('refused queries', async () => {
		const refuse = (query, expected, name) =>
			rejects(said(bulk.submitBulkQueryJob({ query, operation: 'query' })), { status: 400, ...expected }, name);
		await refuse('SELECT Nope FROM Account', { errorCode: 'INVALID_FIELD' }, 'field');
		await refuse('SELECT Id FROM', { errorCode: 'MALFORMED_QUERY' }, 'syntax');
		await refuse('SELECT Id FROM Nope', { errorCode: 'INVALID_TYPE' }, 'object');
		await sim.control('POST', 'options', { hold_jobs: 'InProgress' });
		const job = await bulk.submitBulkQueryJob({ query: 'SELECT Id FROM Account', operation: 'queryAll' });
		is((await bulk.abortBulkQueryJob(job.id)).state, 'Aborted', 'aborted');
		await sim.control('POST', 'options', { hold_jobs: 'none' });
	});

	await test('ingest', async () => {
		const job = await bulk.createDataUploadJob({ object: 'Account', operation: 'insert', lineEnding: 'LF' });
		is(job.state, 'Open', 'created');
		like(job.contentUrl, /^services\/data\/v\d\d\.0\/jobs\/ingest\/750\w{15}\/batches$/, 'where to put data');
		await bulk.uploadJobData(job.contentUrl, 'Name,NumberOfEmployees\ngood,1\nbad,x\n,3\n');
		is((await bulk.closeOrAbortJob(job.id, 'UploadComplete')).state, 'UploadComplete', 'closed');
		const info = await finished(() => bulk.getIngestJobInfo(job.id));
		deep([info.state, info.numberRecordsProcessed, info.numberRecordsFailed], ['JobComplete', 3, 2], 'ended');
		like(await bulk.getResults(job.id, RESULTS.successful),
			/^"sf__Id","sf__Created",Name,NumberOfEmployees\n"001\w{15}","true","good","1"\n$/, 'good rows');
		const failed = await bulk.getResults(job.id, RESULTS.failed);
		like(failed, /INVALID_FIELD:Failed to deserialize field at col 1\. Due to, 'x' is not a valid value for the type xsd:int/, 'a wrong number');
		like(failed, /REQUIRED_FIELD_MISSING/, 'no name');
		is(await bulk.getResults(job.id, RESULTS.unprocessed), 'Name,NumberOfEmployees\n', 'nothing is left');
		ok((await bulk.getAllIngestJobInfo()).records.some((row) => row.id === job.id), 'in the list');
		await bulk.deleteIngestJob(job.id);
		await rejects(said(bulk.getIngestJobInfo(job.id)), { status: 404, errorCode: 'NOT_FOUND' }, 'deleted');
	});

	await test('ingest in one request', async () => {
		const job = await bulk.createDataUploadJobWithData(
			{ object: 'Account', operation: 'upsert', externalIdFieldName: 'External_Key__c', contentType: 'CSV', lineEnding: 'LF' },
			'External_Key__c,Name\nB2-1,one\nB2-2,two\n');
		keys(job, 'id operation object createdById createdDate systemModstamp state externalIdFieldName concurrencyMode ' +
			'contentType apiVersion lineEnding columnDelimiter', 'answer');
		is((await finished(() => bulk.getIngestJobInfo(job.id))).numberRecordsProcessed, 2, 'rows');
		const aborted = await bulk.createDataUploadJob({ object: 'Account', operation: 'delete' });
		is((await bulk.closeOrAbortJob(aborted.id, 'Aborted')).state, 'Aborted', 'another one aborted');
	});
});
