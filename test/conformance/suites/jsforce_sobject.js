/*
 * jsforce_sobject.js - single records and sObject Collections through jsforce: create, retrieve, update, upsert,
 * destroy; what the org says of changes; composite requests.
 */
'use strict';

const jsforce = require(process.env.JSFORCE || 'jsforce');
const { suite, test, ok, is, like, deep, keys, rejects } = require('../lib/tap');
const { start, VERSION } = require('../lib/sfsim');

const ID = /^[A-Za-z0-9]{18}$/;

suite(async () => {
	const sim = await start({ rows: { Account: 10, Contact: 10, Opportunity: 10 } });
	const conn = new jsforce.Connection({ instanceUrl: sim.url, accessToken: sim.env.SF_TOKEN, version: VERSION });
	const base = `/services/data/v${VERSION}`;
	const account = conn.sobject('Account');

	await test('one record', async () => {
		const created = await account.create({ Name: '  Alpha  ', NumberOfEmployees: 7, AnnualRevenue: 1.5, BillingCity: '' });
		deep(created, { id: created.id, success: true, errors: [] }, 'create');
		keys(created, 'id success errors', 'its keys');
		like(created.id, /^001[A-Za-z0-9]{15}$/, 'an id');
		const row = await account.retrieve(created.id);
		is(row.attributes.type, 'Account', 'retrieve: type');
		is(row.attributes.url, `${base}/sobjects/Account/${created.id}`, 'url');
		is(row.Name, 'Alpha', 'text is trimmed');
		is(row.NumberOfEmployees, 7, 'int');
		is(row.AnnualRevenue, 1.5, 'currency');
		is(row.BillingCity, null, 'empty text is null');
		is(row.IsDeleted, false, 'boolean');
		like(row.CreatedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/, 'datetime');
		is(row.OwnerId, (await conn.identity()).user_id, 'owner');
		is((await account.retrieve(created.id.slice(0, 15))).Id, created.id, 'by 15 characters');
		deep(Object.keys(await account.retrieve(created.id, { fields: ['Name', 'Phone'] })).sort(),
			['Id', 'Name', 'Phone', 'attributes'].sort(), 'some fields');

		deep(await account.update({ Id: created.id, Name: 'Beta', Phone: '1', NumberOfEmployees: null }),
			{ id: created.id, success: true, errors: [] }, 'update');
		const after = await account.retrieve(created.id);
		deep([after.Name, after.Phone, after.NumberOfEmployees], ['Beta', '1', null], 'the new values');
		deep(await account.record(created.id).update({ Phone: '' }), { id: created.id, success: true, errors: [] },
			'a record reference');
		is((await account.record(created.id).retrieve()).Phone, null, 'an empty text clears');

		deep(await account.destroy(created.id), { id: created.id, success: true, errors: [] }, 'destroy');
		await rejects(account.destroy(created.id), { errorCode: 'ENTITY_IS_DELETED', message: 'entity is deleted' },
			'a second time');
		await rejects(account.retrieve(created.id),
			{ errorCode: 'NOT_FOUND', message: 'The requested resource does not exist' }, 'it is gone');
		await rejects(account.update({ Id: created.id, Name: 'x' }), { errorCode: 'ENTITY_IS_DELETED' }, 'update of it');
	});

	await test('refused records', async () => {
		const refuse = (record, expected, name, object = 'Account') =>
			rejects(conn.sobject(object).create(record), expected, name);
		let error = await refuse({ Phone: '1' },
			{ errorCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [Name]' }, 'no name');
		deep(error.data && error.data.fields, ['Name'], 'fields of it');
		await refuse({ LastName: 'x', Email: 'no mail' },
			{ errorCode: 'INVALID_EMAIL_ADDRESS', message: 'Email: invalid email address: no mail' }, 'email', 'Contact');
		error = await refuse({ Name: 'x'.repeat(256) }, {
			errorCode: 'STRING_TOO_LONG', message: `Account Name: data value too large: ${'x'.repeat(256)} (max length=255)`,
		}, 'too long');
		deep(error.data && error.data.fields, ['Name'], 'fields of it');
		await refuse({ Name: 'x', Nothing__c: 1 }, {
			errorCode: 'INVALID_FIELD',
			message: "No such column 'Nothing__c' on sobject of type Account",
		}, 'unknown field');
		await refuse({ Name: 'x', NumberOfEmployees: 'many' }, { errorCode: 'JSON_PARSER_ERROR', message: /./ }, 'text for a number');
		await refuse({ Name: 'x', ParentId: '001000000000000' }, { errorCode: /^(INVALID_CROSS_REFERENCE_KEY|INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY)$/ },
			'a parent that is not there');
		await refuse({ Name: 'x', ParentId: 'nonsense' }, { errorCode: 'MALFORMED_ID', message: /id value of incorrect type: nonsense$/ },
			'no id');
		await refuse({ Name: 'x', CreatedDate: '2020-01-01T00:00:00Z' }, { errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE' },
			'a read-only field');
		await refuse({ Name: 'x' }, { errorCode: 'NOT_FOUND', message: 'The requested resource does not exist' },
			'unknown object', 'Nothing__c');
		await rejects(account.retrieve('001000000000000AAA'), { errorCode: 'NOT_FOUND' }, 'unknown id');
		await rejects(account.update({ Id: '001000000000000AAA', Name: 'x' }), { errorCode: /NOT_FOUND|INVALID_CROSS_REFERENCE_KEY/ },
			'update of an unknown id');
		await rejects(conn.request({ method: 'POST', url: `${base}/sobjects/Account`, body: '{"Name":',
			headers: { 'content-type': 'application/json' } }), { errorCode: 'JSON_PARSER_ERROR' }, 'no JSON');
	});

	await test('upsert of one record', async () => {
		const invoice = conn.sobject('Invoice__c');
		const external = (await invoice.describe()).fields.filter((field) => field.externalId && field.type === 'string');
		ok(external.length > 0, 'Invoice__c has an external id', '');
		const key = external[0].name;
		const created = await invoice.upsert({ [key]: 'judge-1' }, key);
		deep([created.success, created.created, created.errors], [true, true, []], 'created');
		like(created.id, ID, 'an id');
		const updated = await invoice.upsert({ [key]: 'judge-1' }, key);
		deep([updated.success, updated.created ?? false], [true, false], 'updated');
		is((await conn.query(`SELECT COUNT() FROM Invoice__c WHERE ${key} = 'judge-1'`)).totalSize, 1, 'one row');
		const found = await conn.request(`${base}/sobjects/Invoice__c/${key}/judge-1`);
		is(found.Id, created.id, 'found by its external id');
		await rejects(conn.request(`${base}/sobjects/Invoice__c/${key}/judge-none`), { errorCode: 'NOT_FOUND' }, 'not found');
		await rejects(account.upsert({ Description: 'x', Name: 'y' }, 'Description'), { errorCode: /NOT_FOUND|INVALID_FIELD/ },
			'no external id');
	});

	await test('arrays', async () => {
		const created = await account.create([{ Name: 'A' }, { Phone: '1' }, { Name: 'C' }]);
		is(created.length, 3, 'three answers');
		keys(created[0], 'id success errors', 'keys of a good one');
		is(created[0].success, true, 'first');
		deep(created[1], {
			success: false,
			errors: [{ statusCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [Name]', fields: ['Name'] }],
		}, 'a bad one');
		is(created[2].success, true, 'third');
		const ids = [created[0].id, created[2].id];

		const rows = await account.retrieve([...ids, '001000000000000AAA'], { fields: ['Id', 'Name'] });
		deep(rows.map((row) => row && row.Name), ['A', 'C', null], 'retrieve in order, null for the unknown');
		const whole = await account.retrieve(ids);
		ok(Object.keys(whole[0]).length > 30, 'retrieve with all fields');

		const updated = await account.update([{ Id: ids[0], Phone: '2' }, { Id: ids[1], Name: null }]);
		deep(updated[0], { id: ids[0], success: true, errors: [] }, 'update');
		is(updated[1].success, false, 'a name cannot be cleared');
		is(updated[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING', 'why');
		is((await account.retrieve(ids[0])).Phone, '2', 'the first is written nevertheless');

		const all = await account.update([{ Id: ids[0], Phone: '3' }, { Id: ids[1], Name: null }], { allOrNone: true });
		deep(all.map((answer) => answer.success), [false, false], 'allOrNone');
		is(all[0].errors[0].statusCode, 'ALL_OR_NONE_OPERATION_ROLLED_BACK', 'the innocent one');
		is(all[0].errors[0].message, 'Record rolled back because not all records were valid and the request was using AllOrNone header',
			'its message');
		deep(all[0].errors[0].fields, [], 'its fields');
		is((await account.retrieve(ids[0])).Phone, '2', 'is not written');

		const destroyed = await account.destroy([...ids, '001000000000000AAA']);
		deep(destroyed.slice(0, 2), ids.map((id) => ({ id, success: true, errors: [] })), 'destroy');
		is(destroyed[2].success, false, 'an unknown id');
		like(destroyed[2].errors[0].statusCode, /^INVALID_CROSS_REFERENCE_KEY$|^NOT_FOUND$|^ENTITY_IS_DELETED$/, 'why');
		deep((await account.destroy([ids[0]])).map((answer) => answer.errors[0].statusCode), ['ENTITY_IS_DELETED'], 'twice');
	});

	await test('more than 200', async () => {
		const many = Array.from({ length: 450 }, (_, i) => ({ Name: `Many ${i}`, NumberOfEmployees: i }));
		await rejects(account.create(many), { errorCode: 'EXCEEDED_ID_LIMIT', message: 'record limit reached. cannot submit more than 200 records into this call' }, '450 at once');
		const created = await account.create(many, { allowRecursive: true });
		is(created.length, 450, 'allowRecursive');
		ok(created.every((answer) => answer.success), 'all created');
		is(new Set(created.map((answer) => answer.id)).size, 450, 'with ids of their own');
		const back = await conn.query("SELECT Id, NumberOfEmployees FROM Account WHERE Name LIKE 'Many %' ORDER BY NumberOfEmployees");
		deep(back.records.map((row) => row.Id), created.map((answer) => answer.id), 'answers are in the order of the request');
		const updated = await account.update(created.map(({ id }) => ({ Id: id, Site: 's' })), { allowRecursive: true });
		ok(updated.length === 450 && updated.every((answer) => answer.success), 'updated');
		is(await account.count({ Site: 's' }), 450, 'and seen');
		const destroyed = await account.destroy(created.map(({ id }) => id), { allowRecursive: true });
		ok(destroyed.length === 450 && destroyed.every((answer) => answer.success), 'destroyed');
	});

	await test('mixed objects', async () => {
		const created = await conn.requestPost(`${base}/composite/sobjects`, {
			allOrNone: false,
			records: [
				{ attributes: { type: 'Account' }, Name: 'Mixed' },
				{ attributes: { type: 'Contact' }, LastName: 'Mixed' },
			],
		});
		deep(created.map((answer) => answer.id && answer.id.slice(0, 3)), ['001', '003'], 'two objects in one call');
		const gone = await conn.destroy('Account', created.map((answer) => answer.id));
		ok(gone.every((answer) => answer.success), 'destroyed by id alone');
	});

	await test('upsert of arrays', async () => {
		const invoice = conn.sobject('Invoice__c');
		const key = (await invoice.describe()).fields.find((field) => field.externalId && field.type === 'string').name;
		const first = await invoice.upsert([{ [key]: 'many-1' }, { [key]: 'many-2' }], key);
		deep(first.map((answer) => [answer.success, answer.created]), [[true, true], [true, true]], 'created');
		keys(first[0], 'id success errors created', 'keys');
		const second = await invoice.upsert([{ [key]: 'many-2' }, { [key]: 'many-3' }], key);
		deep(second.map((answer) => [answer.success, answer.created]), [[true, false], [true, true]], 'one updated, one created');
		is(second[0].id, first[1].id, 'the same row');
		const many = await invoice.upsert(Array.from({ length: 250 }, (_, i) => ({ [key]: `lot-${i}` })), key, { allowRecursive: true });
		ok(many.length === 250 && many.every((answer) => answer.created), '250 with allowRecursive');
		const rows = await conn.query(`SELECT Id FROM Invoice__c WHERE ${key} LIKE 'lot-%' OR ${key} LIKE 'many-%'`);
		is(rows.totalSize, 253, 'all there');
		await invoice.destroy(rows.records.map((row) => row.Id), { allowRecursive: true });
	});

	await test('base64', async () => {
		const parent = await account.create({ Name: 'With a file' });
		const body = Buffer.from('bytes \0\xff of a file', 'latin1');
		const file = await conn.sobject('Attachment').create({
			ParentId: parent.id, Name: 'a.bin', ContentType: 'application/octet-stream', Body: body.toString('base64'),
		});
		is(file.success, true, 'create');
		const row = await conn.sobject('Attachment').retrieve(file.id);
		is(row.Body, `${base}/sobjects/Attachment/${file.id}/Body`, 'a URL stands for it');
		is(row.BodyLength, body.length, 'BodyLength');
		const chunks = [];
		await new Promise((resolve, reject) => {
			conn.sobject('Attachment').record(file.id).blob('Body')
				.on('data', (chunk) => chunks.push(chunk)).on('end', resolve).on('error', reject);
		});
		ok(Buffer.concat(chunks).equals(body), 'the bytes come back');
		const rows = await conn.query(`SELECT Id, Body FROM Attachment WHERE ParentId = '${parent.id}'`);
		is(rows.records[0].Body, row.Body, 'a URL in a query, too');
	});

	await test('updated and deleted', async () => {
		const one = await account.create({ Name: 'Changed' });
		const two = await account.create({ Name: 'Dropped' });
		await account.destroy(two.id);
		// these answers cover whole minutes
		await sim.control('POST', 'clock', { advance_ms: 120000 });
		const from = new Date(Date.now() - 3600e3);
		const to = new Date(Date.now() + 300e3);
		const updated = await account.updated(from, to);
		keys(updated, 'ids latestDateCovered', 'updated');
		ok(updated.ids.includes(one.id), 'has the new row');
		ok(!updated.ids.includes(two.id), 'not the deleted one');
		const deleted = await account.deleted(from, to);
		keys(deleted, 'deletedRecords earliestDateAvailable latestDateCovered', 'deleted');
		const row = deleted.deletedRecords.find((candidate) => candidate.id === two.id);
		ok(row, 'has the deleted row');
		deep(Object.keys(row || {}).sort(), ['deletedDate', 'id'], 'a deleted record');
		like(row && row.deletedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/, 'deletedDate');
		await rejects(account.updated(new Date(Date.now() - 40 * 86400e3), to), { errorCode: 'INVALID_REPLICATION_DATE' },
			'more than 30 days ago');
	});

	await test('recent', async () => {
		const one = await account.create({ Name: 'Recent' });
		await account.retrieve(one.id);
		const rows = await account.recent();
		ok(Array.isArray(rows), 'recentItems');
		const all = await conn.recent();
		ok(Array.isArray(all), 'recent of all objects');
	});

	await test('composite', async () => {
		const answer = await conn.request({
			method: 'POST',
			url: `${base}/composite`,
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({
				allOrNone: true,
				compositeRequest: [
					{ method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'parent', body: { Name: 'Composite' } },
					{ method: 'POST', url: `${base}/sobjects/Contact`, referenceId: 'child',
						body: { LastName: 'Composite', AccountId: '@{parent.id}' } },
					{ method: 'GET', url: `${base}/query?q=SELECT+Id,LastName+FROM+Contact+WHERE+AccountId='@{parent.id}'`,
						referenceId: 'look' },
				],
			}),
		});
		const parts = answer.compositeResponse;
		deep(parts.map((part) => part.httpStatusCode), [201, 201, 200], 'status codes');
		keys(parts[0], 'body httpHeaders httpStatusCode referenceId', 'keys of a part');
		is(parts[0].httpHeaders.Location, `${base}/sobjects/Account/${parts[0].body.id}`, 'Location');
		is(parts[2].body.records[0].LastName, 'Composite', 'a part refers to another');
		const rolled = (await conn.requestPost(`${base}/composite`, {
			allOrNone: true,
			compositeRequest: [
				{ method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'a', body: { Name: 'Rolled back' } },
				{ method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'b', body: { Phone: '1' } },
			],
		})).compositeResponse;
		deep(rolled.map((part) => part.httpStatusCode), [400, 400], 'allOrNone: nothing is good');
		is(rolled[0].body[0].errorCode, 'PROCESSING_HALTED', 'the innocent part');
		is(rolled[1].body[0].errorCode, 'REQUIRED_FIELD_MISSING', 'the guilty one');
		is(await account.count({ Name: 'Rolled back' }), 0, 'nothing is written');

		const batch = await conn.requestPost(`${base}/composite/batch`, {
			batchRequests: [
				{ method: 'GET', url: `v${VERSION}/limits` },
				{ method: 'GET', url: `v${VERSION}/sobjects/Nothing__c/describe` },
			],
		});
		keys(batch, 'hasErrors results', 'batch');
		is(batch.hasErrors, true, 'hasErrors');
		deep(batch.results.map((part) => part.statusCode), [200, 404], 'status codes');

		const tree = await conn.requestPost(`${base}/composite/tree/Account`, {
			records: [{
				attributes: { type: 'Account', referenceId: 'ref1' }, Name: 'Tree',
				Contacts: { records: [{ attributes: { type: 'Contact', referenceId: 'ref2' }, LastName: 'Leaf' }] },
			}],
		});
		is(tree.hasErrors, false, 'tree');
		deep(tree.results.map((part) => part.referenceId), ['ref1', 'ref2'], 'its references');
		const leaf = await conn.query("SELECT Account.Name FROM Contact WHERE LastName = 'Leaf'");
		is(leaf.records[0].Account.Name, 'Tree', 'parent and child');
	});
});
