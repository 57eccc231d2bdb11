// The validator's methods by npm's xmlrpc: arguments come as JSON on standard input, results go out the same way.
const xmlrpc = require('xmlrpc')

const sent = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const client = xmlrpc.createClient(process.argv[2])

function call(method, args) {
  return new Promise((resolve, reject) => {
    client.methodCall(method, args, (error, value) => (error ? reject(error) : resolve(value)))
  })
}

async function main() {
  const results = {}
  for (const [name, args] of Object.entries(sent)) {
    results[name] = await call(`validator1.${name}`, args)
  }
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, number) => number))
  const moment = new Date(2026, 0, 2, 3, 4, 5)
  const many = await call('validator1.manyTypesTest', [42, true, 'text & <more>', 3.25, moment, bytes])
  const two = (number) => String(number).padStart(2, '0')
  const date = many[4]
  many[4] =
    `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}` +
    `T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  many[5] = many[5].toString('hex')
  results.manyTypesTest = many
  await call('validator1.refuse', ['luck']).catch((error) => {
    results.fault = [error.faultCode, error.faultString]
  })
  await call('validator1.none', []).catch((error) => {
    results.unknown = error.faultCode
  })
  const methods = await call('system.listMethods', [])
  results.methods = [...Object.keys(sent), 'manyTypesTest'].every((name) => methods.includes(`validator1.${name}`))
  console.log(JSON.stringify(results))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
