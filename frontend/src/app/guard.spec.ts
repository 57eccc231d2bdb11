import { describe, expect, it } from 'vitest'
import { createMemoryHistory, createRouter, type RouteLocationNormalized } from 'vue-router'
import type { Role } from '@/api/types'
import { verdict } from './guard'

const page = { render: () => null }
const router = createRouter({
  history: createMemoryHistory(),
  routes: [
    { path: '/sign-in', name: 'sign-in', component: page, meta: { public: true } },
    { path: '/photos', name: 'photos', component: page },
    { path: '/staff', component: page, meta: { roles: ['staff', 'admin'] } },
    { path: '/:path(.*)*', name: 'not-found', component: page, meta: { public: true } },
    { path: '/:path(.*)*', name: 'forbidden', component: page, meta: { public: true } },
  ],
})
const to = (path: string) => router.resolve(path) as unknown as RouteLocationNormalized
const visitor = { signedIn: false, hasRole: () => false }
const user = (role: Role) => ({ signedIn: true, hasRole: (roles: readonly Role[]) => roles.includes(role) })

describe('verdict', () => {
  it('sends a visitor to the sign-in page and notes where he wanted to go', () => {
    expect(verdict(to('/photos?page=2'), visitor)).toEqual({ name: 'sign-in', query: { next: '/photos?page=2' } })
  })

  it('lets a visitor see public pages', () => {
    expect(verdict(to('/sign-in'), visitor)).toBe(true)
    expect(verdict(to('/nowhere'), visitor)).toBe(true)
  })

  it('sends a user away from the sign-in page, never to another site', () => {
    expect(verdict(to('/sign-in?next=/photos'), user('user'))).toBe('/photos')
    expect(verdict(to('/sign-in?next=//evil.example'), user('user'))).toBe('/')
  })

  it('shows the forbidden page under the same address', () => {
    const forbidden = verdict(to('/staff'), user('user'))
    expect(forbidden).toMatchObject({ name: 'forbidden' })
    expect(router.resolve(forbidden as object).fullPath).toBe('/staff')
    expect(verdict(to('/staff'), user('staff'))).toBe(true)
  })
})
