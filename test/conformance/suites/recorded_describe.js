/*
 * recorded_describe.js - describes of real orgs against sfsim's: keys and their order, what an object can do, every
 * attribute of every field that both have.
 */
'use strict';

const { suite, test, ok, deep } = require('../lib/tap');
const { start } = require('../lib/sfsim');
const { shapes, same, current } = require('../lib/recorded');
const json = require('../lib/json');

/* Objects of the recordings that sfsim has. */
const NAMES = Object.keys(shapes).filter((name) => /^describe_(?!global)/.test(name)).map((name) => name.slice(9));

/*
 * Where recordings differ from one another, or say what their org has set up, sfsim may say either: why, by
 * OBJECT.ATTRIBUTE or OBJECT.FIELD.ATTRIBUTE with * for any; and fields that sfsim need not have.
 */
const OWN = require('../own.json');

function excused(where) {
	return Object.keys(OWN.attributes).some((pattern) =>
		new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.$]/g, '\\$&')).join('.*')}$`).test(where));
}

/* The object's keys as the newest recording has them: older ones lack some. */
const newest = NAMES.map((name) => shapes[`describe_${name}`].object)
	.sort((a, b) => Object.keys(b).length - Object.keys(a).length)[0];

suite(async () => {
	const sim = await start({ rows: { Account: 1, Contact: 1 } });
	await current(Object.keys(shapes).filter((name) => /^describe_/.test(name)));
	const global = await sim.http('GET', 'sobjects');
	const known = global.json.sobjects.map((entry) => entry.name);

	await test('global describe', async () => {
		const shape = shapes.describe_global;
		deep(global.tree.members.map(([key]) => key), shape.keys, 'keys');
		for (const entry of json.get(global.tree, 'sobjects').items) {
			const name = json.get(entry, 'name').value;
			ok(shape.entryKeys.includes(entry.members.map(([key]) => key).join(' ')), `${name}: keys`,
				`${entry.members.map(([key]) => key).join(' ')}\nrecorded: ${shape.entryKeys.join('\n')}`);
			const recorded = shape.sobjects[name];
			if (recorded) {
				const got = json.plain(entry);
				const wrong = Object.keys(got).filter((key) => key !== 'name' && key !== 'urls'
					&& (got[key] || undefined) !== recorded[key] && !excused(`${name}.${key}`));
				deep(wrong.map((key) => `${name}.${key}: ${JSON.stringify(got[key])}, recorded: ${JSON.stringify(recorded[key])}`), [],
					`${name}: as recorded`);
				if (!excused(`${name}.urls in the global describe`)) {
					deep(Object.keys(got.urls), recorded.urls, `${name}: urls`);
				}
			}
		}
	});

	for (const name of NAMES.filter((candidate) => known.includes(candidate))) {
		const shape = shapes[`describe_${name}`];
		await test(name, async () => {
			const answer = await sim.http('GET', `sobjects/${name}/describe`);
			const got = answer.tree;
			deep(got.members.map(([key]) => key), Object.keys(newest), 'keys');
			for (const [key, wanted] of Object.entries(shape.object)) {
				const member = json.get(got, key);
				if (member && !excused(`${name}.${key}`)) {
					same(member, wanted, key);
				}
			}

			const fields = json.get(got, 'fields').items;
			const live = new Map(fields.map((field) => [json.get(field, 'name').value, field]));
			const recorded = new Map(shape.fields.map((field) => [field.name, field]));
			deep([...new Set(fields.map((field) => field.members.map(([key]) => key).join(' ')))], [shape.fieldKeys.join(' ')],
				'keys of fields');
			deep([...live.keys()].filter((field) => recorded.has(field)), [...recorded.keys()].filter((field) => live.has(field)),
				'order of fields');
			deep([...recorded.keys()].filter((field) => !live.has(field) && !(OWN.absent[name] || []).includes(field)), [],
				'has the standard fields');
			for (const [field, wanted] of recorded) {
				const node = live.get(field);
				if (!node) {
					continue;
				}
				const values = json.plain(node);
				const wrong = shape.fieldKeys.filter((key) => {
					if (['picklistValues', 'inlineHelpText', 'defaultValueFormula', 'calculatedFormula', 'filteredLookupInfo'].includes(key)) {
						return false;
					}
					const value = values[key];
					const empty = value === false || value === null || value === 0 || (Array.isArray(value) && !value.length);
					return (key in wanted ? JSON.stringify(value) !== JSON.stringify(wanted[key]) : !empty)
						&& !excused(`${name}.${field}.${key}`);
				});
				ok(wrong.length === 0, field, wrong.map((key) =>
					`${name}.${field}.${key}: ${JSON.stringify(values[key])}, recorded: ${JSON.stringify(wanted[key])}`).join('\n'));
			}

			const children = json.get(got, 'childRelationships').items;
			deep([...new Set(children.map((child) => child.members.map(([key]) => key).join(' ')))].filter(Boolean),
				children.length ? [shape.childKeys.join(' ')] : [], 'keys of childRelationships');
			const list = children.map(json.plain).map((child) => `${child.childSObject}.${child.field} ${child.relationshipName}`
				+ `${child.cascadeDelete ? ' cascade' : ''}${child.restrictedDelete ? ' restrict' : ''}`);
			const theirs = shape.childRelationships.filter((child) => known.includes(child.split('.')[0]));
			deep(theirs.filter((child) => !list.includes(child) && !excused(`${name}<${child.split(' ')[0]}`)), [],
				'children as recorded');
			deep(list.filter((child) => shape.childRelationships.includes(child)), shape.childRelationships.filter((child) => list.includes(child)),
				'order of children');
		});
	}
});
