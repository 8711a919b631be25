--
-- IMPORT FOREIGN SCHEMA: what is refused before anybody is asked.  No network.
--
SET client_min_messages = warning;
CREATE SERVER sf FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (login_url 'https://acme.my.salesforce.com');
CREATE SCHEMA imported;

IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (nonsense 'x');
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (name 'lower');
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (transport 'bulk');
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (names 'upper');
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (names 'snakes');
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (numbers 'integer');
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (multipicklist 'json');
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (custom_only 'perhaps');
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (compound '');
IMPORT FOREIGN SCHEMA salesforce FROM SERVER sf INTO imported OPTIONS (not_null '2');

-- who asks: nobody, or somebody without credentials, or without rights
CREATE ROLE regress_sfb_import;
GRANT ALL ON SCHEMA imported TO regress_sfb_import;
SET ROLE regress_sfb_import;
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account) FROM SERVER sf INTO imported;
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER sf TO regress_sfb_import;
SET ROLE regress_sfb_import;
-- PostgreSQL 17 reworded "user mapping not found".
\set VERBOSITY sqlstate
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account) FROM SERVER sf INTO imported;
\set VERBOSITY default
RESET ROLE;
CREATE USER MAPPING FOR regress_sfb_import SERVER sf OPTIONS (username 'u');
SET ROLE regress_sfb_import;
IMPORT FOREIGN SCHEMA salesforce LIMIT TO (account) FROM SERVER sf INTO imported;
RESET ROLE;

DROP SERVER sf CASCADE;
DROP SCHEMA imported;
DROP ROLE regress_sfb_import;
