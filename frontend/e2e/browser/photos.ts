/** Runs in the browser: calls PhotoService by gRPC-Web with Connect's client. */
import { createFileRegistry, fromBinary, toJson, type DescMessage, type Message } from '@bufbuild/protobuf'
import { base64Decode } from '@bufbuild/protobuf/wire'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, createClient, type CallOptions } from '@connectrpc/connect'
import { createGrpcWebTransport } from '@connectrpc/connect-web'

type Method = 'create' | 'get' | 'list' | 'update' | 'delete'
type Unary = (request: object, options?: CallOptions) => Promise<Message>
type Streaming = (request: object, options?: CallOptions) => AsyncIterable<Message>

export interface Told {
  created: unknown
  found: unknown
  total: unknown
  requestId: boolean
  watched: unknown
  missing: { code: string; message: string; details: string[] }
  stranger: string
}

/** What a visitor does with a photo; `contracts` is a FileDescriptorSet, which protoc writes, in base64. */
export async function story(contracts: string, token: string, picture: string, title: string): Promise<Told> {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, base64Decode(contracts)))
  const service = registry.getService('contracts.photos.v1.PhotoService')
  if (!service) throw new Error('the contracts describe no PhotoService')
  const transport = createGrpcWebTransport({ baseUrl: location.origin })
  const photos = createClient(service, transport) as unknown as Record<Method, Unary> & { watch: Streaming }
  const call = async (method: Method, request: object, options?: CallOptions) => photos[method](request, options)
  const json = (message: Message) => {
    const schema = registry.getMessage(message.$typeName) as DescMessage
    return toJson(schema, message) as Record<string, unknown>
  }
  const headers = { authorization: `Bearer ${token}` }
  const signed = { headers, timeoutMs: 20_000 }

  const created = json(
    await call('create', { user: 'me', filename: 'sea.png', content: base64Decode(picture), title }, signed),
  )
  const id = BigInt(String(created['id']))
  const found = json(await call('get', { user: 'me', id }, signed))
  let requestId = false
  const listed = json(
    await call(
      'list',
      { user: 'me', q: title },
      { ...signed, onHeader: (all) => (requestId = all.has('x-request-id')) },
    ),
  )
  const watched = await watch(
    photos.watch,
    async (number) => void (await call('update', { user: 'me', id, title: `${title} ${number}` }, signed)),
    headers,
  )
  await call('delete', { user: 'me', id }, signed)
  const missing = await failure(call('get', { user: 'me', id }, signed))
  const stranger = await failure(call('get', { user: 'me', id }))
  return {
    created,
    found,
    total: listed['total'],
    requestId,
    watched: json(watched),
    missing: {
      code: Code[missing.code],
      message: missing.rawMessage,
      details: missing.details.map((detail) => ('type' in detail ? detail.type : '')),
    },
    stranger: Code[stranger.code],
  }
}

/** The first change that a watch tells of; changes are made until it does, for it begins somewhat later. */
async function watch(
  open: Streaming,
  change: (number: number) => Promise<void>,
  headers: Record<string, string>,
): Promise<Message> {
  const end = new AbortController()
  const first = (async () => {
    for await (const message of open({ user: 'me' }, { headers, signal: end.signal })) return message
    throw new Error('the watch ended')
  })()
  for (let number = 0; number < 100; number += 1) {
    await change(number)
    const message = await Promise.race([first, new Promise<null>((resolve) => setTimeout(() => resolve(null), 100))])
    if (message) {
      end.abort()
      return message
    }
  }
  throw new Error('the watch told of nothing')
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call
  } catch (error) {
    return ConnectError.from(error)
  }
  throw new Error('the call succeeded')
}
