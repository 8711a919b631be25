/*
 * recorded_more.js - facts from recordings that others published, one by one; each names the repository and the file or
 * thread it was seen in.
 */
'use strict';

const { suite, test, ok, is, like, deep } = require('../lib/tap');
const { start } = require('../lib/sfsim');

const NS = 'http://www.force.com/2009/06/asyncapi/dataload';

suite(async () => {
	const sim = await start({ rows: { Account: 20, Contact: 5 } });
	const session = (type, more = {}) => ({ 'X-SFDC-Session': sim.env.SF_TOKEN, 'Content-Type': type, ...more });
	const bulk1 = (method, path, type, body, version = '56.0') =>
		sim.http(method, `/services/async/${version}/${path}`, { auth: false, headers: session(type), body });
	const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
	const stamp = (text) => (/<systemModstamp>([^<]*)</.exec(text) || [])[1];
	const element = (text, name) => (new RegExp(`<${name}>([^<]*)<`).exec(text) || [])[1];
	const jobXml = (operation, object, type = 'CSV') =>
		`<?xml version="1.0" encoding="UTF-8"?><jobInfo xmlns="${NS}"><operation>${operation}</operation>` +
		`<object>${object}</object><contentType>${type}</contentType></jobInfo>`;
	async function settled(path, type) {
		for (;;) {
			const answer = await bulk1('GET', path, type);
			if (!/Queued|InProgress/.test(answer.text)) {
				return answer;
			}
			await pause();
		}
	}

	await test('Bulk 1.0 in XML', async () => {
		const created = await bulk1('POST', 'job', 'application/xml', jobXml('insert', 'Contact'));
		is(created.status, 201, 'create');
		const id = element(created.text, 'id');
		// SFDO-Tooling/CumulusCI, cassettes of its bulk tests
		const none = await bulk1('GET', `job/${id}/batch`, 'application/xml');
		is(none.text, `<?xml version="1.0" encoding="UTF-8"?><batchInfoList\n   xmlns="${NS}" />`, 'no batches yet');
		await sim.control('POST', 'clock', { advance_ms: 5000 });
		const batch = await bulk1('POST', `job/${id}/batch`, 'text/csv', 'LastName,Birthdate\nA,2001-01-01\nB,6/15/19\n');
		is(batch.status, 201, 'a batch');
		const closed = await bulk1('POST', `job/${id}`, 'application/xml',
			`<?xml version="1.0" encoding="UTF-8"?><jobInfo xmlns="${NS}"><state>Closed</state></jobInfo>`);
		// mohan-chinnappan-n/cli-dx, bulk1/curl/insert.md; the same cassettes
		is(element(closed.text, 'state'), 'Closed', 'closed');
		is(stamp(closed.text), stamp(created.text), 'the answer to that has the systemModstamp of before');
		ok(stamp((await bulk1('GET', `job/${id}`, 'application/xml')).text) > stamp(created.text), 'which has changed');
		const batchId = element(batch.text, 'id');
		await settled(`job/${id}/batch/${batchId}`, 'application/xml');
		const result = await bulk1('GET', `job/${id}/batch/${batchId}/result`, 'text/csv');
		is(result.headers['content-type'], 'text/csv', 'content type of results');
		// amp-labs/connectors, providers/salesforce/test/bulk/info/partial-failure.csv, has the text
		is(result.text.split('\n')[2], `"","false","false","INVALID_FIELD:Failed to deserialize field at col 1. Due to, '6/15/19' ` +
			'is not a valid value for the type xsd:date:Birthdate --"', 'a date that is none');
	});

	await test('Bulk 1.0 queries', async () => {
		for (const [type, none] of [['CSV', `<result-list xmlns="${NS}"></result-list>`], ['JSON', '[]']]) {
			const json = type === 'JSON';
			const content = json ? 'application/json' : 'application/xml';
			const created = await bulk1('POST', 'job', content,
				json ? '{"operation":"query","object":"Account","contentType":"JSON"}' : jobXml('query', 'Account'));
			const id = json ? created.json.id : element(created.text, 'id');
			for (const [query, good] of [['SELECT Id FROM Account LIMIT 2', true], ['SELECT Nothing FROM Account', false]]) {
				const batch = await bulk1('POST', `job/${id}/batch`, json ? content : 'text/csv', query);
				const batchId = json ? batch.json.id : element(batch.text, 'id');
				await settled(`job/${id}/batch/${batchId}`, content);
				const list = await bulk1('GET', `job/${id}/batch/${batchId}/result`, content);
				is(list.status, 200, `${type}: list of results`);
				if (!good) {
					// simple-salesforce/simple-salesforce, issue 382: no error, an empty list
					is(list.text, none, `${type}: of a failed query`);
					continue;
				}
				const [result] = /752\w{12}/.exec(list.text);
				const rows = await bulk1('GET', `job/${id}/batch/${batchId}/result/${result}`, content);
				// api-evangelist/salesforce, collections/salesforce-batch-api
				is(rows.headers['content-type'], json ? 'application/json' : 'text/csv; charset=UTF-8', `${type}: content type of rows`);
			}
		}
	});

	await test('Bulk 1.0 errors', async () => {
		// SFDO-Tooling/Snowfakery, issue 793: a date alone is no datetime, columns count from 0
		const refused = async (type, content, json) => {
			const job = await bulk1('POST', 'job', json ? type : 'application/xml',
				json ? '{"operation":"insert","object":"Task","contentType":"JSON"}' : jobXml('insert', 'Task'));
			const id = json ? job.json.id : element(job.text, 'id');
			const batch = await bulk1('POST', `job/${id}/batch`, type, content);
			const path = `job/${id}/batch/${json ? batch.json.id : element(batch.text, 'id')}`;
			await settled(path, json ? type : 'application/xml');
			return (await bulk1('GET', `${path}/result`, type)).text;
		};
		is((await refused('text/csv', 'ReminderDateTime,Subject\n2018-09-28,x\n', false)).split('\n')[1],
			'"","false","false","INVALID_FIELD:Failed to deserialize field at col 0. Due to, \'2018-09-28\' is not a valid value ' +
			'for the type xsd:dateTime:ReminderDateTime --"', 'a date for a datetime');
		// simple-salesforce/simple-salesforce, issue 372; apache/airflow has the text, too
		is(await refused('application/json', '[{"Subject":"x","Car_Type__c":"y"}]', true),
			'[{"success":false,"created":false,"id":null,"errors":[{"message":"Unexpected JsonMappingException: No such column ' +
			'\'Car_Type__c\' on sobject of type Task","fields":[],"statusCode":"INVALID_FIELD","extendedErrorDetails":null}]}]',
			'an unknown field in JSON');
		// forceworkbench/forceworkbench, issue 675
		const own = await bulk1('POST', 'job', 'application/xml',
			jobXml('insert', 'Contact').replace('<operation>', '<createdById>005000000000001AAA</createdById><operation>'));
		is(own.status, 400, 'createdById');
		like(own.text, /<exceptionCode>InvalidJob<\/exceptionCode>\n? *<exceptionMessage>.*CreatedById cannot be specified/, 'its error');
	});

	await test('Bulk 2.0 jobs', async () => {
		const create = (version) => sim.http('POST', 'jobs/ingest', { version, body: { object: 'Opportunity', operation: 'insert' } });
		for (const [version, has] of [
			['59.0', false], // amp-labs/connectors, providers/salesforce/test/bulk
			['62.0', true], // airbytehq/airbyte, tests of the destination for Salesforce
		]) {
			const { id } = (await create(version)).json;
			const names = Object.keys((await sim.http('GET', `jobs/ingest/${id}`, { version })).json);
			is(names[names.length - 1] === 'isPkChunkingSupported', has, `isPkChunkingSupported in ${version}`);
			await sim.http('PATCH', `jobs/ingest/${id}`, { version, body: { state: 'Aborted' } });
		}
		const created = (await create('59.0')).json;
		await sim.http('PUT', `jobs/ingest/${created.id}/batches`, { headers: { 'Content-Type': 'text/csv' },
			body: 'Name,StageName,Description,CloseDate\nA,Prospecting,x,2003-04-987654321987654321\n' });
		await sim.control('POST', 'clock', { advance_ms: 5000 });
		// amp-labs/connectors, providers/salesforce/test, update-job-opportunity.json and partial-failure.csv
		const patched = await sim.http('PATCH', `jobs/ingest/${created.id}`, { version: '59.0', body: { state: 'UploadComplete' } });
		is(patched.json.state, 'UploadComplete', 'PATCH: the new state');
		is(patched.json.systemModstamp, created.systemModstamp, 'PATCH: the systemModstamp of before');
		let info;
		do {
			await pause();
			info = (await sim.http('GET', `jobs/ingest/${created.id}`)).json;
		} while (['UploadComplete', 'InProgress'].includes(info.state));
		ok(info.systemModstamp > created.systemModstamp, 'later it has changed');
		const failed = (await sim.http('GET', `jobs/ingest/${created.id}/failedResults`)).text;
		is(failed, '"sf__Id","sf__Error",Name,StageName,Description,CloseDate\n' +
			'"","INVALID_FIELD:Failed to deserialize field at col 3. Due to, \'2003-04-987654321987654321\' is not a valid value ' +
			'for the type xsd:date:CloseDate --","A","Prospecting","x","2003-04-987654321987654321"\n', 'a date that is none');
	});

	await test('composite resources', async () => {
		// amp-labs/connectors, providers/salesforce/test/batch/create/err-bad-request.json
		const empty = await sim.http('POST', 'composite/sobjects', { body: { allOrNone: false, records: [] } });
		is(empty.status, 400, 'no records');
		is(empty.text, '[{"message":"At least 1 record is required","errorCode":"REQUIRED_FIELD_MISSING"}]', 'its error');
		// amp-labs/connectors, providers/salesforce/test/batch/update/contacts/partial-but-allOrNone.json
		const [{ Id: id }] = (await sim.http('GET', 'query?q=SELECT+Id+FROM+Contact+LIMIT+1')).json.records;
		const contact = (more) => ({ attributes: { type: 'Contact' }, id, ...more });
		const partial = await sim.http('PATCH', 'composite/sobjects', { body: { allOrNone: true,
			records: [contact({ LastName: 'Dyer' }), contact({ unknownField_LastName: 'Blevins' })] } });
		is(partial.status, 200, 'an unknown field');
		is(partial.text, '[{"success":false,"errors":[{"statusCode":"ALL_OR_NONE_OPERATION_ROLLED_BACK","message":"Record rolled back ' +
			'because not all records were valid and the request was using AllOrNone header","fields":[]}]},{"success":false,"errors":' +
			'[{"statusCode":"INVALID_FIELD","message":"No such column \'unknownField_LastName\' on sobject of type Contact","fields":[]}]}]',
		'is its record\'s error');
		// api-evangelist/salesforce, collections: sObject tree; results go level by level below each root
		const child = (type, referenceId, more) => ({ attributes: { type, referenceId }, ...more });
		const tree = await sim.http('POST', 'composite/tree/Account', { body: { records: [
			child('Account', 'ref1', { Name: 'One', Contacts: { records: [child('Contact', 'ref2', { LastName: 'Two' }),
				child('Contact', 'ref3', { LastName: 'Three' })] } }),
			child('Account', 'ref4', { Name: 'Four' }),
		] } });
		is(tree.status, 201, 'a tree');
		deep(tree.json.results.map((row) => row.referenceId), ['ref1', 'ref4', 'ref2', 'ref3'], 'order of its results');
		// the REST guide of 62.0 and a report of 2026 have the end of this text
		const reference = await sim.http('POST', 'composite', { body: { compositeRequest: [
			{ method: 'GET', url: '/services/data/v62.0/query?q=SELECT+Id+FROM+Account+WHERE+Name=\'none\'', referenceId: 'a' },
			{ method: 'GET', url: '/services/data/v62.0/sobjects/Account/@{a.id}', referenceId: 'b' },
		] } });
		like(reference.json.compositeResponse[1].body[0].message,
			/Provided referenceId \('a\.id'\) must start with a letter or a number, and it can contain only letters, numbers and underscores \('_'\)\.$/,
			'a reference to nothing');
	});

	await test('characters that are in no token', async () => {
		for (const [query, message] of [
			// tstack/lnav, test/test_pretty_print.sh
			['select Id from Account where id = $sfid', '\nselect Id from Account where id = $sfid\n                                 ^\n' +
				"ERROR at Row:1:Column:34\nline 1:34 no viable alternative at character '$'"],
			// forcedotcom/SalesforceMobileSDK-ReactNative, issue 82
			['SELECT FirstName, LastName FROM CampaignMember WHERE Id = "00v3D000003BjNa"', '\nFROM CampaignMember WHERE Id = "00v3D000003BjNa"\n' +
				`                              ^\nERROR at Row:1:Column:58\nline 1:58 no viable alternative at character '"'`],
		]) {
			const answer = await sim.http('GET', `query?q=${encodeURIComponent(query)}`);
			is(answer.status, 400, 'status');
			deep(answer.json, [{ message, errorCode: 'MALFORMED_QUERY' }], query);
		}
	});

	await test('resources of a version', async () => {
		// the REST guides of 60.0 and 66.0; api-evangelist/salesforce, collections
		const names = async (version) => Object.keys((await sim.http('GET', `/services/data/v${version}/`)).json);
		const [v60, v66] = [await names('60.0'), await names('66.0')];
		deep([v60.includes('tokenizer'), v60.includes('tokenNonce'), v60.includes('async')], [true, false, false], '60.0');
		ok(v66.includes('async'), '66.0');
	});
});
