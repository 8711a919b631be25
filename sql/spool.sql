--
-- Spools: bytes that are written once and read from any place, in memory and in a temporary file.
--
-- The module sfb_test_spool is built from test/spool for this test only; it checks every byte it reads.
--
CREATE FUNCTION spool_open(mem_max integer) RETURNS void AS 'sfb_test_spool', 'sfb_test_spool_open' LANGUAGE c STRICT;
CREATE FUNCTION spool_put(bytes bigint, block integer, lag bigint) RETURNS bigint
	AS 'sfb_test_spool', 'sfb_test_spool_put' LANGUAGE c STRICT;
CREATE FUNCTION spool_check(step bigint) RETURNS bigint AS 'sfb_test_spool', 'sfb_test_spool_check' LANGUAGE c STRICT;
CREATE FUNCTION spool_close(frees integer) RETURNS void AS 'sfb_test_spool', 'sfb_test_spool_close' LANGUAGE c STRICT;
-- how much of this session's temporary files there is
CREATE FUNCTION spooled() RETURNS bigint LANGUAGE sql AS $$
	SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_tmpdir() WHERE name LIKE 'pgsql_tmp' || pg_backend_pid() || '.%' $$;

-- nothing, and one byte
SELECT spool_open(262144);
SELECT spool_check(1);
SELECT spool_put(1, 1, 0), spool_check(1), spooled();
-- as much as memory holds, then one byte more
SELECT spool_put(262143, 1000, 0), spool_check(1), spooled();
SELECT spool_put(1, 1, 0), spool_check(1), spooled();
SELECT spool_close(1), spooled();

-- blocks of every size, a reader right behind, one that is late, one that is far behind
SELECT every_size.block, lag, spool_open(mem_max), spool_put(3000000, every_size.block, lag), spool_check(99991), spooled()
  FROM (VALUES (1), (13), (4096), (65536), (131072), (131073), (262144), (1000000), (5000000)) every_size (block),
	   (VALUES (0::bigint, 0), (200000, 0), (2900000, 400000)) readers (lag, mem_max)
 ORDER BY lag, block;
SELECT spool_close(0), spooled();

-- what the disk has no room for is an error; what is there stays readable, and more can come later
SELECT spool_open(262144);
SET temp_file_limit = '1MB';
SELECT spool_put(5000000, 100000, 0);
SELECT spool_check(99991) > 1048576 AS readable, spooled();
RESET temp_file_limit;
SELECT spool_put(1000000, 100000, 5000000) > 2000000 AS more;
SELECT spool_check(99991) > 2000000 AS readable;
SELECT spool_close(2), spooled();

-- the file outlives transactions and what they roll back
BEGIN;
SELECT spool_open(262144);
SAVEPOINT s;
SELECT spool_put(1000000, 100000, 0);
ROLLBACK TO s;
SELECT spool_check(99991), spooled();
ROLLBACK;
SELECT spool_check(99991), spooled();
SELECT spool_put(1000000, 100000, 0), spool_check(99991), spooled();
SELECT spool_close(1), spooled();

DROP FUNCTION spool_open, spool_put, spool_check, spool_close, spooled;
