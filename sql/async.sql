--
-- Which scans run beside each other under an Append.  No network.
--
SET client_min_messages = warning;
CREATE SERVER one FOREIGN DATA WRAPPER sfbulk_fdw;
CREATE SERVER two FOREIGN DATA WRAPPER sfbulk_fdw;
CREATE USER MAPPING FOR PUBLIC SERVER one OPTIONS (client_id 'id', client_secret 'secret');
CREATE USER MAPPING FOR PUBLIC SERVER two OPTIONS (client_id 'id', client_secret 'secret');
CREATE FOREIGN TABLE account (id text OPTIONS (field 'Id'), name text OPTIONS (field 'Name'),
	employees integer OPTIONS (field 'NumberOfEmployees')) SERVER one OPTIONS (object 'Account');
CREATE FOREIGN TABLE contact (id text OPTIONS (field 'Id'), name text OPTIONS (field 'Name'),
	accountid text OPTIONS (field 'AccountId', type 'reference', reference_to 'Account', relationship 'Account'))
	SERVER one OPTIONS (object 'Contact');
CREATE FOREIGN TABLE lead (id text OPTIONS (field 'Id'), name text OPTIONS (field 'Name'),
	employees integer OPTIONS (field 'NumberOfEmployees')) SERVER two OPTIONS (object 'Lead');
CREATE TABLE local (id text, name text);

-- ---- UNION ALL
EXPLAIN (COSTS OFF) SELECT id, name FROM account UNION ALL SELECT id, name FROM lead;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM account WHERE length(name) = 3 UNION ALL SELECT id FROM lead WHERE name = 'x';
EXPLAIN (COSTS OFF) SELECT id FROM account UNION ALL SELECT id FROM local UNION ALL SELECT id FROM contact;
-- where one child is left, there is nothing to choose from
EXPLAIN (COSTS OFF) SELECT id FROM account UNION ALL SELECT id FROM contact WHERE false;

-- ---- joins that are sent
EXPLAIN (COSTS OFF) SELECT c.id, a.name FROM contact c JOIN account a ON a.id = c.accountid UNION ALL SELECT id, name FROM lead;

-- ---- partitions of several orgs
CREATE TABLE parted (id text, name text, org text) PARTITION BY LIST (org);
CREATE FOREIGN TABLE parted_1 PARTITION OF parted FOR VALUES IN ('1') SERVER one OPTIONS (object 'Account');
CREATE FOREIGN TABLE parted_2 PARTITION OF parted FOR VALUES IN ('2') SERVER two OPTIONS (object 'Account');
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES IN ('3');
EXPLAIN (COSTS OFF) SELECT id FROM parted;
EXPLAIN (COSTS OFF) SELECT id FROM parted LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM parted WHERE org < '3';
EXPLAIN (COSTS OFF) SELECT id FROM parted WHERE org = '2';

-- ---- the option: a table's overrides the server's, and one that says no is enough for a join
ALTER SERVER two OPTIONS (ADD async_capable 'false');
EXPLAIN (COSTS OFF) SELECT id FROM parted;
ALTER FOREIGN TABLE parted_2 OPTIONS (ADD async_capable 'true');
EXPLAIN (COSTS OFF) SELECT id FROM parted;
ALTER FOREIGN TABLE account OPTIONS (ADD async_capable 'false');
EXPLAIN (COSTS OFF) SELECT c.id, a.name FROM contact c JOIN account a ON a.id = c.accountid UNION ALL SELECT id, name FROM contact;
SET enable_async_append = off;
EXPLAIN (COSTS OFF) SELECT id FROM parted;
RESET enable_async_append;

DROP TABLE parted, local;
DROP SERVER one CASCADE;
DROP SERVER two CASCADE;
