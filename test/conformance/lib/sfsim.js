/*
 * sfsim.js - a simulated org for one suite.
 *
 *	const sim = await start({ rows: { Account: 100 }, args: [] });
 *	sim.url, sim.env.SF_CLIENT_ID ...; await sim.control('POST', 'options', { query_rows: 10 })
 *	const answer = await sim.http('GET', '/services/data/v62.0/limits');
 *	answer.status, answer.headers (lower-case names), answer.names (as sent), answer.text, answer.tree, answer.json
 *
 * The program is $SFSIM or the clone's.  It ends with the suite, whatever becomes of that.
 */
'use strict';

const http = require('http');
const path = require('path');
const { spawn } = require('child_process');
const { cleanup } = require('./tap');
const json = require('./json');

const VERSION = '62.0';

/* What "sfsim --env" prints: shell assignments, a quote inside written as '\''. */
function parseEnv(text) {
	const env = {};
	for (const line of text.split('\n')) {
		const match = /^(\w+)='(.*)'$/.exec(line);
		if (match) {
			env[match[1]] = match[2].replace(/'\\''/g, "'");
		}
	}
	return env;
}

/* request(url, method, path, { headers, body }): one exchange, nothing added and nothing interpreted */
function request(base, method, target, { headers = {}, body } = {}) {
	const url = new URL(base);
	const payload = body === undefined ? undefined : Buffer.from(body);
	return new Promise((resolve, reject) => {
		const req = http.request(
			{
				host: url.hostname,
				port: url.port,
				method,
				path: target,
				headers: payload ? { 'Content-Length': payload.length, ...headers } : headers,
				agent: false,
			},
			(res) => {
				const chunks = [];
				res.on('data', (chunk) => chunks.push(chunk));
				res.on('error', reject);
				res.on('end', () => {
					const raw = Buffer.concat(chunks);
					const answer = { status: res.statusCode, headers: res.headers, names: [], raw, text: raw.toString('utf8') };
					for (let i = 0; i < res.rawHeaders.length; i += 2) {
						answer.names.push(res.rawHeaders[i]);
					}
					if (/json/.test(res.headers['content-type'] || '') && !res.headers['content-encoding'] && raw.length) {
						try {
							answer.tree = json.parse(answer.text);
							answer.json = JSON.parse(answer.text);
						} catch (error) {
							reject(new Error(`${method} ${target}: ${error.message}\n${answer.text.slice(0, 500)}`));
							return;
						}
					}
					resolve(answer);
				});
			}
		);
		req.on('error', reject);
		req.end(payload);
	});
}

function start({ rows = {}, args = [] } = {}) {
	const program = process.env.SFSIM || path.join(__dirname, '../../../sfsim');
	const options = ['--port', '0', '--env', '--die-with-parent'];
	for (const [object, n] of Object.entries(rows)) {
		options.push('--rows', `${object}=${n}`);
	}
	const child = spawn(program, [...options, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	let out = '';
	let log = '';
	let ending = false;
	child.stderr.on('data', (data) => {
		log = (log + data).slice(-20000);
	});
	cleanup(() => {
		ending = true;
		if (child.exitCode !== null || child.signalCode !== null) {
			return undefined;
		}
		return new Promise((resolve) => {
			child.on('exit', resolve);
			child.kill('SIGTERM');
		});
	});
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('exit', (code, signal) => {
			if (!ending) {
				reject(new Error(`sfsim ended (${code ?? signal}):\n${log}`));
				// a simulator that crashes in the middle of a suite is the suite's worst failure
				console.log(`not ok - sfsim lives\n# sfsim ended (${code ?? signal}):\n${log.replace(/^/gm, '# ')}`);
			}
		});
		child.stdout.on('data', (data) => {
			out += data;
			if (/^SF_REFRESH_TOKEN=.*\n/m.test(out) && !child.sim) {
				child.sim = true;
				const env = parseEnv(out);
				const sim = {
					url: env.SF_URL,
					env,
					version: VERSION,
					/* with the session of --env, below the version's base path when the path has no slash in front */
					http(method, target, { headers = {}, body, auth = true, version = VERSION } = {}) {
						const full = target.startsWith('/') ? target : `/services/data/v${version}/${target}`;
						const all = { ...(auth ? { Authorization: `Bearer ${env.SF_TOKEN}` } : {}), ...headers };
						let payload = body;
						if (body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)) {
							payload = JSON.stringify(body);
							all['Content-Type'] = all['Content-Type'] || 'application/json';
						}
						return request(env.SF_URL, method, full, { headers: all, body: payload });
					},
					async control(method, what, body) {
						const answer = await request(env.SF_URL, method, `/__sfsim/${what}`, {
							headers: body ? { 'Content-Type': 'application/json' } : {},
							body: body ? JSON.stringify(body) : undefined,
						});
						if (answer.status >= 400) {
							throw new Error(`${method} /__sfsim/${what}: ${answer.status} ${answer.text}`);
						}
						return answer.text ? JSON.parse(answer.text) : undefined;
					},
				};
				resolve(sim);
			}
		});
	});
}

module.exports = { start, VERSION };
