<?php
// The validator's methods by PHP's xmlrpc: arguments come as JSON on standard input, results go out the same way.

const OPTIONS = ['encoding' => 'utf-8', 'escaping' => 'markup'];

// Objects stay objects. One whose names are all numbers would still be sent as an array, so the calendar gets another.
$sent = json_decode(stream_get_contents(STDIN));
$sent->nestedStructTest[0]->kind = 'gregorian';

function call(string $method, array $arguments): mixed
{
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => "Content-Type: text/xml\r\n",
        'content' => xmlrpc_encode_request($method, $arguments, OPTIONS),
    ]]);
    return xmlrpc_decode(file_get_contents($GLOBALS['argv'][1], false, $context), 'utf-8');
}

$results = [];
foreach ($sent as $name => $arguments) {
    $results[$name] = call("validator1.$name", $arguments);
}
$moment = '20260102T03:04:05';
$bytes = pack('C*', ...range(0, 255));
xmlrpc_set_type($moment, 'datetime');
xmlrpc_set_type($bytes, 'base64');
$many = call('validator1.manyTypesTest', [42, true, 'text & <more>', 3.25, $moment, $bytes]);
$many[4] = $many[4]->scalar;
$many[5] = bin2hex($many[5]->scalar);
$results['manyTypesTest'] = $many;
$fault = call('validator1.refuse', ['luck']);
$results['fault'] = xmlrpc_is_fault($fault) ? [$fault['faultCode'], $fault['faultString']] : null;
$unknown = call('validator1.none', []);
$results['unknown'] = xmlrpc_is_fault($unknown) ? $unknown['faultCode'] : null;
$names = array_map(fn ($name) => "validator1.$name", [...array_keys((array) $sent), 'manyTypesTest']);
$results['methods'] = array_diff($names, call('system.listMethods', [])) === [];
echo json_encode($results, JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION);
