--
-- A host that is taken out of sfbulk_fdw.allowed_hosts gets no more requests, also from a session that is there.
--
\getenv url SFSIM_URL
\getenv client_id SF_CLIENT_ID
\getenv client_secret SF_CLIENT_SECRET
CREATE ROLE regress_sfb_hosts;
GRANT USAGE ON FOREIGN DATA WRAPPER sfbulk_fdw TO regress_sfb_hosts;
GRANT CREATE ON SCHEMA public TO regress_sfb_hosts;
SET sfbulk_fdw.allowed_hosts = '127.0.0.1';
SET ROLE regress_sfb_hosts;
CREATE SERVER mine FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (login_url :'url');
CREATE USER MAPPING FOR CURRENT_USER SERVER mine OPTIONS (client_id :'client_id', client_secret :'client_secret');
CREATE FOREIGN TABLE acc (id text OPTIONS (field 'Id')) SERVER mine OPTIONS (object 'Account');
SELECT count(*) FROM acc;
RESET ROLE;
SET sfbulk_fdw.allowed_hosts = '*.salesforce.com';
SET ROLE regress_sfb_hosts;
SELECT count(*) FROM acc;

-- for a transaction only
RESET ROLE;
SET sfbulk_fdw.allowed_hosts = '127.0.0.1';
BEGIN;
SET LOCAL sfbulk_fdw.allowed_hosts = '';
SET LOCAL ROLE regress_sfb_hosts;
SELECT count(*) FROM acc;
ROLLBACK;
SET ROLE regress_sfb_hosts;
SELECT count(*) FROM acc;

-- a cursor that is open reads on
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM acc;
FETCH 1 FROM c \g /dev/null
RESET ROLE;
SET LOCAL sfbulk_fdw.allowed_hosts = '';
MOVE FORWARD ALL FROM c;
COMMIT;

RESET ROLE;
DROP OWNED BY regress_sfb_hosts;
DROP ROLE regress_sfb_hosts;
