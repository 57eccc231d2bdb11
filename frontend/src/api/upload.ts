/** Sending one photo with progress. XMLHttpRequest, because fetch does not tell how much went out. */
import { tokenAfter, type Tokens } from './authorized'
import { ApiError, retryAfterSeconds } from './errors'
import type { Owner, Photo } from './types'

export interface Upload {
  owner: Owner
  file: File
  title: string
  signal: AbortSignal
  /** Called with the sent share, 0 to 1. */
  onProgress: (share: number) => void
}

export type SendPhoto = (upload: Upload) => Promise<Photo>

/** Sends with the current token; after a 401 renews it once and sends again. */
export function photoSender(tokens: Tokens): SendPhoto {
  return async (upload) => {
    const used = tokens.current()
    try {
      return await send(upload, used)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error
      const token = await tokenAfter(used, tokens)
      if (!token) throw error
      return send(upload, token)
    }
  }
}

function send(upload: Upload, token: string | null): Promise<Photo> {
  return new Promise((resolve, reject) => {
    if (upload.signal.aborted) return reject(aborted())
    const request = new XMLHttpRequest()
    request.open('POST', `/api/v1/users/${upload.owner}/photos`)
    request.responseType = 'json'
    if (token) request.setRequestHeader('Authorization', `Bearer ${token}`)
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) upload.onProgress(event.loaded / event.total)
    })
    request.addEventListener('load', () => {
      if (request.status === 201) return resolve(request.response as Photo)
      reject(
        new ApiError(request.status, request.response, retryAfterSeconds(request.getResponseHeader('Retry-After'))),
      )
    })
    request.addEventListener('error', () => reject(new ApiError(0, null)))
    request.addEventListener('abort', () => reject(aborted()))
    upload.signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(form(upload))
  })
}

function form({ file, title }: Upload): FormData {
  const data = new FormData()
  data.append('title', title)
  data.append('file', file, file.name)
  return data
}

const aborted = () => new DOMException('The upload was cancelled.', 'AbortError')
