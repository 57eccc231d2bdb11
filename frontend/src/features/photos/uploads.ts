/** Photos on their way to the server: a queue that outlives the page it was filled on. */
import { defineStore } from 'pinia'
import { computed, reactive, ref } from 'vue'
import { isAborted } from '@/api/errors'
import type { Owner } from '@/api/types'
import { photoSender } from '@/api/upload'
import { useConfig } from '@/app/config'
import { useLocale } from '@/app/locale'
import { describe } from '@/app/problems'
import { useSession } from '@/app/session'

export const ACCEPTED = ['image/jpeg', 'image/png', 'image/webp']
const AT_ONCE = 2

export interface UploadItem {
  readonly id: number
  readonly owner: Owner
  readonly file: File
  state: 'waiting' | 'sending' | 'done' | 'failed'
  /** How much has gone out, 0 to 1. */
  share: number
  /** Why it failed, in the reader's words. */
  reason: string
  /** False when another try cannot help: the file itself was refused. */
  retryable: boolean
}

export const useUploads = defineStore('uploads', () => {
  const items = ref<UploadItem[]>([])
  const finished = ref(0)
  const running = new Map<number, AbortController>()
  const { t, formatSize } = useLocale()
  const config = useConfig()
  const send = photoSender(useSession().tokens)
  let lastId = 0

  const active = computed(() => items.value.filter(({ state }) => state === 'waiting' || state === 'sending'))
  const failed = computed(() => items.value.filter(({ state }) => state === 'failed'))

  function add(owner: Owner, files: Iterable<File>): void {
    if (active.value.length === 0) items.value = failed.value
    for (const file of files) {
      const reason = refusal(file)
      const state = reason ? 'failed' : 'waiting'
      items.value.push(reactive({ id: ++lastId, owner, file, state, share: 0, reason, retryable: !reason }))
    }
    advance()
  }

  function retry(item: UploadItem): void {
    Object.assign(item, { state: 'waiting', share: 0, reason: '' })
    advance()
  }

  /** Cancels it if it is under way, and takes it off the list. */
  function drop(item: UploadItem): void {
    running.get(item.id)?.abort()
    items.value = items.value.filter(({ id }) => id !== item.id)
  }

  function clear(): void {
    for (const item of items.value) drop(item)
  }

  function refusal(file: File): string {
    const limit = config.config.max_upload_bytes
    if (!ACCEPTED.includes(file.type)) return t('photos.uploadType')
    return file.size > limit ? t('photos.uploadTooLarge', { size: formatSize(limit) }) : ''
  }

  function advance(): void {
    const waiting = items.value.filter(({ state }) => state === 'waiting')
    for (const item of waiting.slice(0, Math.max(0, AT_ONCE - running.size))) void start(item)
  }

  async function start(item: UploadItem): Promise<void> {
    const controller = new AbortController()
    running.set(item.id, controller)
    item.state = 'sending'
    try {
      await send({
        owner: item.owner,
        file: item.file,
        title: titleOf(item.file.name),
        signal: controller.signal,
        onProgress: (share) => (item.share = share),
      })
      item.state = 'done'
      finished.value += 1
    } catch (error) {
      if (!isAborted(error)) Object.assign(item, { state: 'failed', reason: describe(error, t) })
    } finally {
      running.delete(item.id)
      advance()
    }
  }

  return { items, active, failed, finished, add, retry, drop, clear }
})

/** "IMG_2031-beach.jpeg" -> "IMG 2031-beach": what the photo is called until somebody says better. */
export function titleOf(fileName: string): string {
  const words = fileName
    .replace(/\.[^.]+$/, '')
    .replaceAll('_', ' ')
    .trim()
  return words || fileName
}
