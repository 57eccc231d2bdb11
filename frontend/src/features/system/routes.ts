/** The pages that belong to no resource: settings, and what to show when there is no page. */
import type { RouteRecordRaw } from 'vue-router'

export const systemRoutes: RouteRecordRaw[] = [
  {
    path: 'settings',
    name: 'settings',
    component: () => import('./SettingsPage.vue'),
    meta: { title: 'system.settings' },
  },
]

// Both keep the address that was asked for; only the guard names `forbidden`.
export const systemPublicRoutes: RouteRecordRaw[] = [
  {
    path: '/:path(.*)*',
    name: 'not-found',
    component: () => import('./NotFoundPage.vue'),
    meta: { public: true, title: 'system.notFound' },
  },
  {
    path: '/:path(.*)*',
    name: 'forbidden',
    component: () => import('./ForbiddenPage.vue'),
    meta: { public: true, title: 'system.forbidden' },
  },
]
