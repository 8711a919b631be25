/*
 * jsforce.js - read one SOQL query through jsforce's bulk2.query and say how long it took.
 *
 * Environment: SF_INSTANCE_URL, SF_ACCESS_TOKEN, SF_SOQL.  Prints "ROWS SECONDS PEAK_MB".
 *
 * The records are taken as one array, the only way that also works for a million: with a listener
 * for single records this version of jsforce never says that it is done then.  It glues the result
 * pages together with their header rows in them, so its count is right only where the whole result
 * is one page.
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
	const rows = (await records.toArray()).length;
	const seconds = Number(process.hrtime.bigint() - start) / 1e9;
	const peak = process.resourceUsage().maxRSS / 1024;
	console.log(`${rows} ${seconds.toFixed(3)} ${peak.toFixed(0)}`);
}

// node ends quietly, and well, when a promise is never kept
process.exitCode = 1;
main().then(
	() => {
		process.exitCode = 0;
	},
	(error) => {
		console.error(error);
	}
);
