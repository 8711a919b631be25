--
-- Who may do what: files, hosts, secrets.  No network.
--
SET client_min_messages = warning;
LOAD 'sfbulk_fdw';
CREATE ROLE regress_sfb_admin;
CREATE ROLE regress_sfb_user;
GRANT USAGE ON FOREIGN DATA WRAPPER sfbulk_fdw TO regress_sfb_admin;

SHOW sfbulk_fdw.allowed_hosts;

-- a role that may create servers: Salesforce's hosts, no files, no hosts of its own
SET ROLE regress_sfb_admin;
CREATE SERVER mine FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (login_url 'https://acme.my.salesforce.com');
ALTER SERVER mine OPTIONS (SET login_url 'https://collect.example.com');
ALTER SERVER mine OPTIONS (SET login_url 'http://127.0.0.1:8080');
ALTER SERVER mine OPTIONS (ADD instance_url 'https://collect.example.com');
ALTER SERVER mine OPTIONS (ADD ca_file '/etc/passwd');
ALTER SERVER mine OPTIONS (ADD proxy 'http://10.0.0.1:25');
CREATE USER MAPPING FOR regress_sfb_admin SERVER mine
	OPTIONS (client_id 'id', username 'u', private_key_file '/etc/passwd');
SET sfbulk_fdw.allowed_hosts = '*';
SET sfbulk_fdw.cleanup_timeout = '1s';
DO $$
BEGIN
	SET sfbulk_fdw.no_such_setting = 1;
	-- before that, PostgreSQL has no reserved prefixes
	IF current_setting('server_version_num')::integer >= 150000 THEN
		RAISE 'a setting that does not exist was accepted';
	END IF;
EXCEPTION WHEN invalid_name THEN
	NULL;
END $$;
RESET ROLE;

-- nor by setting it before the module is there to defend it
\c
SET SESSION AUTHORIZATION regress_sfb_admin;
SET sfbulk_fdw.allowed_hosts = '*';
ALTER SERVER mine OPTIONS (SET login_url 'https://collect.example.com');
SHOW sfbulk_fdw.allowed_hosts;
\c
SET client_min_messages = warning;

-- a superuser opens a host, for the session or for good
SET sfbulk_fdw.allowed_hosts = '*.salesforce.com,gateway.example.com  127.0.0.1';
SET ROLE regress_sfb_admin;
ALTER SERVER mine OPTIONS (SET login_url 'https://gateway.example.com');
ALTER SERVER mine OPTIONS (SET login_url 'https://other.gateway.example.com');
ALTER SERVER mine OPTIONS (SET login_url 'http://127.0.0.1:8080');
ALTER SERVER mine OPTIONS (SET login_url 'http://localhost:8080');
RESET ROLE;
SET sfbulk_fdw.allowed_hosts = '';
CREATE SERVER none FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (login_url 'https://login.salesforce.com');
SET sfbulk_fdw.allowed_hosts = '*';
CREATE SERVER anything FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (login_url 'https://sf.example.com');
CREATE SERVER plain FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (login_url 'http://sf.example.com');
RESET sfbulk_fdw.allowed_hosts;

-- and it is looked at again when it is used
CREATE USER MAPPING FOR PUBLIC SERVER anything OPTIONS (client_id 'id', client_secret 'hush-hush');
CREATE FOREIGN TABLE t_anything (id text) SERVER anything OPTIONS (object 'Account');
SELECT * FROM t_anything;
CREATE USER MAPPING FOR PUBLIC SERVER mine OPTIONS (client_id 'id', client_secret 'hush-hush');
CREATE FOREIGN TABLE t_mine (id text) SERVER mine OPTIONS (object 'Account');
SELECT * FROM t_mine;

-- a server of a superuser's that has changed hands
CREATE SERVER given FOREIGN DATA WRAPPER sfbulk_fdw
	OPTIONS (login_url 'http://127.0.0.1:1', ca_file '/nonexistent/ca.pem');
CREATE USER MAPPING FOR PUBLIC SERVER given OPTIONS (client_id 'id', client_secret 'hush-hush');
CREATE FOREIGN TABLE t_given (id text) SERVER given OPTIONS (object 'Account');
ALTER SERVER given OWNER TO regress_sfb_admin;
SELECT * FROM t_given;
ALTER SERVER given OPTIONS (SET login_url 'https://login.salesforce.com');
SELECT * FROM t_given;
ALTER SERVER given OPTIONS (DROP ca_file);
ALTER USER MAPPING FOR PUBLIC SERVER given
	OPTIONS (DROP client_secret, ADD username 'u', ADD private_key_file '/nonexistent/key.pem');
GRANT SELECT ON t_given TO regress_sfb_user;
SET ROLE regress_sfb_user;
SELECT * FROM t_given;
RESET ROLE;

-- files that are none
ALTER SERVER given OWNER TO CURRENT_USER;
SELECT * FROM t_given;
ALTER USER MAPPING FOR PUBLIC SERVER given OPTIONS (SET private_key_file '/etc');
SELECT * FROM t_given;

-- plain http is for this machine, and a proxy is elsewhere
ALTER SERVER given OPTIONS (SET login_url 'http://127.0.0.1:1', ADD proxy 'http://proxy.example.com:3128');
ALTER USER MAPPING FOR PUBLIC SERVER given OPTIONS (DROP private_key_file, DROP username, ADD client_secret 'hush-hush');
SELECT * FROM t_given;
ALTER SERVER given OPTIONS (DROP proxy);

-- credentials that are not complete, and those of a flow that was not meant
ALTER USER MAPPING FOR PUBLIC SERVER given OPTIONS (DROP client_secret);
SELECT * FROM t_given;
ALTER USER MAPPING FOR PUBLIC SERVER given OPTIONS (ADD auth 'soap', ADD password 'hush-hush');
SELECT * FROM t_given;
ALTER USER MAPPING FOR PUBLIC SERVER given OPTIONS (DROP password, SET auth 'access_token', ADD access_token '00D!hush');
SELECT * FROM t_given;
DROP USER MAPPING FOR PUBLIC SERVER given;
SET ROLE regress_sfb_user;
-- PostgreSQL 17 reworded "user mapping not found".
\set VERBOSITY sqlstate
SELECT * FROM t_given;
\set VERBOSITY default
RESET ROLE;

-- secrets are nobody's to see: not in plans, nor for those who may use the server
CREATE USER MAPPING FOR PUBLIC SERVER given
	OPTIONS (client_id 'id', client_secret 'hush-hush', username 'u', password 'hush-hush', security_token 'hush');
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM t_given WHERE id = '001000000000001AAA';
GRANT USAGE ON FOREIGN SERVER given TO regress_sfb_user;
SET ROLE regress_sfb_user;
SELECT srvname, umoptions FROM pg_user_mappings WHERE srvname = 'given';
RESET ROLE;

DROP SERVER mine, anything, given CASCADE;
REVOKE USAGE ON FOREIGN DATA WRAPPER sfbulk_fdw FROM regress_sfb_admin;
DROP ROLE regress_sfb_admin, regress_sfb_user;
