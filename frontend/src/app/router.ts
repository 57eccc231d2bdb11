/** Every page: the routes of the features, put together. */
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { accountsPublicRoutes } from '@/features/accounts/routes'
import { photosRoutes } from '@/features/photos/routes'
import { systemPublicRoutes, systemRoutes } from '@/features/system/routes'

export const routes: RouteRecordRaw[] = [
  ...accountsPublicRoutes,
  {
    path: '/',
    component: () => import('@/layouts/AppLayout.vue'),
    children: [{ path: '', redirect: { name: 'photos' } }, ...photosRoutes, ...systemRoutes],
  },
  ...systemPublicRoutes,
]

export const makeRouter = () =>
  createRouter({
    history: createWebHistory(import.meta.env.BASE_URL),
    routes,
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? {} : { top: 0 }),
  })
