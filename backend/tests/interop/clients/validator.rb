# The validator's methods by Ruby's xmlrpc: arguments come as JSON on standard input, results go out the same way.
require 'json'
require 'xmlrpc/client'

client = XMLRPC::Client.new_from_uri(ARGV[0])
sent = JSON.parse($stdin.read)
results = sent.to_h { |name, arguments| [name, client.call("validator1.#{name}", *arguments)] }

moment = XMLRPC::DateTime.new(2026, 1, 2, 3, 4, 5)
bytes = XMLRPC::Base64.new((0..255).to_a.pack('C*'))
many = client.call('validator1.manyTypesTest', 42, true, 'text & <more>', 3.25, moment, bytes)
many[4] = many[4].to_time.strftime('%Y%m%dT%H:%M:%S')
many[5] = many[5].unpack1('H*')
results['manyTypesTest'] = many

okay, fault = client.call2('validator1.refuse', 'luck')
results['fault'] = [fault.faultCode, fault.faultString] unless okay
okay, fault = client.call2('validator1.none')
results['unknown'] = fault.faultCode unless okay
names = (sent.keys + ['manyTypesTest']).map { |name| "validator1.#{name}" }
results['methods'] = (names - client.call('system.listMethods')).empty?
puts JSON.generate(results)
