/** Handing a picture to the browser's downloads. */
import type { Owner, Photo } from '@/api/types'
import { loadImage } from './usePhotos'

const SUFFIXES: Record<string, string> = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp' }

export async function downloadPhoto(owner: Owner, photo: Photo): Promise<void> {
  const url = URL.createObjectURL(await loadImage(owner, photo.id, 'original'))
  const link = document.createElement('a')
  link.href = url
  link.download = fileNameOf(photo)
  link.click()
  // The download has taken hold of the blob once the click is through.
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}

/** The title without what file systems refuse, and the type's suffix. */
export function fileNameOf({ title, content_type }: Pick<Photo, 'title' | 'content_type'>): string {
  const stem =
    title
      .replace(/[\\/:*?"<>|\p{Cc}]+/gu, ' ')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, 100) || 'photo'
  const suffix = SUFFIXES[content_type]
  return suffix ? `${stem}.${suffix}` : stem
}
