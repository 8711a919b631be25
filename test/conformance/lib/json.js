/*
 * json.js - JSON with what JSON.parse() loses: the order of all keys, keys that come twice, and the text of
 * numbers (51.0 is not 51).
 *
 * parse(text) returns a tree of nodes: { type: 'object', members: [[key, node], ...] },
 * { type: 'array', items: [node, ...] }, { type: 'string', value }, { type: 'number', text },
 * { type: 'boolean', value }, { type: 'null' }.  plain(node) turns one into a JavaScript value.
 */
'use strict';

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)|(true|false|null))/y;

function parse(text) {
	let at = 0;
	let token;

	function next() {
		TOKEN.lastIndex = at;
		const match = TOKEN.exec(text);
		if (!match) {
			if (/^\s*$/.test(text.slice(at))) {
				token = { kind: 'end' };
				return;
			}
			throw new SyntaxError(`no JSON at ${at}: ${text.slice(at, at + 40)}`);
		}
		at = TOKEN.lastIndex;
		if (match[1]) {
			token = { kind: match[1] };
		} else if (match[2] !== undefined) {
			token = { kind: 'value', node: { type: 'string', value: JSON.parse(match[2]) } };
		} else if (match[3] !== undefined) {
			token = { kind: 'value', node: { type: 'number', text: match[3] } };
		} else if (match[4] === 'null') {
			token = { kind: 'value', node: { type: 'null' } };
		} else {
			token = { kind: 'value', node: { type: 'boolean', value: match[4] === 'true' } };
		}
	}

	function want(kind) {
		if (token.kind !== kind) {
			throw new SyntaxError(`"${kind}" expected before ${at}, not "${token.kind}"`);
		}
		next();
	}

	function value() {
		if (token.kind === '{') {
			const members = [];
			next();
			while (token.kind !== '}') {
				if (members.length) {
					want(',');
				}
				if (token.kind !== 'value' || token.node.type !== 'string') {
					throw new SyntaxError(`a key expected before ${at}`);
				}
				const key = token.node.value;
				next();
				want(':');
				members.push([key, value()]);
			}
			next();
			return { type: 'object', members };
		}
		if (token.kind === '[') {
			const items = [];
			next();
			while (token.kind !== ']') {
				if (items.length) {
					want(',');
				}
				items.push(value());
			}
			next();
			return { type: 'array', items };
		}
		const { node } = token;
		want('value');
		return node;
	}

	next();
	const root = value();
	if (token.kind !== 'end') {
		throw new SyntaxError(`text after the value, before ${at}`);
	}
	return root;
}

function plain(node) {
	switch (node.type) {
		case 'object':
			return Object.fromEntries(node.members.map(([key, member]) => [key, plain(member)]));
		case 'array':
			return node.items.map(plain);
		case 'number':
			return Number(node.text);
		case 'null':
			return null;
		default:
			return node.value;
	}
}

/* get(node, 'a', 0, 'b'): the node there, or undefined */
function get(node, ...path) {
	for (const step of path) {
		if (!node) {
			return undefined;
		}
		if (node.type === 'array') {
			node = node.items[step];
		} else if (node.type === 'object') {
			node = (node.members.find(([key]) => key === step) || [])[1];
		} else {
			return undefined;
		}
	}
	return node;
}

module.exports = { parse, plain, get };
