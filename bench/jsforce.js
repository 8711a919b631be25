/*
 * jsforce.js - read one SOQL query through jsforce's bulk2.query and say how long it took.
 *
 * Environment: SF_INSTANCE_URL, SF_ACCESS_TOKEN, SF_SOQL.  Prints "ROWS SECONDS PEAK_MB".
 *
 * The records are counted and dropped, so jsforce pays for downloading and parsing only.  It
 * glues the result pages together with their header rows in them, so its count is right only
 * where the whole result is one page.
 */
'use strict';

const jsforce = require('jsforce');

async function main() {
	const connection = new jsforce.Connection({
		instanceUrl: process.env.SF_INSTANCE_URL,
		accessToken: process.env.SF_ACCESS_TOKEN,
		version: '62.0',
	});
	const start = process.hrtime.bigint();
	const records = await connection.bulk2.query(process.env.SF_SOQL, {
		pollInterval: 200,
		pollTimeout: 600000,
	});
	let rows = 0;
	await new Promise((resolve, reject) => {
		records.on('record', () => {
			rows++;
		});
		records.on('end', resolve);
		records.on('error', reject);
	});
	const seconds = Number(process.hrtime.bigint() - start) / 1e9;
	const peak = process.resourceUsage().maxRSS / 1024;
	console.log(`${rows} ${seconds.toFixed(3)} ${peak.toFixed(0)}`);
}

main().catch((error) => {
	console.error(error.message);
	process.exit(1);
});
