/** An image behind the access token: fetched when it comes into view, shown as a blob URL, released when it goes. */
import { onBeforeUnmount, onMounted, ref, watch, type Ref } from 'vue'

export interface BlobImage {
  /** Address for `img src`; null until loaded. */
  url: Ref<string | null>
  failed: Ref<boolean>
}

const NEAR = '300px' // how far outside the window an image starts to load

export function useBlobImage(
  frame: Readonly<Ref<HTMLElement | null>>,
  load: (signal: AbortSignal) => Promise<Blob>,
  key: () => unknown,
): BlobImage {
  const url = ref<string | null>(null)
  const failed = ref(false)
  let loading: AbortController | null = null
  let observer: IntersectionObserver | null = null

  function release(): void {
    loading?.abort()
    loading = null
    if (url.value) URL.revokeObjectURL(url.value)
    url.value = null
    failed.value = false
  }

  async function fetchImage(): Promise<void> {
    release()
    const mine = (loading = new AbortController())
    try {
      const blob = await load(mine.signal)
      if (!mine.signal.aborted) url.value = URL.createObjectURL(blob)
    } catch {
      if (!mine.signal.aborted) failed.value = true
    }
  }

  function awaitView(): void {
    observer?.disconnect()
    observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return
        observer?.disconnect()
        void fetchImage()
      },
      { rootMargin: NEAR },
    )
    if (frame.value) observer.observe(frame.value)
  }

  onMounted(awaitView)
  watch(key, () => {
    release()
    awaitView()
  })
  onBeforeUnmount(() => {
    observer?.disconnect()
    release()
  })
  return { url, failed }
}
