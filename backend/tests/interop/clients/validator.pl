# The validator's methods by RPC::XML: arguments come as JSON on standard input, results go out the same way.
use strict;
use warnings;
use JSON::PP;
use RPC::XML;
use RPC::XML::Client;

$RPC::XML::ENCODING = 'utf-8';
my $json = JSON::PP->new->utf8->allow_nonref;
my $client = RPC::XML::Client->new($ARGV[0]);

# What JSON read, as this library's types: it takes every number for a text's digits otherwise, and text for bytes.
sub typed {
    my ($value) = @_;
    return RPC::XML::struct->new({ map { $_ => typed($value->{$_}) } keys %$value }) if ref $value eq 'HASH';
    return RPC::XML::array->new(map { typed($_) } @$value) if ref $value eq 'ARRAY';
    return RPC::XML::boolean->new($value ? 1 : 0) if JSON::PP::is_bool($value);
    return RPC::XML::smart_encode($value) if $value =~ /^-?\d+(\.\d+)?$/;
    return RPC::XML::string->new($value);
}

# A value that came back, for JSON.
sub plain {
    my ($value) = @_;
    return { map { $_ => plain($value->{$_}) } keys %$value } if $value->isa('RPC::XML::struct');
    return [ map { plain($_) } @{ $value } ] if $value->isa('RPC::XML::array');
    return $value->value ? JSON::PP::true : JSON::PP::false if $value->isa('RPC::XML::boolean');
    return unpack('H*', $value->value) if $value->isa('RPC::XML::base64');
    return $value->value if $value->isa('RPC::XML::string');
    return $value->value =~ s/[-]//gr if $value->isa('RPC::XML::datetime_iso8601');
    return $value->value + 0;
}

sub call {
    my ($method, @arguments) = @_;
    my $answer = $client->send_request($method, @arguments);
    die "$method: $answer" unless ref $answer;
    return $answer;
}

my $sent = $json->decode(do { local $/; <STDIN> });
my %results = map { $_ => plain(call("validator1.$_", map { typed($_) } @{ $sent->{$_} })) } keys %$sent;
$results{manyTypesTest} = plain(call(
    'validator1.manyTypesTest',
    RPC::XML::int->new(42), RPC::XML::boolean->new(1), RPC::XML::string->new('text & <more>'),
    RPC::XML::double->new(3.25), RPC::XML::datetime_iso8601->new('20260102T03:04:05'),
    RPC::XML::base64->new(pack('C*', 0 .. 255)),
));
my $fault = call('validator1.refuse', 'luck');
$results{fault} = [ $fault->code + 0, $fault->string ] if $fault->is_fault;
my $unknown = call('validator1.none');
$results{unknown} = $unknown->code + 0 if $unknown->is_fault;
my %listed = map { $_ => 1 } @{ call('system.listMethods')->value };
my @missing = grep { !$listed{"validator1.$_"} } keys %$sent, 'manyTypesTest';
$results{methods} = @missing ? JSON::PP::false : JSON::PP::true;
print $json->encode(\%results);
