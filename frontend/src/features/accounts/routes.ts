/** The pages of accounts. */
import type { RouteRecordRaw } from 'vue-router'
// In the entry chunk, not lazy: it is the first page that most visitors see.
import SignInPage from './SignInPage.vue'

export const accountsPublicRoutes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: SignInPage, meta: { public: true, title: 'accounts.signIn' } },
]
