/*
 * recorded.js - the shapes that suites compare with: those of the recordings in $SFSIM_RECORDINGS when that is set,
 * else those that lie in ../shapes.
 */
'use strict';

const shape = require('./shape');
const { ok, test } = require('./tap');

const directory = process.env.SFSIM_RECORDINGS || '';
const shapes = directory ? shape.derive(directory) : shape.load();

/* same(node, shape, name): a test that prints every difference with its path */
function same(node, wanted, name) {
	if (!node) {
		return ok(false, name, 'no JSON in the answer');
	}
	const wrong = shape.differences(node, wanted);
	return ok(wrong.length === 0, name, wrong.join('\n'));
}

/* current(names): the files of ../shapes say what the recordings say, when there are any */
async function current(names) {
	if (directory) {
		await test('shapes', async () => {
			const stored = shape.load();
			for (const name of names) {
				ok(stored[name] && shape.text(stored[name]) === shape.text(shapes[name]), `${name} is up to date`,
					'run scripts/make-shapes');
			}
		});
	}
}

module.exports = { shapes, same, current };
