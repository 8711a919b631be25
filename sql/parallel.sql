-- Which scans can be shared by workers: what is planned.  No network.
SET client_min_messages = warning;
CREATE SERVER sf FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (transport 'bulk', fdw_startup_cost '0');
CREATE USER MAPPING FOR PUBLIC SERVER sf OPTIONS (client_id 'id', client_secret 'secret');
CREATE FOREIGN TABLE account (
	id text OPTIONS (field 'Id'),
	name text OPTIONS (field 'Name'),
	industry text OPTIONS (field 'Industry'),
	createddate timestamptz OPTIONS (field 'CreatedDate')
) SERVER sf OPTIONS (object 'Account');
CREATE FOREIGN TABLE contact (
	id text OPTIONS (field 'Id'),
	lastname text OPTIONS (field 'LastName')
) SERVER sf OPTIONS (object 'Contact');
CREATE SEQUENCE numbers;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;

-- Rows and aggregates.
EXPLAIN (COSTS OFF) SELECT * FROM account;
EXPLAIN (COSTS OFF) CREATE TABLE copy AS SELECT * FROM account;
EXPLAIN (COSTS OFF) SELECT count(*), max(length(name)) FROM account WHERE length(name) > 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT sum(length(name)) FROM account WHERE industry = 'Banking' AND length(name) > 3;
EXPLAIN (COSTS OFF) SELECT industry, count(length(name)) FROM account GROUP BY industry;
-- In order: each worker sorts its own rows.
EXPLAIN (COSTS OFF) SELECT name FROM account ORDER BY name;
-- Several scans.
EXPLAIN (COSTS OFF) SELECT id FROM account UNION ALL SELECT id FROM contact;
SET enable_mergejoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM account a JOIN account b ON a.name = b.name;

-- A scan that is not shared would be read whole by each worker: never below a Gather.
ALTER FOREIGN TABLE contact OPTIONS (ADD transport 'rest');
EXPLAIN (COSTS OFF) SELECT id FROM contact;
EXPLAIN (COSTS OFF) SELECT id FROM account UNION ALL SELECT id FROM contact;
EXPLAIN (COSTS OFF) SELECT count(*) FROM account a JOIN contact c ON a.name = c.lastname;
ALTER FOREIGN TABLE contact OPTIONS (DROP transport);
RESET enable_mergejoin;
RESET enable_nestloop;
-- Whether auto will be a job nobody knows.
ALTER FOREIGN TABLE contact OPTIONS (ADD transport 'auto');
EXPLAIN (COSTS OFF) SELECT id FROM contact;
-- A LIMIT that is sent, one that is not.
EXPLAIN (COSTS OFF) SELECT id FROM account LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM account WHERE length(name) > 3 LIMIT 3;
-- What only the leader may do, and what nobody may do beside others.
EXPLAIN (COSTS OFF) SELECT id FROM account WHERE length(name) > random();
EXPLAIN (COSTS OFF) SELECT id, nextval('numbers') FROM account
	WHERE length(name) > 3;
EXPLAIN (COSTS OFF) UPDATE account SET name = 'x' WHERE length(name) > 3;
EXPLAIN (COSTS OFF) DECLARE c CURSOR FOR SELECT id FROM account;
-- Rows of an outer relation.
EXPLAIN (COSTS OFF) SELECT (SELECT max(length(a.name)) FROM account a WHERE length(a.name) > n) FROM generate_series(1, 3) n;

-- Costs: too few rows for what workers cost, or for a scan to be worth any.
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
EXPLAIN (COSTS OFF) SELECT sum(length(name)) FROM account;
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = '1GB';
EXPLAIN (COSTS OFF) SELECT sum(length(name)) FROM account;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT sum(length(name)) FROM account;
DROP SERVER sf CASCADE;
DROP SEQUENCE numbers;
