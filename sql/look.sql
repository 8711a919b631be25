--
-- What the org is: limits, objects, fields, as rows.
--
\set abs_srcdir `echo "$PG_ABS_SRCDIR"`
\set connect :abs_srcdir '/sql/connect.inc'
\i :connect
SELECT p.proname, d.description, p.provolatile, p.proparallel
  FROM pg_proc p LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
 WHERE p.proname IN ('sfbulk_limits', 'sfbulk_objects', 'sfbulk_fields')
 ORDER BY 1;

-- limits
SELECT count(*) AS before FROM pg_temp.requests('/limits$') \gset
SELECT name, part, max > 0 AS max, used = max - remaining AS used, percent_used = round(used * 100.0 / max, 1) AS percent
  FROM sfbulk_limits('sf') WHERE name IN ('DailyApiRequests', 'DailyBulkV2QueryJobs', 'PermissionSets') ORDER BY 1, 2 NULLS FIRST;
SELECT * FROM sfbulk_limits('sf') WHERE name = 'MonthlyPlatformEventsUsageEntitlement' OR part IS NOT NULL;
SELECT count(*) - :before AS calls FROM pg_temp.requests('/limits$');

-- objects
SELECT * FROM sfbulk_objects('sf') WHERE object IN ('Account', 'Organization') ORDER BY 1;
SELECT count(*) > 20 AS many, bool_and(label IS NOT NULL) AS labels FROM sfbulk_objects('sf');

-- fields
SELECT field, type, pg_type, length, byte_length, precision, scale, digits, nillable FROM sfbulk_fields('sf', 'Opportunity')
 WHERE field IN ('Id', 'Amount', 'CloseDate', 'IsWon', 'Probability', 'StageName', 'LastModifiedDate') ORDER BY position;
SELECT field, createable AS c, updateable AS u, defaulted AS d, filterable AS f, sortable AS s, groupable AS g,
	   aggregatable AS a, case_sensitive AS cs, name_field AS n, id_lookup AS l, "unique" AS q, external_id AS e, custom
  FROM sfbulk_fields('sf', 'account')
 WHERE field IN ('Id', 'Name', 'Description', 'AnnualRevenue', 'IsDeleted') ORDER BY position;
SELECT field, picklist[1:2], restricted_picklist, reference_to, relationship, cascade_delete
  FROM sfbulk_fields('sf', 'Task') WHERE field IN ('WhoId', 'OwnerId', 'Priority', 'Subject') ORDER BY position;
SELECT field, type, pg_type, compound_field FROM sfbulk_fields('sf', 'Account')
 WHERE type = 'address' OR field = 'BillingCity' ORDER BY position;
SELECT count(*) = max(position) AND min(position) = 1 AS positions FROM sfbulk_fields('sf', 'Account');
-- what the import makes of them
IMPORT FOREIGN SCHEMA salesforce LIMIT TO ("Account", "Contact", "Task") FROM SERVER sf INTO sf;
SELECT o.object, count(*) > 20 AS many, count(*) FILTER (WHERE format_type(a.atttypid, a.atttypmod) IS DISTINCT FROM f.pg_type) AS other
  FROM (VALUES ('Account'), ('Contact'), ('Task')) o(object) CROSS JOIN LATERAL sfbulk_fields('sf', o.object) f
  LEFT JOIN pg_attribute a ON a.attrelid = ('sf.' || lower(o.object))::regclass AND a.attfdwoptions @> ARRAY['field=' || f.field]
 GROUP BY 1 ORDER BY 1;

-- what is refused
SELECT * FROM sfbulk_fields('sf', 'Nothing');
SELECT * FROM sfbulk_fields('sf', '../limits');
SELECT * FROM sfbulk_fields('sf', '');
SELECT * FROM sfbulk_fields('sf', NULL);
SELECT * FROM sfbulk_fields(NULL, 'Account');
SELECT * FROM sfbulk_limits('nowhere');
SELECT * FROM sfbulk_objects(NULL);

-- rights: the server, and a mapping of one's own
CREATE ROLE regress_sfb_looker;
SET ROLE regress_sfb_looker;
SELECT * FROM sfbulk_limits('sf');
SELECT * FROM sfbulk_objects('sf');
SELECT * FROM sfbulk_fields('sf', 'Account');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER sf TO regress_sfb_looker;
SET ROLE regress_sfb_looker;
\set VERBOSITY sqlstate
SELECT * FROM sfbulk_limits('sf');
SELECT * FROM sfbulk_objects('sf');
SELECT * FROM sfbulk_fields('sf', 'Account');
\set VERBOSITY default
RESET ROLE;
CREATE USER MAPPING FOR regress_sfb_looker SERVER sf OPTIONS (client_id :'client_id', client_secret :'client_secret');
SET ROLE regress_sfb_looker;
SELECT count(*) FROM sfbulk_fields('sf', 'Account') WHERE field = 'Name';
RESET ROLE;
DROP USER MAPPING FOR regress_sfb_looker SERVER sf;
REVOKE USAGE ON FOREIGN SERVER sf FROM regress_sfb_looker;
DROP ROLE regress_sfb_looker;

DROP SERVER sf CASCADE;
DROP SCHEMA sf CASCADE;
