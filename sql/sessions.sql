--
-- The sessions of this backend with Salesforce: who sees which, and closing them.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
\set VERBOSITY terse
IMPORT FOREIGN SCHEMA salesforce LIMIT TO ("Account") FROM SERVER sf INTO sf;
CREATE FUNCTION pg_temp.logins() RETURNS bigint LANGUAGE sql AS
	$$ SELECT count(*) FROM pg_temp.requests('^POST /services/oauth2/token') $$;

-- the import has made one
SELECT server, user_name = current_user AS mine, auth, logged_in, instance_url = :'url' AS url, in_use, valid,
	   api_calls, api_used > 0 AS used, api_max > api_used AS max, opened <= now() + interval '1 min' AS opened,
	   last_used <= now() + interval '1 min' AS last_used
  FROM sfbulk_sessions();
SELECT sfbulk_disconnect('sf');
SELECT * FROM sfbulk_sessions();
SELECT sfbulk_disconnect('sf');
SELECT sfbulk_disconnect_all();

-- the next statement logs in anew
SELECT pg_temp.logins() AS before \gset
SELECT count(*) > 0 FROM sf.account;
SELECT count(*) > 0 FROM sf.account;
SELECT pg_temp.logins() - :before AS logins;
SELECT server, logged_in, in_use, valid FROM sfbulk_sessions();

-- one that is in use stays
BEGIN;
DECLARE c CURSOR FOR SELECT name FROM sf.account;
FETCH FORWARD 0 FROM c;
MOVE 1 IN c;
SELECT server, logged_in, in_use, valid FROM sfbulk_sessions();
SELECT sfbulk_disconnect('sf');
SELECT sfbulk_disconnect_all();
CLOSE c;
SELECT in_use FROM sfbulk_sessions();
SELECT sfbulk_disconnect('sf');
SELECT count(*) FROM sfbulk_sessions();
COMMIT;
-- also in the statement that reads it
SELECT sfbulk_disconnect('sf') FROM (SELECT name FROM sf.account LIMIT 1) a;
SELECT sfbulk_disconnect('sf');

-- a changed definition
BEGIN;
SELECT count(*) > 0 FROM sf.account;
DECLARE c CURSOR FOR SELECT name FROM sf.account;
MOVE 1 IN c;
ALTER SERVER sf OPTIONS (ADD max_retries '3');
SELECT count(*) > 0 FROM sf.account;
SELECT in_use, valid FROM sfbulk_sessions() ORDER BY valid;
SELECT sfbulk_disconnect('sf');
SELECT in_use, valid FROM sfbulk_sessions() ORDER BY valid;
COMMIT;
SELECT count(*) FROM sfbulk_sessions();

-- the session of a server that is gone
CREATE SERVER sf2 FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (login_url :'url');
CREATE USER MAPPING FOR CURRENT_USER SERVER sf2 OPTIONS (client_id :'client_id', client_secret :'client_secret');
BEGIN;
SELECT count(*) > 0 FROM sfbulk_limits('sf2');
DROP SERVER sf2 CASCADE;
SELECT server, valid FROM sfbulk_sessions();
SELECT sfbulk_disconnect_all();
COMMIT;
SELECT count(*) FROM sfbulk_sessions();

-- several roles: each its own, and that of PUBLIC with USAGE on the server
CREATE ROLE regress_sfb_one;
CREATE ROLE regress_sfb_two;
GRANT USAGE ON FOREIGN SERVER sf TO regress_sfb_one, regress_sfb_two;
CREATE USER MAPPING FOR regress_sfb_one SERVER sf OPTIONS (client_id :'client_id', client_secret :'client_secret');
CREATE USER MAPPING FOR PUBLIC SERVER sf OPTIONS (client_id :'client_id', client_secret :'client_secret');
SELECT count(*) > 0 FROM sf.account;
SET ROLE regress_sfb_one;
SELECT * FROM sfbulk_sessions();
SELECT sfbulk_disconnect('sf');
SELECT sfbulk_disconnect_all();
SELECT count(*) > 0 FROM sfbulk_limits('sf');
SELECT server, user_name FROM sfbulk_sessions();
SET ROLE regress_sfb_two;
SELECT * FROM sfbulk_sessions();
SELECT sfbulk_disconnect_all();
SELECT count(*) > 0 FROM sfbulk_limits('sf');
SELECT server, user_name FROM sfbulk_sessions();
SET ROLE regress_sfb_one;
SELECT server, user_name FROM sfbulk_sessions() ORDER BY 2;
-- a function of another role is that role, whose sessions it sees
RESET ROLE;
CREATE FUNCTION public.regress_sfb_sessions() RETURNS SETOF name LANGUAGE sql SECURITY DEFINER
	AS $$ SELECT user_name FROM sfbulk_sessions() ORDER BY 1 $$;
ALTER FUNCTION public.regress_sfb_sessions() OWNER TO regress_sfb_two;
SELECT public.regress_sfb_sessions();
-- superusers see all
SELECT user_name = current_user AS mine, user_name FROM sfbulk_sessions() WHERE user_name <> current_user ORDER BY 2;
SET ROLE regress_sfb_one;
SELECT sfbulk_disconnect_all();
RESET ROLE;
SELECT count(*), count(*) FILTER (WHERE user_name = 'regress_sfb_one') AS one FROM sfbulk_sessions();
SELECT sfbulk_disconnect_all();
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER sf FROM regress_sfb_one;
SET ROLE regress_sfb_one;
SELECT sfbulk_disconnect('sf');
SELECT sfbulk_disconnect('nowhere');
SELECT sfbulk_disconnect(NULL);
RESET ROLE;

DROP FUNCTION public.regress_sfb_sessions();
DROP USER MAPPING FOR regress_sfb_one SERVER sf;
DROP USER MAPPING FOR PUBLIC SERVER sf;
REVOKE USAGE ON FOREIGN SERVER sf FROM regress_sfb_one, regress_sfb_two;
DROP ROLE regress_sfb_one, regress_sfb_two;
DROP SERVER sf CASCADE;
DROP SCHEMA sf CASCADE;
