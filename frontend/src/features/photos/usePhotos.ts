/** Photos of the API: read through the query cache, changed through it. */
import { useMutation, useQuery, useQueryCache } from '@pinia/colada'
import { toValue, type MaybeRefOrGetter } from 'vue'
import {
  deletePhoto,
  getPhoto,
  getPhotoOriginal,
  getPhotoThumbnail,
  listPhotos,
  updatePhoto,
} from '@/api/generated/sdk.gen'
import type { Owner, Photo } from '@/api/types'
import { useSession } from '@/app/session'
import { PAGE_SIZE, type Filters } from './filters'

const FRESH = 30_000 // milliseconds an answer counts as current

export type ImageKind = 'original' | 'thumbnail'
export interface PhotoChanges {
  title: string
  description: string
}

/** One page of somebody's photos; keeps the page before on display while the next one comes. */
export function usePhotos(owner: MaybeRefOrGetter<Owner>, filters: MaybeRefOrGetter<Filters>) {
  const { key, enabled } = useOwnerKey(owner)
  return useQuery({
    enabled,
    key: () => [...key(), 'page', { ...toValue(filters) }],
    query: async ({ signal }) => {
      const query = { ...toValue(filters), size: PAGE_SIZE }
      return (await listPhotos({ path: { uid: toValue(owner) }, query, signal, throwOnError: true })).data
    },
    placeholderData: (before) => before,
    staleTime: FRESH,
  })
}

/** One photo; `known` shows what the list knows of it until the answer is there. */
export function usePhoto(
  owner: MaybeRefOrGetter<Owner>,
  id: MaybeRefOrGetter<number>,
  known: MaybeRefOrGetter<Photo | undefined>,
) {
  const { key, enabled } = useOwnerKey(owner)
  return useQuery({
    enabled,
    key: () => [...key(), 'photo', toValue(id)],
    query: async ({ signal }) =>
      (await getPhoto({ path: { uid: toValue(owner), id: toValue(id) }, signal, throwOnError: true })).data,
    placeholderData: () => toValue(known),
    staleTime: FRESH,
  })
}

export function useSavePhoto(owner: MaybeRefOrGetter<Owner>) {
  const refresh = useRefreshPhotos()
  return useMutation({
    mutation: async ({ id, changes }: { id: number; changes: PhotoChanges }) =>
      (await updatePhoto({ path: { uid: toValue(owner), id }, body: changes, throwOnError: true })).data,
    onSuccess: () => refresh(),
  })
}

export function useDeletePhoto(owner: MaybeRefOrGetter<Owner>) {
  const refresh = useRefreshPhotos()
  return useMutation({
    mutation: (id: number) => deletePhoto({ path: { uid: toValue(owner), id }, throwOnError: true }),
    onSuccess: (_, id) => refresh(id),
  })
}

/** Asks again for what is on display of photos; of a photo that is gone nothing more is asked. */
export function useRefreshPhotos(): (gone?: number) => void {
  const cache = useQueryCache()
  return (gone) => {
    const isGone = ({ key }: { key: readonly unknown[] }) => key[3] === 'photo' && key[4] === gone
    void cache.invalidateQueries({ key: ['photos'], predicate: isGone }, false)
    // A failure is the queries' own state, and being overtaken by the next refresh is none.
    cache.invalidateQueries({ key: ['photos'], predicate: (entry) => !isGone(entry) }).catch(() => undefined)
  }
}

/** The bytes: behind the access token, so an `img` cannot fetch them itself. */
export async function loadImage(owner: Owner, id: number, kind: ImageKind, signal?: AbortSignal): Promise<Blob> {
  const ask = kind === 'original' ? getPhotoOriginal : getPhotoThumbnail
  const options = { path: { uid: owner, id }, parseAs: 'blob', signal: signal ?? null, throwOnError: true } as const
  return (await ask(options)).data as Blob
}

/** Nobody sees what the one signed in before has read: the key names the reader. Signed out, nothing is asked. */
function useOwnerKey(owner: MaybeRefOrGetter<Owner>) {
  const session = useSession()
  return {
    key: () => ['photos', session.user?.id ?? 0, toValue(owner)],
    enabled: () => session.signedIn,
  }
}
