# Statements that write: what they send, what they give back, how many rows they say they have written.
use strict;
use warnings;

use JSON::PP;
use SfPsql;
use SfTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $sim = sfsim_start(rows => { Account => 6, Contact => 0, Campaign => 0, Lead => 3 });
my $node = node_start('write_statements');
my $c;
my $json = JSON::PP->new->canonical->utf8(0);

server_create($node, $sim);
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA sf;
CREATE FOREIGN TABLE sf.acc (
	id text,
	name text,
	rating text OPTIONS (type 'picklist'),
	industry text OPTIONS (type 'picklist'),
	revenue numeric OPTIONS (field 'AnnualRevenue', type 'currency'),
	employees integer OPTIONS (field 'NumberOfEmployees', type 'int'),
	ext text OPTIONS (field 'External_Key__c'),
	created timestamptz OPTIONS (field 'CreatedDate', type 'datetime', createable 'false', updateable 'false'),
	parentid text OPTIONS (type 'reference'),
	parent text OPTIONS (field 'Parent.External_Key__c')
) SERVER sf OPTIONS (object 'Account');
CREATE TABLE results (n bigint);
SQL
$c = SfPsql->new($node);

# What was sent since the log was cleared, one text for each request that writes: method, what for, and the
# records as JSON, the keys in order, ids as they are.
sub sent
{
	my @sent;
	for (@{ $sim->log(qr{^(?:POST|PATCH|PUT|DELETE) }) })
	{
		my $path = $_->{path} =~ s{^/services/data/v[\d.]+/}{}r;
		if ($path =~ m{^composite/sobjects/?(.*)})
		{
			my $for = $1;
			if ($_->{method} eq 'DELETE')
			{
				my ($ids) = $_->{query} =~ /ids=([^&]*)/;
				push @sent, "DELETE " . ($ids =~ s/%2C/,/gir);
				next;
			}
			my $body = decode_json($_->{body});
			my @records = map {
				my %r = %$_;
				my $type = (delete $r{attributes})->{type};
				$r{Id} = delete $r{id} if exists $r{id};
				"$type " . $json->encode({ map { lc $_ => $r{$_} } keys %r });
			} @{ $body->{records} };
			push @sent, join ' ', $_->{method}, $for || (), join '; ', @records;
		}
		elsif ($path =~ m{^jobs/ingest} && $_->{method} =~ /POST|PUT/)
		{
			my $body = $_->{body};
			$body = $json->encode({ map { $_ => decode_json($body)->{$_} }
				  grep { defined decode_json($body)->{$_} } qw(object operation externalIdFieldName) })
			  if $_->{method} eq 'POST';
			push @sent, "$_->{method} " . ($_->{method} eq 'PUT' ? $body =~ s/"//gr : $body);
		}
	}
	$sim->log_clear;
	return \@sent;
}

# Runs a statement that must succeed; its rows.
sub run
{
	my ($sql) = @_;
	my $r = $c->query($sql);
	is($r->{error} && "$r->{error}{sqlstate} $r->{error}{message}", undef, "no error: $sql")
	  or diag($r->{messages});
	return $r->{rows};
}

# The rows of a statement as psql's ROW_COUNT tells them: its command tag.
sub tag
{
	my ($sql) = @_;
	my $r = $c->query("$sql\n;\n\\echo tag :ROW_COUNT");
	is($r->{error} && "$r->{error}{sqlstate} $r->{error}{message}", undef, "no error: $sql")
	  or diag($r->{messages});
	return $1 if $r->{rows} =~ /^tag (\d+)$/m;
	return;
}

# COPY of a text.
sub copy
{
	my ($target, $data) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/data';
	append_to_file($file, $data);
	return run("COPY $target FROM '$file'");
}

sub fails
{
	my ($sql, $sqlstate, $message) = @_;
	my $r = $c->query($sql);
	is($r->{error} && $r->{error}{sqlstate}, $sqlstate, "SQLSTATE: $sql") or diag($r->{messages});
	like($r->{error} && $r->{error}{message}, $message, 'message');
	return $r->{error};
}

# Accounts of the org whose names are like that, each column by a question of its own.
sub org
{
	my ($like, $columns) = @_;
	my $rows = run("SELECT $columns FROM sf.acc WHERE name LIKE '$like' ORDER BY name");
	$sim->log_clear;
	return $rows;
}

my @ids = split /\n/, run('SELECT id FROM sf.acc ORDER BY id');
$sim->log_clear;

subtest 'INSERT' => sub {
	is(tag("INSERT INTO sf.acc (name, rating) VALUES ('i1', 'Hot'), ('i2', NULL)"), 2, 'tag');
	is_deeply(sent(),
		[ 'POST Account {"name":"i1","rating":"Hot"}; Account {"name":"i2"}' ],
		'only what is named; NULL is no value');
	is(tag("INSERT INTO sf.acc (employees, name) SELECT n, 'i' || n FROM generate_series(3, 5) n"),
		3, 'tag of INSERT SELECT');
	is_deeply(sent(), [ 'POST ' . join '; ',
			map { qq(Account {"name":"i$_","numberofemployees":$_}) } 3 .. 5 ], 'in one call');
	is(org('i_', 'name, rating, employees'), "i1|Hot|\ni2||\ni3||3\ni4||4\ni5||5", 'in the org');
	is(tag("INSERT INTO sf.acc (name) SELECT 'x' WHERE false"), 0, 'no row');
	is_deeply(sent(), [], 'and no call');
};

subtest 'UPDATE and DELETE' => sub {
	is(tag("UPDATE sf.acc SET rating = 'Cold', employees = employees + 1 WHERE name = 'i3'"), 1,
		'tag');
	my ($id) = org('i3', 'id');
	is_deeply(sent(), [], 'looking sends nothing');
	is(tag("UPDATE sf.acc SET industry = NULL, rating = '' WHERE id = '$id'"), 1, 'tag');
	is_deeply(sent(),
		[ qq(PATCH Account {"id":"$id","industry":null,"rating":null}) ], 'NULL is null');
	is(run("UPDATE sf.acc SET rating = lower(name) WHERE id = '$id' RETURNING name, rating, id, employees"),
		"i3|i3|$id|4", 'RETURNING gives the local row');
	$sim->log_clear;
	is(run("DELETE FROM sf.acc WHERE id = '$id' RETURNING name, employees"),
		'i3|4', 'DELETE gives the row that was deleted');
	is_deeply(sent(), ["DELETE $id"], 'by the Id');
	is(org('i3', 'id'), '', 'gone');
	is(tag("DELETE FROM sf.acc WHERE name = 'nobody'"), 0, 'no row');
	is_deeply(sent(), [], 'no call');
};

subtest 'joins' => sub {
	run('CREATE TEMP TABLE j (id text, n integer); INSERT INTO j SELECT id, n FROM (SELECT unnest(ARRAY['
		  . join(',', map { "'$_'" } @ids[ 0, 1 ])
		  . ']) AS id) a, generate_series(1, 3) n');
	is(tag('UPDATE sf.acc a SET employees = 70 + j.n FROM (SELECT * FROM j ORDER BY id, n) j WHERE a.id = j.id'),
		2, 'a record that a join finds three times is updated once');
	is_deeply([ map { scalar(() = /"id"/g) } @{ sent() } ], [2], 'and sent once');
	run("UPDATE sf.acc a SET employees = 5 FROM sf.acc b WHERE a.id = b.id AND a.id = '$ids[0]'");
	is_deeply(sent(), [qq(PATCH Account {"id":"$ids[0]","numberofemployees":5})], 'self join');
	run("INSERT INTO sf.acc (name) VALUES ('d1'), ('d2')");
	is(run("DELETE FROM sf.acc a USING generate_series(1, 3) n WHERE a.name IN ('d1', 'd2') RETURNING a.name, a.rating"),
		"d1|\nd2|", 'DELETE USING');
	is(org('d_', 'id'), '', 'gone');
};

subtest 'RETURNING of INSERT' => sub {
	my ($id, $name) =
	  split /\|/, run("INSERT INTO sf.acc (name) VALUES ('r1') RETURNING id, name");
	is_deeply(sent(), ['POST Account {"name":"r1"}'], 'one row');
	is($name, 'r1', 'the row');
	is(org('r1', 'id'), $id, 'the Id');

	# nothing more than the Id and what was sent: the record is not read
	run("INSERT INTO sf.acc (name, ext) VALUES ('r2', 'k2') RETURNING id, ext, name");
	is(scalar @{ $sim->log(qr{^GET .*/query}) }, 0, 'not read back');
	$sim->log_clear;

	like(run("INSERT INTO sf.acc (name, rating) VALUES ('  r3  ', 'Hot') RETURNING '<' || name || '>', created IS NOT NULL, rating"),
		qr/^<r3>\|t\|Hot$/, 'what Salesforce made of it');
	my ($read) = map { $_->{query} } @{ $sim->log(qr{^GET .*/query}) };
	like($read, qr/^q=SELECT%20name%2C%20rating%2C%20CreatedDate%20FROM/, 'read back: what RETURNING wants');
	sent();

	is(run("INSERT INTO sf.acc (name) SELECT 'r4' || n FROM generate_series(1, 3) n RETURNING name"),
		"r41\nr42\nr43", 'several');
	is(scalar @{ sent() }, 3, 'one by one');
	is(org('r4_', 'name'), "r41\nr42\nr43", 'in the org');
	is(run("WITH i AS (INSERT INTO sf.acc (name) VALUES ('r5') RETURNING id) SELECT count(id) FROM i"), 1, 'in a CTE');
	like(run("DO \$\$ DECLARE x text; BEGIN INSERT INTO sf.acc (name) VALUES ('r6') RETURNING id INTO STRICT x; "
			  . "IF length(x) <> 18 THEN RAISE 'no id: %', x; END IF; END \$\$"),
		qr/^$/, 'in PL/pgSQL');
};

subtest 'upsert' => sub {
	$sim->log_clear;
	run(q{ALTER FOREIGN TABLE sf.acc OPTIONS (ADD upsert_key 'External_Key__c')});
	is(tag(q{INSERT INTO sf.acc (ext, name) VALUES ('u1', 'u1'), ('u2', 'u2')}), 2, 'tag');
	is_deeply(sent(),
		[ 'PATCH Account/External_Key__c Account {"external_key__c":"u1","name":"u1"}; '
			  . 'Account {"external_key__c":"u2","name":"u2"}' ],
		'by the external id');
	like(run(q{INSERT INTO sf.acc (ext, name) VALUES ('u2', 'u2 again') RETURNING id}), qr/^001/, 'Id of a record that was there');
	is(org('u%', 'name, ext'), "u1|u1\nu2 again|u2", 'updated and not inserted');
	fails(q{INSERT INTO sf.acc (ext, name) VALUES ('u3', 'u3'), (NULL, 'u4')}, '23502', qr/column "ext"/);
	is(org('u3', 'name'), '', 'nothing was sent');
	run(q{ALTER FOREIGN TABLE sf.acc OPTIONS (DROP upsert_key)});
};

subtest 'lookups by external id' => sub {
	run(q{INSERT INTO sf.acc (name, ext) VALUES ('p1', 'p1')});
	sent();
	run(q{INSERT INTO sf.acc (name, parent) VALUES ('p2', 'p1')});
	is_deeply(sent(),
		['POST Account {"name":"p2","parent":{"External_Key__c":"p1"}}'], 'INSERT');
	is(org('p2', 'parent'), 'p1', 'the parent');
	is(org('p2', 'parentid'), org('p1', 'id'), 'by its Id');
	my $id = org('p2', 'id');
	run(q{INSERT INTO sf.acc (name, ext) VALUES ('p3', 'p3')});
	run("UPDATE sf.acc SET parent = 'p3' WHERE id = '$id'");
	is(org('p2', 'parent'), 'p3', 'UPDATE');
};

subtest 'triggers and generated columns' => sub {
	run(q{
CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.industry := 'Media'; IF NEW.name = 'skip' THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TABLE seen (what text, old text, new text);
CREATE FUNCTION after_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO seen VALUES (TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN OLD.name || '/' || coalesce(OLD.industry, '-') END,
	CASE WHEN TG_OP <> 'DELETE' THEN NEW.name || '/' || coalesce(NEW.industry, '-') END); RETURN NULL; END $$;
CREATE TRIGGER b BEFORE INSERT OR UPDATE ON sf.acc FOR EACH ROW EXECUTE FUNCTION before_row();
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON sf.acc FOR EACH ROW EXECUTE FUNCTION after_row()});
	is(tag(q{INSERT INTO sf.acc (name) VALUES ('t1'), ('skip')}), 1, 'a row that a trigger takes out');
	is_deeply(sent(), ['POST Account {"industry":"Media","name":"t1"}'], 'what a trigger sets is sent');
	is(tag(q{UPDATE sf.acc SET name = 't2' WHERE name = 't1'}), 1, 'UPDATE');
	like(sent()->[0], qr/"industry":"Media".*"name":"t2".*"rating":null/, 'every column is sent');
	run(q{DELETE FROM sf.acc WHERE name = 't2'});
	is(run('SELECT * FROM seen'), "INSERT||t1/Media\nUPDATE|t1/Media|t2/Media\nDELETE|t2/Media|", 'what triggers see');
	run(q{CREATE OR REPLACE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN NEW.id := '001000000000001AAA'; RETURN NEW; END $$});
	$sim->log_clear;
	fails(q{UPDATE sf.acc SET name = 't3' WHERE name = 'i1'}, '27000', qr/changed column "id"/);
	is_deeply(sent(), [], 'nothing was sent');
	run('DROP TRIGGER a ON sf.acc; DROP TRIGGER b ON sf.acc');

	run(q{CREATE FOREIGN TABLE sf.gen (id text, name text, site text GENERATED ALWAYS AS (upper(name)) STORED)
		SERVER sf OPTIONS (object 'Account')});
	run(q{INSERT INTO sf.gen (name) VALUES ('g1')});
	is_deeply(sent(), ['POST Account {"name":"g1","site":"G1"}'], 'generated');
	run(q{UPDATE sf.gen SET name = 'g2' WHERE name = 'g1'});
	like(sent()->[0], qr/"name":"g2","site":"G2"/, 'generated anew');
};

subtest 'views' => sub {
	run(q{CREATE VIEW v AS SELECT name, rating, employees FROM sf.acc WHERE rating = 'Hot' WITH CHECK OPTION});
	$sim->log_clear;
	fails(q{INSERT INTO v (name, rating) VALUES ('v1', 'Hot'), ('v2', 'Cold')}, '44000', qr/check option/);
	is_deeply(sent(), [], 'nothing was sent');
	fails(q{INSERT INTO v (name, rating) VALUES ('v2', 'Cold') RETURNING name}, '44000', qr/check option/);
	is_deeply(sent(), [], 'nothing was sent one by one');
	fails(q{UPDATE v SET rating = 'Cold'}, '44000', qr/check option/);
	is_deeply(sent(), [], 'nothing was changed');
	is(tag(q{INSERT INTO v (name, rating) VALUES ('v1', 'Hot')}), 1, 'what fits');
	is(tag(q{UPDATE v SET employees = 9 WHERE name = 'v1'}), 1, 'UPDATE');
	is(org('v_', 'name, rating, employees'), 'v1|Hot|9', 'in the org');

	# the mapping of the view's owner, not of who runs the statement
	run(q{CREATE ROLE bob LOGIN; GRANT ALL ON v TO bob; GRANT USAGE ON SCHEMA sf TO bob; GRANT ALL ON sf.acc TO bob});
	my $bob = SfPsql->new($node, user => 'bob');
	is($bob->query(q{UPDATE v SET employees = 10 WHERE name = 'v1'})->{error}, undef, 'as the owner');
	is(org('v_', 'employees'), '10', 'in the org');
	is($bob->query(q{INSERT INTO sf.acc (name) VALUES ('b')})->{error}{sqlstate}, '42704', 'no mapping of his own');
	$bob->close;
};

subtest 'COPY and partitions' => sub {
	copy('sf.acc (name, employees)', "c1\t1\nc2\t\\N\n");
	is_deeply(sent(), ['POST Account {"name":"c1","numberofemployees":1}; Account {"name":"c2"}'], 'COPY');
	run(q{
CREATE TABLE parted (kind text, name text, rating text) PARTITION BY LIST (rating);
CREATE TABLE local PARTITION OF parted FOR VALUES IN ('Cold');
CREATE FOREIGN TABLE sf.hot (gone text, rating text, kind text OPTIONS (field 'Type'), name text)
	SERVER sf OPTIONS (object 'Account');
ALTER FOREIGN TABLE sf.hot DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION sf.hot FOR VALUES IN ('Hot')});
	is(tag(q{INSERT INTO parted (rating, name) VALUES ('Hot', 'h1'), ('Cold', 'c'), ('Hot', 'h2')}), 3, 'routed');
	is_deeply(sent(), ['POST Account {"name":"h1","rating":"Hot"}; Account {"name":"h2","rating":"Hot"}'], 'what is named, mapped');
	copy('parted (name, rating)', "h3\tHot\nc\tCold\n");
	is_deeply(sent(), ['POST Account {"name":"h3","rating":"Hot"}'], 'COPY, routed');
	is(run(q{INSERT INTO parted (rating, name) VALUES ('Hot', 'h4') RETURNING name, rating}), 'h4|Hot', 'RETURNING, routed');
	sent();
	is(tag(q{UPDATE parted SET rating = 'Hot', kind = 'Other' WHERE rating = 'Cold' AND ctid = '(0,1)'}), 1, 'a row moves');
	is_deeply(sent(), ['POST Account {"name":"c","rating":"Hot","type":"Other"}'], 'all of it');
	is(run(q{SELECT count(*) FROM local}), 1, 'it is not where it was');

	# partitions of several servers, in one statement
	run(q{
CREATE SERVER sf2 FOREIGN DATA WRAPPER sfbulk_fdw OPTIONS (login_url '} . $sim->url . q{');
CREATE USER MAPPING FOR CURRENT_USER SERVER sf2 OPTIONS (client_id '} . $sim->env('SF_CLIENT_ID')
		  . q{', client_secret '} . $sim->env('SF_CLIENT_SECRET') . q{');
CREATE FOREIGN TABLE sf.warm PARTITION OF parted FOR VALUES IN ('Warm') SERVER sf2 OPTIONS (object 'Account')});
	run('ALTER FOREIGN TABLE sf.warm ALTER kind OPTIONS (ADD field \'Type\')');
	sent();
	is(tag(q{INSERT INTO parted (rating, name) VALUES ('Hot', 's1'), ('Warm', 's2'), ('Cold', 's3')}), 3, 'two servers');
	is_deeply([ sort @{ sent() } ],
		[ 'POST Account {"name":"s1","rating":"Hot"}', 'POST Account {"name":"s2","rating":"Warm"}' ], 'a call for each');

	# where it moves to must not be what the same statement updates
	run(q{
CREATE TABLE mixed (name text, rating text, id text) PARTITION BY LIST (rating);
CREATE TABLE mixed_local PARTITION OF mixed FOR VALUES IN ('Cold');
CREATE FOREIGN TABLE sf.mixed_hot PARTITION OF mixed
	FOR VALUES IN ('Hot') SERVER sf OPTIONS (object 'Account');
INSERT INTO mixed_local VALUES ('b1', 'Cold')});
	$sim->log_clear;
	fails(q{UPDATE mixed SET rating = 'Hot' WHERE name = 'b1'}, '0A000', qr/cannot route tuples/);
	is_deeply(sent(), [], 'nothing was sent');
};

subtest 'plans' => sub {
	run(q{PREPARE u (text, integer) AS UPDATE sf.acc SET employees = $2 WHERE name = $1});
	run(q{SET plan_cache_mode = force_generic_plan});
	is(tag("EXECUTE u ('c1', $_)"), 1, "execution $_") for 1 .. 3;
	is(org('c1', 'employees'), '3', 'the last one');
	run('RESET plan_cache_mode; DEALLOCATE u');
	is(run(q{WITH u AS (UPDATE sf.acc SET employees = 4 WHERE name = 'c1' RETURNING name),
		d AS (DELETE FROM sf.acc WHERE name = 'c2')
		SELECT * FROM u}), 'c1', 'CTEs');
	is(org('c_', 'name, employees'), 'c1|4', 'both were run');
	is(run(q{EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) UPDATE sf.acc SET employees = 5 WHERE name = 'c1'}) =~ /rows=1/, 1,
		'EXPLAIN ANALYZE');
	is(org('c1', 'employees'), '5', 'does it');
	sent();
	run(q{EXPLAIN UPDATE sf.acc SET employees = 6 WHERE name = 'c1'});
	is_deeply(sent(), [], 'EXPLAIN does not');
};

subtest 'rows that are rejected' => sub {
	run(q{ALTER SERVER sf OPTIONS (ADD on_error 'ignore')});
	# a name is required
	is(tag(q{INSERT INTO sf.acc (name, rating) VALUES ('e1', 'Hot'), (NULL, 'Hot'), ('e2', NULL)}), 2, 'the tag tells the truth');
	is(org('e_', 'name'), "e1\ne2", 'in the org');
	run(q{CREATE FUNCTION count_insert() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN INSERT INTO sf.acc (name) VALUES ('e3'), (NULL); GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END $$});
	is(run('SELECT count_insert()'), 1, 'and so does ROW_COUNT');
	is(run(q{INSERT INTO sf.acc (name) VALUES ('e4'), (NULL), ('e5') RETURNING name}), "e4\ne5", 'RETURNING gives the others');
	is(tag(q{INSERT INTO sf.acc (name) VALUES ('e6'), (NULL) RETURNING name}), 1, 'and counts them');
	is(tag(q{UPDATE sf.acc SET name = nullif(name, 'e4') WHERE name LIKE 'e_'}), 5, 'UPDATE');
	is(tag(q{WITH i AS (INSERT INTO sf.acc (name) VALUES (NULL)) INSERT INTO results VALUES (1), (2)}), 2,
		'the tag is the main statement\'s');
	copy('sf.acc (name)', "e7\n\\N\n");
	is(org('e7', 'name'), 'e7', 'COPY');
	run(q{ALTER SERVER sf OPTIONS (DROP on_error)});
	fails(q{INSERT INTO sf.acc (name) VALUES (NULL), ('e8')}, '23502', qr/./);
	is(org('e8', 'name'), '', 'all or none');
};

subtest 'DELETE for good, TRUNCATE' => sub {
	$sim->set(hard_delete => JSON::PP::true);
	run(q{ALTER FOREIGN TABLE sf.acc OPTIONS (ADD hard_delete 'true')});
	$sim->log_clear;
	my $id = org('i1', 'id');
	is(tag(q{DELETE FROM sf.acc WHERE name = 'i1'}), 1, 'tag');
	is_deeply(sent(), [ 'POST {"object":"Account","operation":"hardDelete"}', "PUT id\n$id\n" ], 'a job');
	run(q{ALTER FOREIGN TABLE sf.acc OPTIONS (DROP hard_delete)});

	run(q{CREATE FOREIGN TABLE sf.campaign (name text) SERVER sf OPTIONS (object 'Campaign', truncatable 'true');
		CREATE FOREIGN TABLE sf.lead (lastname text) SERVER sf OPTIONS (object 'Lead', truncatable 'true');
		INSERT INTO sf.campaign SELECT 'c' || n FROM generate_series(1, 5) n});
	$sim->log_clear;
	run('TRUNCATE sf.campaign, sf.lead CASCADE');
	is(run('SELECT (SELECT count(*) FROM sf.campaign), (SELECT count(*) FROM sf.lead)'), '0|0', 'all gone');
	is(scalar(grep { /^DELETE/ } @{ sent() }), 2, 'a call for each');
	run('TRUNCATE sf.campaign');
	is_deeply(sent(), [], 'nothing to delete');

	run(q{INSERT INTO sf.campaign SELECT 'c' || n FROM generate_series(1, 5) n;
		ALTER FOREIGN TABLE sf.campaign OPTIONS (ADD apply 'commit')});
	run('BEGIN; TRUNCATE sf.campaign; ROLLBACK');
	is(run('SELECT count(*) FROM sf.campaign'), 5, 'rolled back');
	run('BEGIN; TRUNCATE sf.campaign; COMMIT');
	is(run('SELECT count(*) FROM sf.campaign'), 0, 'committed');
};

is_deeply($sim->jobs, [], 'no job is left');
$c->close;
$node->stop;
done_testing();
