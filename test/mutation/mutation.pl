# mutation.pl - reads test/mutation/rules for scripts/mutate.
#
#	perl mutation.pl list RULES						NUMBER, NAME and tests of each rule, with tabs between
#	perl mutation.pl show RULES NUMBER				its edits in one line
#	perl mutation.pl apply RULES NUMBER TREE		makes the edits; prints the files that it has changed
#
# An edit's old lines have to be in the file once; blanks in them stand for any.

use strict;
use warnings;

my ($command, $rules, $number, $tree) = @ARGV;
my @rules;
open my $in, '<', $rules or die "$rules: $!\n";
while (<$in>)
{
	chomp;
	next if /^#/ || !/\S/;
	if (/^rule (.+)/) { push @rules, { name => $1, edits => [], tests => '091_exactness' }; }
	elsif (/^test (.+)/) { $rules[-1]{tests} = $1; }
	elsif (/^file (.+)/) { push @{ $rules[-1]{edits} }, { file => $1, old => [], new => [] }; }
	elsif (/^([-+])(?: (.*))?$/)
	{
		my $edit = $rules[-1]{edits}[-1];
		if ($1 eq '-' && @{ $edit->{new} })
		{
			$edit = { file => $edit->{file}, old => [], new => [] };
			push @{ $rules[-1]{edits} }, $edit;
		}
		push @{ $edit->{ $1 eq '-' ? 'old' : 'new' } }, $2 // '';
	}
	else { die "$rules:$.: $_\n"; }
}
close $in;

if ($command eq 'list')
{
	print join("\t", $_ + 1, @{ $rules[$_] }{qw(name tests)}), "\n" for 0 .. $#rules;
	exit 0;
}

my $rule = $rules[ $number - 1 ] or die "there is no rule $number\n";
if ($command eq 'show')
{
	my $text = join '; ', map {
		my ($old, $new) = map { join(' ', @$_) =~ s/\s+/ /gr =~ s/^ | $//gr } @$_{qw(old new)};
		"`$_->{file}`: `$old` → `$new`" =~ s/\|/\\|/gr;
	} @{ $rule->{edits} };
	print "$text\n";
	exit 0;
}

my %texts;
for my $edit (@{ $rule->{edits} })
{
	my $file = "$tree/$edit->{file}";
	if (!defined $texts{$file})
	{
		open my $source, '<', $file or die "$file: $!\n";
		local $/;
		$texts{$file} = <$source>;
	}
	my $pattern = join '\s*\n\s*', map { join '\s+', map { quotemeta } split ' ' } @{ $edit->{old} };
	my $count = () = $texts{$file} =~ /$pattern/g;
	die "$rule->{name}: the lines are $count times in $edit->{file}, not once\n" if $count != 1;
	$texts{$file} =~ s/$pattern/join "\n", @{ $edit->{new} }/e;
}
for my $file (sort keys %texts)
{
	open my $out, '>', $file or die "$file: $!\n";
	print $out $texts{$file};
	close $out or die "$file: $!\n";
	print "$file\n";
}
