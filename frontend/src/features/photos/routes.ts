/** The pages of photos. */
import type { RouteRecordRaw } from 'vue-router'

const PhotosPage = () => import('./PhotosPage.vue')

export const photosRoutes: RouteRecordRaw[] = [
  {
    path: 'photos/:id(\\d+)?',
    name: 'photos',
    component: PhotosPage,
    props: (to) => ({ uid: null, opened: photoId(to.params['id']) }),
    meta: { title: 'photos.titleOf' },
  },
  {
    path: 'users/:uid(\\d+)/photos/:id(\\d+)?',
    name: 'user-photos',
    component: PhotosPage,
    props: (to) => ({ uid: Number(to.params['uid']), opened: photoId(to.params['id']) }),
    meta: { title: 'photos.titleOf', roles: ['staff', 'admin'] },
  },
]

function photoId(parameter: string | string[] | undefined): number | null {
  return parameter ? Number(parameter) : null
}
