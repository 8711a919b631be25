/*
 * jsforce_query.js - queries through jsforce's Connection.query(), SObject.find() and their chains, over rows
 * that the suite creates.
 */
'use strict';

const jsforce = require(process.env.JSFORCE || 'jsforce');
const { suite, test, ok, is, like, deep, keys, rejects } = require('../lib/tap');
const { start, VERSION } = require('../lib/sfsim');

suite(async () => {
	const sim = await start({ rows: { Account: 3000, Contact: 50, Opportunity: 20 } });
	const conn = new jsforce.Connection({ instanceUrl: sim.url, accessToken: sim.env.SF_TOKEN, version: VERSION });
	const base = `/services/data/v${VERSION}`;

	await test('rows', async () => {
		const answer = await conn.query('SELECT id, NAME, Owner.Name, IsDeleted FROM account ORDER BY Id LIMIT 3');
		keys(answer, 'records totalSize done', 'answer, as jsforce gives it');
		is(answer.totalSize, 3, 'totalSize');
		is(answer.done, true, 'done');
		const [row] = answer.records;
		keys(row, 'attributes Id Name Owner IsDeleted', 'fields as selected, named as described');
		keys(row.attributes, 'type url', 'attributes');
		is(row.attributes.type, 'Account', 'type');
		is(row.attributes.url, `${base}/sobjects/Account/${row.Id}`, 'url');
		keys(row.Owner, 'attributes Name', 'parent');
		is(row.Owner.attributes.type, 'User', 'type of the parent');
		is(row.IsDeleted, false, 'boolean');
		const empty = await conn.query("SELECT Id FROM Account WHERE Name = 'no such name'");
		is(empty.totalSize, 0, 'nothing found');
		deep(empty.records, [], 'no rows');
	});

	await test('pages', async () => {
		const first = await conn.query('SELECT Id FROM Account');
		is(first.totalSize, 3000, 'totalSize');
		is(first.done, false, 'not done');
		is(first.records.length, 2000, 'a page of 2,000');
		like(first.nextRecordsUrl, /\/services\/data\/v62\.0\/query\/01g\w{12,15}-2000$/, 'nextRecordsUrl');
		const second = await conn.queryMore(first.nextRecordsUrl);
		is(second.records.length, 1000, 'queryMore by URL');
		is(second.done, true, 'done');
		is(second.totalSize, 3000, 'totalSize again');
		const locator = first.nextRecordsUrl.split('/').pop();
		is((await conn.queryMore(locator)).records.length, 1000, 'queryMore by locator, again');
		is(new Set([...first.records, ...second.records].map((row) => row.Id)).size, 3000, 'no row twice');
		await rejects(conn.queryMore('01g000000000000AAA-2000'), { errorCode: 'INVALID_QUERY_LOCATOR' }, 'unknown locator');
	});

	await test('batchSize', async () => {
		const options = { headers: { 'Sforce-Query-Options': 'batchSize=200' } };
		const first = await conn.query('SELECT Id FROM Account', options);
		is(first.records.length, 200, 'a page of 200');
		like(first.nextRecordsUrl, /-200$/, 'nextRecordsUrl');
		is((await conn.query('SELECT Id FROM Account', { ...options, autoFetch: true, maxFetch: 950 })).records.length, 950,
			'maxFetch ends in the fifth page');
	});

	await test('autoFetch', async () => {
		const answer = await conn.query('SELECT Id FROM Account', { autoFetch: true, maxFetch: 5000 });
		is(answer.records.length, 3000, 'all');
		is(answer.done, true, 'done');
		const some = await conn.query('SELECT Id FROM Account').run({ autoFetch: true, maxFetch: 2500 });
		is(some.records.length, 2500, 'maxFetch');
	});

	await test('events', async () => {
		const seen = [];
		const total = await new Promise((resolve, reject) => {
			const query = conn.query('SELECT Id, Name FROM Account')
				.on('record', (record, index) => seen.push([record.Id, index]))
				.on('end', () => resolve([query.totalSize, query.totalFetched]))
				.on('error', reject)
				.run({ autoFetch: true, maxFetch: 4000 });
		});
		deep(total, [3000, 3000], 'totals');
		is(seen.length, 3000, 'one event per row');
		is(seen[2999][1], 2999, 'the last index');
		const error = await new Promise((resolve) => {
			conn.query('SELECT Id FROM Nothing__c').on('error', resolve).run().catch(() => undefined);
		});
		is(error.errorCode, 'INVALID_TYPE', 'error event');
	});

	await test('streams', async () => {
		let csv = '';
		await new Promise((resolve, reject) => {
			const stream = conn.query('SELECT Id, IsDeleted FROM Account ORDER BY Id LIMIT 2100').stream();
			stream.on('data', (data) => (csv += data)).on('end', resolve).on('error', reject);
		});
		is(csv.trim().split('\n').length, 2101, 'CSV of all pages');
		is(csv.split('\n')[0].trim(), 'Id,IsDeleted', 'its header');
	});

	await test('queryAll', async () => {
		const doomed = await conn.sobject('Account').create({ Name: 'Doomed' });
		await conn.sobject('Account').destroy(doomed.id);
		is((await conn.query("SELECT Id FROM Account WHERE Name = 'Doomed'")).totalSize, 0, 'a deleted row is gone');
		const all = await conn.query("SELECT Id, IsDeleted FROM Account WHERE Name = 'Doomed'", { scanAll: true });
		is(all.totalSize, 1, 'scanAll finds it');
		is(all.records[0] && all.records[0].IsDeleted, true, 'IsDeleted');
	});

	const ids = {};
	await test('rows to find', async () => {
		const industry = ['Banking', 'Energy', 'Banking', null];
		for (const [i, name] of ['Zz O\'Hara', 'Zz Beta', 'Zz Gamma', 'Zz Delta'].entries()) {
			const answer = await conn.sobject('Account').create({
				Name: name, Industry: industry[i], AnnualRevenue: [1000, 2500.5, 90000000, null][i], NumberOfEmployees: i,
			});
			is(answer.success, true, name);
			ids[name] = answer.id;
		}
		for (const [i, last] of ['Alpha', 'Beta', 'Gamma'].entries()) {
			await conn.sobject('Contact').create({ LastName: `Zz ${last}`, FirstName: `F${i}`, AccountId: ids['Zz Beta'] });
		}
	});

	const names = (rows) => rows.map((row) => row.Name).sort().map((name) => name.replace('Zz ', ''));
	const find = (conditions) => conn.sobject('Account').find({ Name: { $like: 'Zz %' }, ...conditions }, 'Id, Name');

	await test('find with conditions', async () => {
		deep(names(await find({})), ['Beta', 'Delta', 'Gamma', "O'Hara"], '$like');
		deep(names(await conn.sobject('Account').find({ Name: "Zz O'Hara" }, 'Name')), ["O'Hara"], 'a quote in a value');
		deep(names(await find({ Industry: 'Banking' })), ['Gamma', "O'Hara"], '=');
		deep(names(await find({ Industry: null })), ['Delta'], 'null');
		deep(names(await find({ Industry: { $ne: null } })), ['Beta', 'Gamma', "O'Hara"], '$ne null');
		deep(names(await find({ Industry: { $exists: false } })), ['Delta'], '$exists');
		deep(names(await find({ Industry: { $in: ['Energy', 'Banking'] } })), ['Beta', 'Gamma', "O'Hara"], '$in');
		deep(names(await find({ Industry: ['Energy'] })), ['Beta'], 'an array');
		deep(names(await conn.sobject('Account').find({ Name: { $nlike: '%mma' }, Id: Object.values(ids) }, 'Name')), ['Beta', 'Delta', "O'Hara"], '$nlike');
		deep(names(await find({ NumberOfEmployees: { $gte: 1, $lt: 99 } })), ['Beta', 'Delta', 'Gamma'], '$gte');
		deep(names(await find({ $or: [{ NumberOfEmployees: 0 }, { NumberOfEmployees: 3 }] })), ['Delta', "O'Hara"], '$or');
		deep(names(await find({ $not: { Industry: 'Banking' }, Industry: { $ne: null } })), ['Beta'], '$not');
		deep(names(await find({ CreatedDate: { $gte: jsforce.SfDate.YESTERDAY } })).length, 4, 'a date literal');
		deep(names(await find({ CreatedDate: { $gte: jsforce.SfDate.toDateTimeLiteral('2001-01-01T00:00:00Z') } })).length, 4,
			'a datetime');
		deep(names(await find({ 'Owner.IsActive': true })).length, 4, 'a path');
	});

	await test('chains', async () => {
		const rows = await conn.sobject('Account')
			.select('Id, Name, NumberOfEmployees')
			.where({ Name: { $like: 'Zz %' } })
			.sort({ NumberOfEmployees: -1 })
			.limit(2)
			.skip(1)
			.execute();
		deep(rows.map((row) => row.Name), ['Zz Gamma', 'Zz Beta'], 'select, where, sort, limit, skip');
		deep((await conn.sobject('Account').find({ Name: { $like: 'Zz %' } }).sort('-NumberOfEmployees Name').limit(1)
			.select(['Name', { Owner: ['Id', 'Name'] }]))[0].Name, 'Zz Delta', 'sort by text, select by object');
		const one = await conn.sobject('Account').findOne({ Name: 'Zz Beta' }, ['Id', 'Name', 'AnnualRevenue']);
		is(one.AnnualRevenue, 2500.5, 'findOne');
		is(await conn.sobject('Account').findOne({ Name: 'Zz none' }), null, 'findOne without a row');
		is(await conn.sobject('Account').count({ Name: { $like: 'Zz %' } }), 4, 'count');
		const star = await conn.sobject('Account').find({ Id: ids['Zz Beta'] }, '*');
		ok(Object.keys(star[0]).length > 30, 'select * selects all described fields');
		is(star[0].Name, 'Zz Beta', 'and has their values');
	});

	await test('includes', async () => {
		const rows = await conn.sobject('Account')
			.select('Id, Name')
			.include('Contacts').select('Id, LastName').where({ LastName: { $ne: 'Zz Beta' } }).orderby('LastName', 'DESC')
			.end()
			.where({ Name: ['Zz Beta', 'Zz Delta'] })
			.orderby('Name')
			.execute();
		is(rows.length, 2, 'two accounts');
		keys(rows[0].Contacts, 'totalSize done records', 'children');
		deep(rows[0].Contacts.records.map((row) => row.LastName), ['Zz Gamma', 'Zz Alpha'], 'their rows');
		is(rows[0].Contacts.records[0].attributes.type, 'Contact', 'their type');
		is(rows[1].Contacts, null, 'without children null');
	});

	await test('relations and aggregates', async () => {
		const child = await conn.query(
			"SELECT LastName, Account.Name, Account.Owner.Alias FROM Contact WHERE Account.Name = 'Zz Beta' ORDER BY LastName LIMIT 1");
		is(child.records[0].Account.Name, 'Zz Beta', 'parent');
		keys(child.records[0].Account, 'attributes Name Owner', 'its fields');
		ok(typeof child.records[0].Account.Owner.Alias === 'string', 'grandparent');
		const semi = await conn.query(
			"SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName LIKE 'Zz %')");
		deep(semi.records.map((row) => row.Name), ['Zz Beta'], 'semi-join');
		const anti = await conn.query("SELECT COUNT() FROM Account WHERE Name LIKE 'Zz %' AND Id NOT IN "
			+ "(SELECT AccountId FROM Contact WHERE LastName LIKE 'Zz %')");
		is(anti.totalSize, 3, 'anti-join');
		const groups = await conn.query("SELECT Industry, COUNT(Id) n, SUM(AnnualRevenue), MAX(Name) FROM Account "
			+ "WHERE Name LIKE 'Zz %' GROUP BY Industry ORDER BY Industry NULLS LAST");
		is(groups.totalSize, 3, 'groups');
		keys(groups.records[0], 'attributes Industry n expr0 expr1', 'keys of a group');
		deep(groups.records[0], {
			attributes: { type: 'AggregateResult' }, Industry: 'Banking', n: 2, expr0: 90001000, expr1: "Zz O'Hara",
		}, 'a group');
		is(groups.records[2].Industry, null, 'the group of nulls');
		const having = await conn.query("SELECT Industry i FROM Account WHERE Name LIKE 'Zz %' GROUP BY Industry HAVING COUNT(Id) > 1");
		deep(having.records.map((row) => row.i), ['Banking'], 'HAVING');
	});

	await test('errors', async () => {
		const refuse = (soql, errorCode, message, name) => rejects(conn.query(soql), { errorCode, message }, name);
		await refuse('SELECT Id, Nothing FROM Account', 'INVALID_FIELD',
			/^\nSELECT Id, Nothing FROM Account\n {11}\^\nERROR at Row:1:Column:12\nNo such column 'Nothing' on entity 'Account'\. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name\. Please reference your WSDL or the describe call for the appropriate names\.$/,
			'unknown field');
		await refuse('SELECT Id FROM XYZZY', 'INVALID_TYPE',
			/^\nSELECT Id FROM XYZZY\n {15}\^\nERROR at Row:1:Column:16\nsObject type 'XYZZY' is not supported\. If you are attempting to use a custom object, be sure to append the '__c' after the entity name\. Please reference your WSDL or the describe call for the appropriate names\.$/,
			'unknown object');
		await refuse('SELECT Id FROM', 'MALFORMED_QUERY', /./, 'an end too early');
		await refuse('SELEC Id FROM Account', 'MALFORMED_QUERY', /unexpected token: '?SELEC'?/, 'a misspelt word');
		await refuse('SELECT Id, Id FROM Account', 'INVALID_FIELD', 'duplicate field selected: Id', 'a field twice');
		await refuse("SELECT Id FROM Account WHERE Id = 'x'", 'INVALID_QUERY_FILTER_OPERATOR', /invalid ID field: x$/, 'a wrong id');
		await refuse("SELECT Id FROM Account WHERE NumberOfEmployees = '1'", 'INVALID_FIELD', /should not be enclosed in quotes$/,
			'a quoted number');
		await refuse('SELECT Id FROM Account WHERE Name = 1', 'INVALID_FIELD', /must be quoted|should be enclosed in quotes/,
			'a text without quotes');
		await refuse('SELECT Id FROM Account OFFSET 2001', 'NUMBER_OUTSIDE_VALID_RANGE', 'Maximum SOQL offset allowed is 2000',
			'OFFSET');
		await rejects(conn.request(`${base}/query`), { errorCode: 'MALFORMED_QUERY' }, 'no query at all');
	});

	await test('explain', async () => {
		const plan = await conn.query("SELECT Id FROM Account WHERE Name = 'x'").explain();
		keys(plan, 'plans sourceQuery', 'answer');
		ok(plan.plans.length >= 1, 'has a plan');
		keys(plan.plans[0], 'cardinality fields leadingOperationType notes relativeCost sobjectCardinality sobjectType', 'a plan');
		is(plan.plans[0].sobjectType, 'Account', 'sobjectType');
	});

	await test('columns', async () => {
		// what the sf CLI asks after every query
		const columns = async (soql) => conn.request(`${base}/query?q=${encodeURIComponent(soql)}&columns=true`);
		const plain = await columns("SELECT Id, lastname, Owner.Name FROM Contact");
		keys(plain, 'columnMetadata entityName groupBy idSelected keyPrefix', 'answer');
		const common = { aggregate: false, booleanType: false, custom: false, foreignKeyName: null, insertable: false, numberType: false };
		deep(plain.columnMetadata.map((column) => column.columnName), ['Id', 'LastName', 'Owner'], 'names');
		keys(plain.columnMetadata[0], 'aggregate apexType booleanType columnName custom displayName foreignKeyName insertable '
			+ 'joinColumns numberType textType updatable', 'keys of one');
		deep(plain.columnMetadata[1], { ...common, apexType: 'String', columnName: 'LastName', displayName: 'LastName', insertable: true,
			joinColumns: [], textType: true, updatable: true }, 'a field');
		const owner = plain.columnMetadata[2];
		deep([owner.aggregate, owner.apexType, owner.foreignKeyName, owner.joinColumns.map((column) => column.columnName)],
			[false, null, 'OwnerId', ['Name']], 'a parent');
		const groups = await columns('SELECT StageName, AVG(Amount) FROM Opportunity GROUP BY StageName');
		is(groups.groupBy, true, 'groupBy');
		deep(groups.columnMetadata[1], { ...common, aggregate: true, apexType: null, columnName: 'expr0', displayName: 'avg(Amount)',
			joinColumns: [], numberType: true, textType: false, updatable: false }, 'an aggregate');
		const children = await columns('SELECT Name, (SELECT LastName FROM Contacts) FROM Account');
		deep([children.columnMetadata[1].aggregate, children.columnMetadata[1].columnName,
			children.columnMetadata[1].joinColumns.map((column) => column.columnName)], [true, 'Contacts', ['LastName']], 'children');
		await columns('SELECT COUNT() FROM Account');
		await rejects(columns('SELECT Nothing FROM Account'), { errorCode: 'INVALID_FIELD' }, 'an error');
	});

	await test('update and destroy by query', async () => {
		const updated = await conn.sobject('Account').find({ Name: { $like: 'Zz %' } })
			.update({ Description: 'of ${Name}' });
		is(updated.length, 4, 'four updated');
		ok(updated.every((answer) => answer.success === true), 'all well');
		is((await conn.sobject('Account').retrieve(ids['Zz Beta'])).Description, 'of Zz Beta', 'the template is filled in');
		const gone = await conn.sobject('Account').find({ Name: { $like: 'Zz %' } }).destroy();
		is(gone.length, 4, 'four destroyed');
		is(await conn.sobject('Account').count({ Name: { $like: 'Zz %' } }), 0, 'none left');
		is(await conn.sobject('Contact').count({ LastName: { $like: 'Zz %' } }), 0, 'nor their contacts');
	});
});
