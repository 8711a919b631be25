/*
 * jsforce_load.js - upload rows as objects through jsforce's bulk2 and say how long it took.
 *
 * Environment: SF_INSTANCE_URL, SF_ACCESS_TOKEN, SF_OBJECT, SF_ROWS (a file with one JSON object a
 * line).  Prints "ROWS SECONDS PEAK_MB".
 *
 * The objects are made before the clock starts; the seconds are those of creating the job and
 * uploading.  The job is not closed, so that nothing is processed, and deleted outside of the clock.
 */
'use strict';

const fs = require('fs');
const readline = require('readline');
const jsforce = require('jsforce');

async function main() {
	const connection = new jsforce.Connection({
		instanceUrl: process.env.SF_INSTANCE_URL,
		accessToken: process.env.SF_ACCESS_TOKEN,
		version: '62.0',
	});
	const records = [];
	for await (const line of readline.createInterface({
		input: fs.createReadStream(process.env.SF_ROWS),
	})) {
		records.push(JSON.parse(line));
	}
	const start = process.hrtime.bigint();
	const job = connection.bulk2.createJob({
		object: process.env.SF_OBJECT,
		operation: 'insert',
	});
	await job.open();
	await job.uploadData(records);
	const seconds = Number(process.hrtime.bigint() - start) / 1e9;
	const peak = process.resourceUsage().maxRSS / 1024;
	await job.abort();
	await job.delete();
	console.log(`${records.length} ${seconds.toFixed(3)} ${peak.toFixed(0)}`);
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
