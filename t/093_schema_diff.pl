# Fields that are added, dropped and changed in Salesforce while there are foreign tables: what
# sfbulk_schema_diff says of them, and that its statements, run as they are, make the tables fit again.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SfTest;
use Test::More;

my $sim = sfsim_start(rows => { Account => 20, Contact => 20, Invoice__c => 20 });
my $node = node_start('main');
server_create($node, $sim);

sub schema
{
	my ($object, $field, %change) = @_;
	$sim->control('POST', 'schema', { object => $object, field => $field, %change });
	return;
}
sub hide { schema(@$_, hidden => JSON::PP::true) for @_; return; }
sub show { schema(@$_, hidden => JSON::PP::false) for @_; return; }

sub diff
{
	my ($table, $columns) = @_;
	return $node->safe_psql('postgres',
		'SELECT ' . ($columns // 'change, field, column_name, detail') . " FROM sfbulk_schema_diff('$table')");
}

# Runs every statement; there must be nothing left to do, and every column must be readable.
sub follow
{
	my ($table, $name) = @_;
	my @statements = split /\n/, diff($table, 'statement');
	my ($error) = psql_result($node, join ";\n", @statements);
	is($error && $error->{message}, undef, "$name: the statements run as they are") or diag join "\n", @statements;
	is(diff($table), '', "$name: then there is nothing left to do");
	my ($unread) = psql_result($node, "SELECT * FROM $table");
	is($unread && $unread->{message}, undef, "$name: and all columns can be read");
	return @statements;
}

# ---- a field that was not visible at the import, one that no longer is, others that have changed ----

hide([ 'Account', 'Region__c' ], [ 'Account', 'AnnualRevenue' ]);
tables_import($node, 'account');
is(diff('sf.account'), '', 'a table that has just been imported fits');
$sim->log_clear;
diff('sf.account');
is(scalar @{ $sim->log(qr{^POST .*/composite}) }, 1, 'one call tells');

show([ 'Account', 'Region__c' ], [ 'Account', 'AnnualRevenue' ]);
hide([ 'Account', 'Sic' ], [ 'Account', 'ParentId' ]);
schema('Account', 'Site', describe => { length => 120 });
schema('Account', 'Description', describe => { updateable => JSON::PP::false, createable => JSON::PP::false });
schema('Account', 'Phone', describe => { filterable => JSON::PP::false, sortable => JSON::PP::false,
	groupable => JSON::PP::false, aggregatable => JSON::PP::false });
schema('Account', 'NumberOfEmployees', describe => { type => 'double', scale => 2,
	groupable => JSON::PP::false });
is(diff('sf.account'), join("\n",
	'dropped|ParentId|parentid|no such field, or not visible to the user',
	'changed|Phone|phone|filterable: true, now false',
	'dropped|Sic|sic|no such field, or not visible to the user',
	'changed|NumberOfEmployees|numberofemployees|type: int, now double',
	'changed|Description|description|createable: true, now false, updateable: true, now false, length: 32000, now none',
	'changed|Site|site|length: 80, now 120',
	'added|AnnualRevenue|annualrevenue|currency',
	'added|Region__c|region__c|picklist'), 'all of it is listed');
my ($dropped) = psql_result($node, 'SELECT sic FROM sf.account');
like($dropped->{message}, qr/No such column 'Sic'/, 'a column of a field that is gone cannot be read');
my @statements = follow('sf.account', 'by an import');
is($statements[3], 'ALTER FOREIGN TABLE sf.account ALTER COLUMN numberofemployees TYPE numeric', 'another type');
is($statements[0], 'ALTER FOREIGN TABLE sf.account DROP COLUMN parentid', 'a column is dropped');
like($statements[-1], qr/^\QALTER FOREIGN TABLE sf.account ADD COLUMN region__c text OPTIONS (field 'Region__c', type 'picklist'\E/,
	'and added with its options');
$node->safe_psql('postgres', 'ALTER FOREIGN TABLE sf.account RENAME TO before');
tables_import($node, 'account');
is($node->safe_psql('postgres', q{
	SELECT attname, format_type(atttypid, atttypmod), ARRAY(SELECT unnest(attfdwoptions) ORDER BY 1) FROM pg_attribute
	 WHERE attrelid = 'sf.before'::regclass AND attnum > 0 AND NOT attisdropped
	EXCEPT SELECT attname, format_type(atttypid, atttypmod), ARRAY(SELECT unnest(attfdwoptions) ORDER BY 1) FROM pg_attribute
	 WHERE attrelid = 'sf.account'::regclass AND attnum > 0}), '', 'the table is what an import would make now');

# all of it is taken back
$sim->control('DELETE', 'schema');
follow('sf.account', 'the way back');

# ---- what was chosen at the import, guessed by what the columns look like ----

for (
	[ 'snake', { names => 'snake' } ],
	[ 'exact', { names => 'exact', numbers => 'float8', not_null => 'true', compound => 'true' } ])
{
	my ($name, $options) = @$_;
	hide(map { [ 'Invoice__c', $_ ] } qw(Close_Date__c Amount__c Is_Paid__c Tags__c));
	tables_import($node, 'invoice__c', { schema => $name, options => $options });
	show(map { [ 'Invoice__c', $_ ] } qw(Close_Date__c Amount__c Is_Paid__c Tags__c));
	my $table = $name eq 'exact' ? 'exact."Invoice__c"' : 'snake.invoice__c';
	follow($table, "names '$name'");
	$node->safe_psql('postgres', "CREATE SCHEMA ${name}_now");
	tables_import($node, 'invoice__c', { schema => "${name}_now", options => $options });
	is($node->safe_psql('postgres', qq{
		SELECT attname, format_type(atttypid, atttypmod), attnotnull, ARRAY(SELECT unnest(attfdwoptions) ORDER BY 1) FROM pg_attribute
		 WHERE attrelid = '${\($table =~ s/^$name/${name}_now/r)}'::regclass AND attnum > 0
		EXCEPT SELECT attname, format_type(atttypid, atttypmod), attnotnull, ARRAY(SELECT unnest(attfdwoptions) ORDER BY 1) FROM pg_attribute
		 WHERE attrelid = '$table'::regclass AND attnum > 0}), '', "names '$name': as an import with the same options");
}

# ---- one's own names, types and columns ----

$node->safe_psql('postgres', q{
	CREATE SCHEMA "my own";
	CREATE FOREIGN TABLE "my own"."an ""account""" (
		"the Id" text OPTIONS (field 'Id'),
		title varchar(255) OPTIONS (field 'name', length '255'),
		"how much?" float8 OPTIONS (field 'AnnualRevenue', type 'currency'),
		staff text OPTIONS (field 'NumberOfEmployees', type 'int'),
		born date OPTIONS (field 'CreatedDate', type 'datetime', createable 'false', updateable 'no'),
		boss text OPTIONS (field 'Owner.Name'),
		gone text OPTIONS (field 'Nix__r.Name'),
		phone text OPTIONS (field 'Phone', length '40', filterable 'on'),
		annualrevenue text OPTIONS (field 'Site', length '80')
	) SERVER sf OPTIONS (object 'Account')});
my $own = '"my own"."an ""account"""';
is($node->safe_psql('postgres', "SELECT change, column_name FROM sfbulk_schema_diff('$own') WHERE change <> 'added'"),
	'dropped|gone', 'what is understood stays as it is');
is($node->safe_psql('postgres', "SELECT count(*) FROM sfbulk_schema_diff('$own') WHERE field IN
	('Name', 'AnnualRevenue', 'NumberOfEmployees', 'CreatedDate', 'Phone', 'Site')"), '0', 'and is not there twice');
follow($own, 'own names');

# ---- copies that follow ----

hide([ 'Contact', 'Department' ]);
tables_import($node, 'contact');
$node->safe_psql('postgres', q{CALL sfbulk_sync('sf.contact', 'public.contact')});
my $copy = q{SELECT md5(string_agg(t::text, ' ' ORDER BY id)), (SELECT watermark FROM sfbulk_sync_state) FROM contact t};
my $before = $node->safe_psql('postgres', $copy);
my $fax = $node->safe_psql('postgres', q{SELECT count(fax) > 0, md5(string_agg(fax, ' ' ORDER BY id)) FROM contact});
show([ 'Contact', 'Department' ]);
hide([ 'Contact', 'Fax' ]);
schema('Contact', 'Title', describe => { length => 200 });

$sim->log_clear;
my ($stopped) = psql_result($node, q{CALL sfbulk_sync('sf.contact', 'contact', on_drift => 'error')});
is($stopped->{sqlstate}, 'HV021', "on_drift 'error': an error");
is($stopped->{message}, 'foreign table "contact" does not fit its Salesforce object any more', 'that says so');
like($stopped->{detail}, qr/^Field "Fax" was dropped/, 'and lists the changes');
like($stopped->{hint}, qr/^SELECT \* FROM sfbulk_schema_diff\('sf\.contact'\)/, 'and where the statements are');
is(scalar @{ $sim->log(qr{/query}) }, 0, 'nothing was asked for');

($stopped) = psql_result($node, q{CALL sfbulk_sync('sf.contact', 'contact')});
like($stopped->{message}, qr/No such column 'Fax'/i, "on_drift 'ignore': a field that is gone is an error, which names it");
is($node->safe_psql('postgres', $copy), $before, 'neither has changed anything');

# who does not own the foreign table gets no columns, and no error
$node->safe_psql('postgres', q{
	CREATE ROLE clerk LOGIN;
	GRANT USAGE ON SCHEMA sf TO clerk;
	GRANT SELECT ON sf.contact TO clerk;
	GRANT SELECT, INSERT, UPDATE, DELETE ON contact TO clerk;
	GRANT USAGE ON FOREIGN SERVER sf TO clerk});
$node->safe_psql('postgres', 'CREATE USER MAPPING FOR clerk SERVER sf OPTIONS (client_id '
	  . quote_sql($sim->env('SF_CLIENT_ID')) . ', client_secret ' . quote_sql($sim->env('SF_CLIENT_SECRET')) . ')');
my (undef, undef, $told) = psql_result($node, q{SET ROLE clerk; CALL sfbulk_sync('sf.contact', 'contact', on_drift => 'add')});
like($told, qr/no column was added for the new field "Department"\nDETAIL:  User "clerk" does not own "contact"/,
	"on_drift 'add': an owner has to do it");

($stopped, undef, $told) = psql_result($node, q{CALL sfbulk_sync('sf.contact', 'contact', on_drift => 'add')});
is($stopped && $stopped->{message}, undef, "on_drift 'add': the sync runs");
like($told, qr/WARNING:  HV021: field "$_->[0]" of foreign table "contact" was $_->[1]/, "$_->[0]: told")
  for [ 'Fax', 'dropped' ], [ 'Title', 'changed' ];
is($node->safe_psql('postgres', q{
	SELECT count(*) > 0, count(*) FILTER (WHERE c.department IS DISTINCT FROM f.department)
	  FROM contact c FULL JOIN sf.contact f USING (id)}), 't|0', 'the new column is there, in both, and all records have its values');
is($node->safe_psql('postgres', q{SELECT count(fax) > 0, md5(string_agg(fax, ' ' ORDER BY id)) FROM contact}), $fax,
	'the column of a field that is gone keeps what it had');
is(join(' ', split /\n/, diff('sf.contact', 'change, field')), 'dropped|Fax changed|Title', 'what is left to do');
follow('sf.contact', 'a copy');
$node->safe_psql('postgres', q{CALL sfbulk_sync('sf.contact', 'contact', on_drift => 'error')});
$sim->control('DELETE', 'schema');

# ---- who may, and what it is of ----

$node->safe_psql('postgres', q{
	CREATE ROLE reader LOGIN;
	CREATE FOREIGN TABLE sf.by_query (id text) SERVER sf OPTIONS (query 'SELECT Id FROM Account');
	CREATE FOREIGN TABLE sf.nothing (id text) SERVER sf OPTIONS (object 'Nothing__c');
	CREATE VIEW sf.view AS SELECT 1 AS one;
	CREATE FOREIGN DATA WRAPPER other;
	CREATE SERVER other FOREIGN DATA WRAPPER other;
	CREATE FOREIGN TABLE sf.other (id text) SERVER other});
for (
	[ 'sf.by_query', '42809', qr/foreign table "by_query" is not that of an object/ ],
	[ 'sf.view', '42809', qr/"view" is not a foreign table/ ],
	[ 'sf.other', '....[^0].*|.*', qr/foreign-data wrapper "other" has no handler|is not a Salesforce server/ ],
	[ 'sf.nothing', '.*', qr/Nothing__c/ ])
{
	my ($table, $sqlstate, $message) = @$_;
	my ($error) = psql_result($node, "SELECT * FROM sfbulk_schema_diff('$table')");
	like($error->{sqlstate}, qr/^(?:$sqlstate)$/, "$table: an error") or next;
	like($error->{message}, $message, "$table: that says so");
}
my ($denied) = psql_result($node, "SET ROLE reader; SELECT * FROM sfbulk_schema_diff('sf.account')");
is($denied->{sqlstate}, '42501', 'who may not use the server may not ask');
$node->safe_psql('postgres', 'GRANT USAGE ON FOREIGN SERVER sf TO reader; GRANT USAGE ON SCHEMA sf TO reader');
($denied) = psql_result($node, "SET ROLE reader; SELECT * FROM sfbulk_schema_diff('sf.account')");
like($denied->{message}, qr/user mapping not found/, 'and not with the login of another user');

$node->stop;
done_testing();
